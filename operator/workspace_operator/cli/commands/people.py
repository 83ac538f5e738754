"""``workspacectl people``: import, export, find, show, delete and suppress people."""

from collections.abc import Callable
from typing import Annotated

import typer

from workspace_operator.application.audit.commands import RecordedCommand, execute_recorded
from workspace_operator.application.people.csv_export import people_lines
from workspace_operator.cli.commands import bulk_delete, import_, people_search
from workspace_operator.cli.support.buffer import buffered_people
from workspace_operator.cli.support.files import write_csv
from workspace_operator.cli.support.options import (
    ByCioID,
    ByEmail,
    ByID,
    ClusterID,
    Database,
    ForExcel,
    OutputFile,
    PersonValue,
    WorkspaceName,
)
from workspace_operator.cli.support.output import echo, info, json_text, people_text
from workspace_operator.cli.support.records import person_document
from workspace_operator.cli.support.workspace_context import (
    PersonSelector,
    WorkspaceContext,
    current_actor,
    open_workspace,
)
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.model.commands import DeletePerson, Suppress, Unsuppress
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import IdentifierKind

app = typer.Typer(name="people", help="Import, export, find and delete people.", no_args_is_help=True)
app.command("import", epilog=import_.EXAMPLES)(import_.import_people)
app.command("find", epilog=people_search.EXAMPLES)(people_search.find_people)

DELETE_EXAMPLES = """
Examples:

\b
  workspacectl people delete ada@example.com -w default/crm
  workspacectl people delete --segment 3 -w default/crm --dry-run
  workspacectl people delete --segment "to delete" -w default/crm
"""


@app.command("export")
def export_people(
    *,
    workspace: WorkspaceName,
    for_excel: ForExcel = False,
    output: OutputFile = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Write all people as CSV.

    There is a column for each attribute. To change people, edit the file and import it with --by cio_id --update.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        # One snapshot; the columns are known when all of it is read.
        with buffered_people(context.store.people.all(context.workspace_id)) as (people, names):
            count = write_csv(people_lines(people, sorted(names)), output, for_excel=for_excel)
        if output:
            info(f"{people_text(count - 1)} written to {output}")


@app.command()
def show(
    value: PersonValue = None,
    *,
    workspace: WorkspaceName,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print a person as JSON."""
    selector = PersonSelector(value=value, id=id_, email=email, cio_id=cio_id)
    with open_workspace(database, workspace, cluster_id) as context:
        reference = selector.reference(context)
        person = context.store.people.find(context.workspace_id, reference)
        if person is None:
            raise NotFound(_not_found_message(reference, context))
        print(json_text(person_document(person)))


@app.command(epilog=DELETE_EXAMPLES)
def delete(
    value: PersonValue = None,
    *,
    workspace: WorkspaceName,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    segment: Annotated[
        str | None,
        typer.Option(
            "--segment", metavar="SEGMENT", help="Delete all people in this manual segment, given by number or name."
        ),
    ] = None,
    created_in: bulk_delete.CreatedIn = None,
    dry_run: bulk_delete.DryRun = False,
    yes: bulk_delete.Yes = False,
    undo_file: bulk_delete.BackupPath = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Delete a person, or many people at once.

    All their data is deleted. Their identifiers can be used again.

    For a segment or an import, the command counts the people, asks for confirmation, and writes them to a file first.
    Import that file to restore them; cio_ids, activities, devices and segments are not restored. If the command is
    interrupted, run it again.

    Exit codes: 0 all were deleted, or there were none; 3 people were skipped, since they had changed meanwhile; 1 no
    person could be deleted, or an error; 64 wrong usage.
    """
    if segment is not None or created_in is not None:
        if (value, id_, email, cio_id) != (None, None, None, None) or (segment is not None and created_in is not None):
            raise typer.BadParameter("give only one of a person, --segment and --created-in")
        options = bulk_delete.DeleteOptions(dry_run=dry_run, yes=yes, undo_file=undo_file)
        with open_workspace(database, workspace, cluster_id) as context:
            if segment is not None:
                bulk_delete.delete_segment(context, segment, options)
            elif created_in is not None:
                bulk_delete.delete_created(context, created_in, options)
        return
    if dry_run or yes or undo_file is not None:
        raise typer.BadParameter("--dry-run, --yes and --undo-file need --segment or --created-in")
    selector = PersonSelector(value=value, id=id_, email=email, cio_id=cio_id)
    with open_workspace(database, workspace, cluster_id) as context:
        reference = selector.reference(context)
        _execute(DeletePerson, context, reference, "deleted", _not_found_message(reference, context))


app.command("dedupe", epilog=bulk_delete.DEDUPE_EXAMPLES)(bulk_delete.dedupe)


@app.command()
def suppress(
    value: PersonValue = None,
    *,
    workspace: WorkspaceName,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Suppress an identifier, and delete the person who has it.

    The other identifier of the person is suppressed, too. A VALUE that is an address is always an email, even if ids
    are addresses.
    """
    selector = PersonSelector(value=value, id=id_, email=email, cio_id=cio_id)
    with open_workspace(database, workspace, cluster_id) as context:
        reference = selector.reference(context, for_suppression=True)
        unchanged = f"{_reference_text(reference)} is already suppressed"
        if reference.kind is IdentifierKind.CIO_ID:
            unchanged = _not_found_message(reference, context)
        _execute(Suppress, context, reference, "suppressed", unchanged)


@app.command()
def unsuppress(
    value: PersonValue = None,
    *,
    workspace: WorkspaceName,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Allow a suppressed identifier again.

    The identifier that was suppressed together with it is allowed, too. No person is restored.
    """
    selector = PersonSelector(value=value, id=id_, email=email, cio_id=cio_id)
    with open_workspace(database, workspace, cluster_id) as context:
        reference = selector.reference(context, for_suppression=True)
        if reference.kind is IdentifierKind.CIO_ID:
            raise InvalidInput("a cio_id cannot be suppressed: give the id or the email", field="--cio-id")
        unchanged = f"{_reference_text(reference)} is not suppressed"
        _execute(Unsuppress, context, reference, "no longer suppressed", unchanged)


def _execute(
    command_type: Callable[..., RecordedCommand],
    context: WorkspaceContext,
    reference: Reference,
    done: str,
    unchanged: str,
) -> None:
    command, now = command_type(reference=reference), int(context.store.clock.timestamp())
    result = execute_recorded(context.store.people, context.workspace_id, command, actor=current_actor(), now=now)
    if not isinstance(result, CommandResult) or result.effect in {Effect.IGNORED, Effect.UNCHANGED}:
        raise NotFound(unchanged)
    if result.effect is Effect.REJECTED:
        raise InvalidInput(result.message, field=result.field)
    echo(f"{_reference_text(reference)} {done}")


def _not_found_message(reference: Reference, context: WorkspaceContext) -> str:
    return f"no person in {context.name} has the {_reference_text(reference)}"


def _reference_text(reference: Reference) -> str:
    return f"{reference.kind} {reference.value}"
