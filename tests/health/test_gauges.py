"""Gauges of identifier changes: what is told of how many, and that a store that is away holds nobody up."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.memory import Memory
from tests.fakes.migrations import MemoryMigrations
from workspace_operator.application.gauging import MOST_CHANGES, MigrationGauges, rendered
from workspace_operator.errors import StoreUnavailable
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration, ViolationCounts
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.observed import Owner

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
UNFINISHED = ("Requested", "Checking", "Preparing", "Switched", "Folding", "Blocked")
Changes = Sequence[tuple[Owner, Migration]]


def change(number: int = 1, stage: Stage = Stage.FOLDING, **values: object) -> tuple[Owner, Migration]:
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


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """What is told, by name and the values of the labels in their order."""
    return {
        (each.name.removeprefix("workspace_operator_"), *each.labels.values()): each.value
        for family in text_string_to_metric_families(text.decode())
        for each in family.samples
    }


@dataclass(frozen=True, slots=True)
class AskedMigrations(MemoryMigrations):
    """A store that does something else when it is asked for changes."""

    answer: Callable[[], Changes] = tuple
    asked: list[str] = field(default_factory=list)

    def unfinished(self) -> Changes:
        self.asked.append(threading.current_thread().name)
        return self.answer()


def gauges(answer: Callable[[], Changes], *, patience: float = 5.0) -> MigrationGauges:
    return MigrationGauges(migrations=AskedMigrations(Memory(), answer), patience=patience)


def test_every_stage_has_its_count() -> None:
    told = samples(rendered([change(1), change(2), change(3, Stage.BLOCKED)]))

    counts = {stage: told["migrations", stage] for stage in UNFINISHED}
    assert counts == dict.fromkeys(UNFINISHED, 0) | {"Folding": 2, "Blocked": 1}


def test_nothing_under_way_is_all_zero() -> None:
    assert samples(rendered([])) == {("migrations", stage): 0 for stage in UNFINISHED}


def test_people_are_told_by_state() -> None:
    moving = change(people_total=100, people_checked=90, people_merged=12, people_folded=5)

    told = samples(rendered([moving]))

    whose = ("migration_people", "c1", "team", "shop-1")
    states = {state: told[(*whose, state)] for state in ("total", "checked", "merged", "folded")}
    assert states == {"total": 100, "checked": 90, "merged": 12, "folded": 5}


def test_violations_are_told_by_kind() -> None:
    found = ViolationCounts(
        duplicate_email=4, invalid_email=3, suppressed_email=2, id_is_another_email=1, people_concerned=9
    )

    told = samples(rendered([change(stage=Stage.BLOCKED, violations=found)]))

    kinds = {key[-1]: value for key, value in told.items() if key[0] == "migration_violations"}
    assert kinds == {"duplicateEmail": 4, "invalidEmail": 3, "suppressedEmail": 2, "idIsAnotherEmail": 1}


def test_gauges_stay_few() -> None:
    many = [change(number) for number in range(1, 251)]

    told = samples(rendered(many))

    named = {key[3] for key in told if key[0] == "migration_people"}
    assert named == {f"shop-{number}" for number in range(151, 251)}  # wished for first
    assert len(named) == MOST_CHANGES
    assert told["migrations", "Folding"] == 250


def test_labels_cannot_break_the_form() -> None:
    owner, migration = change()
    odd = Owner(cluster='a "b" \\ \n', namespace="team", name="shop", uid="u1")

    told = samples(rendered([(odd, migration), (owner, migration)]))

    assert ("migration_people", 'a "b" \\ \n', "team", "shop", "total") in told


def test_changes_of_the_store_are_told() -> None:
    told = samples(gauges(lambda: [change()]).text())

    assert told["migrations", "Folding"] == 1


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a mistake")], ids=["away", "mistake"])
def test_failing_store_tells_nothing(error: Exception) -> None:
    def fail() -> Changes:
        raise error

    assert gauges(fail).text() == b""


def test_hanging_store_holds_nobody_up() -> None:
    answering = threading.Event()
    found = gauges(lambda: [change()] if answering.wait(120) else [], patience=0.1)

    told = [found.text() for _ in range(3)]
    answering.set()

    assert told == [b"", b"", b""]  # whoever had waited would have been told of the change
    assert isinstance(found.migrations, AskedMigrations)
    assert len(found.migrations.asked) == 1


def test_store_that_is_back_is_told_of_again() -> None:
    states: list[Exception] = [StoreUnavailable("away")]

    def answer() -> Changes:
        if states:
            raise states.pop()
        return [change()]

    found = gauges(answer)

    told = [found.text(), found.text()]

    assert told[0] == b""
    assert samples(told[1])["migrations", "Folding"] == 1
