"""Gauges of identifier changes: what is told of how many, and that a store that is away holds nobody up."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tests.api.observability.test_metrics import samples
from tests.fakes.database import InMemoryDatabase
from tests.fakes.migrations.migrations import FakeMigrations
from workspace_operator.application.migrations import metrics
from workspace_operator.application.migrations.metrics import MAX_MIGRATIONS, MigrationGauges
from workspace_operator.errors import StoreUnavailable
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.workspaces.model import Owner

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
UNFINISHED = ("Requested", "Checking", "Preparing", "Switched", "Merging", "Blocked", "Paused")
Migrations = Sequence[tuple[Owner, Migration]]


def change(number: int = 1, stage: Stage = Stage.MERGING, **values: object) -> tuple[Owner, Migration]:
    owner = Owner(cluster="c1", namespace="team", name=f"shop-{number}", uid="u1")
    migration = Migration(
        workspace_id=number,
        number=1,
        from_mode=Mode.ID_ONLY,
        to_mode=Mode.EMAIL_OR_ID,
        stage=stage,
        requested_at=NOW - timedelta(seconds=number),
        **values,  # type: ignore[arg-type]
    )
    return owner, migration


@dataclass(frozen=True, slots=True)
class StubMigrations(FakeMigrations):
    """A store that does something else when it is asked for changes."""

    answer: Callable[[], Migrations] = tuple
    call_count: list[str] = field(default_factory=list)

    def unfinished(self) -> Migrations:
        self.call_count.append(threading.current_thread().name)
        return self.answer()


def gauges(answer: Callable[[], Migrations], *, timeout: float = 5.0) -> MigrationGauges:
    return MigrationGauges(migrations=StubMigrations(InMemoryDatabase(), answer), timeout=timeout, clock=lambda: NOW)


def render(unfinished: Migrations) -> bytes:
    return metrics.render(unfinished, now=NOW)


def test_every_stage_has_its_count() -> None:
    told = samples(render([change(1), change(2), change(3, Stage.BLOCKED)]))

    counts = {stage: told["migrations", stage] for stage in UNFINISHED}
    assert counts == dict.fromkeys(UNFINISHED, 0) | {"Merging": 2, "Blocked": 1}


def test_nothing_under_way_is_all_zero() -> None:
    names = ("migrations", "migrations_oldest_age_seconds")
    assert samples(render([])) == {(name, stage): 0 for name in names for stage in UNFINISHED}


def test_age_is_the_longest_time_in_a_stage() -> None:
    since = NOW - timedelta(seconds=7)
    told = samples(
        render(
            [
                change(60, Stage.REQUESTED),
                change(3600, Stage.REQUESTED),
                change(86400, Stage.BLOCKED, stage_since=since),
            ]
        )
    )

    assert told["migrations_oldest_age_seconds", "Requested"] == 3600
    assert told["migrations_oldest_age_seconds", "Blocked"] == 7


def test_paused_change_waits_for_no_worker() -> None:
    told = samples(render([change(3600, Stage.REQUESTED, paused=True), change(5, Stage.REQUESTED)]))

    assert told["migrations", "Requested"] == told["migrations", "Paused"] == 1
    assert told["migrations_oldest_age_seconds", "Requested"] == 5
    assert told["migrations_oldest_age_seconds", "Paused"] == 3600


def test_people_are_reported_by_state() -> None:
    moving = change(people_total=100, people_checked=90, people_to_merge=12, people_merged=5)

    told = samples(render([moving]))

    whose = ("migration_people", "c1", "shop-1", "team")
    states = {state: told[(*whose, state)] for state in ("total", "checked", "to_merge", "merged")}
    assert states == {"total": 100, "checked": 90, "to_merge": 12, "merged": 5}


def test_violations_are_reported_by_kind() -> None:
    found = ViolationCounts(
        duplicate_email=4, invalid_email=3, suppressed_email=2, id_is_another_email=1, people_concerned=9
    )

    told = samples(render([change(stage=Stage.BLOCKED, violations=found)]))

    kinds = {key[-1]: value for key, value in told.items() if key[0] == "migration_violations"}
    assert kinds == {"duplicateEmail": 4, "invalidEmail": 3, "suppressedEmail": 2, "idIsAnotherEmail": 1}


def test_gauges_stay_few() -> None:
    many = [change(number) for number in range(1, 251)]

    told = samples(render(many))

    named = {key[2] for key in told if key[0] == "migration_people"}
    assert named == {f"shop-{number}" for number in range(151, 251)}  # the oldest requests
    assert len(named) == MAX_MIGRATIONS
    assert told["migrations", "Merging"] == 250


def test_labels_cannot_break_the_form() -> None:
    owner, migration = change()
    odd = Owner(cluster='a "b" \\ \n', namespace="team", name="shop", uid="u1")

    told = samples(render([(odd, migration), (owner, migration)]))

    assert ("migration_people", 'a "b" \\ \n', "shop", "team", "total") in told


def test_migrations_of_the_store_are_reported() -> None:
    told = samples(gauges(lambda: [change()]).text())

    assert told["migrations", "Merging"] == 1


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a mistake")], ids=["away", "mistake"])
def test_failing_store_reports_nothing(error: Exception) -> None:
    def fail() -> Migrations:
        raise error

    assert gauges(fail).text() == b""


def test_hanging_store_holds_nobody_up() -> None:
    answering = threading.Event()
    found = gauges(lambda: [change()] if answering.wait(120) else [], timeout=0.1)

    told = [found.text() for _ in range(3)]
    answering.set()

    assert told == [b"", b"", b""]  # whoever had waited would have been told of the change
    assert isinstance(found.migrations, StubMigrations)
    assert len(found.migrations.call_count) == 1


def test_store_that_is_back_is_reported_again() -> None:
    states: list[Exception] = [StoreUnavailable("away")]

    def answer() -> Migrations:
        if states:
            raise states.pop()
        return [change()]

    found = gauges(answer)

    told = [found.text(), found.text()]

    assert told[0] == b""
    assert samples(told[1])["migrations", "Merging"] == 1
