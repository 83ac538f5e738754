"""People, in memory: the population is the store."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TypeVar

from tests.fakes.database import FIX_SETTLE_TIME, InMemoryDatabase, WorkspaceState
from tests.fakes.migrations.violations import people_counts
from tests.fakes.people.audit_log import record
from tests.fakes.people.events import apply_event
from workspace_operator.application.ports import (
    FIRST_EMAIL,
    AuditEntry,
    EmailPosition,
    LoadedPeople,
    UnitOfWork,
    UnitsOfWork,
)
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import IdentityRules, Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.workspaces.model import PeopleCounts

T = TypeVar("T")


def counting_cio_ids() -> Callable[[], str]:
    """Makes cio_ids that are easy to read in a failure."""
    numbers = count(1)
    return lambda: f"{next(numbers):08x}"


@dataclass(frozen=True, slots=True)
class FakePeople:
    """Implements the port ``People``."""

    memory: InMemoryDatabase
    new_cio_id: Callable[[], str] = field(default_factory=counting_cio_ids)

    def rules(self, workspace_id: int) -> IdentityRules:
        workspace = self.memory.state(workspace_id).workspace
        return IdentityRules(
            mode=workspace.mode,
            email_updates=workspace.settings.email_updates,
            id_updates=workspace.settings.id_updates,
            merge_multi_identifier=workspace.settings.merge_multi_identifier,
        )

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:  # noqa: ARG002
        return work(FakeUnitOfWork(self, workspace_id))

    @contextmanager
    def dry_run(self, workspace_id: int) -> Iterator[UnitsOfWork]:
        self.memory.state(workspace_id)
        yield FakePeople(deepcopy(self.memory), new_cio_id=self.new_cio_id)

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        return next(iter(self.find_many(workspace_id, [reference])), None)

    def find_many(self, workspace_id: int, references: Sequence[Reference]) -> Sequence[Person]:
        state = self.memory.state(workspace_id)
        mode = state.workspace.mode
        found = [state.working_set.find(reference.in_mode(mode)) for reference in references]
        return list({person.cio_id: person for person in found if person is not None}.values())

    def find_by_email(self, workspace_id: int, key: str, *, after: str = "", limit: int) -> Sequence[Person]:
        self.memory.state(workspace_id)
        return [each for each in self.all(workspace_id) if each.email_key == key and each.cio_id > after][:limit]

    def find_by_id_prefix(self, workspace_id: int, prefix: str, *, after: str = "", limit: int) -> Sequence[Person]:
        self.memory.state(workspace_id)
        found = {each.id: each for each in self.all(workspace_id) if each.id is not None}
        return [found[id_] for id_ in sorted(found) if id_.startswith(prefix) and id_ > after][:limit]

    def find_by_email_prefix(
        self, workspace_id: int, prefix: str, *, after: EmailPosition = FIRST_EMAIL, limit: int
    ) -> Sequence[Person]:
        self.memory.state(workspace_id)
        found = {(each.email_key, each.cio_id): each for each in self.all(workspace_id) if each.email_key is not None}
        return [found[key] for key in sorted(found) if key[0].startswith(prefix) and key > after][:limit]

    def suppressed(self, workspace_id: int, identifiers: Collection[IdentifierKey]) -> frozenset[IdentifierKey]:
        return frozenset(identifiers) & self.memory.state(workspace_id).working_set.suppressed.keys()

    def duplicates(self, workspace_id: int, *, newest_first: bool) -> Iterator[tuple[str, str]]:
        state = self.memory.state(workspace_id)
        people = sorted(self.all(workspace_id), key=lambda each: each.age_key, reverse=newest_first)
        groups: dict[str, list[str]] = {}
        for each in people if state.workspace.mode is Mode.ID_ONLY else ():
            if each.email_key is not None:
                groups.setdefault(each.email_key, []).append(each.cio_id)
        return iter([(key, each) for key, group in sorted(groups.items()) if len(group) > 1 for each in group])

    def all(self, workspace_id: int) -> Iterator[Person]:
        people = self.memory.states[workspace_id].working_set.people if workspace_id in self.memory.states else {}
        return iter(sorted(people.values(), key=lambda each: each.cio_id))

    def count(self, workspace_id: int) -> PeopleCounts:
        state = self.memory.states.get(workspace_id)
        return people_counts(state.working_set) if state else PeopleCounts()


class FakeUnitOfWork:
    """Implements the port ``UnitOfWork``: the population is the working set."""

    records_calls = False

    def __init__(self, people: FakePeople, workspace_id: int) -> None:
        self.people, self.rules = people, people.rules(workspace_id)
        self.state = people.memory.state(workspace_id)

    def load(self, commands: Sequence[Command]) -> LoadedPeople:
        self.state.working_set.devices = {cio_id: {*tokens} for cio_id, tokens in self.state.devices.items()}
        new_cio_ids = [self.people.new_cio_id] * len(commands)
        return LoadedPeople(working_set=self.state.working_set, new_cio_ids=new_cio_ids)

    def flush(self, *, now: int) -> None:
        commit(self.people.memory, self.state, datetime.fromtimestamp(now, UTC))

    def record(self, entry: AuditEntry) -> None:
        record(self.people.memory, entry)


def commit(memory: InMemoryDatabase, state: WorkspaceState, now: datetime) -> None:
    """Record events, and wake a blocked migration that the write may have fixed."""
    changes = state.working_set.changes()
    state.working_set.mark_clean()
    gone = {each.cio_id for each in changes.removed}
    touched = gone | {each.after.cio_id for each in changes.replaced}
    if state.blocked_export is not None:
        listed = {row.cio_id for row in state.violations[state.blocked_export]}
        if changes.suppressions_removed or touched & listed:
            _wake_blocked_migration(state, now)
    for number, rows in state.violations.items():
        state.violations[number] = [row for row in rows if row.cio_id not in gone]
    for step in changes.events:
        apply_event(memory, state, step)


def _wake_blocked_migration(state: WorkspaceState, now: datetime) -> None:
    state.blocked_export = None
    if state.migration and state.migration.stage is Stage.BLOCKED:
        state.work.due_at = now + FIX_SETTLE_TIME
