"""The barrier: a change of sending is Ready when nothing is in flight under the earlier rules (sending §3.4)."""

from datetime import timedelta
from typing import Any

import pytest

from tests.controller.fixtures import NOW, ControllerEnv
from tests.fakes.workspaces.sending import FakeAttempt

NEVER: dict[str, Any] = {"sendBehavior": {"mode": "Never"}}


@pytest.fixture
def sending() -> ControllerEnv:
    """A workspace that hands over a message, and whose spec was just changed to Never."""
    env = ControllerEnv()
    env.update(env.apply("shop"))
    begin(env)
    env.update(env.apply("shop", **NEVER))
    return env


def begin(env: ControllerEnv) -> None:
    """Begin a hand-over under the rules in force."""
    (workspace,) = env.workspaces.list()
    env.workspaces.memory.sending.attempts.append(
        FakeAttempt(
            workspace_id=workspace.workspace_id,
            send_version=workspace.send_version,
            deadline=NOW + timedelta(seconds=30),
        )
    )


def end(env: ControllerEnv) -> None:
    env.workspaces.memory.sending.attempts.clear()


def looks_after(env: ControllerEnv, seconds: float) -> int:
    """How often the resource was looked at, without a poll."""
    before = len(env.workspaces.observed)
    env.time += seconds
    env.drain()
    return len(env.workspaces.observed) - before


def observed_generation(env: ControllerEnv) -> int:
    return int(env.resources.get("team-a", "shop")["status"]["observedGeneration"])


def test_short_barrier_writes_one_status(sending: ControllerEnv) -> None:
    written, events = len(sending.resources.writes), len(sending.resources.events)
    assert observed_generation(sending) == 1

    end(sending)
    looks_after(sending, 0.05)

    assert sending.reason("shop") == "InForce"
    assert observed_generation(sending) == 2
    assert len(sending.resources.writes) == written + 1
    assert len(sending.resources.events) == events


def test_looks_again_after_50_ms_and_then_less_often(sending: ControllerEnv) -> None:
    looks = [looks_after(sending, seconds) for seconds in (0.04, 0.02, 0.05, 0.06, 0.3)]

    assert [bool(look) for look in looks] == [False, True, False, True, True]


def test_people_are_not_counted_meanwhile(sending: ControllerEnv) -> None:
    before = len(sending.counts)

    for _ in range(5):
        looks_after(sending, 0.3)

    assert len(sending.counts) == before


def test_long_barrier_is_reported_once(sending: ControllerEnv) -> None:
    written = len(sending.resources.writes)

    for _ in range(30):
        looks_after(sending, 0.3)

    assert sending.reason("shop") == "Draining"
    assert len(sending.resources.writes) == written + 1
    assert [event.reason for _, _, event in sending.resources.events][-1] == "Draining"


def test_long_barrier_is_looked_at_every_second(sending: ControllerEnv) -> None:
    for _ in range(10):
        looks_after(sending, 0.5)

    assert sum(bool(looks_after(sending, 0.25)) for _ in range(20)) == pytest.approx(5, abs=1)


def test_reported_barrier_ends_in_ready(sending: ControllerEnv) -> None:
    for _ in range(10):
        looks_after(sending, 0.5)
    end(sending)

    looks_after(sending, 1.0)

    assert sending.reason("shop") == "InForce"
    assert [looks_after(sending, 1.0) for _ in range(3)] == [0, 0, 0]


def test_edit_of_a_draining_resource_is_reconciled_at_once(sending: ControllerEnv) -> None:
    sending.update(sending.apply("shop", color="FF0000", **NEVER))

    (workspace,) = sending.workspaces.list()
    assert workspace.settings.color == "FF0000"
    assert observed_generation(sending) == 1


def test_removed_resource_is_not_looked_at(sending: ControllerEnv) -> None:
    document = sending.resources.get("team-a", "shop")
    sending.resources.remove("team-a", "shop")
    sending.controller.on_delete(document)

    assert looks_after(sending, 5.0) == 0


def test_worker_wakes_for_the_barrier_by_itself() -> None:
    env = ControllerEnv()
    env.update(env.apply("shop"))
    (item,) = env.controller.queue.items.values()
    with env.controller.queue.lock:
        env.controller.queue.enqueue_at(("team-a", "shop"), item, env.time + 0.01)
    clock = iter([env.time, env.time, env.time + 0.02])

    assert env.controller.queue.wait(lambda: next(clock))
    assert item.queued_as is not None
