"""``workspacectl exports``: the reports of people who stand in the way of an identifier change."""

from collections.abc import Sequence
from typing import Annotated

import typer

from workspace_operator.cli.support.options import (
    MAX_NUMBER,
    ClusterID,
    Database,
    ForExcel,
    OutputFile,
    WorkspaceName,
)
from workspace_operator.cli.support.output import info, people_text, print_table
from workspace_operator.cli.support.workspace_context import WorkspaceContext, open_workspace
from workspace_operator.errors import NotFound
from workspace_operator.migrations.model import Violation

app = typer.Typer(help="Fetch reports of people who stand in the way of a change.", no_args_is_help=True)

EXAMPLES = """
Examples:

\b
  workspacectl exports get -w default/crm --latest -o to-mend.csv
  workspacectl exports get -w default/crm --id 3 --with first_name,last_name
  workspacectl exports get -w default/crm --violation duplicateEmail
"""

WITH_OPTION = "--with"
DEFAULT_LIMIT = 20
MAX_LIMIT = 10_000


@app.command("list")
def list_exports(*, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database) -> None:
    """List the exports of a workspace, newest first."""
    with open_workspace(database, workspace, cluster_id) as context:
        rows = [
            (each.number, each.created_at.isoformat(timespec="seconds"), each.total, each.description)
            for each in context.exports.exports(context.number)
        ]
        print_table(("ID", "CREATED", "PEOPLE", "DESCRIPTION"), rows)


ExportNumber = Annotated[
    int | None, typer.Option("--id", metavar="N", min=1, max=MAX_NUMBER, help="The export of this number.")
]
Attributes = Annotated[
    str | None,
    typer.Option(
        WITH_OPTION,
        metavar="NAME,…",
        help="Attributes to write besides; '' for none.",
        show_default="the two text attributes that most of these people have",
    ),
]
OnlyViolations = Annotated[
    list[Violation] | None,
    typer.Option(
        "--violation",
        metavar="NAME",
        help=f"Only people with this violation: {', '.join(Violation)}. Can be given several times.",
    ),
]


@app.command(epilog=EXAMPLES)
def get(
    *,
    workspace: WorkspaceName,
    latest: Annotated[bool, typer.Option("--latest", help="The newest export; the default.")] = False,
    number: ExportNumber = None,
    attributes: Attributes = None,
    violations: OnlyViolations = None,
    except_oldest: Annotated[
        bool, typer.Option("--except-oldest", help="Leave out the oldest person of each shared address.")
    ] = False,
    for_excel: ForExcel = False,
    output: OutputFile = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Write an export as CSV.

    One row for each person: the violations, the identifiers, who shares the address, what to do, and a few attributes.

    An import skips the columns that begin with _, so the file can be corrected and imported as it is, with --by cio_id
    --update.
    """
    from workspace_operator.application.people.csv_export import NO_FILTER, ViolationFilter, violation_lines
    from workspace_operator.cli.support.files import write_csv

    if latest and number is not None:
        raise typer.BadParameter("choose one of --latest and --id")
    violation_filter = ViolationFilter(violations=violations or (), except_oldest=except_oldest)
    with open_workspace(database, workspace, cluster_id) as context:
        export_number = number if number is not None else _newest_export(context)
        names = _attribute_names(context, export_number, attributes)
        rows = context.exports.violations(context.number, export_number, attributes=names)
        lines = violation_lines(rows, names, NO_FILTER if violation_filter == NO_FILTER else violation_filter)
        count = write_csv(lines, output, for_excel=for_excel)
        if output:
            info(f"{people_text(count - 1)} written to {output}")


@app.command()
def show(
    *,
    workspace: WorkspaceName,
    number: ExportNumber = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MAX_LIMIT, help="The number of people to print at most.")
    ] = DEFAULT_LIMIT,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print the first people of an export.

    Of the newest one if --id is left out.
    """
    from workspace_operator.application.people.csv_export import violation_table

    with open_workspace(database, workspace, cluster_id) as context:
        export_number = number if number is not None else _newest_export(context)
        rows = list(violation_table(context.exports.violations(context.number, export_number, limit=limit)))
        total = next(each.total for each in context.exports.exports(context.number) if each.number == export_number)
    print_table(("VIOLATIONS", "ID", "EMAIL", "ADVICE"), rows)
    if total > len(rows):
        info(f"and {total - len(rows)} more; all of them: workspacectl exports get --workspace {workspace} -o FILE")


def _attribute_names(context: WorkspaceContext, number: int, names_text: str | None) -> Sequence[str]:
    from workspace_operator.application.people.csv_export import common_attributes, parse_attribute_names

    if names_text is not None:
        return parse_attribute_names(names_text, field=WITH_OPTION)
    return common_attributes(context.exports, context.people, context.number, number)


def _newest_export(context: WorkspaceContext) -> int:
    exports = context.exports.exports(context.number)
    if not exports:
        raise NotFound(f"{context.name} has no exports: no identifier change of it was ever blocked")
    return exports[0].number
