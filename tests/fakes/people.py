"""People, in memory: the population is the store."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from tests.fakes.memory import MENDING_SETTLES, Memory, Room
from tests.fakes.trails import carry_out
from tests.fakes.violations import people_counts
from workspace_operator.application.ports import Answer, Performer, ReferenceAsk
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import Ask
from workspace_operator.identity.emails import email_key_prefix
from workspace_operator.identity.people import Person
from workspace_operator.identity.performing import perform
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import IdentityRules, Mode
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.observed import PeopleCounts


def counting_cio_ids() -> Callable[[], str]:
    """Makes cio_ids that are easy to read in a failure."""
    numbers = count(1)
    return lambda: f"{next(numbers):08x}"


@dataclass(frozen=True, slots=True)
class MemoryPeople:
    """Implements the port ``People``."""

    memory: Memory
    new_cio_id: Callable[[], str] = field(default_factory=counting_cio_ids)

    def rules(self, workspace_id: int) -> IdentityRules:
        workspace = self.memory.room(workspace_id).workspace
        return IdentityRules(
            mode=workspace.mode,
            email_updates=workspace.settings.email_updates,
            id_updates=workspace.settings.id_updates,
            merge_multi_identifier=workspace.settings.merge_multi_identifier,
        )

    def perform(self, workspace_id: int, asks: Sequence[Ask], *, now: int) -> Sequence[Answer]:
        room, rules = self.memory.room(workspace_id), self.rules(workspace_id)
        room.population.devices = {cio_id: {*theirs} for cio_id, theirs in room.devices.items()}
        answers: list[Answer] = []
        for ask in asks:
            try:
                call = ask(rules.mode) if callable(ask) else ask
            except InvalidInput as error:
                answers.append(error)
            else:
                answers.append(perform(rules, room.population, call, now=now, new_cio_id=self.new_cio_id))
        settle(self.memory, room, datetime.fromtimestamp(now, UTC))
        return answers

    @contextmanager
    def dry_run(self, workspace_id: int) -> Iterator[Performer]:
        self.memory.room(workspace_id)
        yield MemoryPeople(deepcopy(self.memory), new_cio_id=self.new_cio_id)

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        return self.memory.room(workspace_id).population.find(reference)

    def find_many(self, workspace_id: int, asks: Sequence[ReferenceAsk]) -> Sequence[Person]:
        room = self.memory.room(workspace_id)
        mode = room.workspace.mode
        found = [room.population.find(ask(mode) if callable(ask) else ask) for ask in asks]
        return list({each.cio_id: each for each in found if each is not None}.values())

    def having_email(self, workspace_id: int, key: str, *, limit: int) -> Sequence[Person]:
        self.memory.room(workspace_id)
        return [each for each in self.all(workspace_id) if each.email_key == key][:limit]

    def beginning_with(self, workspace_id: int, text: str, *, limit: int) -> Sequence[Person]:
        self.memory.room(workspace_id)
        key = email_key_prefix(text)
        people = list(self.all(workspace_id))
        by_id = sorted((each for each in people if (each.id or "").startswith(text)), key=lambda each: each.id or "")
        by_email = sorted(
            (each for each in people if (each.email_key or "").startswith(key)),
            key=lambda each: (each.email_key or "", each.cio_id),
        )
        return list({each.cio_id: each for each in [*by_id, *by_email]}.values())[:limit]

    def sharing_email(self, workspace_id: int, *, newest_first: bool) -> Iterator[tuple[str, str]]:
        room = self.memory.room(workspace_id)
        people = sorted(self.all(workspace_id), key=lambda each: each.seniority, reverse=newest_first)
        groups: dict[str, list[str]] = {}
        for each in people if room.workspace.mode is Mode.ID_ONLY else ():
            if each.email_key is not None:
                groups.setdefault(each.email_key, []).append(each.cio_id)
        return iter([(key, each) for key, group in sorted(groups.items()) if len(group) > 1 for each in group])

    def all(self, workspace_id: int) -> Iterator[Person]:
        people = self.memory.rooms[workspace_id].population.people if workspace_id in self.memory.rooms else {}
        return iter(sorted(people.values(), key=lambda each: each.cio_id))

    def count(self, workspace_id: int) -> PeopleCounts:
        room = self.memory.rooms.get(workspace_id)
        return people_counts(room.population) if room else PeopleCounts()


def settle(memory: Memory, room: Room, now: datetime) -> None:
    """What else a write does: the trail, and it wakes a blocked change if it may have mended something."""
    changes = room.population.changes()
    room.population.settle()
    gone = {each.cio_id for each in changes.removed}
    touched = gone | {each.after.cio_id for each in changes.replaced}
    if room.blocked_export is not None:
        listed = {row.cio_id for row in room.violations[room.blocked_export]}
        if changes.suppressions_removed or touched & listed:
            _wake(room, now)
    for number, rows in room.violations.items():
        room.violations[number] = [row for row in rows if row.cio_id not in gone]
    for step in changes.trail:
        carry_out(memory, room, step)


def _wake(room: Room, now: datetime) -> None:
    room.blocked_export = None
    change = room.changes[-1]
    if change.migration.stage is Stage.BLOCKED:
        change.due_at = now + MENDING_SETTLES
