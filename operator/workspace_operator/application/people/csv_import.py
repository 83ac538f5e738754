"""Import of people from CSV: every row is imported, or written to the rejects with its line and the reason.

Each batch of rows is one transaction. After an interruption the import can run again from the start: rows that were
imported before match the people that they created, and change nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

from workspace_operator.application.people.backup_rows import BackupAction
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.people.csv_commands import RowCommand, RowMapper, map_rows
from workspace_operator.application.people.csv_files.columns import (
    OTHERS_COLUMN,
    UNDO_COLUMN,
    ColumnReport,
    check_similar,
    header_error,
)
from workspace_operator.application.people.csv_files.reader import CsvOptions, CsvRow, Header, open_csv
from workspace_operator.application.people.csv_files.rejects import RejectedRows, RejectsFile
from workspace_operator.application.people.import_backup import ImportBackup
from workspace_operator.application.people.import_options import ImportOptions
from workspace_operator.application.people.import_summary import ImportSummary
from workspace_operator.application.ports import UnitsOfWork
from workspace_operator.errors import InvalidInput, ModeChanged
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.identity.values.rules import Mode

BATCH = 2_000
"""Rows per transaction: larger transactions block other writers longer and were not faster."""

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class PeopleImport:
    """One import into one workspace.

    Attributes:
        units: the people of workspaces, or a dry run, which writes nothing.
        rejects: receives the rows that are not imported completely.
        backup: receives people before they are changed.
        on_columns: called with the meaning of the columns, before the first row is imported.
        summary: results of the rows so far.
        on_results: called with the rows of a batch and their results, before the batch is counted.
        has_begun: whether the file as a whole was accepted.
        is_undo: whether it is the undo file of an import.
    """

    units: UnitsOfWork
    workspace_id: int
    options: ImportOptions
    rejects: RejectsFile
    csv: CsvOptions = field(default_factory=CsvOptions)
    backup: ImportBackup | None = None
    on_columns: Callable[[ColumnReport], None] = lambda _: None
    on_results: Callable[[Sequence[CsvRow], Sequence[CommandResultOrError]], None] = lambda _rows, _results: None
    clock: Callable[[], float] = time.time
    batch: int = BATCH
    summary: ImportSummary = field(default_factory=ImportSummary)
    has_begun: bool = False
    is_undo: bool = False
    _mode: Mode = field(init=False)

    def run(self, file: BinaryIO, progress: Callable[[], None] = lambda: None) -> ImportSummary:
        """Import a file; ``progress`` is called after each batch. Raises InvalidInput for the file as a whole."""
        with open_csv(file, self.csv) as source:
            check_similar(source.header.names)
            self.begin(source.header)
            rejected = RejectedRows(rejects=self.rejects, header=source.header)
            for rows in batches(source.rows, self.batch):
                self.import_rows(source.header, rows, rejected)
                progress()
        return self.summary

    def begin(self, header: Header) -> None:
        """Check the header before any row is imported. Raises InvalidInput."""
        self._mode = self.units.rules(self.workspace_id).mode
        RowMapper.of(header, self._mode, self.options)
        if self.backup is not None:
            if header.is_of_undo_file and OTHERS_COLUMN in header.columns:
                raise header_error(f"{OTHERS_COLUMN} cannot be undone by another undo file: omit --undo-file")
            self.backup.begin(header.attributes)
        self.has_begun, self.is_undo = True, header.is_of_undo_file
        self.on_columns(header.report(self._mode))

    def import_rows(self, header: Header, rows: Sequence[CsvRow], rejected: RejectedRows) -> None:
        """Import a batch of rows, after `begin`."""
        rows = self._without_created(rows, header)
        mapped, results = self._execute(header, rows)
        self.on_results(rows, results)
        for row, command, result in zip(rows, mapped, results, strict=True):
            if row.contains_rows:
                self.summary.count_rows_in_cell(row.line)
            if isinstance(result, InvalidInput):
                self._reject(rejected, row, str(result))
            else:
                self._count(rejected, row, result, () if isinstance(command, InvalidInput) else command[1])

    def _execute(
        self, header: Header, rows: Sequence[CsvRow]
    ) -> tuple[Sequence[RowCommand | InvalidInput], Sequence[CommandResultOrError]]:
        """Execute the commands of a batch in the mode that is in force, since it may change during the import."""
        now = int(self.clock())
        while True:
            mapped = map_rows(header, rows, self._mode, self.options)
            commands = [command if isinstance(command, InvalidInput) else command[0] for command in mapped]
            try:
                if self.backup is not None:
                    self.backup.before(self.workspace_id, commands, now=now, mode=self._mode)
                results = execute_commands(self.units, self.workspace_id, commands, now=now, expected_mode=self._mode)
            except ModeChanged as changed:
                self._mode = Mode(changed.mode)
                continue
            if self.backup is not None:
                self.backup.after(results)
            return mapped, results

    def _without_created(self, rows: Sequence[CsvRow], header: Header) -> Sequence[CsvRow]:
        """Skip rows of people that the undone import created, since an import does not delete people."""
        if not header.is_of_undo_file:
            return rows
        index = header.columns.index(UNDO_COLUMN)
        kept = [row for row in rows if row.problem or row.cells[index] != BackupAction.CREATED]
        self.summary.not_deleted += len(rows) - len(kept)
        self.summary.skipped += len(rows) - len(kept)
        return kept

    def _count(self, rejected: RejectedRows, row: CsvRow, result: CommandResult, left_out: Sequence[str]) -> None:
        effect = result.effect
        if effect is Effect.REJECTED:
            self._reject(rejected, row, result.message)
        elif effect is Effect.SKIPPED or effect is Effect.IGNORED:
            self.summary.skipped += 1
            rejected.write(row, "skipped", result.reason)
        else:
            self.summary.count_taken(row.line, result)
            if effect is Effect.UPDATED:
                self.summary.count_removed(result.before, result.person)
            if result.refusals or left_out:
                self.summary.in_part += 1
                refusals = (f"{refusal.kind.value}: {refusal.message}" for refusal in result.refusals)
                rejected.write(row, "in part", " ".join([*refusals, *left_out]))

    def _reject(self, rejected: RejectedRows, row: CsvRow, reason: str) -> None:
        self.summary.rejected += 1
        rejected.write(row, "rejected", reason)


def batches(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    """Split a stream into lists of up to ``size``; yields the rows before an error, then raises it."""
    batch: list[T] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == size:
                yield batch
                batch = []
    except InvalidInput:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
