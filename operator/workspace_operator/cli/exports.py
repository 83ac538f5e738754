"""``workspacectl exports``: the reports of people who stand in the way of an identifier change."""

from collections.abc import Sequence
from typing import Annotated

import typer

from workspace_operator.cli.options import HIGHEST_NUMBER, ClusterID, Database, ForExcel, OutputFile, WorkspaceName
from workspace_operator.cli.output import note, people_text, table
from workspace_operator.cli.stores import NamedWorkspace, opened_workspace
from workspace_operator.errors import NotFound
from workspace_operator.migrations.records import Violation

app = typer.Typer(help="Fetch reports of people who stand in the way of a change.", no_args_is_help=True)

EXAMPLES = """
Examples:

\b
  workspacectl exports get -w default/crm --latest -o to-mend.csv
  workspacectl exports get -w default/crm --id 3 --with first_name,last_name
  workspacectl exports get -w default/crm --violation duplicateEmail
"""

WITH = "--with"
LIMIT = 20
HIGHEST_LIMIT = 10_000


@app.command("list")
def list_exports(*, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database) -> None:
    """List the exports of a workspace, newest first."""
    with opened_workspace(database, workspace, cluster_id) as found:
        rows = [
            (each.number, each.created_at.isoformat(timespec="seconds"), each.total, each.description)
            for each in found.exports.exports(found.number)
        ]
        table(("ID", "CREATED", "PEOPLE", "DESCRIPTION"), rows)


ExportNumber = Annotated[
    int | None, typer.Option("--id", metavar="N", min=1, max=HIGHEST_NUMBER, help="The export of this number.")
]
Attributes = Annotated[
    str | None,
    typer.Option(
        WITH,
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
    from workspace_operator.application.exporting import EVERYBODY, ViolationFilter, violation_lines
    from workspace_operator.cli.files import write_csv

    if latest and number is not None:
        raise typer.BadParameter("choose one of --latest and --id")
    which = ViolationFilter(violations=violations or (), except_oldest=except_oldest)
    with opened_workspace(database, workspace, cluster_id) as found:
        chosen = number if number is not None else _newest(found)
        names = _attributes(found, chosen, attributes)
        rows = found.exports.violations(found.number, chosen, attributes=names)
        lines = violation_lines(rows, names, EVERYBODY if which == EVERYBODY else which)
        count = write_csv(lines, output, for_excel=for_excel)
        if output:
            note(f"{people_text(count - 1)} written to {output}")


@app.command()
def show(
    *,
    workspace: WorkspaceName,
    number: ExportNumber = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=HIGHEST_LIMIT, help="The number of people to print at most.")
    ] = LIMIT,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print the first people of an export.

    Of the newest one if --id is left out.
    """
    from workspace_operator.application.exporting import violation_table

    with opened_workspace(database, workspace, cluster_id) as found:
        chosen = number if number is not None else _newest(found)
        rows = list(violation_table(found.exports.violations(found.number, chosen, limit=limit)))
        total = next(each.total for each in found.exports.exports(found.number) if each.number == chosen)
    table(("VIOLATIONS", "ID", "EMAIL", "ADVICE"), rows)
    if total > len(rows):
        note(f"and {total - len(rows)} more; all of them: workspacectl exports get --workspace {workspace} -o FILE")


def _attributes(found: NamedWorkspace, number: int, said: str | None) -> Sequence[str]:
    from workspace_operator.application.exporting import attributes_named, common_attributes

    if said is not None:
        return attributes_named(said, field=WITH)
    return common_attributes(found.exports, found.people, found.number, number)


def _newest(found: NamedWorkspace) -> int:
    exports = found.exports.exports(found.number)
    if not exports:
        raise NotFound(f"{found.name} has no exports: no identifier change of it was ever blocked")
    return exports[0].number
