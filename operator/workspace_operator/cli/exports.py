"""``workspacectl exports``: the reports of people who stand in the way of an identifier change."""

from typing import Annotated

import typer

from workspace_operator.cli.options import ClusterID, Database, OutputFile, WorkspaceName
from workspace_operator.cli.output import note, table
from workspace_operator.cli.stores import NamedWorkspace, opened_workspace
from workspace_operator.errors import NotFound

app = typer.Typer(help="Fetch reports of people who stand in the way of a change.", no_args_is_help=True)

EXAMPLES = """
Examples:

\b
  workspacectl exports get -w default/crm --latest -o to-mend.csv
  workspacectl exports get -w default/crm --id 3
"""


@app.command("list")
def list_exports(*, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database) -> None:
    """List the exports of a workspace, newest first."""
    with opened_workspace(database, workspace, cluster_id) as found:
        rows = [
            (each.number, each.created_at.isoformat(timespec="seconds"), each.total, each.description)
            for each in found.exports.exports(found.number)
        ]
        table(("ID", "CREATED", "PEOPLE", "DESCRIPTION"), rows)


@app.command(epilog=EXAMPLES)
def get(
    *,
    workspace: WorkspaceName,
    latest: Annotated[bool, typer.Option("--latest", help="The newest export; the default.")] = False,
    number: Annotated[int | None, typer.Option("--id", metavar="N", help="The export of this number.")] = None,
    output: OutputFile = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Write an export as CSV.

    One row a person: what is wrong, who it is, who shares the address, and what to do.
    """
    from workspace_operator.application.exporting import violation_lines
    from workspace_operator.cli.files import write_lines

    if latest and number is not None:
        raise typer.BadParameter("choose one of --latest and --id")
    with opened_workspace(database, workspace, cluster_id) as found:
        chosen = number if number is not None else _newest(found)
        count = write_lines(violation_lines(found.exports.violations(found.number, chosen)), output)
        if output:
            note(f"{count - 1} people written to {output}")


def _newest(found: NamedWorkspace) -> int:
    exports = found.exports.exports(found.number)
    if not exports:
        raise NotFound(f"{found.name} has no exports: no identifier change of it was ever blocked")
    return exports[0].number
