"""``workspacectl people``: people in, people out, one person looked at, deleted, suppressed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli import cleaning, importing, people_search
from workspace_operator.cli.options import (
    ByCioID,
    ByEmail,
    ByID,
    ClusterID,
    Database,
    ForExcel,
    OutputFile,
    Value,
    WorkspaceName,
)
from workspace_operator.cli.output import json_text, note, people_text, tell
from workspace_operator.cli.stores import Named, NamedWorkspace, opened_workspace
from workspace_operator.errors import InvalidInput, NotFound

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.identity.calls import Call
    from workspace_operator.identity.references import Reference

app = typer.Typer(help="Look after the people of a workspace.", no_args_is_help=True)
app.command("import", epilog=importing.EXAMPLES)(importing.import_people)
app.command("find", epilog=people_search.EXAMPLES)(people_search.find)

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
    """Write everybody as CSV.

    One column an attribute that anybody has. The file can be changed and imported again with --by cio_id --update.
    """
    from workspace_operator.application.exporting import people_lines
    from workspace_operator.cli.files import write_csv
    from workspace_operator.cli.spools import spooled

    with opened_workspace(database, workspace, cluster_id) as found:
        with spooled(found.people.all(found.number)) as (people, names):  # one moment; the columns are known at its end
            count = write_csv(people_lines(people, sorted(names)), output, for_excel=for_excel)
        if output:
            note(f"{people_text(count - 1)} written to {output}")


@app.command()
def show(
    value: Value = None,
    *,
    workspace: WorkspaceName,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print a person as JSON."""
    named = Named(value=value, id=id_, email=email, cio_id=cio_id)
    with opened_workspace(database, workspace, cluster_id) as found:
        reference = named.reference(found)
        person = found.people.find(found.number, reference)
        if person is None:
            raise NotFound(_nobody(reference, found))
        print(json_text(people_search.shown(person)))


@app.command(epilog=DELETE_EXAMPLES)
def delete(
    value: Value = None,
    *,
    workspace: WorkspaceName,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    segment: Annotated[
        str | None,
        typer.Option("--segment", metavar="SEGMENT", help="Everybody in this manual segment: its number or its name."),
    ] = None,
    created_in: cleaning.CreatedIn = None,
    dry_run: cleaning.DryRun = False,
    yes: cleaning.Yes = False,
    undo_file: cleaning.UndoPath = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Delete a person, or many at once.

    All their data go with them. Their identifiers may be used again.

    The people of a segment, or those whom an import created, are counted, confirmed, and written to a file before.
    They can be imported from it again; their cio_ids, activities, devices and segments do not come back. What was
    interrupted is simply run again.

    Exit codes: 0 all were deleted, or there was nobody to delete; 3 people were left, since they had changed
    meanwhile; 1 nobody could be deleted, or an error; 64 wrong usage.
    """
    from workspace_operator.identity.calls import DeleteCall

    wanted = cleaning.Wanted(dry_run=dry_run, yes=yes, undo_file=undo_file)
    if segment is not None or created_in is not None:
        if (value, id_, email, cio_id) != (None, None, None, None) or (segment is not None and created_in is not None):
            raise typer.BadParameter("name one person, a segment with --segment or a file with --created-in: not two")
        with opened_workspace(database, workspace, cluster_id) as found:
            if segment is not None:
                cleaning.delete_segment(found, segment, wanted)
            elif created_in is not None:
                cleaning.delete_created(found, created_in, wanted)
        return
    if not wanted.says_nothing:
        raise typer.BadParameter("--dry-run, --yes and --undo-file are for the people of --segment and --created-in")
    named = Named(value=value, id=id_, email=email, cio_id=cio_id)
    with opened_workspace(database, workspace, cluster_id) as found:
        reference = named.reference(found)
        _carry_out(DeleteCall, found, reference, "deleted", _nobody(reference, found))


app.command("dedupe", epilog=cleaning.DEDUPE_EXAMPLES)(cleaning.dedupe)


@app.command()
def suppress(
    value: Value = None,
    *,
    workspace: WorkspaceName,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Block an identifier, and delete who has it.

    The person's other identifier is blocked, too. A bare address is an email here, also where ids look like that.
    """
    from workspace_operator.identity.calls import SuppressCall

    named = Named(value=value, id=id_, email=email, cio_id=cio_id)
    with opened_workspace(database, workspace, cluster_id) as found:
        reference = named.reference(found, suppressing=True)
        by_cio_id = reference.kind.value == "cio_id"
        nothing = _nobody(reference, found) if by_cio_id else f"{_title(reference)} is suppressed already"
        _carry_out(SuppressCall, found, reference, "suppressed", nothing)


@app.command()
def unsuppress(
    value: Value = None,
    *,
    workspace: WorkspaceName,
    id_: ByID = None,
    email: ByEmail = None,
    cio_id: ByCioID = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Let an identifier be used again.

    What was suppressed together with it is free again, too. Nobody is restored.
    """
    from workspace_operator.identity.calls import UnsuppressCall

    named = Named(value=value, id=id_, email=email, cio_id=cio_id)
    with opened_workspace(database, workspace, cluster_id) as found:
        reference = named.reference(found, suppressing=True)
        if reference.kind.value == "cio_id":
            raise InvalidInput("a cio_id is never suppressed: name the id or the email", field="--cio-id")
        nothing = f"{_title(reference)} is not suppressed"
        _carry_out(UnsuppressCall, found, reference, "no longer suppressed", nothing)


def _carry_out(
    call: "Callable[..., Call]", found: NamedWorkspace, reference: "Reference", done: str, nothing: str
) -> None:
    from workspace_operator.identity.outcomes import Effect, Outcome

    [answer] = found.people.perform(found.number, [call(reference=reference)], now=int(found.clock.timestamp()))
    if not isinstance(answer, Outcome) or answer.effect in {Effect.IGNORED, Effect.UNCHANGED}:
        raise NotFound(nothing)
    if answer.effect is Effect.REJECTED:
        raise InvalidInput(answer.sentence, field=answer.field)
    tell(f"{_title(reference)} {done}")


def _nobody(reference: "Reference", found: NamedWorkspace) -> str:
    return f"nobody in {found.name} has the {_title(reference)}"


def _title(reference: "Reference") -> str:
    return f"{reference.kind} {reference.value}"
