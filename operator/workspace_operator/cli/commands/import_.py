"""``workspacectl people import``: import people from a CSV file."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from workspace_operator.application.audit.entries import import_entry
from workspace_operator.application.people.csv_files.reader import CsvOptions
from workspace_operator.application.people.csv_import import PeopleImport
from workspace_operator.application.people.import_backup import ImportBackup
from workspace_operator.application.people.import_options import EmptyCells, ImportOptions
from workspace_operator.cli.support.backup_file import BackupFile
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
from workspace_operator.cli.support.import_report import ImportReport, print_columns
from workspace_operator.cli.support.options import ClusterID, Database, ForExcel, WorkspaceName
from workspace_operator.cli.support.output import ERROR, INCOMPLETE
from workspace_operator.cli.support.rejects_file import RejectsFile
from workspace_operator.cli.support.terminal import file_bar
from workspace_operator.cli.support.workspace_context import WorkspaceContext, current_actor, open_workspace

EXAMPLES = """
Examples:

\b
  workspacectl people import people.csv -w default/crm --dry-run
  workspacectl people import people.csv -w default/crm --undo-file undo.csv
  workspacectl people import corrected.csv -w default/crm --by cio_id --update
  workspacectl people import list.csv -w default/crm --map 'E-Mail=email'
"""


CsvFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A CSV file; - is standard input.", callback=resolve_standard_input)
]
UpdateOnly = Annotated[bool, typer.Option("--update", help="Only update existing people; create none.")]
EmptyCellsOption = Annotated[
    EmptyCells,
    typer.Option("--empty-cells", help="Whether an empty cell is ignored or removes the value (except unsubscribed)."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Only report what the import would do. Rejected rows are written only with --rejects."
    ),
]
UndoPath = Annotated[
    Path | None, typer.Option("--undo-file", metavar="UNDO", help="A new file for what is needed to undo the import.")
]


def import_people(
    file: CsvFile,
    *,
    workspace: WorkspaceName,
    by: ByColumn = None,
    update: UpdateOnly = False,
    empty_cells: EmptyCellsOption = EmptyCells.IGNORE,
    mapping: ColumnMapping = None,
    encoding: Encoding = "utf-8",
    dry_run: DryRun = False,
    undo_file: UndoPath = None,
    rejects: RejectsPath = None,
    for_excel: ForExcel = False,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Import people from a CSV file.

    The header names the columns: id, email, cio_id, created_at; any other name is an attribute. The import first
    reports what each column is used for. The delimiter is a comma, semicolon, tab or vertical bar. An empty cell
    changes nothing.

    A row that is rejected, as a whole or in part, is written to NAME.rejects.csv beside FILE, with its line and the
    reason. Correct that file, and import it. A file that cannot be read to its end is refused as a whole.

    To undo an import, import its undo file. To continue an import that was interrupted, run it again.

    Exit codes: 0 all rows were imported, or ignored by rule; 3 rows were rejected, as a whole or in part; 1 no row
    could be imported, or an error; 64 wrong usage.
    """
    if dry_run and undo_file is not None:
        raise typer.BadParameter("a --dry-run writes no --undo-file: leave one out")
    rejects = rejects if dry_run or rejects else default_rejects_path(file)
    if undo_file is not None and rejects is not None and undo_file.resolve() == rejects.resolve():
        raise typer.BadParameter(f"--undo-file {undo_file} is also the rejects file: choose another file")
    request = _ImportRequest(
        file=file,
        options=ImportOptions(by=by, update_only=update, empty_cells=empty_cells),
        csv=csv_options(mapping, encoding),
        dry_run=dry_run,
        undo_file=undo_file,
        rejects=rejects,
        for_excel=for_excel,
    )
    with open_workspace(database, workspace, cluster_id) as context:
        code = request.run(context)
    if code:
        raise typer.Exit(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ImportRequest:
    """The options of one import."""

    file: Path
    options: ImportOptions
    csv: CsvOptions
    dry_run: bool
    undo_file: Path | None
    rejects: Path | None
    for_excel: bool

    def run(self, context: WorkspaceContext) -> int:
        """Import, and print the result; returns the exit code."""
        file = self.file
        with ExitStack() as stack:
            source = stack.enter_context(open_input_file(file))
            with_bom = self.for_excel or self.csv.encoding != "utf-8"
            rejects_file = stack.enter_context(RejectsFile(self.rejects, source_file=file, with_bom=with_bom))
            stored = context.store.people
            units = stack.enter_context(stored.dry_run(context.workspace_id)) if self.dry_run else stored
            undo = self._undo(context, stack)
            report = ImportReport(rejects=rejects_file, dry_run=self.dry_run)
            people_import = PeopleImport(
                units=units,
                workspace_id=context.workspace_id,
                options=self.options,
                csv=self.csv,
                rejects=report,
                backup=undo,
                on_columns=print_columns,
                clock=context.store.clock.timestamp,
            )
            summary = people_import.summary
            try:
                with _gc_disabled(), name_file_in_errors(file, "FILE"), file_bar("importing", source) as progress:
                    people_import.run(source, progress)
                rejects_file.finish()
            finally:
                if people_import.has_begun:
                    report.print_summary(summary, context.name, undo=undo, undo_file=self.undo_file, file=file)
                if not self.dry_run:
                    _record(context, people_import)
        if summary.rejected and not summary.taken:
            return ERROR
        return INCOMPLETE if summary.rejected or summary.in_part else 0

    def _undo(self, context: WorkspaceContext, stack: ExitStack) -> ImportBackup | None:
        path, people = self.undo_file, context.store.people
        if path is None:
            return None
        return ImportBackup(people=people, open=lambda names: stack.enter_context(BackupFile(path, names)))


def _record(context: WorkspaceContext, people_import: PeopleImport) -> None:
    """Record in the audit log what was imported, also if the import was interrupted."""
    entry = import_entry(
        context.workspace_id,
        people_import.summary,
        is_undo=people_import.is_undo,
        actor=current_actor(),
        at=context.store.clock(),
    )
    if entry is not None:
        context.store.audit_log.record(entry)


@contextmanager
def _gc_disabled() -> Iterator[None]:
    """Disable garbage collection: an import creates no cycles, and the search for them is a fifth of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
