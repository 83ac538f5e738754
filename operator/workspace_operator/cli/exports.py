"""``workspacectl exports``: the reports of people who stand in the way of an identifier change."""

import sys
from typing import Annotated

import typer

from workspace_operator.application.exporting import violation_lines
from workspace_operator.bootstrap import Store, opened
from workspace_operator.cli.files import write_lines
from workspace_operator.cli.options import ClusterID, Database, OutputFile, WorkspaceName, workspace_named
from workspace_operator.cli.output import console, errors, row, table
from workspace_operator.errors import InvalidInput, NotFound

app = typer.Typer(help="Reports of people who stand in the way of an identifier change.", no_args_is_help=True)


@app.command("list")
def list_exports(workspace: WorkspaceName, database: Database, cluster_id: ClusterID = None) -> None:
    """List the exports of a workspace, newest first."""
    with opened(database) as store:
        found = workspace_named(store.workspaces, workspace, cluster_id)
        shown = table("ID", "CREATED", "PEOPLE", "DESCRIPTION")
        for each in store.exports.exports(found.workspace_id):
            created = each.created_at.isoformat(timespec="seconds")
            row(shown, each.number, created, each.total, each.description)
        console.print(shown)


@app.command()
def get(
    workspace: WorkspaceName,
    database: Database,
    latest: Annotated[bool, typer.Option("--latest", help="The newest export; the default.")] = False,
    number: Annotated[int | None, typer.Option("--id", metavar="N", help="The export of this number.")] = None,
    output: OutputFile = None,
    cluster_id: ClusterID = None,
) -> None:
    """Write an export as CSV, one row a person: what is wrong, who it is, who shares the address, what to do."""
    if latest and number is not None:
        raise InvalidInput("choose one of --latest and --id")
    with opened(database) as store:
        found = workspace_named(store.workspaces, workspace, cluster_id)
        chosen = number if number is not None else _newest(store, found.workspace_id, workspace)
        rows = store.exports.violations(found.workspace_id, chosen)
        count = write_lines(violation_lines(rows), output or sys.stdout)
        if output:
            errors.print(f"{count - 1} people written to {output}")


def _newest(store: Store, workspace_id: int, name: str) -> int:
    exports = store.exports.exports(workspace_id)
    if not exports:
        raise NotFound(f"{name} has no exports: no identifier change of it was ever blocked")
    return exports[0].number
