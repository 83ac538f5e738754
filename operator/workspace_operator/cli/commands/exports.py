"""``workspacectl exports``: reports of people who block an identifier migration."""

from typing import Annotated

import typer

from workspace_operator.application.audit.entries import download_entry
from workspace_operator.application.people.csv_export import (
    ViolationFilter,
    common_attributes,
    parse_attribute_names,
    parse_decision,
    violation_lines,
    violation_table,
)
from workspace_operator.application.ports import Export
from workspace_operator.cli.support.files import write_csv
from workspace_operator.cli.support.options import (
    MAX_NUMBER,
    ClusterID,
    Database,
    ForExcel,
    OutputFile,
    WorkspaceName,
    text_option,
)
from workspace_operator.cli.support.output import info, people_text, print_table, time_text
from workspace_operator.cli.support.workspace_context import WorkspaceContext, current_actor, open_workspace
from workspace_operator.errors import NotFound
from workspace_operator.migrations.model import Violation

app = typer.Typer(name="exports", help="Show and write lists of people who block a migration.", no_args_is_help=True)

EXAMPLES = """
Examples:

\b
  workspacectl exports get -w default/crm --latest -o to-fix.csv
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
            (export.number, time_text(export.created_at), export.total, export.description)
            for export in context.store.exports.exports(context.workspace_id)
        ]
        print_table(("ID", "CREATED", "PEOPLE", "DESCRIPTION"), rows)


ExportNumber = Annotated[
    int | None, typer.Option("--id", metavar="N", min=1, max=MAX_NUMBER, help="The export, as in exports list.")
]
Attributes = Annotated[
    str | None,
    typer.Option(
        WITH_OPTION,
        metavar="NAME,…",
        help="The attributes to write; '' for none.",
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
    latest: Annotated[bool, typer.Option("--latest", help="The newest export. This is the default.")] = False,
    number: ExportNumber = None,
    attributes: Attributes = None,
    violations: OnlyViolations = None,
    except_oldest: Annotated[
        bool, typer.Option("--except-oldest", help="Leave out the oldest person of each shared address.")
    ] = False,
    decide: Annotated[
        str | None,
        text_option(
            "--decide",
            metavar="WORD",
            help_text="Add a column _decision with this word, for cleanups decide; '' leaves it empty.",
        ),
    ] = None,
    for_excel: ForExcel = False,
    output: OutputFile = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Write an export as CSV.

    The file has one row for each person: violations, identifiers, other people with the address, advice, and a few
    attributes.

    To fix people, correct the file and import it with --by cio_id --update. An import ignores columns that begin with
    an underscore.
    """
    if latest and number is not None:
        raise typer.BadParameter("choose one of --latest and --id")
    violation_filter = ViolationFilter(violations=violations or (), except_oldest=except_oldest)
    with open_workspace(database, workspace, cluster_id) as context:
        export = _export(context, number)
        if attributes is None:
            store = context.store
            names = common_attributes(store.exports, store.people, context.workspace_id, export.number)
        else:
            names = parse_attribute_names(attributes, field=WITH_OPTION)
        rows = context.store.exports.violations(context.workspace_id, export.number, attributes=names)
        entry = download_entry(context.workspace_id, export, actor=current_actor(), at=context.store.clock())
        context.store.audit_log.record(entry)
        lines = violation_lines(rows, names, violation_filter, decision=parse_decision(decide, field="--decide"))
        count = write_csv(lines, output, for_excel=for_excel)
        if output:
            info(f"{people_text(count - 1)} written to {output}")


@app.command()
def show(
    *,
    workspace: WorkspaceName,
    number: ExportNumber = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MAX_LIMIT, help="Maximum number of people to print.")
    ] = DEFAULT_LIMIT,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print the first people of an export.

    Without --id, the newest export is printed.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        export = _export(context, number)
        rows = list(violation_table(context.store.exports.violations(context.workspace_id, export.number, limit=limit)))
    print_table(("VIOLATIONS", "ID", "EMAIL", "ADVICE"), rows)
    if export.total > len(rows):
        info(f"and {export.total - len(rows)} more; for all of them: workspacectl exports get -w {workspace} -o FILE")


def _export(context: WorkspaceContext, number: int | None) -> Export:
    """Find an export by its number; None is the newest one. Raises NotFound."""
    for export in context.store.exports.exports(context.workspace_id):
        if number in {None, export.number}:
            return export
    if number is not None:
        raise NotFound(f"there is no export {number}: `workspacectl exports list` lists them")
    raise NotFound(f"{context.name} has no exports: no identifier migration has been blocked")
