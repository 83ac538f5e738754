"""The manifests that ``apply``, ``plan`` and ``validate`` read: files, folders, standard input and kustomizations."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from workspace_operator.cli.support.output import info
from workspace_operator.errors import InvalidInput
from workspace_operator.resources.manifests import (
    FILE_LIMIT_BYTES,
    Manifest,
    Manifests,
    collect_manifests,
    load_manifests,
)
from workspace_operator.resources.problems import Problem

STANDARD_INPUT = Path("-")
KUSTOMIZE_TIMEOUT_SECONDS = 120
MAX_PROBLEMS = 50


def _parse_path(text: str) -> Path:
    if not text:  # an unset shell variable; Path("") would be the current folder
        raise typer.BadParameter("the name is empty: give a file or a folder, or . for the current folder")
    return Path(text)


Filenames = Annotated[
    list[Path] | None,
    typer.Option(
        "-f",
        "--filename",
        metavar="FILE|FOLDER|-",
        parser=_parse_path,
        help="Manifests of Workspaces and Accounts; - is standard input. Can be given several times.",
    ),
]
Kustomize = Annotated[
    str | None,
    typer.Option("-k", "--kustomize", metavar="FOLDER", help="A kustomization, built by kustomize or kubectl."),
]
Recursive = Annotated[bool, typer.Option("-R", "--recursive", help="Also read subfolders.")]


def read_manifests(
    filenames: Sequence[Path] | None, kustomize: str | None, *, recursive: bool, may_be_empty: bool = False
) -> Manifests:
    """Read the manifests of a command, and print which other objects are ignored. Raises InvalidInput."""
    load = partial(load_manifests, may_be_empty=may_be_empty)
    return _without_others(load, filenames, kustomize, recursive=recursive)


def read_all_manifests(filenames: Sequence[Path] | None, kustomize: str | None, *, recursive: bool) -> Manifests:
    """As `read_manifests`, with unreadable files as a part of the result."""
    return _without_others(collect_manifests, filenames, kustomize, recursive=recursive)


def _without_others(
    load: Callable[..., Manifests], filenames: Sequence[Path] | None, kustomize: str | None, *, recursive: bool
) -> Manifests:
    paths, texts = list(filenames or ()), {}
    if not paths and kustomize is None:
        raise typer.BadParameter("no manifests: give -f FILE or -k FOLDER")
    if STANDARD_INPUT in paths:
        paths = [path for path in paths if path != STANDARD_INPUT]
        texts["standard input"] = sys.stdin.buffer.read(FILE_LIMIT_BYTES + 1)
    if kustomize is not None:
        texts[f"kustomization {kustomize}"] = _build_kustomization(kustomize)
    manifests = load(*paths, recursive=recursive, texts=texts)
    for other in manifests.others:
        info(f"ignored: {other.title} ({other.location()})")
    return manifests


def refuse_problems(problems: Iterable[tuple[Manifest, Problem]], headline: str) -> None:
    """Raise InvalidInput with the first problems of manifests, if they have any."""
    lines = [f"{manifest.title}: {manifest.locate(problem)}" for manifest, problem in problems]
    if not lines:
        return
    rest = [f"and {len(lines) - MAX_PROBLEMS} more problems"] if len(lines) > MAX_PROBLEMS else []
    raise InvalidInput("\n".join([f"{headline}:", *lines[:MAX_PROBLEMS], *rest]))


def _build_kustomization(folder: str) -> bytes:
    """Build a kustomization with kustomize or kubectl. Raises InvalidInput."""
    command = _kustomize_command()
    named = f"./{folder}" if folder.startswith("-") else folder
    try:
        completed = subprocess.run(  # noqa: S603 - the command is ours
            [*command, named], capture_output=True, timeout=KUSTOMIZE_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = f"{folder} was not built by `{' '.join(command)}` within {KUSTOMIZE_TIMEOUT_SECONDS} s"
        raise InvalidInput(message, field="-k") from error
    if completed.returncode:
        error_output = " ".join(completed.stderr.decode(errors="replace").split())[:500]
        raise InvalidInput(f"{folder} cannot be built by `{' '.join(command)}`: {error_output}", field="-k")
    return completed.stdout


def _kustomize_command() -> Sequence[str]:
    for program, word in (("kustomize", "build"), ("kubectl", "kustomize")):
        executable = shutil.which(program)
        if executable is not None:
            return (executable, word)
    message = "-k needs kustomize or kubectl on the PATH: install one, or pipe its output into -f -"
    raise InvalidInput(message, field="-k")
