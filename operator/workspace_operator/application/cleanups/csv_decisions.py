"""Decisions in a CSV file: an export of the people who block the migration, with a column of decisions.

A row without a decision changes nothing, so the same file can be filled in and sent again. A merge goes into the person
of ``_into``; without that, into the person of the same address whom the file keeps, else into the oldest one. The
address is that of the column ``email``, or of the list of people if the file has no such column.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Final, NamedTuple

from workspace_operator.application.people.csv_export import csv_lines
from workspace_operator.application.people.csv_files.columns import (
    DECISION_COLUMN,
    DECISION_COLUMNS,
    NEW_EMAIL_COLUMN,
    SURVIVOR_COLUMN,
)
from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.application.people.csv_files.reader import CsvRow, Header, open_csv
from workspace_operator.application.people.csv_files.rejects import RejectedRows, RejectsFile
from workspace_operator.application.people.csv_import import batches
from workspace_operator.application.ports import Actor, Cleanups, DecisionRequest, Listings, ListQuery
from workspace_operator.cleanups.decisions import Decision, DecisionKind, merge_into
from workspace_operator.cleanups.model import StoredDecision
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.references import bare_cio_id
from workspace_operator.identity.values.text_limits import quoted, stripped

MAX_BATCH: Final = 500
"""Rows of a transaction."""

PERSON_COLUMN: Final = "cio_id"
EMAIL_COLUMN: Final = "email"
REMOVE: Final = "none"
"""The decision that removes an earlier one."""

_CHOICES: Final = ", ".join((*(kind.value for kind in DecisionKind), REMOVE))


def decision_lines(decisions: Iterable[tuple[StoredDecision, Person | None]]) -> Iterator[str]:
    """The lines of a file of decisions, each with the person that it is about, or None if that is not known any more.

    A file of decisions can be sent back; outcome and reason are columns that nothing reads.
    """
    columns = (DECISION_COLUMN, PERSON_COLUMN, "id", EMAIL_COLUMN, NEW_EMAIL_COLUMN, SURVIVOR_COLUMN)
    rows = (
        (
            stored.decision.kind.value,
            stored.cio_id,
            escape(person.id or "" if person else ""),
            escape(person.email or "" if person else ""),
            escape(stored.decision.email or ""),
            stored.decision.survivor or "",
            stored.outcome or "",
            stored.reason or stored.refusal or "",
        )
        for stored, person in decisions
    )
    return csv_lines((*columns, "_outcome", "_reason"), rows)


class RowDecision(NamedTuple):
    """What a row decides about a person; None removes an earlier decision.

    Attributes:
        needs_survivor: whether the survivor of a merge is still to be found among the people of the address.
    """

    cio_id: str
    decision: Decision | None
    needs_survivor: bool = False


@dataclass(slots=True, kw_only=True)
class DecisionImportResult:
    """Numbers of rows: decisions made, decisions removed, rows without one, and rows that were rejected."""

    made: int = 0
    removed: int = 0
    undecided: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        """Number of all rows."""
        return self.made + self.removed + self.undecided + self.rejected


class RowCells(NamedTuple):
    """The cells of a row that matter, without surrounding white space."""

    cio_id: str
    word: str
    email: str
    into: str

    @property
    def is_undecided(self) -> bool:
        """Whether the row decides nothing."""
        return not (self.word or self.email or self.into)

    def decision(self) -> RowDecision:
        """The decision of the row. Raises InvalidInput with the reason of a wrong row."""
        if not self.cio_id:
            raise InvalidInput(f"The row identifies no person: there is no value in {PERSON_COLUMN}.")
        cio_id, kind = bare_cio_id(self.cio_id), self._kind()
        if self.email and kind is not DecisionKind.CORRECT:
            raise InvalidInput(f"{NEW_EMAIL_COLUMN} has a value, but {DECISION_COLUMN} is not correct.")
        if self.into and kind is not DecisionKind.MERGE:
            raise InvalidInput(f"{SURVIVOR_COLUMN} has a value, but {DECISION_COLUMN} is not merge.")
        if kind is None:
            return RowDecision(cio_id, None)
        survivor, email = bare_cio_id(self.into) or None, self.email or None
        needs_survivor = kind is DecisionKind.MERGE and survivor is None
        return RowDecision(cio_id, Decision(kind=kind, email=email, survivor=survivor), needs_survivor)

    def _kind(self) -> DecisionKind | None:
        """The kind of the decision; None removes an earlier one."""
        word = self.word.lower() or (DecisionKind.CORRECT.value if self.email else "")
        if word == REMOVE:
            return None
        if word not in set(DecisionKind):
            raise InvalidInput(f"{quoted(self.word)} in {DECISION_COLUMN} is no decision: write one of {_CHOICES}.")
        if word == DecisionKind.CORRECT and not self.email:
            raise InvalidInput(f"There is no new address in {NEW_EMAIL_COLUMN}.")
        return DecisionKind(word)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReader:
    """Reads decisions from the rows of one file."""

    header: Header
    positions: Mapping[str, int]

    @classmethod
    def of(cls, header: Header) -> "RowReader":
        """Find the columns. Raises InvalidInput if the file has no decisions, or does not say about whom."""
        columns = list(header.columns)
        for needed in (PERSON_COLUMN, DECISION_COLUMN):
            if needed not in columns:
                raise InvalidInput(
                    f"the file has no column {needed}: write an export with `workspacectl exports get`, and add the "
                    f"column {DECISION_COLUMN} to it",
                    field="file",
                )
        named = (PERSON_COLUMN, EMAIL_COLUMN, *DECISION_COLUMNS)
        return cls(header=header, positions={name: columns.index(name) for name in named if name in columns})

    def decision(self, row: CsvRow) -> RowDecision | None:
        """What a row decides; None if it decides nothing. Raises InvalidInput with the reason of a wrong row."""
        if row.problem:
            raise InvalidInput(row.problem)
        cells = RowCells(*(self._cell(row, name) for name in (PERSON_COLUMN, *DECISION_COLUMNS)))
        return None if cells.is_undecided else cells.decision()

    @property
    def has_addresses(self) -> bool:
        """Whether the file has a column of the people's addresses."""
        return EMAIL_COLUMN in self.positions

    def email_key(self, row: CsvRow) -> str | None:
        """The e-mail key of the person; None without a valid address."""
        return email_key(self._cell(row, EMAIL_COLUMN))

    def _cell(self, row: CsvRow, name: str) -> str:
        return stripped(row.cells[self.positions[name]]) if name in self.positions else ""


def check_decisions_file(open_file: Callable[[], BinaryIO]) -> None:
    """Raise InvalidInput if a file has no decisions, or does not say about whom."""
    with open_file() as file, open_csv(file) as source:
        RowReader.of(source.header)


@dataclass(slots=True, kw_only=True)
class DecisionImport:
    """Makes the decisions of a file in a draft.

    Attributes:
        query: the export and the cleanup, to find the other people of an address.
    """

    cleanups: Cleanups
    listings: Listings
    workspace_id: int
    number: int
    query: ListQuery
    rejects: RejectsFile
    actor: Actor
    clock: Callable[[], datetime]
    result: DecisionImportResult = field(default_factory=DecisionImportResult)

    def run(self, open_file: Callable[[], BinaryIO], progress: Callable[[], None] = lambda: None) -> None:
        """Read a file twice: first whom it keeps, then the decisions; ``progress`` is called after each batch.

        Raises:
            InvalidInput: for the file as a whole; no decision was made.
            Conflict: the cleanup is no draft.
        """
        with open_file() as file, open_csv(file) as source:
            kept = self._kept_people(RowReader.of(source.header), source.rows)
        with open_file() as file, open_csv(file) as source:
            reader, rejected = RowReader.of(source.header), RejectedRows(rejects=self.rejects, header=source.header)
            for rows in batches(source.rows, MAX_BATCH):
                self._process_batch(reader, rows, kept, rejected)
                progress()

    def _kept_people(self, reader: RowReader, rows: Iterator[CsvRow]) -> Mapping[str, str]:
        """The cio_ids of the people whom the file keeps, by e-mail key."""
        kept: dict[str, str] = {}
        for row in rows:
            try:
                made = reader.decision(row)
            except InvalidInput:
                continue  # reported in the second reading
            if made is not None and made.decision is not None and made.decision.kind is DecisionKind.KEEP:
                key = self._email_key(reader, row, made.cio_id)
                if key is not None:
                    kept.setdefault(key, made.cio_id)
        return kept

    def _email_key(self, reader: RowReader, row: CsvRow, cio_id: str) -> str | None:
        """The e-mail key of a person by the file, or by the list if the file has no addresses; None without one."""
        if reader.has_addresses:
            return reader.email_key(row)
        group = self.listings.find(self.workspace_id, self.query, cio_id)
        return None if group is None else group.email_key

    def _process_batch(
        self, reader: RowReader, rows: Sequence[CsvRow], kept: Mapping[str, str], rejected: RejectedRows
    ) -> None:
        wanted: dict[str, tuple[CsvRow, Decision | None]] = {}
        for row in rows:
            try:
                made = self._read(reader, row, kept, wanted)
            except InvalidInput as error:
                self._reject(rejected, row, str(error))
                continue
            if made is None:
                self.result.undecided += 1
            else:
                wanted[made.cio_id] = (row, made.decision)
        requests = [DecisionRequest(cio_id, decision) for cio_id, (_, decision) in wanted.items() if decision]
        back = [cio_id for cio_id, (_, decision) in wanted.items() if decision is None]
        now = self.clock()
        decided = self.cleanups.decide(self.workspace_id, self.number, requests, actor=self.actor, now=now)
        for result in decided.results:
            if result.refusal is None:
                self.result.made += 1
            else:
                self._reject(rejected, wanted[result.cio_id][0], result.refusal)
        if back:
            removed = self.cleanups.remove_decisions(self.workspace_id, self.number, back, actor=self.actor, now=now)
            self.result.removed += removed
            self.result.undecided += len(back) - removed  # there was no decision to remove

    def _read(
        self,
        reader: RowReader,
        row: CsvRow,
        kept: Mapping[str, str],
        wanted: Mapping[str, tuple[CsvRow, Decision | None]],
    ) -> RowDecision | None:
        """The decision of a row, with the survivor of a merge that names none. Raises InvalidInput."""
        made = reader.decision(row)
        if made is not None and made.cio_id in wanted:
            raise InvalidInput(f"Line {wanted[made.cio_id][0].line} decides about the same person.")
        if made is None or not made.needs_survivor:
            return made
        key = self._email_key(reader, row, made.cio_id)
        survivor = None if key is None else kept.get(key)
        if survivor is None or survivor == made.cio_id:
            survivor = self._other_person(made.cio_id)
        return RowDecision(made.cio_id, merge_into(survivor))

    def _other_person(self, cio_id: str) -> str:
        """The oldest other person of the address. Raises InvalidInput if nobody else has it."""
        group = self.listings.find(self.workspace_id, self.query, cio_id)
        others = [member.cio_id for member in group.members if member.cio_id != cio_id] if group else []
        if not others:
            raise InvalidInput(f"Nobody else has this address: name the person to merge into in {SURVIVOR_COLUMN}.")
        return others[0]

    def _reject(self, rejected: RejectedRows, row: CsvRow, reason: str) -> None:
        self.result.rejected += 1
        rejected.write(row, "rejected", reason)
