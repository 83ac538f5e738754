"""``workspacectl validate``: check manifests without a database and without a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from workspace_operator.application.manifests.validation import LocatedProblem, validate_manifests
from workspace_operator.cli.support.manifest_files import Filenames, Kustomize, Recursive, read_all_manifests
from workspace_operator.cli.support.output import ERROR, echo, json_text, print_error
from workspace_operator.resources.manifests import Manifest, UnreadableFile

app = typer.Typer()

EXAMPLES = """
Examples:

\b
  workspacectl validate -f crm.yaml
  workspacectl validate -R -f workspaces/ -o github
  kubectl kustomize overlays/staging | workspacectl validate -f -
"""


class Format(StrEnum):
    """Output format of problems: GITHUB is annotations of a GitHub workflow."""

    TABLE = "table"
    JSON = "json"
    GITHUB = "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem with its place. ``document``, ``line`` and ``path`` are None where unknown."""

    title: str
    file: str
    document: int | None
    line: int | None
    path: str | None
    message: str
    text: str


@app.command("validate", epilog=EXAMPLES)
def validate(
    *,
    filename: Filenames = None,
    kustomize: Kustomize = None,
    recursive: Recursive = False,
    output: Annotated[Format, typer.Option("--output", "-o", help="The output format.")] = Format.TABLE,
) -> None:
    """Check manifests without a database and without a cluster.

    Checks the schema, the rules of each resource, and names that several manifests have. The texts are those of
    kubectl apply, workspacectl apply and plan. Whether a change is allowed depends on what is in force: see plan.

    Exit codes: 0 all manifests are valid; 1 a manifest is invalid or cannot be read; 64 wrong usage.
    """
    manifests = read_all_manifests(filename, kustomize, recursive=recursive)
    findings = [*map(_unreadable, manifests.unreadable), *map(_finding, validate_manifests(manifests.ours))]
    _print_findings(findings, manifests.ours, output)
    if findings:
        print_error(_headline(findings))
        raise typer.Exit(ERROR)


def _unreadable(file: UnreadableFile) -> Finding:
    return Finding(
        title="", file=str(file.file), document=None, line=file.line, path=None, message=file.message, text=str(file)
    )


def _finding(located: LocatedProblem) -> Finding:
    manifest, problem = located
    return Finding(
        title=manifest.title,
        file=str(manifest.file),
        document=manifest.number,
        line=manifest.line(problem.path),
        path=problem.path,
        message=problem.message,
        text=f"{manifest.title}: {manifest.locate(problem)}",
    )


def _headline(findings: Sequence[Finding]) -> str:
    count = "1 problem" if len(findings) == 1 else f"{len(findings)} problems"
    return f"{count}: an apply would refuse all manifests"


def _print_findings(findings: Sequence[Finding], manifests: Sequence[Manifest], output: Format) -> None:
    if output is Format.JSON:
        print(json_text({"manifests": len(manifests), "problems": [_document(finding) for finding in findings]}))
    elif output is Format.GITHUB:
        for finding in findings:
            print(_annotation(finding))
    else:
        for finding in findings:
            echo(finding.text)
        if not findings:
            echo("1 manifest is valid" if len(manifests) == 1 else f"{len(manifests)} manifests are valid")


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "resource": finding.title or None,
        "file": finding.file,
        "document": finding.document,
        "line": finding.line,
        "path": finding.path,
        "message": finding.message,
    }


def _annotation(finding: Finding) -> str:
    """An error command of a GitHub workflow, which the forge shows beside the line of the file."""
    properties = ",".join(f"{name}={_escaped_property(value)}" for name, value in _properties(finding))
    message = f"{finding.path}: {finding.message}" if finding.path else finding.message
    return f"::error {properties}::{_escaped_data(message)}"


def _properties(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "file", finding.file
    if finding.line is not None:
        yield "line", str(finding.line)
    yield "title", finding.title or "not readable"


def _escaped_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped_data(text).replace(":", "%3A").replace(",", "%2C")
