"""``workspacectl people import``."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from workspace_operator.application.import_options import EmptyCells, ImportOptions
from workspace_operator.cli.file_options import (
    ByColumn,
    Encoding,
    Map,
    csv_options,
    file_or_input,
    naming_file,
    rejects_beside,
)
from workspace_operator.cli.options import ClusterID, Database, ForExcel, WorkspaceName
from workspace_operator.cli.output import ERROR, INCOMPLETE
from workspace_operator.cli.progress_bars import file_bar
from workspace_operator.cli.stores import NamedWorkspace, opened_workspace

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.csv_reading import CsvOptions
    from workspace_operator.application.import_undo import ImportUndo
    from workspace_operator.application.importing import PeopleImport

EXAMPLES = """
Examples:

\b
  workspacectl people import people.csv -w default/crm --dry-run
  workspacectl people import people.csv -w default/crm --undo-file undo.csv
  workspacectl people import corrected.csv -w default/crm --by cio_id --update
  workspacectl people import list.csv -w default/crm --map 'E-Mail=email'
"""


File = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file; - is standard input.", callback=file_or_input)]
Update = Annotated[bool, typer.Option("--update", help="Only change people who are there; create none.")]
Empty = Annotated[
    EmptyCells,
    typer.Option(
        "--empty-cells", help="What an empty cell means: nothing, or that the value is removed (never unsubscribed)."
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Report what the import would do, and change nothing. Only --rejects writes a rejects file."
    ),
]
UndoPath = Annotated[
    Path | None,
    typer.Option("--undo-file", metavar="UNDO", help="A new file for people as they were before."),
]
RejectsPath = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="REJECTS",
        help="The file for rows that are not taken.",
        show_default="NAME.rejects.csv beside FILE",
    ),
]


def import_people(
    file: File,
    *,
    workspace: WorkspaceName,
    by: ByColumn = None,
    update: Update = False,
    empty_cells: Empty = EmptyCells.IGNORE,
    mapping: Map = None,
    encoding: Encoding = "utf-8",
    dry_run: DryRun = False,
    undo_file: UndoPath = None,
    rejects: RejectsPath = None,
    for_excel: ForExcel = False,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Import people from a CSV file.

    The header names the columns: id, email, cio_id, created_at, and attributes by any other name. The import first
    reports what each column became. Commas, semicolons, tabs and vertical bars are recognised. An empty cell changes
    nothing.

    A row that is not taken, in whole or in part, goes with its line and the reason to a file beside FILE,
    NAME.rejects.csv. Correct it, and import it as it is. A file that cannot be read to its end is refused as a whole.

    To undo an import, import its undo file. An import that was interrupted is simply run again.

    Exit codes: 0 all rows were taken, or ignored by rule; 3 rows were rejected or taken in part; 1 nothing could be
    taken, or an error; 64 wrong usage.
    """
    if dry_run and undo_file is not None:
        raise typer.BadParameter("--undo-file has nothing to take in a --dry-run: leave one out")
    rejects = rejects if dry_run or rejects else rejects_beside(file)
    if undo_file is not None and rejects is not None and undo_file.resolve() == rejects.resolve():
        raise typer.BadParameter(f"--undo-file {undo_file} is the rejects file as well: name another")
    wanted = _Wanted(
        file=file,
        options=ImportOptions(by=by, update_only=update, empty_cells=empty_cells),
        csv=csv_options(mapping, encoding),
        dry_run=dry_run,
        undo_file=undo_file,
        rejects=rejects,
        for_excel=for_excel,
    )
    with opened_workspace(database, workspace, cluster_id) as found:
        code = wanted.run(found)
    if code:
        raise typer.Exit(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """One import as it was asked for."""

    file: Path
    options: ImportOptions
    csv: "CsvOptions"
    dry_run: bool
    undo_file: Path | None
    rejects: Path | None
    for_excel: bool

    def run(self, found: NamedWorkspace) -> int:
        """Import, and tell what came of it; gives the exit code."""
        from workspace_operator.application.importing import PeopleImport
        from workspace_operator.cli.files import RejectsFile, opened_file
        from workspace_operator.cli.import_reports import ImportReport, tell_columns

        with ExitStack() as stack:
            source = stack.enter_context(opened_file(self.file))
            marked = self.for_excel or self.csv.encoding != "utf-8"
            not_taken = stack.enter_context(RejectsFile(self.rejects, of=self.file, marked=marked))
            people = stack.enter_context(found.people.dry_run(found.number)) if self.dry_run else found.people
            undo = self._undo(found, stack)
            report = ImportReport(rejects=not_taken, keeps_examples=self.dry_run and self.rejects is None)
            run = PeopleImport(
                people=people,
                workspace_id=found.number,
                options=self.options,
                csv=self.csv,
                rejects=report,
                undo=undo,
                tell_columns=tell_columns,
                clock=found.clock.timestamp,
            )
            try:
                _run(run, source, self.file)
                not_taken.finish()
            finally:
                if run.has_begun:
                    report.tell(
                        run.summary,
                        found.name,
                        undo=undo,
                        undo_file=self.undo_file,
                        file=self.file,
                        dry_run=self.dry_run,
                    )
        if run.summary.rejected and not run.summary.taken:
            return ERROR
        return INCOMPLETE if run.summary.rejected or run.summary.in_part else 0

    def _undo(self, found: NamedWorkspace, stack: ExitStack) -> "ImportUndo | None":
        from workspace_operator.application.import_undo import ImportUndo
        from workspace_operator.cli.undo_files import UndoFile

        path = self.undo_file
        if path is None:
            return None
        return ImportUndo(people=found.people, open=lambda names: stack.enter_context(UndoFile(path, names)))


def _run(run: "PeopleImport", source: BinaryIO, file: Path) -> None:
    with _without_cycles(), naming_file(file, "FILE"), file_bar("importing", source) as progress:
        run.run(source, progress)


@contextmanager
def _without_cycles() -> Iterator[None]:
    """Nothing here makes cycles; looking for them costs a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
