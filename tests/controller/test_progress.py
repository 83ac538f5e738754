"""An identifier change under way: resources tell of steps and of numbers that are worth it, and of nothing else."""

from datetime import timedelta
from typing import Any

import pytest

from tests.controller.fixtures import NOW, ControllerEnv
from workspace_operator.migrations.state_machine import Stage

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def changing() -> ControllerEnv:
    """A workspace that was ready, and whose identifiers change now."""
    env = ControllerEnv()
    env.update(env.apply("shop", identifiers={"mode": "IDOnly"}))
    env.update(env.apply("shop", identifiers={"mode": "EmailOrID"}))
    move(env, stage=Stage.PREPARING, revision=2, people_total=100)
    env.poll_after(2)
    return env


def move(env: ControllerEnv, **values: Any) -> None:
    """The worker writes to the change."""
    (state,) = env.workspaces.memory.states.values()
    state.update_migration(**values)


def reported_status(env: ControllerEnv) -> dict[str, Any]:
    migration: dict[str, Any] = env.resources.get("team-a", "shop")["status"]["migration"]
    return migration


def test_step_is_reported_once(changing: ControllerEnv) -> None:
    move(changing, stage=Stage.SWITCHED, revision=3)
    written = len(changing.resources.writes)

    looks = [changing.poll_after(2) for _ in range(3)]

    assert looks == [["shop"], [], []]
    assert reported_status(changing)["stage"] == "Switched"
    assert len(changing.resources.writes) == written + 1


def test_numbers_worth_it_are_reported_once(changing: ControllerEnv) -> None:
    move(changing, people_checked=40, estimated_completion=LATER, progress=1)
    written = len(changing.resources.writes)

    looks = [changing.poll_after(2) for _ in range(3)]

    assert looks == [["shop"], [], []]
    assert (reported_status(changing)["peopleChecked"], reported_status(changing)["estimatedCompletionTime"]) == (
        40,
        "2026-05-01T12:01:00Z",
    )
    assert len(changing.resources.writes) == written + 1


def test_numbers_that_move_all_the_time_are_not_reported(changing: ControllerEnv) -> None:
    written = len(changing.resources.writes)

    for checked in range(50):
        move(changing, people_checked=checked)
        changing.poll_after(0.1)

    assert len(changing.resources.writes) == written


def test_progress_makes_no_event_and_flips_nothing(changing: ControllerEnv) -> None:
    before = changing.resources.get("team-a", "shop")["status"]["conditions"]
    events = len(changing.resources.events)

    for number in range(1, 4):
        move(changing, people_checked=number, progress=number)
        changing.poll_after(5)

    assert changing.resources.get("team-a", "shop")["status"]["conditions"] == before
    assert len(changing.resources.events) == events


def test_progress_counts_nobody(changing: ControllerEnv) -> None:
    counts = len(changing.counts)

    for number in range(1, 4):
        move(changing, progress=number)
        changing.poll_after(5)

    assert len(changing.counts) == counts


def test_people_are_counted_when_it_is_through(changing: ControllerEnv) -> None:
    counts = len(changing.counts)

    move(changing, stage=Stage.BLOCKED, revision=4)
    changing.poll_after(2)

    assert len(changing.counts) == counts + 1


def test_first_reconcile_counts_people_all_the_same(changing: ControllerEnv) -> None:
    document = changing.resources.get("team-a", "shop")
    del document["status"]["people"]
    document["metadata"]["resourceVersion"] = "1000"
    changing.resources.documents["team-a", "shop"] = document

    changing.update(document)

    assert changing.resources.get("team-a", "shop")["status"]["people"]["total"] == 0
