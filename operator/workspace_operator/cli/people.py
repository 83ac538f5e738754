"""``workspacectl people``: people in, people out, one person looked at, deleted, suppressed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from workspace_operator.application.exporting import attribute_names, people_lines
from workspace_operator.application.importing import ImportOptions, PeopleImport, Summary
from workspace_operator.bootstrap import Store, opened
from workspace_operator.cli.files import RejectsFile, spooled, write_lines
from workspace_operator.cli.options import (
    ClusterID,
    Database,
    OutputFile,
    WorkspaceName,
    reference_of,
    workspace_named,
)
from workspace_operator.cli.output import console, errors, is_interactive, printable
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.people import Person
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import Kind

app = typer.Typer(help="The people of a workspace.", no_args_is_help=True)

Value = Annotated[str | None, typer.Argument(metavar="[VALUE]", help="An id, an email or cio_…, told by its shape.")]
ByID = Annotated[str | None, typer.Option("--id", metavar="ID")]
ByEmail = Annotated[str | None, typer.Option("--email", metavar="EMAIL")]
ByCioID = Annotated[str | None, typer.Option("--cio-id", metavar="CIO_ID")]


@app.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)],
    workspace: WorkspaceName,
    database: Database,
    by: Annotated[Kind | None, typer.Option("--by", help="The column that people are named by.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Change people that are there; make none.")] = False,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", metavar="FILE", help="Rows not taken; beside FILE if left out.")
    ] = None,
    cluster_id: ClusterID = None,
) -> None:
    """Import people from a CSV file with a header: id, email, cio_id, created_at, and attributes by any other name.

    An empty cell removes the attribute. Rows that are not taken, in whole or in part, go with their line and the
    reason to FILE.rejects.csv, which can be corrected and imported as it is. An import that was interrupted is simply
    run again.
    """
    rows_not_taken = RejectsFile(rejects or file.with_name(f"{file.stem}.rejects.csv"))
    with opened(database) as store, file.open("rb") as source:
        found = workspace_named(store.workspaces, workspace, cluster_id)
        run = PeopleImport(
            people=store.people,
            workspace_id=found.workspace_id,
            options=ImportOptions(by=by, update_only=update),
            rejects=rows_not_taken,
        )
        try:
            _with_progress(run, source, file.stat().st_size)
        finally:
            rows_not_taken.close()
            _tell(run.summary, rows_not_taken.path)


def _with_progress(run: PeopleImport, source: BinaryIO, size: int) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not is_interactive()) as progress:
        task = progress.add_task("importing", total=size)
        run.run(source, lambda: progress.update(task, completed=source.tell()))


def _tell(summary: Summary, rejects: Path) -> None:
    console.print(
        f"{summary.rows} rows: {summary.created} created, {summary.updated} updated, "
        f"{summary.skipped} skipped, {summary.rejected} rejected"
    )
    if summary.in_part:
        console.print(f"{summary.in_part} of those created or updated were taken in part")
    if summary.skipped or summary.rejected or summary.in_part:
        console.print(f"what was not taken, and why: {rejects}")


@app.command("export")
def export_people(
    workspace: WorkspaceName, database: Database, output: OutputFile = None, cluster_id: ClusterID = None
) -> None:
    """Write everybody as CSV, with every attribute that anybody has. It can be imported again with --by cio_id."""
    with opened(database) as store:
        number = workspace_named(store.workspaces, workspace, cluster_id).workspace_id
        with spooled(store.people.all(number)) as people:  # one moment, read twice: first for the columns
            lines = people_lines(people(), attribute_names(people()))
            count = write_lines(lines, output or sys.stdout)
        if output:
            errors.print(f"{count - 1} people written to {output}")


@app.command()
def show(
    workspace: WorkspaceName,
    database: Database,
    value: Value = None,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    cluster_id: ClusterID = None,
) -> None:
    """Print a person as JSON."""
    with opened(database) as store:
        number, reference = _named(store, workspace, cluster_id, value, id=id_, email=email, cio_id=cio_id)
        person = store.people.find(number, reference)
        if person is None:
            raise NotFound(_nobody(reference, workspace))
        console.print(printable(json.dumps(_shown(person), ensure_ascii=False, indent=2)))


@app.command()
def delete(
    workspace: WorkspaceName,
    database: Database,
    value: Value = None,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    cluster_id: ClusterID = None,
) -> None:
    """Delete a person with all their data. Their identifiers may be used again."""
    with opened(database) as store:
        number, reference = _named(store, workspace, cluster_id, value, id=id_, email=email, cio_id=cio_id)
        _report(store.people.delete, number, reference, "deleted", _nobody(reference, workspace))


@app.command()
def suppress(
    workspace: WorkspaceName,
    database: Database,
    value: Value = None,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    cluster_id: ClusterID = None,
) -> None:
    """Block an identifier from now on, and delete who has it. A bare address is one, in every mode."""
    with opened(database) as store:
        number, reference = _named(
            store, workspace, cluster_id, value, suppressing=True, id=id_, email=email, cio_id=cio_id
        )
        nothing = _nobody(reference, workspace)
        if reference.kind is not Kind.CIO_ID:
            nothing = f"{reference.kind} {printable(reference.value)} is suppressed already"
        _report(store.people.suppress, number, reference, "suppressed", nothing)


@app.command()
def unsuppress(
    workspace: WorkspaceName,
    database: Database,
    value: Value = None,
    id_: ByID = None,
    email: ByEmail = None,
    cluster_id: ClusterID = None,
) -> None:
    """Let an identifier be used again, with all that was suppressed together with it. Nobody is restored."""
    with opened(database) as store:
        number, reference = _named(store, workspace, cluster_id, value, suppressing=True, id=id_, email=email)
        nothing = f"{reference.kind} {printable(reference.value)} is not suppressed"
        _report(store.people.unsuppress, number, reference, "no longer suppressed", nothing)


def _named(
    store: Store,
    workspace: str,
    cluster_id: str | None,
    value: str | None,
    *,
    suppressing: bool = False,
    **by_kind: str | None,
) -> tuple[int, Reference]:
    number = workspace_named(store.workspaces, workspace, cluster_id).workspace_id
    mode = store.people.rules(number).mode
    reference = reference_of(mode, value, suppressing=suppressing, **by_kind)
    if suppressing and reference.kind is Kind.CIO_ID and "cio_id" not in by_kind:
        raise InvalidInput("a cio_id is never suppressed: name an id or an email", field="VALUE")
    return number, reference


def _report(act: Callable[[int, Reference], bool], number: int, reference: Reference, done: str, nothing: str) -> None:
    if not act(number, reference):
        raise NotFound(nothing)
    console.print(f"{reference.kind} {printable(reference.value)} {done}")


def _nobody(reference: Reference, workspace: str) -> str:
    return f"nobody in {workspace} has the {reference.kind} {printable(reference.value)}"


def _shown(person: Person) -> dict[str, object]:
    return {
        "cio_id": person.cio_id,
        "id": person.id,
        "email": person.email,
        "created_at": person.created_at,
        "attributes": dict(person.attributes),
    }
