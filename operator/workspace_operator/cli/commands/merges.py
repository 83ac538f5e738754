"""``workspacectl merges``: list, show and undo merges of people."""

from dataclasses import asdict
from typing import Annotated

import typer

from workspace_operator.application.ports import Merge
from workspace_operator.cli.support.options import (
    ClusterID,
    Database,
    Format,
    Output,
    WorkspaceName,
    require_utf_8,
    text_option,
)
from workspace_operator.cli.support.output import INCOMPLETE, echo, info, json_text, print_table, time_text
from workspace_operator.cli.support.records import person_document
from workspace_operator.cli.support.workspace_context import current_actor, open_workspace
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import bare_cio_id

app = typer.Typer(name="merges", help="Show merges of people, and undo them.", no_args_is_help=True)

EXAMPLES = """
Examples:

\b
  workspacectl merges list -w default/crm --cio-id 0199f1c2a3b4000a1b2c3d4e
  workspacectl merges undo 0199f1c2a3b4001a1b2c3d4e -w default/crm
"""

COLUMNS = ("ID", "AT", "HOW", "PRIMARY", "SECONDARY", "STATE")


MergeID = Annotated[
    str, typer.Argument(metavar="ID", callback=require_utf_8, help="The merge, as in merges list.", show_default=False)
]


@app.command("list")
def list_merges(
    *,
    workspace: WorkspaceName,
    cio_id: Annotated[
        str | None,
        text_option("--cio-id", metavar="CIO_ID", help_text="Only merges of this primary or secondary person."),
    ] = None,
    before: Annotated[
        str | None, text_option("--before", metavar="ID", help_text="Only merges before this one.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of merges to print.")] = 100,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """List the merges of a workspace, newest first."""
    bare_id = None if cio_id is None else bare_cio_id(cio_id)
    with open_workspace(database, workspace, cluster_id) as context:
        merges = context.store.merges.merges(context.workspace_id, cio_id=bare_id, before=before, limit=limit)
        if output is Format.JSON:
            print(json_text([_merge_document(merge) for merge in merges]))
        else:
            print_table(COLUMNS, [_row(merge) for merge in merges])
        if len(merges) == limit:
            info(f"there may be earlier merges: add --before {merges[-1].merge_id}")


@app.command()
def show(merge: MergeID, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database) -> None:
    """Print a merge as JSON.

    It has both people before the merge, the survivor, and the devices and segments of the secondary.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        print(json_text(_merge_document(context.store.merges.get(context.workspace_id, merge))))


@app.command(epilog=EXAMPLES)
def undo(merge: MergeID, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database) -> None:
    """Restore the secondary person of a merge.

    The person gets back what the survivor took over and has not changed: attributes, identifiers, devices, segments,
    and all activities before the merge. The command lists identifiers that are in use by now.

    Exit codes: 0 everything was restored; 3 identifiers are in use; 1 an error; 64 wrong usage.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        now = int(context.store.clock.timestamp())
        result = context.store.merges.undo(context.workspace_id, merge, now=now, actor=current_actor())
        echo(f"cio_id {result.restored.cio_id} is restored, separate from cio_id {result.survivor.cio_id}")
        for kind, key in result.unavailable:
            echo(f"in use by another person: {kind} {key}")
    if result.unavailable:
        raise typer.Exit(INCOMPLETE)


def _row(merge: Merge) -> tuple[object, ...]:
    return (
        merge.merge_id,
        time_text(merge.at),
        "automatic" if merge.automatic else "requested",
        _person_label(merge.primary),
        _person_label(merge.secondary),
        "merged" if merge.undone_at is None else f"undone {time_text(merge.undone_at)}",
    )


def _person_label(person: Person) -> str:
    """Label a person by the identifier that a user knows best."""
    if person.id is not None:
        return f"id {person.id}"
    return f"email {person.email}" if person.email is not None else f"cio_id {person.cio_id}"


def _merge_document(merge: Merge) -> dict[str, object]:
    return {
        "merge_id": merge.merge_id,
        "at": merge.at.isoformat(),
        "automatic": merge.automatic,
        "primary": person_document(merge.primary),
        "secondary": person_document(merge.secondary),
        "survivor": person_document(merge.survivor),
        "holder": merge.holder,
        "devices": [asdict(device) for device in merge.devices],
        "segments": list(merge.segments),
        "undone_at": None if merge.undone_at is None else merge.undone_at.isoformat(),
    }
