"""Taking many people out of a workspace: who is to go is looked up first, then written down, then deleted.

It can be interrupted at any moment and run again: each batch is written down for good before it is deleted, so nobody
goes of whom the undo file knows nothing. What is decided about is looked at again then: a person that has changed so
that the undo file could not hold them, or that does not share an address any more, is left.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial

from workspace_operator.application.people.backup_rows import Backup, BackupAction
from workspace_operator.application.people.csv_files.columns import UNDO_COLUMN
from workspace_operator.application.people.csv_files.reader import CsvRow, Header
from workspace_operator.application.people.csv_import import batches
from workspace_operator.application.ports import CommandResultOrError, People, PersonRecords
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import DeletePerson
from workspace_operator.identity.model.person import Person, same_person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.identity.values.rules import Mode

LOOKUP_BATCH = 2_000
"""People read at a time."""

DELETE_BATCH = 500
"""People deleted a transaction, with all that hangs on them: larger ones hold other writers longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionCandidate:
    """Somebody who is to go, by cio_id; ``kept`` is who shares their address and stays, empty if that is no matter."""

    cio_id: str
    kept: str = ""


@dataclass(slots=True, kw_only=True)
class SelectionStats:
    """What was seen of those who are to go.

    Attributes:
        people: how many there are.
        kept: of how many others they share the address.
        attributes: the names of all that anybody of them has.
    """

    people: int = 0
    kept: int = 0
    attributes: set[str] = field(default_factory=set)
    _last_kept: str = ""

    def counted(self, candidates: Iterable[DeletionCandidate]) -> Iterator[DeletionCandidate]:
        """Count them as they pass, those who share an address beside each other."""
        for each in candidates:
            self.people += 1
            self.kept += each.kept != self._last_kept
            self._last_kept = each.kept
            yield each

    def resolved(
        self, people: People, workspace_id: int, candidates: Iterable[DeletionCandidate]
    ) -> Iterator[DeletionCandidate]:
        """Look at each as they pass; those who are gone are left out."""
        for batch in batches(iter(candidates), LOOKUP_BATCH):
            found = people.find_many(workspace_id, [reference_to_cio_id(each.cio_id) for each in batch])
            for person in found:
                self.attributes.update(person.attributes)
            there = {person.cio_id for person in found}
            yield from self.counted(each for each in batch if each.cio_id in there)


@dataclass(slots=True, kw_only=True)
class DeletionResult:
    """What came of a deletion: who was deleted, who was gone already, and who was left since they had changed."""

    deleted: int = 0
    missing: int = 0
    skipped: int = 0


@dataclass(slots=True, kw_only=True)
class BulkDelete:
    """Deletes people of one workspace.

    Attributes:
        mode: the identifiers under which it was decided who is to go.
        attributes: the names that the undo file has a place for.
        undo: takes them before they are deleted; who was changed at the very last moment is written once more.
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
        """Delete them; ``progress`` is told of each batch how many it was.

        Raises:
            InvalidInput: other identifiers are in force meanwhile, under which other people may be meant; or whatever
                the undo file raises. Nobody of that batch was deleted.
        """
        for batch in batches(candidates, self.batch):
            self._delete(batch)
            progress(len(batch))
        return self.result

    def _delete(self, candidates: Sequence[DeletionCandidate]) -> None:
        names = [name for each in candidates for name in (each.cio_id, each.kept) if name]
        asked = self.people.find_many(self.workspace_id, list(map(reference_to_cio_id, names)))
        found = {each.cio_id: each for each in asked}
        there = [each for each in candidates if each.cio_id in found]
        deletable = [found[each.cio_id] for each in there if self._still_eligible(each, found)]
        self.result.missing += len(candidates) - len(there)
        self.result.skipped += len(there) - len(deletable)
        if not deletable:
            return
        self.backup.write(deletable, BackupAction.DELETED)
        commands = [partial(self._command, each.cio_id) for each in deletable]
        self._record_results(deletable, self.people.perform(self.workspace_id, commands, now=int(self.clock())))

    def _still_eligible(self, candidates: DeletionCandidate, found: dict[str, Person]) -> bool:
        person, kept = found[candidates.cio_id], found.get(candidates.kept)
        if not person.attributes.keys() <= self.attributes:
            return False
        return not candidates.kept or (kept is not None and kept.email_key == person.email_key is not None)

    def _command(self, cio_id: str, mode: Mode) -> DeletePerson:
        if mode is not self.mode:
            raise InvalidInput(
                f"the mode was changed from {self.mode} to {mode} meanwhile: look again at who is to go; run it again"
            )
        return DeletePerson(reference=reference_to_cio_id(cio_id))

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
    """Everybody in a manual segment."""
    return (DeletionCandidate(cio_id=each) for each in person_records.members(workspace_id, segment))


def created_by_import(header: Header, rows: Iterable[CsvRow]) -> Iterator[DeletionCandidate]:
    """Everybody whom an import created, by the rows of its undo file. Raises InvalidInput if it is no undo file."""
    if UNDO_COLUMN not in header.columns or "cio_id" not in header.columns:
        raise InvalidInput(f"line 1: the columns {UNDO_COLUMN} and cio_id of an undo file are not there", field="file")
    action, name = header.columns.index(UNDO_COLUMN), header.columns.index("cio_id")
    for row in rows:
        if not row.problem and row.cells[action] == BackupAction.CREATED and row.cells[name]:
            yield DeletionCandidate(cio_id=row.cells[name])


def duplicates(people: People, workspace_id: int, *, keep_newest: bool) -> Iterator[DeletionCandidate]:
    """Everybody who shares an address with somebody older, or newer, who is kept; group by group."""
    sharing = people.duplicates(workspace_id, newest_first=keep_newest)
    group, kept = "", ""
    for key, cio_id in sharing:
        if key != group:
            group, kept = key, cio_id
        else:
            yield DeletionCandidate(cio_id=cio_id, kept=kept)
