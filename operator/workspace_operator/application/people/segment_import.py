"""Creation of a manual segment from the people in a CSV file, and removal of a segment.

A row must reference an existing person, since a segment creates no people. Other rows are written to the rejects with
their line and the reason. The file needs a column cio_id, id or email; for example, an export of violations without
the rows of people to keep.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO, Self

from workspace_operator.application.people.command_execution import CommandOrError, execute_commands
from workspace_operator.application.people.csv_commands import map_or_reject, reference_kinds
from workspace_operator.application.people.csv_files.identifier_cells import check_identifier_cell
from workspace_operator.application.people.csv_files.reader import CsvOptions, CsvRow, Header, open_csv
from workspace_operator.application.people.csv_files.rejects import RejectedRows, RejectsFile
from workspace_operator.application.people.csv_import import BATCH, batches
from workspace_operator.application.ports import People, PersonRecords, Segments
from workspace_operator.errors import InvalidInput, ModeChanged
from workspace_operator.identity.model.commands import SetMembership
from workspace_operator.identity.model.results import CommandResultOrError, Effect
from workspace_operator.identity.values.references import Reference, reference_of_kind, reference_to_cio_id
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, IdentifierKind, Mode
from workspace_operator.identity.values.text_limits import stripped

REFERENCE_PREFERENCE = (CIO_ID, ID, EMAIL)
"""Order of the identifiers of a row: the first with a value is used, the most reliable one first.

If that person is unknown, the next identifier is not tried: another person may have the id of a deleted person now.
"""


@dataclass(slots=True, kw_only=True)
class SegmentImportResult:
    """Result of a file: each row is added or rejected; several rows may reference one person."""

    number: int | None = None
    """Number of the segment, once it exists."""
    added: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        """Number of all rows."""
        return self.added + self.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReferences:
    """Maps the rows of one file to references in one mode."""

    columns: Sequence[tuple[int, IdentifierKind]]
    """Indexes and kinds of the columns that can reference people, in order of preference."""
    mode: Mode

    @classmethod
    def of(cls, header: Header, mode: Mode, by: IdentifierKind | None) -> Self:
        """Create the mapping for a header. Raises InvalidInput if no column can reference people in the mode."""
        kinds = reference_kinds(header, mode, by, preference=REFERENCE_PREFERENCE)
        return cls(columns=[(header.columns.index(kind.value), kind) for kind in kinds], mode=mode)

    def reference(self, row: CsvRow) -> Reference:
        """The reference of a row. Raises InvalidInput with the reason if it has none."""
        if row.problem:
            raise InvalidInput(row.problem)
        for index, kind in self.columns:
            value = stripped(row.cells[index])
            if value:
                check_identifier_cell(value, column=kind.value)
                return reference_of_kind(value, kind, self.mode)
        references = ", ".join(kind.value for _, kind in self.columns)
        raise InvalidInput(f"The row identifies no person: there is no value in {references}.")


@dataclass(slots=True, kw_only=True)
class SegmentImport:
    """Creates one segment of one workspace from a file."""

    people: People
    segments: Segments
    workspace_id: int
    name: str
    rejects: RejectsFile
    by: IdentifierKind | None = None
    csv: CsvOptions = field(default_factory=CsvOptions)
    clock: Callable[[], float] = time.time
    batch: int = BATCH
    result: SegmentImportResult = field(default_factory=SegmentImportResult)
    _mode: Mode = field(init=False)

    def run(self, file: BinaryIO, progress: Callable[[], None] = lambda: None) -> SegmentImportResult:
        """Import a file; ``progress`` is called after each batch.

        Raises:
            InvalidInput: for the file as a whole; no segment was created.
            NameTaken: another segment has the name.
        """
        self._mode = self.people.rules(self.workspace_id).mode
        with open_csv(file, self.csv) as source:
            RowReferences.of(source.header, self._mode, self.by)  # checks the header before any row
            now = datetime.fromtimestamp(self.clock(), UTC)
            number = self.result.number = self.segments.create(self.workspace_id, self.name, now=now)
            rejected = RejectedRows(rejects=self.rejects, header=source.header)
            for rows in batches(source.rows, self.batch):
                self._process_batch(source.header, rows, number, rejected)
                progress()
        if self.result.rejected and not self.result.added:
            self.segments.remove(self.workspace_id, number)  # so that the name is free for the corrected file
            self.result.number = None
        return self.result

    def _process_batch(self, header: Header, rows: Sequence[CsvRow], number: int, rejected: RejectedRows) -> None:
        results = self._execute(header, rows, number)
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, InvalidInput):
                self._reject(rejected, row, str(result))
            elif result.effect is not Effect.RECORDED:
                self._reject(rejected, row, result.message)
            else:
                self.result.added += 1

    def _execute(self, header: Header, rows: Sequence[CsvRow], number: int) -> Sequence[CommandResultOrError]:
        """Add a batch in the mode that is in force, since it may change during the import."""
        while True:
            commands = self._commands(header, rows, number)
            try:
                return execute_commands(
                    self.people, self.workspace_id, commands, now=int(self.clock()), expected_mode=self._mode
                )
            except ModeChanged as changed:
                self._mode = Mode(changed.mode)

    def _commands(self, header: Header, rows: Sequence[CsvRow], number: int) -> Sequence[CommandOrError]:
        references = map_or_reject(rows, lambda: RowReferences.of(header, self._mode, self.by).reference)
        return [
            person if isinstance(person, InvalidInput) else SetMembership(reference=person, segment=number, member=True)
            for person in references
        ]

    def _reject(self, rejected: RejectedRows, row: CsvRow, reason: str) -> None:
        self.result.rejected += 1
        rejected.write(row, "rejected", reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRemoval:
    """Removes a segment; its members stay in the workspace."""

    people: People
    person_records: PersonRecords
    segments: Segments
    workspace_id: int
    clock: Callable[[], float] = time.time
    batch: int = BATCH

    def run(self, number: int, progress: Callable[[int], None] = lambda _: None) -> None:
        """Remove all members, then the name; ``progress`` is called with the number of people after each batch."""
        for batch in batches(self.person_records.members(self.workspace_id, number), self.batch):
            references = map(reference_to_cio_id, batch)
            commands = [SetMembership(reference=reference, segment=number, member=False) for reference in references]
            execute_commands(self.people, self.workspace_id, commands, now=int(self.clock()))
            progress(len(batch))
        self.segments.remove(self.workspace_id, number)
