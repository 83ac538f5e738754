"""The manifests that ``apply`` and ``plan`` are given: files, folders, standard input, kustomizations."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.output import note
from workspace_operator.errors import InvalidInput

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.resources.manifests import Manifest, Manifests
    from workspace_operator.resources.problems import Problem

STANDARD_INPUT = Path("-")
KUSTOMIZE_SECONDS = 120
MOST_PROBLEMS = 50
NAMED_WITHOUT_MANIFEST = 5


def _path(text: str) -> Path:
    if not text:  # a variable that was not set; as a path it would be the current folder
        raise typer.BadParameter("the name is empty: name a file or a folder, or . for the current one")
    return Path(text)


Filenames = Annotated[
    list[Path] | None,
    typer.Option(
        "-f",
        "--filename",
        metavar="FILE|FOLDER|-",
        parser=_path,
        help="Manifests of Workspaces; - is standard input. Can be given several times.",
    ),
]
Kustomize = Annotated[
    str | None,
    typer.Option("-k", "--kustomize", metavar="FOLDER", help="A kustomization, built by kustomize or kubectl."),
]
Recursive = Annotated[bool, typer.Option("-R", "--recursive", help="Read the folders in folders, too.")]


def manifests_of(filenames: Sequence[Path] | None, kustomize: str | None, *, recursive: bool) -> "Manifests":
    """Read the manifests that a command is given; tells which objects are left out. Raises InvalidInput."""
    from workspace_operator.resources.manifests import load_manifests

    paths, texts = list(filenames or ()), {}
    if not paths and kustomize is None:
        raise typer.BadParameter("name manifests with -f FILE or -k FOLDER")
    if STANDARD_INPUT in paths:
        paths = [path for path in paths if path != STANDARD_INPUT]
        texts["standard input"] = _standard_input()
    if kustomize is not None:
        texts[f"kustomization {kustomize}"] = _built(kustomize)
    found = load_manifests(*paths, recursive=recursive, texts=texts)
    for other in found.others:
        note(f"left out: {other.title} ({other.where()})")
    return found


def refuse_problems(problems: "Iterable[tuple[Manifest, Problem]]", beginning: str) -> None:
    """Refuse manifests that have problems, and say which, up to a number. Raises InvalidInput."""
    told = [f"{manifest.title}: {manifest.told(problem)}" for manifest, problem in problems]
    if not told:
        return
    rest = [f"and {len(told) - MOST_PROBLEMS} more problems"] if len(told) > MOST_PROBLEMS else []
    raise InvalidInput("\n".join([f"{beginning}:", *told[:MOST_PROBLEMS], *rest]))


def without_manifest_text(titles: Sequence[str]) -> str:
    """Tell of workspaces that belong to no manifest, each NAMESPACE/NAME."""
    if not titles:
        return ""
    count = "1 workspace of this cluster has" if len(titles) == 1 else f"{len(titles)} workspaces of this cluster have"
    named = ", ".join(titles[:NAMED_WITHOUT_MANIFEST])
    more = len(titles) - NAMED_WITHOUT_MANIFEST
    return f"{count} no manifest: kept ({named}{f' and {more} more' if more > 0 else ''})"


def _standard_input() -> bytes:
    from workspace_operator.resources.manifests import FILE_LIMIT_BYTES

    return sys.stdin.buffer.read(FILE_LIMIT_BYTES + 1)


def _built(folder: str) -> bytes:
    """What a kustomization builds. Raises InvalidInput."""
    command = _kustomize()
    named = f"./{folder}" if folder.startswith("-") else folder
    try:
        done = subprocess.run([*command, named], capture_output=True, timeout=KUSTOMIZE_SECONDS, check=False)  # noqa: S603 - a program of that name on the user's PATH, and no shell
    except subprocess.TimeoutExpired as error:
        message = f"{folder} is not built after {KUSTOMIZE_SECONDS} s of `{' '.join(command)}`"
        raise InvalidInput(message, field="-k") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[:500]
        raise InvalidInput(f"{folder} cannot be built by `{' '.join(command)}`: {said}", field="-k")
    return done.stdout


def _kustomize() -> Sequence[str]:
    for program, word in (("kustomize", "build"), ("kubectl", "kustomize")):
        found = shutil.which(program)
        if found is not None:
            return (found, word)
    raise InvalidInput(
        "-k needs kustomize or kubectl on the PATH: install one, or pipe what it builds into -f -", field="-k"
    )
