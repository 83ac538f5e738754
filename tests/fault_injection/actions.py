"""What the test itself does in a run: it wishes for a change, takes it back, pauses it, mends who is in the way."""

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
"""The test's number among the writers."""

PAUSE = 0.3
"""Seconds."""

BATCH = 50


@dataclass(slots=True, kw_only=True)
class Actions:
    """What the test does to one workspace."""

    scenario: Scenario
    workspace_id: int
    population: Sequence[SeedPerson]
    database: Database
    client: RetryingClient
    said: int = 0

    @property
    def migration(self) -> Migration:
        newest = SQLMigrations(self.database).newest(self.workspace_id)
        assert newest is not None
        return newest

    def perform(self, deed: ActionKind) -> None:
        """Do it; a change that has switched already goes on."""
        match deed:
            case ActionKind.WISH:
                self._request_migration()
            case ActionKind.MEND:
                self._write(list(fixes_of(self.scenario.population, self.population)))
            case ActionKind.INTRUDE:
                self._write(introduce_violations())
            case ActionKind.CANCEL:
                self._apply(CancelMigration(workspace_id=self.workspace_id, number=self.migration.number))
            case ActionKind.PAUSE:
                self._apply(PauseMigration(workspace_id=self.workspace_id, number=self.migration.number, paused=True))
            case ActionKind.NOTHING:
                pass

    def finish(self, deed: ActionKind) -> None:
        """What is to be done after a deed, and after the blow that came with it."""
        if deed is ActionKind.PAUSE:
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
                self.said += 1
                numbered.append({**each, "said": f"w{TEST_WRITER}-{self.said}"})
            self.client.apply(numbered)


def introduce_violations() -> list[Operation]:
    """Four people who come to stand in the way, one for each reason; from among those whom writers leave alone."""
    taking, other, invalid, blocked, wearing = (plain(number) for number in range(5))
    return [
        violation(taking, f"{other}@example.com", mended=""),
        violation(invalid, "no address", mended=""),
        violation(f"{wearing}@elsewhere.example", "", mended=""),
        {"do": "block", "id": blocked, "address": f"{blocked}@example.com"},
    ]


def fixes_of(kind: PopulationKind, population: Sequence[SeedPerson]) -> Iterator[Operation]:
    """What mends everybody who stands in the way, each in one of the ways there are."""
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
    """Not the eldest of a group any more, by cio_id, since some have no id."""
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
