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

from workspace_operator.application.csv_columns import UNDO_COLUMN
from workspace_operator.application.csv_reading import CsvRow, Header
from workspace_operator.application.importing import batches
from workspace_operator.application.ports import Answer, Belongings, People
from workspace_operator.application.undo_rows import Undo, UndoAction
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import DeleteCall
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person, same_person
from workspace_operator.identity.references import of_cio_id
from workspace_operator.identity.rules import Mode

LOOKED_UP = 2_000
"""People read at a time."""

BATCH = 500
"""People deleted a transaction, with all that hangs on them: larger ones hold other writers longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """Somebody who is to go, by cio_id; ``kept`` is who shares their address and stays, empty if that is no matter."""

    cio_id: str
    kept: str = ""


@dataclass(slots=True, kw_only=True)
class Survey:
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

    def counting(self, doomed: Iterable[Doomed]) -> Iterator[Doomed]:
        """Count them as they pass, those who share an address beside each other."""
        for each in doomed:
            self.people += 1
            self.kept += each.kept != self._last_kept
            self._last_kept = each.kept
            yield each

    def looking_up(self, people: People, workspace_id: int, doomed: Iterable[Doomed]) -> Iterator[Doomed]:
        """Look at each as they pass; those who are gone are left out."""
        for some in batches(iter(doomed), LOOKED_UP):
            found = people.find_many(workspace_id, [of_cio_id(each.cio_id) for each in some])
            for person in found:
                self.attributes.update(person.attributes)
            there = {person.cio_id for person in found}
            yield from self.counting(each for each in some if each.cio_id in there)


@dataclass(slots=True, kw_only=True)
class Deleted:
    """What came of a deletion: who was deleted, who was gone already, and who was left since they had changed."""

    deleted: int = 0
    gone: int = 0
    left: int = 0


@dataclass(slots=True, kw_only=True)
class Deletion:
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
    undo: Undo
    clock: Callable[[], float] = time.time
    batch: int = BATCH
    counts: Deleted = field(default_factory=Deleted)

    def run(self, doomed: Iterator[Doomed], progress: Callable[[int], None] = lambda _: None) -> Deleted:
        """Delete them; ``progress`` is told of each batch how many it was.

        Raises:
            InvalidInput: other identifiers are in force meanwhile, under which other people may be meant; or whatever
                the undo file raises. Nobody of that batch was deleted.
        """
        for some in batches(doomed, self.batch):
            self._delete(some)
            progress(len(some))
        return self.counts

    def _delete(self, doomed: Sequence[Doomed]) -> None:
        names = [name for each in doomed for name in (each.cio_id, each.kept) if name]
        asked = self.people.find_many(self.workspace_id, list(map(of_cio_id, names)))
        found = {each.cio_id: each for each in asked}
        there = [each for each in doomed if each.cio_id in found]
        going = [found[each.cio_id] for each in there if self._may_go(each, found)]
        self.counts.gone += len(doomed) - len(there)
        self.counts.left += len(there) - len(going)
        if not going:
            return
        self.undo.write(going, UndoAction.DELETED)
        calls = [partial(self._call, each.cio_id) for each in going]
        self._take_in(going, self.people.perform(self.workspace_id, calls, now=int(self.clock())))

    def _may_go(self, doomed: Doomed, found: dict[str, Person]) -> bool:
        person, kept = found[doomed.cio_id], found.get(doomed.kept)
        if not person.attributes.keys() <= self.attributes:
            return False
        return not doomed.kept or (kept is not None and kept.email_key == person.email_key is not None)

    def _call(self, cio_id: str, mode: Mode) -> DeleteCall:
        if mode is not self.mode:
            raise InvalidInput(
                f"the mode was changed from {self.mode} to {mode} meanwhile: look again at who is to go; run it again"
            )
        return DeleteCall(reference=of_cio_id(cio_id))

    def _take_in(self, written: Sequence[Person], answers: Sequence[Answer]) -> None:
        changed: list[Person] = []
        for person, answer in zip(written, answers, strict=True):
            if not isinstance(answer, Outcome):
                raise answer
            if answer.effect is not Effect.DELETED:
                self.counts.gone += 1
                continue
            self.counts.deleted += 1
            if answer.before is not None and not same_person(answer.before, person):
                changed.append(answer.before)
        if changed:
            self.undo.write(changed, UndoAction.DELETED)


def members(belongings: Belongings, workspace_id: int, segment: int) -> Iterator[Doomed]:
    """Everybody in a manual segment."""
    return (Doomed(cio_id=each) for each in belongings.members(workspace_id, segment))


def created_by_import(header: Header, rows: Iterable[CsvRow]) -> Iterator[Doomed]:
    """Everybody whom an import created, by the rows of its undo file. Raises InvalidInput if it is no undo file."""
    if UNDO_COLUMN not in header.columns or "cio_id" not in header.columns:
        raise InvalidInput(f"line 1: the columns {UNDO_COLUMN} and cio_id of an undo file are not there", field="file")
    action, name = header.columns.index(UNDO_COLUMN), header.columns.index("cio_id")
    for row in rows:
        if not row.problem and row.cells[action] == UndoAction.CREATED and row.cells[name]:
            yield Doomed(cio_id=row.cells[name])


def duplicates(people: People, workspace_id: int, *, keep_newest: bool) -> Iterator[Doomed]:
    """Everybody who shares an address with somebody older, or newer, who is kept; group by group."""
    sharing = people.sharing_email(workspace_id, newest_first=keep_newest)
    group, kept = "", ""
    for key, cio_id in sharing:
        if key != group:
            group, kept = key, cio_id
        else:
            yield Doomed(cio_id=cio_id, kept=kept)
