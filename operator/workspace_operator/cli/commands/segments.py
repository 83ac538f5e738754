"""``workspacectl segments``: people put together by number, to look at or to delete."""

from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from workspace_operator.cli.commands.people_search import person_document
from workspace_operator.cli.support.csv_file_options import (
    ByColumn,
    ColumnMapping,
    Encoding,
    csv_options,
    default_rejects_path,
    name_file_in_errors,
    resolve_standard_input,
)
from workspace_operator.cli.support.files import RejectsFile, open_input_file
from workspace_operator.cli.support.options import ClusterID, Database, ForExcel, WorkspaceName
from workspace_operator.cli.support.output import ERROR, INCOMPLETE, echo, info, json_text, people_text, print_table
from workspace_operator.cli.support.workspace_context import WorkspaceContext, open_workspace
from workspace_operator.identity.values.segments import segment_name

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.people.segment_import import SegmentImport, SegmentImportResult
    from workspace_operator.application.ports import Segment

app = typer.Typer(help="Put people together in manual segments.", no_args_is_help=True)

CREATE_EXAMPLES = """
Examples:

\b
  workspacectl segments create --from-csv to-delete.csv --name "to delete" \\
    -w default/crm
"""

COLUMNS = ("SEGMENT", "NAME", "PEOPLE", "CREATED")
PEOPLE_COLUMNS = ("CIO_ID", "ID", "EMAIL")


class Format(StrEnum):
    """How segments are printed."""

    TABLE = "table"
    JSON = "json"


SegmentSelector = Annotated[str, typer.Argument(metavar="SEGMENT", help="Its number, or its name.", show_default=False)]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print it.")]


SegmentName = Annotated[str, typer.Option("--name", metavar="NAME", help="What the segment is for.")]
FromCSV = Annotated[
    Path,
    typer.Option(
        "--from-csv",
        metavar="FILE",
        help="Whom to put into it: a CSV file; - is standard input.",
        callback=resolve_standard_input,
    ),
]
RejectsPath = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="REJECTS",
        help="Where rows go that name nobody.",
        show_default="NAME.rejects.csv beside FILE",
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
    """Make a manual segment of the people in a CSV file.

    Any file with a column cio_id, id or email will do; the first of them that has a value names the person, email only
    where it is an identifier. So the export of those who stand in the way of an identifier change can be taken as it
    is, without the rows of people who are to stay.

    Nobody is made. A row that names nobody goes with its line and the reason to a file beside FILE, NAME.rejects.csv.

    Exit codes: 0 all rows were taken; 3 rows were rejected; 1 nothing could be taken, and no segment was made, or an
    error; 64 wrong usage.
    """
    from workspace_operator.application.people.segment_import import SegmentImport

    validated_name = segment_name(name, field="--name")
    options = csv_options(mapping, encoding)
    rejects = rejects or default_rejects_path(from_csv)
    with (
        open_input_file(from_csv) as source,
        RejectsFile(rejects, source_file=from_csv, with_bom=for_excel or options.encoding != "utf-8") as rejects_file,
        open_workspace(database, workspace, cluster_id) as context,
    ):
        importer = SegmentImport(
            people=context.people,
            segments=context.segments,
            workspace_id=context.number,
            clock=context.clock.timestamp,
            name=validated_name,
            rejects=rejects_file,
            by=by,
            csv=options,
        )
        try:
            _run_import(importer, source, from_csv)
            rejects_file.finish()
        finally:
            _print_result(context, importer.result, validated_name, rejects)
    if importer.result.rejected:
        raise typer.Exit(INCOMPLETE if importer.result.added else ERROR)


def _run_import(importer: "SegmentImport", source: BinaryIO, file: Path) -> None:
    from workspace_operator.cli.support.progress_bars import file_bar

    with name_file_in_errors(file, "--from-csv"), file_bar("putting together", source) as progress:
        importer.run(source, progress)


def _print_result(context: WorkspaceContext, result: "SegmentImportResult", name: str, rejects: Path) -> None:
    if result.number is not None:
        people = context.segments.get(context.number, result.number).people
        echo(f"segment {result.number} ({name}): {people_text(people)}")
    elif result.rejected:
        echo("no segment was made: none of the rows could be taken")
    else:
        return
    echo(f"{result.rows} rows: {result.added} taken, {result.rejected} rejected")
    if result.rejected:
        echo(f"what was not taken, and why: {rejects}")


@app.command("list")
def list_segments(
    *, workspace: WorkspaceName, output: Output = Format.TABLE, cluster_id: ClusterID = None, database: Database
) -> None:
    """List the manual segments of a workspace.

    Those that only calls have put people into have no name.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        segments = context.segments.all(context.number)
    if output is Format.JSON:
        print(json_text([_segment_document(each) for each in segments]))
    else:
        print_table(COLUMNS, map(_row, segments))


@app.command()
def show(
    selector: SegmentSelector,
    *,
    workspace: WorkspaceName,
    limit: Annotated[int, typer.Option("--limit", min=0, max=10_000, help="At most so many of its people.")] = 10,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Show a segment and the first of its people."""
    from workspace_operator.identity.values.references import reference_to_cio_id

    with open_workspace(database, workspace, cluster_id) as context:
        segment = context.segment(selector, field="SEGMENT")
        first = islice(context.person_records.members(context.number, segment.number), limit)
        people = context.people.find_many(context.number, list(map(reference_to_cio_id, first)))
    if output is Format.JSON:
        print(json_text({**_segment_document(segment), "first": [person_document(each) for each in people]}))
        return
    print_table(COLUMNS, [_row(segment)])
    if people:
        echo("")
        print_table(PEOPLE_COLUMNS, [(each.cio_id, each.id, each.email) for each in people])
    if segment.people > len(people):
        info(f"and {segment.people - len(people)} more")


@app.command()
def delete(
    selector: SegmentSelector, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database
) -> None:
    """Delete a manual segment. The people in it stay.

    To delete them, use people delete --segment.
    """
    from workspace_operator.application.people.segment_import import SegmentRemoval
    from workspace_operator.cli.support.progress_bars import people_bar

    with open_workspace(database, workspace, cluster_id) as context:
        segment = context.segment(selector, field="SEGMENT")
        removal = SegmentRemoval(
            people=context.people,
            person_records=context.person_records,
            segments=context.segments,
            workspace_id=context.number,
            clock=context.clock.timestamp,
        )
        with people_bar("taking out", segment.people) as progress:
            removal.run(segment.number, progress)
    echo(f"segment {segment.number} deleted; {people_text(segment.people)} taken out, nobody deleted")


def _row(segment: "Segment") -> tuple[object, ...]:
    return segment.number, segment.name, segment.people, _created_text(segment)


def _segment_document(segment: "Segment") -> dict[str, object]:
    return {
        "segment": segment.number,
        "name": segment.name,
        "people": segment.people,
        "created_at": _created_text(segment),
    }


def _created_text(segment: "Segment") -> str | None:
    return None if segment.created_at is None else segment.created_at.isoformat(timespec="seconds")
