"""Finds the manifests of Workspaces in files, folders and texts, and says where each thing stands.

A folder is read as ``kubectl apply -f`` reads it: its own *.yaml, *.yml and *.json files in the order of their names,
and those of folders in it only on request. Objects of other API groups (a Namespace, a Secret) are left out and named,
so that a folder made for a cluster can be used as it is. Unlike kubectl, two manifests of one resource are refused.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workspace_operator.errors import InvalidInput
from workspace_operator.resources.kubectl.yaml_documents import YamlDocument, documents_in
from workspace_operator.resources.problems import Problem, format_path, truncated
from workspace_operator.resources.workspaces import GROUP

SUFFIXES = {".yaml", ".yml", ".json"}
KUSTOMIZATIONS = {"kustomization.yaml", "kustomization.yml"}
FILE_LIMIT_BYTES = 1024 * 1024
MAX_WORD_LENGTH = 253
"""Characters of a name in a message: as long as a name may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One object of a file. ``number`` counts the file's documents from 1."""

    document: Mapping[str, Any]
    file: Path
    number: int
    lines: Mapping[str, int]

    @property
    def title(self) -> str:
        """What it is: apiVersion, kind and name."""
        metadata = self.document.get("metadata")
        name = metadata.get("name", "") if isinstance(metadata, Mapping) else ""
        words = (self.document["apiVersion"], self.document["kind"], name)
        return " ".join(truncated(str(word), MAX_WORD_LENGTH) for word in words).rstrip()

    def location(self, path: str = "") -> str:
        """File, document and line of a field, or of what is nearest above it."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return f"{self.file}, document {self.number}, line {self.lines[path]}"

    def locate(self, problem: Problem) -> str:
        """A problem with the place where it can be mended."""
        return f"{self.location(problem.path)}: {problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """What a file or folder holds: objects of our API group, and those of others, which are left out."""

    ours: tuple[Manifest, ...]
    others: tuple[Manifest, ...]


def load_manifests(*paths: Path, recursive: bool = False, texts: Mapping[str, bytes] | None = None) -> Manifests:
    """Read the manifests of files, of folders' files, and of texts.

    Args:
        paths: files and folders; a file that is named twice is read once.
        recursive: whether folders in folders are read, too.
        texts: more of them, by the names that messages call them by.

    Raises:
        InvalidInput: lists everything that cannot be read.
    """
    found: list[Manifest] = []
    refused: list[str] = []
    for file, content in _contents(paths, texts or {}, recursive=recursive):
        try:
            found += manifests_in(file, content)
        except InvalidInput as error:
            refused.append(str(error))
    ours = tuple(manifest for manifest in found if group_of(manifest) == GROUP)
    refused += duplicates(ours)
    if refused:
        raise InvalidInput("\n".join(refused))
    if not ours:
        named = ", ".join(map(str, [*paths, *(texts or {})]))
        raise InvalidInput(f"{named} holds no Workspace")
    return Manifests(ours=ours, others=tuple(other for other in found if group_of(other) != GROUP))


def _contents(
    paths: Iterable[Path], texts: Mapping[str, bytes], *, recursive: bool
) -> Iterator[tuple[Path, bytes | None]]:
    """What to read, and how to call it; None is what the file of that name holds."""
    seen: set[str] = set()
    for file in (file for path in paths for file in files_of(path, recursive=recursive)):
        place = os.path.realpath(file)
        if place not in seen:
            seen.add(place)
            yield file, None
    yield from ((Path(name), content) for name, content in texts.items())


def files_of(path: Path, *, recursive: bool = False) -> list[Path]:
    """The files to read of a file or folder."""
    if not path.is_dir():
        return [path]
    if not recursive:
        return _manifest_files(path.iterdir())
    return [file for folder in _folders(path) for file in _manifest_files(folder.iterdir())]


def _folders(path: Path) -> list[Path]:
    """A folder and all folders in it, in the order of their names; links are not followed."""
    return sorted(Path(folder) for folder, _, _ in os.walk(path))


def _manifest_files(files: Iterable[Path]) -> list[Path]:
    return [
        file
        for file in sorted(files)
        if file.suffix in SUFFIXES and file.name not in KUSTOMIZATIONS and not file.is_dir()
    ]


def manifests_in(file: Path, content: bytes | None = None) -> list[Manifest]:
    """The objects of one file. InvalidInput says the file, and the document and line if there is one."""
    try:
        text = text_of(content_of(file) if content is None else content)
        return [manifest for document in documents_in(text) for manifest in objects_of(document, file)]
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}") from error


def content_of(file: Path) -> bytes:
    """What a file holds; a byte more than is allowed is enough to see that there is too much. Raises InvalidInput."""
    try:
        with file.open("rb") as stream:
            return stream.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}") from error


def text_of(content: bytes) -> str:
    """The text of a file, which must be UTF-8 and of a size that people write. Raises InvalidInput."""
    if len(content) > FILE_LIMIT_BYTES:
        raise InvalidInput(f"is larger than {FILE_LIMIT_BYTES} bytes: split it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"must be UTF-8, which byte {error.start} is not") from error


def objects_of(document: YamlDocument, file: Path) -> Iterator[Manifest]:
    """The object of a document; of a list, as ``kubectl get -o yaml`` writes it, its items."""
    manifest = manifest_of(document, file)
    items = manifest.document.get("items")
    if not manifest.document["kind"].endswith("List") or not isinstance(items, list):
        yield manifest
        return
    # What a merge key brings has no lines of its own.
    lines: list[dict[tuple[str | int, ...], int]] = [{(): document.lines[()]} for _ in items]
    for path, line in document.lines.items():
        if path[:1] == ("items",) and len(path) > 1:
            lines[int(path[1])][path[2:]] = line
    for item, theirs in zip(items, lines, strict=True):
        yield manifest_of(replace(document, value=item, lines=theirs), file)


def manifest_of(document: YamlDocument, file: Path) -> Manifest:
    """A document that is an object of some kind."""
    value = document.value
    named = isinstance(value, Mapping) and all(isinstance(value.get(key), str) for key in ("apiVersion", "kind"))
    if not named:
        where = f"document {document.number}, line {document.lines[()]}"
        raise InvalidInput(f"{where}: must be an object with apiVersion and kind")
    lines = {format_path(path): line for path, line in document.lines.items()}
    return Manifest(document=value, file=file, number=document.number, lines=lines)


def group_of(manifest: Manifest) -> str:
    """The API group; for the core group, which has no name, the version."""
    return str(manifest.document["apiVersion"]).partition("/")[0]


def namespace_and_name(document: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of an object; where no namespace is said, or an empty one, it is default."""
    metadata = document["metadata"]
    return str(metadata.get("namespace") or "default"), str(metadata.get("name"))


def duplicates(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Says for each resource that has two manifests where they are: one would undo the other."""
    seen: dict[tuple[str, str], Manifest] = {}
    for manifest in manifests:
        metadata = manifest.document.get("metadata")
        if not isinstance(metadata, Mapping):
            continue
        key = namespace_and_name(manifest.document)
        first = seen.setdefault(key, manifest)
        if first is not manifest:
            yield f"{manifest.location('metadata.name')}: {manifest.title} is given already in {first.location()}"
