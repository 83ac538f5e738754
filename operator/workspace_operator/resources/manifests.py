"""Loads the manifests of Workspaces from files, folders and texts, with the line of each field.

A folder is read as by ``kubectl apply -f``: its own *.yaml, *.yml and *.json files in the order of their names, and
those of its folders only on request. Objects of other API groups (a Namespace, a Secret) are returned separately, so
that a folder for a cluster can be used as it is. Unlike kubectl, two manifests of one resource are an error.
"""

import os
import re
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
"""Characters of a name in a message: the longest name that Kubernetes allows."""

_LINE = re.compile(r"\bline (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One object of a file. ``number`` counts the file's documents from 1."""

    document: Mapping[str, Any]
    file: Path
    number: int
    lines: Mapping[str, int]

    @property
    def title(self) -> str:
        """apiVersion, kind and name."""
        metadata = self.document.get("metadata")
        name = metadata.get("name", "") if isinstance(metadata, Mapping) else ""
        words = (self.document["apiVersion"], self.document["kind"], name)
        return " ".join(truncated(str(word), MAX_WORD_LENGTH) for word in words).rstrip()

    def line(self, path: str = "") -> int:
        """The line of a field, or of its nearest parent that has a line."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines[path]

    def location(self, path: str = "") -> str:
        """File, document and line of a field, or of its nearest parent that has a line."""
        return f"{self.file}, document {self.number}, line {self.line(path)}"

    def locate(self, problem: Problem) -> str:
        """A problem with its location."""
        return f"{self.location(problem.path)}: {problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableFile:
    """A file or text without usable manifests, and why; the message has the document and the line, if known."""

    file: Path
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"

    @property
    def line(self) -> int | None:
        """The line that the message names."""
        found = _LINE.search(self.message)
        return None if found is None else int(found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """The objects of our API group, those of other groups, and the files that cannot be read."""

    ours: tuple[Manifest, ...]
    others: tuple[Manifest, ...]
    unreadable: tuple[UnreadableFile, ...] = ()


def load_manifests(
    *paths: Path, recursive: bool = False, texts: Mapping[str, bytes] | None = None, may_be_empty: bool = False
) -> Manifests:
    """Read the manifests of files, of folders' files, and of texts. Raises InvalidInput with all that cannot be read.

    A file that is given twice is read once. Messages use the names of the texts. Without ``may_be_empty``, the lack of
    an object of our API group is an error.
    """
    found = collect_manifests(*paths, recursive=recursive, texts=texts, may_be_empty=may_be_empty)
    refused = [*map(str, found.unreadable), *duplicates(found.ours)]
    if refused:
        raise InvalidInput("\n".join(refused))
    return found


def collect_manifests(
    *paths: Path, recursive: bool = False, texts: Mapping[str, bytes] | None = None, may_be_empty: bool = False
) -> Manifests:
    """As `load_manifests`, with the unreadable files as a part of the result, and with several manifests of a resource.

    Raises InvalidInput if every file can be read, and none has an object of our API group.
    """
    found: list[Manifest] = []
    unreadable: list[UnreadableFile] = []
    for file, content in _contents(paths, texts or {}, recursive=recursive):
        try:
            found += _objects_in(file, content)
        except InvalidInput as error:
            unreadable.append(UnreadableFile(file=file, message=str(error)))
    ours = tuple(manifest for manifest in found if group_of(manifest) == GROUP)
    if not ours and not unreadable and not may_be_empty:
        named = ", ".join(map(str, [*paths, *(texts or {})]))
        raise InvalidInput(f"{named}: no Workspace found")
    others = tuple(other for other in found if group_of(other) != GROUP)
    return Manifests(ours=ours, others=others, unreadable=tuple(unreadable))


def _contents(
    paths: Iterable[Path], texts: Mapping[str, bytes], *, recursive: bool
) -> Iterator[tuple[Path, bytes | None]]:
    """The names and contents to read; None stands for the content of the file of that name."""
    seen: set[str] = set()
    for file in (file for path in paths for file in files_of(path, recursive=recursive)):
        place = os.path.realpath(file)
        if place not in seen:
            seen.add(place)
            yield file, None
    yield from ((Path(name), content) for name, content in texts.items())


def files_of(path: Path, *, recursive: bool = False) -> list[Path]:
    """The manifest files of a folder, or the given file."""
    if not path.is_dir():
        return [path]
    if not recursive:
        return _manifest_files(path.iterdir())
    folders = sorted(Path(folder) for folder, _, _ in os.walk(path))  # without following links
    return [file for folder in folders for file in _manifest_files(folder.iterdir())]


def _manifest_files(files: Iterable[Path]) -> list[Path]:
    return [
        file
        for file in sorted(files)
        if file.suffix in SUFFIXES and file.name not in KUSTOMIZATIONS and not file.is_dir()
    ]


def _objects_in(file: Path, content: bytes | None) -> list[Manifest]:
    text = text_of(content_of(file) if content is None else content)
    return [manifest for document in documents_in(text) for manifest in objects_of(document, file)]


def content_of(file: Path) -> bytes:
    """The content of a file, up to one byte over the limit, which `text_of` refuses. Raises InvalidInput."""
    try:
        with file.open("rb") as stream:
            return stream.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}") from error


def text_of(content: bytes) -> str:
    """The text of a file, which must be UTF-8 and within the size limit. Raises InvalidInput."""
    if len(content) > FILE_LIMIT_BYTES:
        raise InvalidInput(f"is larger than {FILE_LIMIT_BYTES} bytes: split it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"must be UTF-8, which byte {error.start} is not") from error


def objects_of(document: YamlDocument, file: Path) -> Iterator[Manifest]:
    """The object of a document, or the items of a list, as ``kubectl get -o yaml`` writes it."""
    manifest = manifest_of(document, file)
    items = manifest.document.get("items")
    if not manifest.document["kind"].endswith("List") or not isinstance(items, list):
        yield manifest
        return
    # Values of a merge key have no lines of their own.
    lines: list[dict[tuple[str | int, ...], int]] = [{(): document.lines[()]} for _ in items]
    for path, line in document.lines.items():
        if path[:1] == ("items",) and len(path) > 1:
            lines[int(path[1])][path[2:]] = line
    for item, item_lines in zip(items, lines, strict=True):
        yield manifest_of(replace(document, value=item, lines=item_lines), file)


def manifest_of(document: YamlDocument, file: Path) -> Manifest:
    """The manifest of a document, which must be an object of some kind. Raises InvalidInput."""
    value = document.value
    named = isinstance(value, Mapping) and all(isinstance(value.get(key), str) for key in ("apiVersion", "kind"))
    if not named:
        where = f"document {document.number}, line {document.lines[()]}"
        raise InvalidInput(f"{where}: must be an object with apiVersion and kind")
    lines = {format_path(path): line for path, line in document.lines.items()}
    return Manifest(document=value, file=file, number=document.number, lines=lines)


def group_of(manifest: Manifest) -> str:
    """The API group; for the core group, which has no name, its version."""
    return str(manifest.document["apiVersion"]).partition("/")[0]


def namespace_and_name(document: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of an object; without a namespace, ``default``."""
    metadata = document["metadata"]
    return str(metadata.get("namespace") or "default"), str(metadata.get("name"))


def duplicates(manifests: Iterable[Manifest]) -> Iterator[str]:
    """A message for each second manifest of a resource: one would undo the other."""
    for manifest, problem in duplicate_problems(manifests):
        yield f"{manifest.location(problem.path)}: {problem.message}"


def duplicate_problems(manifests: Iterable[Manifest]) -> Iterator[tuple[Manifest, Problem]]:
    """Each second manifest of a resource, with its problem."""
    seen: dict[tuple[str, str, str], Manifest] = {}
    for manifest in manifests:
        if not isinstance(manifest.document.get("metadata"), Mapping):
            continue
        kind = str(manifest.document["kind"])
        first = seen.setdefault((kind, *namespace_and_name(manifest.document)), manifest)
        if first is not manifest:
            message = f"{manifest.title} is already given in {first.location()}"
            yield manifest, Problem(path="metadata.name", message=message)
