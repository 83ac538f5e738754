"""Bulk deletion of people: look up the candidates, write them to the undo file, then delete them.

It can be interrupted at any time and run again: each batch is written durably before it is deleted, so the undo file
has every deleted person. The deletion checks each person again, and skips one that has attributes without a column in
the undo file, or that does not share an address any more.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from workspace_operator.application.people.backup_rows import Backup, BackupAction
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.people.csv_files.columns import UNDO_COLUMN, header_error
from workspace_operator.application.people.csv_files.reader import CsvRow, Header
from workspace_operator.application.people.csv_import import batches
from workspace_operator.application.ports import People, PersonRecords
from workspace_operator.errors import InvalidInput, ModeChanged
from workspace_operator.identity.model.commands import DeletePerson
from workspace_operator.identity.model.person import Person, same_person
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.identity.values.rules import Mode

LOOKUP_BATCH = 2_000
"""Number of people per look-up."""

DELETE_BATCH = 500
"""People deleted per transaction, with all of their records: larger transactions block other writers longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionCandidate:
    """A person to delete, by cio_id; ``kept`` is the person with the same address that stays, or empty."""

    cio_id: str
    kept: str = ""


@dataclass(slots=True, kw_only=True)
class SelectionStats:
    """Statistics of the selection.

    Attributes:
        people: number of candidates.
        kept: number of people that stay and share an address with candidates.
        attributes: names of all attributes of the candidates.
    """

    people: int = 0
    kept: int = 0
    attributes: set[str] = field(default_factory=set)
    _last_kept: str = ""

    def counted(self, candidates: Iterable[DeletionCandidate]) -> Iterator[DeletionCandidate]:
        """Pass on the candidates and count them; those who share an address must be adjacent."""
        for candidate in candidates:
            self.people += 1
            self.kept += candidate.kept != self._last_kept
            self._last_kept = candidate.kept
            yield candidate

    def resolved(
        self, people: People, workspace_id: int, candidates: Iterable[DeletionCandidate]
    ) -> Iterator[DeletionCandidate]:
        """Pass on the candidates that still exist, and collect their attributes."""
        for batch in batches(iter(candidates), LOOKUP_BATCH):
            found = people.find_many(workspace_id, [reference_to_cio_id(candidate.cio_id) for candidate in batch])
            for person in found:
                self.attributes.update(person.attributes)
            existing = {person.cio_id for person in found}
            yield from self.counted(candidate for candidate in batch if candidate.cio_id in existing)


@dataclass(slots=True, kw_only=True)
class DeletionResult:
    """Result of a deletion: numbers of people deleted, missing already, and skipped because they had changed."""

    deleted: int = 0
    missing: int = 0
    skipped: int = 0


@dataclass(slots=True, kw_only=True)
class BulkDelete:
    """Deletes people of one workspace.

    Attributes:
        mode: the mode under which the people were selected.
        attributes: names of the attributes with a column in the undo file.
        backup: people are written to it before they are deleted, and again if they changed in between.
    """

    people: People
    workspace_id: int
    mode: Mode
    attributes: AbstractSet[str]
    backup: Backup
    clock: Callable[[], float] = time.time
    batch: int = DELETE_BATCH
    result: DeletionResult = field(default_factory=DeletionResult)

    def run(
        self, candidates: Iterator[DeletionCandidate], progress: Callable[[int], None] = lambda _: None
    ) -> DeletionResult:
        """Delete the candidates; ``progress`` is called with the number of people after each batch.

        Raises:
            InvalidInput: the mode has changed, so the selection may be wrong, or the undo file cannot be written. No
                person of that batch was deleted.
        """
        for batch in batches(candidates, self.batch):
            self._delete(batch)
            progress(len(batch))
        return self.result

    def _delete(self, candidates: Sequence[DeletionCandidate]) -> None:
        cio_ids = [cio_id for candidate in candidates for cio_id in (candidate.cio_id, candidate.kept) if cio_id]
        people = self.people.find_many(self.workspace_id, list(map(reference_to_cio_id, cio_ids)))
        found = {person.cio_id: person for person in people}
        existing = [candidate for candidate in candidates if candidate.cio_id in found]
        deletable = [found[candidate.cio_id] for candidate in existing if self._still_eligible(candidate, found)]
        self.result.missing += len(candidates) - len(existing)
        self.result.skipped += len(existing) - len(deletable)
        if not deletable:
            return
        self.backup.write(deletable, BackupAction.DELETED)
        commands = [DeletePerson(reference=reference_to_cio_id(person.cio_id)) for person in deletable]
        now = int(self.clock())
        try:
            results = execute_commands(self.people, self.workspace_id, commands, now=now, expected_mode=self.mode)
        except ModeChanged as changed:
            raise InvalidInput(
                f"the mode changed from {self.mode} to {changed.mode} meanwhile: review the selection and run it again"
            ) from changed
        self._record_results(deletable, results)

    def _still_eligible(self, candidate: DeletionCandidate, found: dict[str, Person]) -> bool:
        person, kept = found[candidate.cio_id], found.get(candidate.kept)
        if not person.attributes.keys() <= self.attributes:
            return False
        return not candidate.kept or (kept is not None and kept.email_key == person.email_key is not None)

    def _record_results(self, written: Sequence[Person], results: Sequence[CommandResultOrError]) -> None:
        changed: list[Person] = []
        for person, result in zip(written, results, strict=True):
            if not isinstance(result, CommandResult):
                raise result
            if result.effect is not Effect.DELETED:
                self.result.missing += 1
                continue
            self.result.deleted += 1
            if result.before is not None and not same_person(result.before, person):
                changed.append(result.before)
        if changed:
            self.backup.write(changed, BackupAction.DELETED)


def segment_members(person_records: PersonRecords, workspace_id: int, segment: int) -> Iterator[DeletionCandidate]:
    """Select the members of a manual segment."""
    return (DeletionCandidate(cio_id=cio_id) for cio_id in person_records.members(workspace_id, segment))


def created_by_import(header: Header, rows: Iterable[CsvRow]) -> Iterator[DeletionCandidate]:
    """Select the people that an import created, from its undo file. Raises InvalidInput if it is not an undo file."""
    if UNDO_COLUMN not in header.columns or "cio_id" not in header.columns:
        raise header_error(f"the columns {UNDO_COLUMN} and cio_id are missing: name the undo file of an import")
    action, name = header.columns.index(UNDO_COLUMN), header.columns.index("cio_id")
    for row in rows:
        if not row.problem and row.cells[action] == BackupAction.CREATED and row.cells[name]:
            yield DeletionCandidate(cio_id=row.cells[name])


def duplicates(people: People, workspace_id: int, *, keep_newest: bool) -> Iterator[DeletionCandidate]:
    """Select all people with a shared address except the oldest, or newest, of each address; group by group."""
    group, kept = "", ""
    for key, cio_id in people.duplicates(workspace_id, newest_first=keep_newest):
        if key != group:
            group, kept = key, cio_id
        else:
            yield DeletionCandidate(cio_id=cio_id, kept=kept)
