"""Making a manual segment of the people in a CSV file, and taking one away again.

Who is named by a row has to be there: a segment makes nobody. What names nobody goes with its line and the reason to
the rejects. The file may be any with a column cio_id, id or email, such as a report of violations without the rows of
those who are to stay.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO

from workspace_operator.application.csv_reading import CsvOptions, CsvRow, Header, opened_csv
from workspace_operator.application.identifier_cells import check_not_made_by_spreadsheet
from workspace_operator.application.importing import BATCH, batches
from workspace_operator.application.ports import Belongings, People, Segments
from workspace_operator.application.rejecting import RejectedRows, Rejects
from workspace_operator.application.row_calls import naming_kinds
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import SegmentCall
from workspace_operator.identity.outcomes import Effect
from workspace_operator.identity.references import Reference, of_cio_id, reference_by_kind
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID, Kind, Mode
from workspace_operator.identity.texts import stripped

NAMING = (CIO_ID, ID, EMAIL)
"""By what a row names somebody: the first that has a value, the surest first, for they may be about to be deleted.

If that person is unknown, the next is not tried: the id of a deleted person may belong to another person by now.
"""


@dataclass(slots=True, kw_only=True)
class Filled:
    """What came of a file's rows, each joined or rejected; several may name one person."""

    number: int | None = None
    """The segment, once it is made."""
    joined: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        """All rows."""
        return self.joined + self.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNames:
    """Finds out whom the rows of one file name, whatever mode is in force when they are taken."""

    header: Header
    by: Kind | None
    _by_mode: dict[Mode, Sequence[tuple[int, Kind]]] = field(default_factory=dict)

    def columns(self, mode: Mode) -> Sequence[tuple[int, Kind]]:
        """Where in a row somebody may be named. Raises InvalidInput if no column names anybody in this mode."""
        if mode not in self._by_mode:
            kinds = naming_kinds(self.header, mode, self.by, preference=NAMING)
            self._by_mode[mode] = [(self.header.columns.index(kind.value), kind) for kind in kinds]
        return self._by_mode[mode]

    def reference(self, row: CsvRow, mode: Mode) -> Reference:
        """Whom a row names. Raises InvalidInput with the reason if it names nobody."""
        if row.problem:
            raise InvalidInput(row.problem)
        columns = self.columns(mode)
        for place, kind in columns:
            value = stripped(row.cells[place])
            if value:
                check_not_made_by_spreadsheet(value, column=kind.value)
                return reference_by_kind(value, kind, mode)
        names = ", ".join(kind.value for _, kind in columns)
        raise InvalidInput(f"The row names nobody: there is nothing in {names}.")


@dataclass(slots=True, kw_only=True)
class SegmentMaking:
    """Makes one segment of one workspace of a file."""

    people: People
    segments: Segments
    workspace_id: int
    name: str
    rejects: Rejects
    by: Kind | None = None
    csv: CsvOptions = field(default_factory=CsvOptions)
    clock: Callable[[], float] = time.time
    batch: int = BATCH
    filled: Filled = field(default_factory=Filled)

    def run(self, file: BinaryIO, progress: Callable[[], None] = lambda: None) -> Filled:
        """Take a file; ``progress`` is called after each batch.

        Raises:
            InvalidInput: for the file as a whole; no segment was made.
            NameTaken: another segment has the name.
        """
        mode = self.people.rules(self.workspace_id).mode
        with opened_csv(file, self.csv) as source:
            names = RowNames(header=source.header, by=self.by)
            names.columns(mode)  # what is wrong with the header is told before any row
            number = self.filled.number = self._created()
            rejected = RejectedRows(rejects=self.rejects, header=source.header)
            for rows in batches(source.rows, self.batch):
                self._take(rows, names, number, rejected)
                progress()
        if self.filled.rejected and not self.filled.joined:
            self.segments.remove(self.workspace_id, number)  # so that the name is free for the corrected file
            self.filled.number = None
        return self.filled

    def _created(self) -> int:
        return self.segments.create(self.workspace_id, self.name, now=datetime.fromtimestamp(self.clock(), UTC))

    def _take(self, rows: Sequence[CsvRow], names: RowNames, number: int, rejected: RejectedRows) -> None:
        def call(row: CsvRow, mode: Mode) -> SegmentCall:
            return SegmentCall(reference=names.reference(row, mode), segment=number, joins=True)

        asks = [partial(call, row) for row in rows]
        answers = self.people.perform(self.workspace_id, asks, now=int(self.clock()))
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, InvalidInput):
                self._reject(rejected, row, str(answer))
            elif answer.effect is not Effect.RECORDED:
                self._reject(rejected, row, answer.sentence)
            else:
                self.filled.joined += 1

    def _reject(self, rejected: RejectedRows, row: CsvRow, reason: str) -> None:
        self.filled.rejected += 1
        rejected.note(row, "rejected", reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRemoval:
    """Takes a segment away; the people who were in it stay."""

    people: People
    belongings: Belongings
    segments: Segments
    workspace_id: int
    clock: Callable[[], float] = time.time
    batch: int = BATCH

    def run(self, number: int, progress: Callable[[int], None] = lambda _: None) -> None:
        """Take everybody out, and then the name away; ``progress`` is told of each batch how many it was."""
        for some in batches(self.belongings.members(self.workspace_id, number), self.batch):
            calls = [SegmentCall(reference=of_cio_id(each), segment=number, joins=False) for each in some]
            self.people.perform(self.workspace_id, calls, now=int(self.clock()))
            progress(len(some))
        self.segments.remove(self.workspace_id, number)
