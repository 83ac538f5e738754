"""The actions of the test in a run: it requests, cancels and pauses the migration, and adds and fixes violations."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.fault_injection.faults.schedules import ActionKind, Scenario
from tests.fault_injection.workload.operations import Operation, violation
from tests.fault_injection.workload.population import PopulationKind, SeedPerson, groups_of, plain
from tests.fault_injection.workload.writer_process import RetryingClient
from workspace_operator.errors import StaleRevision
from workspace_operator.migrations.model import Migration
from workspace_operator.reconcile.model.actions import CancelMigration, PauseMigration, RequestMigration
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.migrations import SQLMigrations
from workspace_operator.store.repositories.workspaces import SQLWorkspaces

TEST_WRITER = 9
"""Number of the test among the writers."""

PAUSE = 0.3
"""Seconds."""

BATCH = 50


@dataclass(slots=True, kw_only=True)
class Actions:
    """The actions of the test on one workspace."""

    scenario: Scenario
    workspace_id: int
    population: Sequence[SeedPerson]
    database: Database
    client: RetryingClient
    sent: int = 0

    @property
    def migration(self) -> Migration:
        newest = SQLMigrations(self.database).newest(self.workspace_id)
        assert newest is not None
        return newest

    def perform(self, action: ActionKind) -> None:
        """Perform an action; a migration after its cut-over continues."""
        match action:
            case ActionKind.REQUEST:
                self._request_migration()
            case ActionKind.FIX:
                self._write(list(fixes_of(self.scenario.population, self.population)))
            case ActionKind.ADD_VIOLATIONS:
                self._write(introduce_violations())
            case ActionKind.CANCEL:
                self._apply(CancelMigration(workspace_id=self.workspace_id, number=self.migration.number))
            case ActionKind.PAUSE:
                self._apply(PauseMigration(workspace_id=self.workspace_id, number=self.migration.number, paused=True))
            case ActionKind.NOTHING:
                pass

    def finish(self, action: ActionKind) -> None:
        """Complete an action after the fault that comes with it."""
        if action is ActionKind.PAUSE:
            time.sleep(PAUSE)
            self._apply(PauseMigration(workspace_id=self.workspace_id, number=self.migration.number, paused=False))

    def _request_migration(self) -> None:
        mode = SQLWorkspaces(self.database).get(self.workspace_id).mode
        self._apply(
            RequestMigration(
                workspace_id=self.workspace_id,
                from_mode=mode,
                to_mode=self.scenario.to,
                on_conflict=self.scenario.on_conflict,
            )
        )

    def _apply(self, action: RequestMigration | CancelMigration | PauseMigration) -> None:
        with suppress(StaleRevision):
            SQLWorkspaces(self.database).apply(action, now=datetime.now(UTC))

    def _write(self, operations: Sequence[Operation]) -> None:
        for start in range(0, len(operations), BATCH):
            numbered = []
            for each in operations[start : start + BATCH]:
                self.sent += 1
                numbered.append({**each, "command_id": f"w{TEST_WRITER}-{self.sent}"})
            self.client.apply(numbered)


def introduce_violations() -> list[Operation]:
    """Four violations, one of each kind, of people whom writers do not change."""
    taking, other, invalid, blocked, wearing = (plain(number) for number in range(5))
    return [
        violation(taking, f"{other}@example.com", fixed_email=""),
        violation(invalid, "no address", fixed_email=""),
        violation(f"{wearing}@elsewhere.example", "", fixed_email=""),
        {"do": "block", "id": blocked, "address": f"{blocked}@example.com"},
    ]


def fixes_of(kind: PopulationKind, population: Sequence[SeedPerson]) -> Iterator[Operation]:
    """Operations that fix all violations, in different ways."""
    if kind is PopulationKind.CLEAN:
        yield from _fixes_of_introduced()
    if kind is PopulationKind.VIOLATED:
        for group in groups_of(population):
            yield from (_without_shared_address(each) for each in group[1:])
    for number, each in enumerate(each for each in population if each.id is not None):
        yield from _fixes_of_person(each, str(each.id), is_even=number % 2 == 0)


def _fixes_of_introduced() -> Iterator[Operation]:
    taking, _, invalid, blocked, wearing = (plain(number) for number in range(5))
    for name in (taking, invalid):
        yield {"do": "identify", "id": name, "body": {"email": f"new-{name}@example.com"}}
    wears = f"{wearing}@elsewhere.example"
    yield {"do": "identify", "id": wears, "body": {"email": wears}}
    yield {"do": "free", "id": blocked, "address": f"{blocked}@example.com"}


def _without_shared_address(each: SeedPerson) -> Operation:
    """Remove the address or the person, named by cio_id since some have no id."""
    named = {"id": each.cio_id, "cio_id": each.cio_id}
    if each.number % 2:
        return {"do": "delete", **named}
    return {"do": "identify", **named, "body": {"email": f"parted-{each.number}@example.com"}}


def _fixes_of_person(each: SeedPerson, id_: str, *, is_even: bool) -> Iterator[Operation]:
    if id_.startswith("invalid-"):
        yield {"do": "identify", "id": id_, "body": {"email": f"{id_}@example.com"}}
    if id_.startswith("blocked-"):
        if is_even:
            yield {"do": "free", "id": id_, "address": each.email}
        else:
            yield {"do": "identify", "id": id_, "body": {"email": f"new-{id_}@example.com"}}
    if id_.startswith("another-"):
        yield {"do": "delete", "id": id_} if is_even else {"do": "identify", "id": id_, "body": {"email": id_}}
