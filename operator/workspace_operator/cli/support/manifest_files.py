"""The manifests that ``apply`` and ``plan`` are given: files, folders, standard input, kustomizations."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.support.output import info
from workspace_operator.errors import InvalidInput

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.resources.manifests import Manifest, Manifests
    from workspace_operator.resources.problems import Problem

STANDARD_INPUT = Path("-")
KUSTOMIZE_TIMEOUT_SECONDS = 120
MAX_PROBLEMS = 50
MAX_NAMED_WITHOUT_MANIFEST = 5


def _parse_path(text: str) -> Path:
    if not text:  # a variable that was not set; as a path it would be the current folder
        raise typer.BadParameter("the name is empty: name a file or a folder, or . for the current one")
    return Path(text)


Filenames = Annotated[
    list[Path] | None,
    typer.Option(
        "-f",
        "--filename",
        metavar="FILE|FOLDER|-",
        parser=_parse_path,
        help="Manifests of Workspaces; - is standard input. Can be given several times.",
    ),
]
Kustomize = Annotated[
    str | None,
    typer.Option("-k", "--kustomize", metavar="FOLDER", help="A kustomization, built by kustomize or kubectl."),
]
Recursive = Annotated[bool, typer.Option("-R", "--recursive", help="Read the folders in folders, too.")]


def read_manifests(filenames: Sequence[Path] | None, kustomize: str | None, *, recursive: bool) -> "Manifests":
    """Read the manifests that a command is given; tells which objects are left out. Raises InvalidInput."""
    from workspace_operator.resources.manifests import load_manifests

    paths, texts = list(filenames or ()), {}
    if not paths and kustomize is None:
        raise typer.BadParameter("name manifests with -f FILE or -k FOLDER")
    if STANDARD_INPUT in paths:
        paths = [path for path in paths if path != STANDARD_INPUT]
        texts["standard input"] = _read_standard_input()
    if kustomize is not None:
        texts[f"kustomization {kustomize}"] = _build_kustomization(kustomize)
    found = load_manifests(*paths, recursive=recursive, texts=texts)
    for other in found.others:
        info(f"left out: {other.title} ({other.location()})")
    return found


def refuse_problems(problems: "Iterable[tuple[Manifest, Problem]]", headline: str) -> None:
    """Refuse manifests that have problems, and say which, up to a number. Raises InvalidInput."""
    lines = [f"{manifest.title}: {manifest.locate(problem)}" for manifest, problem in problems]
    if not lines:
        return
    rest = [f"and {len(lines) - MAX_PROBLEMS} more problems"] if len(lines) > MAX_PROBLEMS else []
    raise InvalidInput("\n".join([f"{headline}:", *lines[:MAX_PROBLEMS], *rest]))


def without_manifest_text(titles: Sequence[str]) -> str:
    """Tell of workspaces that belong to no manifest, each NAMESPACE/NAME."""
    if not titles:
        return ""
    count = "1 workspace of this cluster has" if len(titles) == 1 else f"{len(titles)} workspaces of this cluster have"
    named = ", ".join(titles[:MAX_NAMED_WITHOUT_MANIFEST])
    more = len(titles) - MAX_NAMED_WITHOUT_MANIFEST
    return f"{count} no manifest: kept ({named}{f' and {more} more' if more > 0 else ''})"


def _read_standard_input() -> bytes:
    from workspace_operator.resources.manifests import FILE_LIMIT_BYTES

    return sys.stdin.buffer.read(FILE_LIMIT_BYTES + 1)


def _build_kustomization(folder: str) -> bytes:
    """What a kustomization builds. Raises InvalidInput."""
    command = _kustomize_command()
    named = f"./{folder}" if folder.startswith("-") else folder
    try:
        completed = subprocess.run(  # noqa: S603 - the command is ours
            [*command, named], capture_output=True, timeout=KUSTOMIZE_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = f"{folder} is not built after {KUSTOMIZE_TIMEOUT_SECONDS} s of `{' '.join(command)}`"
        raise InvalidInput(message, field="-k") from error
    if completed.returncode:
        error_output = " ".join(completed.stderr.decode(errors="replace").split())[:500]
        raise InvalidInput(f"{folder} cannot be built by `{' '.join(command)}`: {error_output}", field="-k")
    return completed.stdout


def _kustomize_command() -> Sequence[str]:
    for program, word in (("kustomize", "build"), ("kubectl", "kustomize")):
        found = shutil.which(program)
        if found is not None:
            return (found, word)
    raise InvalidInput(
        "-k needs kustomize or kubectl on the PATH: install one, or pipe what it builds into -f -", field="-k"
    )
