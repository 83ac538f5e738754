"""A change that is paused, taken back, or whose worker dies, after each single call of the port."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from tests.store.adapters import Store
from tests.store.interruptions import BATCH, Died, Interposed, die, each_interruption, interrupted_worker, peopled
from tests.store.invariants import assert_sound
from tests.store.scenes import Scene, destroy
from tests.store.test_changes import ALLOWED
from workspace_operator.application.ports import Lease, Migrations
from workspace_operator.errors import Moved
from workspace_operator.identity.outcomes import Effect
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import ENDED, Stage

changes = pytest.mark.parametrize(("before", "after"), ALLOWED)


def assert_rest(store: Store, *, at_rest: bool = True) -> None:
    if store.database is not None:
        assert_sound(store.database, at_rest=at_rest)


def finish(scene: Scene) -> None:
    """Another worker takes the change to its end, once the lease is over."""
    scene.store.clock.forward(61)
    while scene.worker("w2", batch=BATCH).work_once():
        pass


@changes
def test_dead_worker_is_succeeded(store_to_interrupt: Store, before: Mode, after: Mode) -> None:
    for scene in each_interruption(store_to_interrupt, before, after, lambda _: die()):
        assert_rest(store_to_interrupt, at_rest=False)
        if scene.stage is not Stage.COMPLETED:
            assert scene.worker("w2").work_once() is False  # the lease still runs

        finish(scene)

        assert (scene.stage, scene.mode) == (Stage.COMPLETED, after)
        assert_rest(store_to_interrupt)


@dataclass(slots=True)
class Busy:
    """The port, with calls under way that never let a switch through."""

    migrations: Migrations
    tries: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.migrations, name)

    def switch(self, migration: Migration, _: Lease, **__: object) -> Migration:
        self.tries += 1
        assert self.tries <= 3, "the worker is to stop"
        return migration


def test_stopping_worker_tries_no_switch_again(store: Store) -> None:
    scene = peopled(store, Mode.ID_ONLY, 3)
    scene.request()
    busy = Busy(store.migrations)
    worker = replace(
        scene.worker(stopping=lambda: busy.tries == 3), migrations=cast("Migrations", busy), rest=lambda _: None
    )

    worker.work_once()

    assert (scene.stage, busy.tries) == (Stage.PREPARING, 3)
    assert scene.worker("w2").work_once()
    assert scene.stage is Stage.COMPLETED


def test_failing_change_lets_others_have_their_turn(store: Store) -> None:
    failing, other = peopled(store, Mode.ID_ONLY, 3), peopled(store, Mode.ID_ONLY, 3)
    failing.request()
    store.clock.forward(1)
    other.request()
    worker = failing.worker()
    broken = replace(worker, migrations=Interposed(worker.migrations, after=CHECKED, what=fail))

    with pytest.raises(ZeroDivisionError):
        broken.work_once()
    while worker.work_once():
        pass

    assert (other.mode, failing.mode) == (Mode.EMAIL_OR_ID, Mode.ID_ONLY)
    finish(failing)
    assert failing.mode is Mode.EMAIL_OR_ID


CHECKED = 3
"""The calls up to the first look at the people: claim, start_checking, check."""


def fail() -> None:
    raise ZeroDivisionError


@changes
def test_paused_change_goes_on_when_resumed(store_to_interrupt: Store, before: Mode, after: Mode) -> None:
    for scene in each_interruption(store_to_interrupt, before, after, pause_if_open):
        made = scene.say(email="new@example.com") if scene.mode is Mode.EMAIL_ONLY else scene.say(id="new")
        assert made.effect is Effect.CREATED

        if scene.stage in ENDED:
            continue
        stage = scene.stage
        finish(scene)
        assert (scene.stage, scene.change.paused) == (stage, True)
        scene.resume()
        finish(scene)
        assert (scene.stage, scene.mode) == (Stage.COMPLETED, after)
        assert_rest(store_to_interrupt)


def pause_if_open(scene: Scene) -> None:
    if scene.stage not in ENDED:
        scene.pause()


@changes
@pytest.mark.parametrize("paused", [False, True])
def test_cancelled_change_leaves_no_trace(store_to_interrupt: Store, before: Mode, after: Mode, paused: bool) -> None:
    def cancel(scene: Scene) -> None:
        if scene.stage in ENDED:
            return
        if paused:
            scene.pause()
        try:
            scene.cancel()
        except Moved:
            assert scene.stage is Stage.SWITCHED

    for scene in each_interruption(store_to_interrupt, before, after, cancel):
        if scene.stage is not Stage.CANCELLED:
            assert scene.mode is after
            if paused and scene.stage not in ENDED:
                scene.resume()
            finish(scene)
            continue
        assert scene.mode is before
        assert scene.change.completed_at is not None

        finish(scene)

        assert (scene.stage, scene.mode) == (Stage.CANCELLED, before)
        assert scene.worker("w3").work_once() is False
        assert_rest(store_to_interrupt)


def test_new_change_follows_a_cancelled_one(store_to_interrupt: Store) -> None:
    for scene in each_interruption(store_to_interrupt, Mode.ID_ONLY, Mode.EMAIL_OR_ID, cancel_if_open):
        if scene.stage is Stage.CANCELLED:
            scene.delete(id="1")
            scene.say(id="2", body={"email": "1@example.com"})
            scene.request()
        finish(scene)

        assert (scene.stage, scene.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
        assert_rest(store_to_interrupt)


def cancel_if_open(scene: Scene) -> None:
    if scene.stage not in ENDED | {Stage.SWITCHED}:
        scene.cancel()


def test_clearing_worker_never_meets_a_new_change(sql: Store) -> None:
    scene = peopled(sql, Mode.ID_ONLY, 9)
    prepare(scene, "w1")
    scene.cancel()
    clearing = Interposed(sql.migrations, 2, lambda: prepare(scene, "w2"))

    interrupted_worker(scene, clearing).work_once()

    finish(scene)
    assert (scene.change.number, scene.stage) == (2, Stage.COMPLETED)
    assert_rest(sql)


def prepare(scene: Scene, worker: str) -> None:
    """Request a change and take it to where only the switch is missing."""
    scene.request()
    migrations, now = scene.store.migrations, scene.store.clock()
    change, lease = scene.claim(worker)
    change = migrations.start_checking(change, lease, now=now)
    while not migrations.clear_batch(change, lease, size=BATCH, now=now).done:
        pass
    change = migrations.start_preparing(change, lease, people=migrations.check(scene.workspace_id)[0], now=now)
    while not migrations.prepare_batch(change, lease, size=BATCH, now=now).done:
        pass


def test_two_workers_never_share_a_change(scene: Scene) -> None:
    scene.request()
    scene.claim("w1")

    assert scene.worker("w2").work_once() is False


def test_worker_takes_up_its_own_change(scene: Scene) -> None:
    scene.request()
    scene.claim("w1")

    assert scene.worker("w1").work_once() is True
    assert scene.stage is Stage.COMPLETED


def test_stopping_worker_gives_the_change_back(scene: Scene) -> None:
    scene.add("1", "ann@example.com")
    scene.request()
    for steps in range(12):
        answers = iter([False] * (steps % 3))
        scene.worker("w1", stopping=lambda answers=answers: next(answers, True)).work_once()  # type: ignore[misc]

    assert scene.worker("w2").work_once() is True or scene.stage is Stage.COMPLETED
    assert scene.stage is Stage.COMPLETED


@pytest.mark.parametrize(
    "step",
    [
        lambda port, change, lease, now: port.start_checking(change, lease, now=now),
        lambda port, change, lease, now: port.start_preparing(
            change, lease, people=port.check(change.workspace_id)[0], now=now
        ),
        lambda port, change, lease, now: port.block(change, lease, people=port.check(change.workspace_id)[0], now=now),
        lambda port, change, lease, now: port.clear_batch(change, lease, size=1, now=now),
        lambda port, change, lease, now: port.prepare_batch(change, lease, size=1, now=now),
        lambda port, change, lease, now: port.settle_batch(change, lease, size=1, now=now),
        lambda port, change, lease, now: port.switch(change, lease, patience=timedelta(seconds=1), now=now),
        lambda port, change, lease, now: port.start_folding(change, lease, now=now),
        lambda port, change, lease, now: port.fold_batch(change, lease, size=1, now=now),
        lambda port, change, lease, now: port.complete(change, lease, now=now),
        lambda port, change, lease, now: port.release(change, lease, due_at=now),
    ],
)
@pytest.mark.parametrize("reason", ["taken over", "paused", "destroyed", "another worker"])
def test_stale_worker_is_told(scene: Scene, step: object, reason: str) -> None:
    scene.request()
    change, lease = scene.claim("w1")
    lease = make_stale(scene, lease, reason)

    with pytest.raises(Moved):
        step(scene.store.migrations, change, lease, scene.store.clock())  # type: ignore[operator]


def make_stale(scene: Scene, lease: Lease, reason: str) -> Lease:
    if reason == "taken over":
        scene.store.clock.forward(61)
        scene.claim("w2")
    elif reason == "paused":
        scene.pause()
        scene.resume()
    elif reason == "destroyed":
        destroy(scene.store, scene.owner)
    else:
        return Lease(worker="w9", duration=lease.duration)
    return lease


def test_dead_worker_leaves_blocked_change_watched(store: Store) -> None:
    scene = peopled(store, Mode.ID_ONLY, 2)
    scene.add("twin", "1@example.com")
    scene.request()
    for after in range(1, 6):
        try:
            interrupted_worker(scene, Interposed(store.migrations, after, die)).work_once()
        except Died:
            store.clock.forward(61)
    finish(scene)
    scene.delete(id="twin")

    finish(scene)

    assert scene.stage is Stage.COMPLETED
    assert_rest(store)
