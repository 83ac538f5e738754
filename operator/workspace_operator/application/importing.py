"""Importing people from CSV: every row is taken, or goes with its line and the reason to the rejects.

Rows are taken in batches, each one transaction. An import that was interrupted is run again from the start: rows that
were taken before match the people they made and change nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, TypeVar

from workspace_operator.application.csv_reading import CsvRow, read_header, read_rows, text_of
from workspace_operator.application.ports import People
from workspace_operator.application.rejecting import RejectedRows, Rejects
from workspace_operator.application.row_calls import FileCalls
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.outcomes import Effect, Outcome, Refusal
from workspace_operator.identity.rules import Kind

BATCH = 2_000
"""Rows a transaction: larger ones hold other writers longer and were not faster."""

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Summary:
    """How many rows came to what; the first four add up to the rows.

    ``unchanged`` are among the updated: what they say was so already. ``in_part`` are among created and updated.
    """

    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0
    unchanged: int = 0
    in_part: int = 0

    @property
    def rows(self) -> int:
        """All rows."""
        return self.created + self.updated + self.skipped + self.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How rows name people, and whether they may create any."""

    by: Kind | None = None
    update_only: bool = False


@dataclass(slots=True, kw_only=True)
class PeopleImport:
    """One import into one workspace."""

    people: People
    workspace_id: int
    options: ImportOptions
    rejects: Rejects
    clock: Callable[[], float] = time.time
    batch: int = BATCH
    summary: Summary = field(default_factory=Summary)
    has_begun: bool = False
    """Whether the file as a whole was accepted."""

    def run(self, file: BinaryIO, progress: Callable[[], None] = lambda: None) -> Summary:
        """Import a file; ``progress`` is called after each batch. Raises InvalidInput for the file as a whole."""
        mode = self.people.rules(self.workspace_id).mode
        with text_of(file) as text:
            header = read_header(text)
            calls = FileCalls(header=header, by=self.options.by, update_only=self.options.update_only)
            calls.of(mode)  # what is wrong with the header is told before any row
            self.has_begun = True
            rejected = RejectedRows(rejects=self.rejects, header=header)
            for rows in batches(read_rows(text, header), self.batch):
                self._take(rows, calls, rejected)
                progress()
        return self.summary

    def _take(self, rows: Sequence[CsvRow], calls: FileCalls, rejected: RejectedRows) -> None:
        """Take a batch under the identifiers that are in force in its transaction: they may change meanwhile."""
        asks = [partial(calls.call, row) for row in rows]
        answers = self.people.perform(self.workspace_id, asks, now=int(self.clock()))
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, InvalidInput):
                self.summary.rejected += 1
                rejected.note(row, "rejected", str(answer))
            else:
                self._count(rejected, row, answer)

    def _count(self, rejected: RejectedRows, row: CsvRow, outcome: Outcome) -> None:
        effect = outcome.effect
        if effect is Effect.REJECTED:
            self.summary.rejected += 1
            rejected.note(row, "rejected", outcome.reason)
        elif effect is Effect.SKIPPED or effect is Effect.IGNORED:
            self.summary.skipped += 1
            rejected.note(row, "skipped", outcome.reason)
        else:
            self._count_taken(rejected, row, outcome)

    def _count_taken(self, rejected: RejectedRows, row: CsvRow, outcome: Outcome) -> None:
        if outcome.effect is Effect.CREATED:
            self.summary.created += 1
        else:
            self.summary.updated += 1
            self.summary.unchanged += outcome.effect is Effect.UNCHANGED
        if outcome.refusals:
            self.summary.in_part += 1
            rejected.note(row, "in part", " ".join(map(_sentence, outcome.refusals)))


def _sentence(refusal: Refusal) -> str:
    return f"{refusal.kind.value}: {refusal.sentence}"


def batches(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    """Cut a stream into lists of up to ``size``; what comes before a row that cannot be read is still given."""
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
