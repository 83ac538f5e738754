"""People, in memory: the population is the store."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from tests.fakes.database import FIX_SETTLE_TIME, InMemoryDatabase, WorkspaceState
from tests.fakes.migrations.violations import people_counts
from tests.fakes.people.events import apply_event
from workspace_operator.application.ports import CommandResultOrError, Performer, UnresolvedReference
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.model.commands import UnresolvedCommand
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.email_keys import email_key_prefix
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import IdentityRules, Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.workspaces.model import PeopleCounts


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

    def perform(
        self, workspace_id: int, commands: Sequence[UnresolvedCommand], *, now: int
    ) -> Sequence[CommandResultOrError]:
        state, rules = self.memory.state(workspace_id), self.rules(workspace_id)
        state.working_set.devices = {cio_id: {*theirs} for cio_id, theirs in state.devices.items()}
        results: list[CommandResultOrError] = []
        for command in commands:
            try:
                call = command(rules.mode) if callable(command) else command
            except InvalidInput as error:
                results.append(error)
            else:
                results.append(handle(rules, state.working_set, call, now=now, new_cio_id=self.new_cio_id))
        commit(self.memory, state, datetime.fromtimestamp(now, UTC))
        return results

    @contextmanager
    def dry_run(self, workspace_id: int) -> Iterator[Performer]:
        self.memory.state(workspace_id)
        yield FakePeople(deepcopy(self.memory), new_cio_id=self.new_cio_id)

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        return self.memory.state(workspace_id).working_set.find(reference)

    def find_many(self, workspace_id: int, references: Sequence[UnresolvedReference]) -> Sequence[Person]:
        state = self.memory.state(workspace_id)
        mode = state.workspace.mode
        resolved = (reference(mode) if callable(reference) else reference for reference in references)
        found = map(state.working_set.find, resolved)
        return list({person.cio_id: person for person in found if person is not None}.values())

    def find_by_email(self, workspace_id: int, key: str, *, limit: int) -> Sequence[Person]:
        self.memory.state(workspace_id)
        return [each for each in self.all(workspace_id) if each.email_key == key][:limit]

    def find_by_prefix(self, workspace_id: int, text: str, *, limit: int) -> Sequence[Person]:
        self.memory.state(workspace_id)
        key = email_key_prefix(text)
        people = list(self.all(workspace_id))
        by_id = sorted((each for each in people if (each.id or "").startswith(text)), key=lambda each: each.id or "")
        by_email = sorted(
            (each for each in people if (each.email_key or "").startswith(key)),
            key=lambda each: (each.email_key or "", each.cio_id),
        )
        return list({each.cio_id: each for each in [*by_id, *by_email]}.values())[:limit]

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
    stored = state.changes[-1]
    if stored.migration.stage is Stage.BLOCKED:
        stored.due_at = now + FIX_SETTLE_TIME
