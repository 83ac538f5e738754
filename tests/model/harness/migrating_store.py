"""A workspace in a store whose identifiers change, driven and looked at through the ports.

While people who are one person are not folded yet, most ways to look at somebody fold them first. So everybody is
looked at in ways that fold nobody, and the others are rules of their own.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from tests.model.harness.commands import AnyCommand, Name
from tests.model.harness.drivers import BatchResult, batch_result, made
from tests.model.harness.snapshots import State, merge_shown, person_shown
from tests.model.harness.stores import StoredPeople, activities_in, journal_in, owners_in, suppressed_in
from tests.model.reference.records import Merged, Value
from tests.store.backends import Store
from tests.store.fixtures import destroy
from tests.store.invariants import assert_sound
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import People
from workspace_operator.errors import Conflict
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import EMAIL, IdentityRules, Mode
from workspace_operator.migrations.model import Migration, OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.repositories.people import SQLPeople

SEGMENTS = (1, 2)


class MigratingPeople(StoredPeople):
    """A new workspace of a store; two processes, as it were, hear what is said there by turns."""

    def __init__(self, store: Store, rules: IdentityRules) -> None:
        super().__init__(store, rules)
        self.workspace_id = self.env.workspace_id
        self.processes = cycle(_processes(store))

    def set_time(self, now: int) -> None:
        self.store.clock.now = datetime.fromtimestamp(now, UTC)

    def perform(self, commands: Sequence[AnyCommand], *, now: int) -> BatchResult:
        self.set_time(now)
        return batch_result(execute_commands(next(self.processes), self.workspace_id, made(commands), now=now))

    def change(self) -> Migration | None:
        return self.store.migrations.newest(self.workspace_id)

    def request(self, to: Mode, *, merges: bool) -> None:
        self.env.request(to, OnConflict.MERGE if merges else OnConflict.BLOCK)

    def ask(self, what: str) -> None:
        env = self.env
        commands: dict[str, Callable[[], None]] = {
            "cancel": env.cancel,
            "pause": env.pause,
            "resume": env.resume,
            "retry": lambda: env.retry("again"),
        }
        commands[what]()

    def undo_merge(self, entry: Merged, *, now: int) -> set[Value] | None:
        """Take a merge back. It is in the journal once somebody has asked for one of its people."""
        self.set_time(now)
        self.find(Name(kind=None, text=f"cio_{entry.holder}"))
        # Of those that are undone any will do.
        merge_id = next(
            each.merge_id
            for each in journal_in(self.store, self.workspace_id)
            if (each.primary.cio_id, each.secondary.cio_id) == (entry.primary.cio_id, entry.secondary.cio_id)
            and (each.undone_at is not None) is entry.undone
        )
        try:
            return set(self.store.merges.undo(self.workspace_id, merge_id, now=now).unavailable)
        except Conflict:
            return None

    def find(self, name: Name) -> tuple[object, ...] | None:
        found = self.store.people.find(self.workspace_id, name.typed(self.env.mode))
        return None if found is None else _shown(found)

    def find_many(self, names: Sequence[Name]) -> list[tuple[object, ...]]:
        references = [each.typed(Mode.EMAIL_OR_ID) for each in names]
        return [_shown(each) for each in next(self.processes).find_many(self.workspace_id, references)]

    def find_by_email(self, key: str) -> list[tuple[object, ...]]:
        return [_shown(each) for each in self.store.people.find_by_email(self.workspace_id, key, limit=100)]

    def state(self) -> State:
        store, number = self.store, self.workspace_id
        people = {each.cio_id: each for each in store.people.all(number)}
        assert list(people) == sorted(people), "they come in order of creation"
        migration = self.change()
        folds = migration is not None and migration.stage in {Stage.SWITCHED, Stage.MERGING}
        told = {
            "people": {cio_id: person_shown(each) for cio_id, each in people.items()},
            "suppressed": suppressed_in(store, number),
            "activities": activities_in(store, number, people.keys()),
            "names": self._names_in_activities(people),
            "members": {str(segment): list(store.person_records.members(number, segment)) for segment in SEGMENTS},
            "counts": asdict(store.people.count(number)),
            "journal": [merge_shown(each) for each in journal_in(store, number)],
            "exports": {str(each.number): self._export(each.number) for each in store.exports.exports(number)},
        }
        return told if folds else {**told, **self._rest(people.keys())}

    def _rest(self, people: Collection[str]) -> State:
        """What there is only to look at when nothing is left to fold; prepared identifiers are in force for nobody."""
        counts, violations = self.store.migrations.check(self.workspace_id)
        found = asdict(violations)
        del found["people_concerned"]
        owners = owners_in(self.store, self.workspace_id)
        without_emails = self.env.mode is Mode.ID_ONLY
        return {
            "owners": {key: each for key, each in owners.items() if not (without_emails and key.startswith(EMAIL))},
            "checked": asdict(counts),
            "violations": found,
            **self.person_records(people),
        }

    def person_records(self, cio_ids: Collection[str]) -> dict[str, Any]:
        """What hangs on some people; folds them."""
        person_records, number = self.store.person_records, self.workspace_id
        devices = person_records.devices(number, cio_ids)
        segments = {cio_id: list(person_records.segments(number, cio_id)) for cio_id in cio_ids}
        return {
            "devices": {cio_id: sorted(map(repr, theirs)) for cio_id, theirs in devices.items() if theirs},
            "segments": {cio_id: numbers for cio_id, numbers in segments.items() if numbers},
        }

    def history(self, cio_id: str) -> dict[str, Any]:
        """What somebody did, and whom they became one with."""
        store, number = self.store, self.workspace_id
        people = [each.cio_id for each in store.people.all(number)]
        return {
            "activities": activities_in(store, number, people, of=cio_id),
            "merges": [merge_shown(each) for each in journal_in(store, number, of=cio_id)],
        }

    def _names_in_activities(self, people: Mapping[str, Person]) -> Sequence[str]:
        """Whose activities are listed with another id or email than they have."""
        listed = self.store.person_records.activities(self.workspace_id, limit=1000)
        shown = {(each.cio_id, each.id, each.email) for each in listed if each.cio_id in people}
        return sorted(repr(each) for each in shown if each[1:] != (people[str(each[0])].id, people[str(each[0])].email))

    def _export(self, number: int) -> list[tuple[object, ...]]:
        # No attributes were asked for, so the last column is empty.
        return [tuple(row)[:-1] for row in self.store.exports.violations(self.workspace_id, number)]

    def assert_sound(self, *, at_rest: bool) -> None:
        if self.store.database is not None:
            assert_sound(self.store.database, at_rest=at_rest)

    def destroy(self) -> None:
        destroy(self.store, self.env.owner)


def _shown(person: Person) -> tuple[object, ...]:
    return (person.cio_id, *person_shown(person))


def _processes(store: Store) -> Sequence[People]:
    """What each of them remembers of the rules grows old while the others are asked."""
    if store.database is None:
        return [store.people]
    assert isinstance(store.people, SQLPeople)
    others = [SQLPeople(store.database, new_cio_id=store.people.new_cio_id) for _ in range(2)]
    return [store.people, *others]
