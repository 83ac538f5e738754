"""``workspacectl segments``: create, list, show and delete manual segments."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from workspace_operator.application.people.segment_import import SegmentImport, SegmentImportResult, SegmentRemoval
from workspace_operator.application.ports import Segment
from workspace_operator.cli.support.csv_file_options import (
    ByColumn,
    ColumnMapping,
    Encoding,
    RejectsPath,
    csv_options,
    default_rejects_path,
    name_file_in_errors,
    resolve_standard_input,
)
from workspace_operator.cli.support.files import open_input_file
from workspace_operator.cli.support.options import ClusterID, Database, ForExcel, Format, Output, WorkspaceName
from workspace_operator.cli.support.output import ERROR, INCOMPLETE, echo, info, json_text, people_text, print_table
from workspace_operator.cli.support.records import PERSON_COLUMNS, person_document
from workspace_operator.cli.support.rejects_file import RejectsFile
from workspace_operator.cli.support.terminal import file_bar, people_bar
from workspace_operator.cli.support.workspace_context import WorkspaceContext, open_workspace
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.identity.values.segments import segment_name

app = typer.Typer(name="segments", help="Manage manual segments.", no_args_is_help=True)

CREATE_EXAMPLES = """
Examples:

\b
  workspacectl segments create --from-csv to-delete.csv --name "to delete" \\
    -w default/crm
"""

COLUMNS = ("SEGMENT", "NAME", "PEOPLE", "CREATED")


SegmentSelector = Annotated[
    str, typer.Argument(metavar="SEGMENT", help="The number or name of the segment.", show_default=False)
]


SegmentName = Annotated[str, typer.Option("--name", metavar="NAME", help="The name of the segment.")]
FromCSV = Annotated[
    Path,
    typer.Option(
        "--from-csv",
        metavar="FILE",
        help="A CSV file of the people to add; - is standard input.",
        callback=resolve_standard_input,
    ),
]


@app.command(epilog=CREATE_EXAMPLES)
def create(
    *,
    workspace: WorkspaceName,
    name: SegmentName,
    from_csv: FromCSV,
    by: ByColumn = None,
    mapping: ColumnMapping = None,
    encoding: Encoding = "utf-8",
    rejects: RejectsPath = None,
    for_excel: ForExcel = False,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Create a manual segment of the people in a CSV file.

    The file needs a column cio_id, id or email. The first of them that has a value selects the person; email only
    where it is an identifier. For example, use the export of people who block a migration, after removing the rows of
    people to keep.

    No people are created. A row that matches no person is written to NAME.rejects.csv beside FILE, with its line and
    the reason.

    Exit codes: 0 all rows were added; 3 rows were rejected; 1 no row could be added, so that no segment was created,
    or an error; 64 wrong usage.
    """
    validated_name = segment_name(name, field="--name")
    options = csv_options(mapping, encoding)
    rejects = rejects or default_rejects_path(from_csv)
    with (
        open_input_file(from_csv) as source,
        RejectsFile(rejects, source_file=from_csv, with_bom=for_excel or options.encoding != "utf-8") as rejects_file,
        open_workspace(database, workspace, cluster_id) as context,
    ):
        importer = SegmentImport(
            people=context.store.people,
            segments=context.store.segments,
            workspace_id=context.workspace_id,
            clock=context.store.clock.timestamp,
            name=validated_name,
            rejects=rejects_file,
            by=by,
            csv=options,
        )
        try:
            with name_file_in_errors(from_csv, "--from-csv"), file_bar("adding", source) as progress:
                importer.run(source, progress)
            rejects_file.finish()
        finally:
            _print_result(context, importer.result, validated_name, rejects)
    if importer.result.rejected:
        raise typer.Exit(INCOMPLETE if importer.result.added else ERROR)


def _print_result(context: WorkspaceContext, result: SegmentImportResult, name: str, rejects: Path) -> None:
    if result.number is not None:
        people = context.store.segments.get(context.workspace_id, result.number).people
        echo(f"segment {result.number} ({name}): {people_text(people)}")
    elif result.rejected:
        echo("no segment was created: all rows were rejected")
    else:
        return
    echo(f"{result.rows} rows: {result.added} added, {result.rejected} rejected")
    if result.rejected:
        echo(f"rejected rows, with reasons: {rejects}")


@app.command("list")
def list_segments(
    *, workspace: WorkspaceName, output: Output = Format.TABLE, cluster_id: ClusterID = None, database: Database
) -> None:
    """List the manual segments of a workspace.

    A segment that was created by API requests has no name.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        segments = context.store.segments.all(context.workspace_id)
    if output is Format.JSON:
        print(json_text([_segment_document(segment) for segment in segments]))
    else:
        print_table(COLUMNS, [list(_segment_document(segment).values()) for segment in segments])


@app.command()
def show(
    selector: SegmentSelector,
    *,
    workspace: WorkspaceName,
    limit: Annotated[int, typer.Option("--limit", min=0, max=10_000, help="Maximum number of people to print.")] = 10,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Show a segment and the first of its people."""
    with open_workspace(database, workspace, cluster_id) as context:
        segment = context.segment(selector, field="SEGMENT")
        first = islice(context.store.person_records.members(context.workspace_id, segment.number), limit)
        people = context.store.people.find_many(context.workspace_id, list(map(reference_to_cio_id, first)))
    if output is Format.JSON:
        print(json_text({**_segment_document(segment), "first": [person_document(person) for person in people]}))
        return
    print_table(COLUMNS, [list(_segment_document(segment).values())])
    if people:
        echo("")
        print_table(PERSON_COLUMNS, [(person.cio_id, person.id, person.email) for person in people])
    if segment.people > len(people):
        info(f"and {segment.people - len(people)} more")


@app.command()
def delete(
    selector: SegmentSelector, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database
) -> None:
    """Delete a manual segment, but not its people.

    To delete the people, use people delete --segment.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        segment = context.segment(selector, field="SEGMENT")
        removal = SegmentRemoval(
            people=context.store.people,
            person_records=context.store.person_records,
            segments=context.store.segments,
            workspace_id=context.workspace_id,
            clock=context.store.clock.timestamp,
        )
        with people_bar("removing", segment.people) as progress:
            removal.run(segment.number, progress)
    echo(f"segment {segment.number} deleted; {people_text(segment.people)} removed from it, no people deleted")


def _segment_document(segment: Segment) -> dict[str, object]:
    return {
        "segment": segment.number,
        "name": segment.name,
        "people": segment.people,
        "created_at": None if segment.created_at is None else segment.created_at.isoformat(timespec="seconds"),
    }
