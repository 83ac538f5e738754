"""Importing people from CSV: every row is taken, or goes with its line and the reason to the rejects.

Rows are taken in batches, each one transaction. An import that was interrupted is run again from the start: rows that
were taken before match the people they made and change nothing.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO, Protocol, TypeVar

from workspace_operator.application.csv_reading import NOTE_COLUMNS, Header, Row, read_header, read_rows
from workspace_operator.application.ports import People
from workspace_operator.errors import InvalidInput, WritersHeld
from workspace_operator.identity.calls import IdentifyCall, Outcome, Refusal, Verdict, identify_call
from workspace_operator.identity.references import REFERENCE_KINDS, reference_by_kind
from workspace_operator.identity.rules import Kind, Mode

BATCH = 2_000
"""Rows a transaction: larger ones hold other writers longer and were not faster."""

HELD_SECONDS = 1.0
PATIENCE_SECONDS = 600.0
"""How long to wait for an identifier change that holds writers."""

T = TypeVar("T")


class Rejects(Protocol):
    """Takes rows that were not taken, in whole or in part."""

    def write(self, cells: Sequence[str]) -> None:
        """Write one row; the first is the header."""
        ...


@dataclass(slots=True, kw_only=True)
class Summary:
    """How many rows came to what; the four add up to the rows. ``in_part`` are among created and updated."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0
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
    sleep: Callable[[float], None] = time.sleep
    batch: int = BATCH
    summary: Summary = field(default_factory=Summary)
    _header_written: bool = False

    def run(self, file: BinaryIO, progress: Callable[[], None] = lambda: None) -> Summary:
        """Import a file; ``progress`` is called after each batch. Raises InvalidInput for the file as a whole."""
        mode = self.people.rules(self.workspace_id).mode
        header = read_header(file)
        kind = naming_column(header, mode, self.options.by)
        for rows in batches(read_rows(file, header), self.batch):
            self._take(rows, kind, mode, header)
            progress()
        return self.summary

    def _take(self, rows: Sequence[Row], kind: Kind, mode: Mode, header: Header) -> None:
        parsed = [self._call(row, kind, mode) for row in rows]
        calls = [call for call in parsed if isinstance(call, IdentifyCall)]
        outcomes = iter(self._identify(calls))
        for row, call in zip(rows, parsed, strict=True):
            if isinstance(call, str):
                self._reject(header, row, Verdict.REJECTED, call)
            else:
                self._count(header, row, next(outcomes))

    def _call(self, row: Row, kind: Kind, mode: Mode) -> IdentifyCall | str:
        """The call that a row makes, or why it makes none."""
        if row.problem:
            return row.problem
        try:
            values = dict(row.values)
            reference = reference_by_kind(values.pop(kind.value), kind, mode, field=kind.value)
            for name in NOTE_COLUMNS:
                values.pop(name, None)
            if kind is not Kind.CIO_ID and not values.get("cio_id", "x"):
                del values["cio_id"]  # a cio_id cannot be deleted, so an empty cell says nothing
            body = values if "created_at" not in values else with_unix_time(values)
            return identify_call(reference, body, update_only=self.options.update_only, by_import=True, field="row")
        except InvalidInput as error:
            return str(error)

    def _identify(self, calls: Sequence[IdentifyCall]) -> Sequence[Outcome]:
        waited = 0.0
        while True:
            try:
                return self.people.identify(self.workspace_id, calls, now=int(self.clock()))
            except WritersHeld:
                if waited >= PATIENCE_SECONDS:
                    raise
            self.sleep(HELD_SECONDS)
            waited += HELD_SECONDS

    def _count(self, header: Header, row: Row, outcome: Outcome) -> None:
        verdict = outcome.verdict
        if verdict in {Verdict.REJECTED, Verdict.SKIPPED, Verdict.IGNORED}:
            self._reject(header, row, verdict, outcome.reason)
            return
        if verdict is Verdict.CREATED:
            self.summary.created += 1
        else:
            self.summary.updated += 1
        if outcome.refusals:
            self.summary.in_part += 1
            self._note(header, row, "in part", " ".join(map(_sentence, outcome.refusals)))

    def _reject(self, header: Header, row: Row, verdict: Verdict, reason: str) -> None:
        if verdict is Verdict.REJECTED:
            self.summary.rejected += 1
        else:
            self.summary.skipped += 1
        self._note(header, row, "rejected" if verdict is Verdict.REJECTED else "skipped", reason)

    def _note(self, header: Header, row: Row, outcome: str, reason: str) -> None:
        if not self._header_written:
            columns = [name for name in header.columns if name not in NOTE_COLUMNS]
            self.rejects.write([*columns, *NOTE_COLUMNS])
            self._header_written = True
        width = len(header.columns)
        cells = [*row.cells[:width], *[""] * (width - len(row.cells)), *row.cells[width:]]
        kept = [cell for name, cell in zip(header.columns, cells, strict=False) if name not in NOTE_COLUMNS]
        self.rejects.write([*kept, str(row.line), outcome, reason, *cells[width:]])


def naming_column(header: Header, mode: Mode, by: Kind | None) -> Kind:
    """The column that people are named by: the one asked for, else id, email or cio_id, whichever is there first.

    Raises:
        InvalidInput: there is no such column, or it names nobody in this mode.
    """
    usable = [kind for kind in _preference(mode) if kind in REFERENCE_KINDS[mode]]
    if by is not None:
        if by not in usable:
            message = f"people of a workspace in mode {mode} cannot be named by {by}; use {_listed(usable)}"
            raise InvalidInput(message, field="--by")
        usable = [by]
    for kind in usable:
        if kind.value in header.columns:
            return kind
    raise InvalidInput(f"line 1: the file has no column {_listed(usable)} to name people by", field="file")


def _preference(mode: Mode) -> Sequence[Kind]:
    if mode is Mode.EMAIL_ONLY:
        return (Kind.EMAIL, Kind.ID, Kind.CIO_ID)
    return (Kind.ID, Kind.EMAIL, Kind.CIO_ID)


def _listed(kinds: Iterable[Kind]) -> str:
    return " or ".join(kind.value for kind in kinds)


def with_unix_time(values: dict[str, str]) -> dict[str, str]:
    """The row with its ``created_at`` as Unix seconds. Raises InvalidInput if it is no time."""
    text = values["created_at"].strip()
    if not text or (text.isascii() and text.isdigit()):
        return {**values, "created_at": text}
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"created_at {text[:40]!r} is no time; use Unix seconds or 2026-01-31T12:00:00Z"
        raise InvalidInput(message, field="created_at") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return {**values, "created_at": str(int(aware.timestamp()))}


def _sentence(refusal: Refusal) -> str:
    return f"{refusal.kind.value}: {refusal.reason}"


def batches(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    """Cut a stream into lists of up to ``size``."""
    while batch := list(islice(rows, size)):
        yield batch
