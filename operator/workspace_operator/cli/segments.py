"""``workspacectl segments``: people put together by number, to look at or to delete."""

from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from workspace_operator.cli.file_options import (
    ByColumn,
    Encoding,
    Map,
    csv_options,
    file_or_input,
    naming_file,
    rejects_beside,
)
from workspace_operator.cli.files import RejectsFile, opened_file
from workspace_operator.cli.options import ClusterID, Database, ForExcel, WorkspaceName
from workspace_operator.cli.output import ERROR, INCOMPLETE, json_text, note, people_text, table, tell
from workspace_operator.cli.people_search import shown
from workspace_operator.cli.stores import NamedWorkspace, opened_workspace
from workspace_operator.identity.segments import segment_name

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.ports import Segment
    from workspace_operator.application.segmenting import Filled, SegmentMaking

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


Which = Annotated[str, typer.Argument(metavar="SEGMENT", help="Its number, or its name.", show_default=False)]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print it.")]


SegmentName = Annotated[str, typer.Option("--name", metavar="NAME", help="What the segment is for.")]
FromCSV = Annotated[
    Path,
    typer.Option(
        "--from-csv",
        metavar="FILE",
        help="Whom to put into it: a CSV file; - is standard input.",
        callback=file_or_input,
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
    mapping: Map = None,
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
    from workspace_operator.application.segmenting import SegmentMaking

    called = segment_name(name, field="--name")
    options = csv_options(mapping, encoding)
    rejects = rejects or rejects_beside(from_csv)
    with (
        opened_file(from_csv) as source,
        RejectsFile(rejects, of=from_csv, marked=for_excel or options.encoding != "utf-8") as not_taken,
        opened_workspace(database, workspace, cluster_id) as found,
    ):
        making = SegmentMaking(
            people=found.people,
            segments=found.segments,
            workspace_id=found.number,
            clock=found.clock.timestamp,
            name=called,
            rejects=not_taken,
            by=by,
            csv=options,
        )
        try:
            _run(making, source, from_csv)
            not_taken.finish()
        finally:
            _tell(found, making.filled, called, rejects)
    if making.filled.rejected:
        raise typer.Exit(INCOMPLETE if making.filled.joined else ERROR)


def _run(making: "SegmentMaking", source: BinaryIO, file: Path) -> None:
    from workspace_operator.cli.progress_bars import file_bar

    with naming_file(file, "--from-csv"), file_bar("putting together", source) as progress:
        making.run(source, progress)


def _tell(found: NamedWorkspace, filled: "Filled", name: str, rejects: Path) -> None:
    if filled.number is not None:
        people = found.segments.get(found.number, filled.number).people
        tell(f"segment {filled.number} ({name}): {people_text(people)}")
    elif filled.rejected:
        tell("no segment was made: none of the rows could be taken")
    else:
        return
    tell(f"{filled.rows} rows: {filled.joined} taken, {filled.rejected} rejected")
    if filled.rejected:
        tell(f"what was not taken, and why: {rejects}")


@app.command("list")
def list_segments(
    *, workspace: WorkspaceName, output: Output = Format.TABLE, cluster_id: ClusterID = None, database: Database
) -> None:
    """List the manual segments of a workspace.

    Those that only calls have put people into have no name.
    """
    with opened_workspace(database, workspace, cluster_id) as found:
        segments = found.segments.all(found.number)
    if output is Format.JSON:
        print(json_text([_document(each) for each in segments]))
    else:
        table(COLUMNS, map(_row, segments))


@app.command()
def show(
    which: Which,
    *,
    workspace: WorkspaceName,
    limit: Annotated[int, typer.Option("--limit", min=0, max=10_000, help="At most so many of its people.")] = 10,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Show a segment and the first of its people."""
    from workspace_operator.identity.references import of_cio_id

    with opened_workspace(database, workspace, cluster_id) as found:
        segment = found.segment(which, field="SEGMENT")
        first = islice(found.belongings.members(found.number, segment.number), limit)
        people = found.people.find_many(found.number, list(map(of_cio_id, first)))
    if output is Format.JSON:
        print(json_text({**_document(segment), "first": [shown(each) for each in people]}))
        return
    table(COLUMNS, [_row(segment)])
    if people:
        tell("")
        table(PEOPLE_COLUMNS, [(each.cio_id, each.id, each.email) for each in people])
    if segment.people > len(people):
        note(f"and {segment.people - len(people)} more")


@app.command()
def delete(which: Which, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database) -> None:
    """Delete a manual segment. The people in it stay.

    To delete them, use people delete --segment.
    """
    from workspace_operator.application.segmenting import SegmentRemoval
    from workspace_operator.cli.progress_bars import people_bar

    with opened_workspace(database, workspace, cluster_id) as found:
        segment = found.segment(which, field="SEGMENT")
        removal = SegmentRemoval(
            people=found.people,
            belongings=found.belongings,
            segments=found.segments,
            workspace_id=found.number,
            clock=found.clock.timestamp,
        )
        with people_bar("taking out", segment.people) as progress:
            removal.run(segment.number, progress)
    tell(f"segment {segment.number} deleted; {people_text(segment.people)} taken out, nobody deleted")


def _row(segment: "Segment") -> tuple[object, ...]:
    return segment.number, segment.name, segment.people, _created(segment)


def _document(segment: "Segment") -> dict[str, object]:
    return {
        "segment": segment.number,
        "name": segment.name,
        "people": segment.people,
        "created_at": _created(segment),
    }


def _created(segment: "Segment") -> str | None:
    return None if segment.created_at is None else segment.created_at.isoformat(timespec="seconds")
