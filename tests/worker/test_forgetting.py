"""Old activities are forgotten a batch at a time, and looked for only now and then."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from tests.store.adapters import START, Store, memory_store
from tests.store.scenes import Scene
from workspace_operator.application.forgetting import REST, Forgetter
from workspace_operator.identity.rules import Mode
from workspace_operator.identity.trail import ActivityType, Noted

MONTH = timedelta(days=30)


def scene_with(store: Store, names: Iterable[str]) -> Scene:
    scene = Scene.create(store, Mode.EMAIL_OR_ID)
    note(scene, names)
    return scene


def note(scene: Scene, names: Iterable[str]) -> None:
    steps = [Noted(type=ActivityType.EVENT, cio_id="p", at=1, name=each, data={}) for each in names]
    scene.store.leave(scene.workspace_id, steps)


def names(scene: Scene) -> list[str]:
    return [each.name for each in scene.store.belongings.activities(scene.workspace_id, limit=100)]


def forgetter(store: Store, *, batch: int = 100) -> Forgetter:
    return Forgetter(belongings=store.belongings, keep=MONTH, clock=store.clock, batch=batch)


def test_activities_are_kept_for_their_time() -> None:
    store = memory_store()
    scene = scene_with(store, "a")
    store.clock.now = START + MONTH

    assert forgetter(store).work_once() is False
    assert names(scene) == ["a"]

    store.clock.forward(1)
    assert forgetter(store).work_once() is False
    assert names(scene) == []


def test_many_are_forgotten_batch_by_batch() -> None:
    store = memory_store()
    scene = scene_with(store, "abcde")
    store.clock.now = START + 2 * MONTH
    working = forgetter(store, batch=2)

    left = [(working.work_once(), len(names(scene))) for _ in range(3)]

    assert left == [(True, 3), (True, 1), (False, 0)]


def test_store_is_left_alone_in_between() -> None:
    store = memory_store()
    scene = scene_with(store, "a")
    working = forgetter(store)
    working.work_once()
    store.clock.now = START + REST - timedelta(seconds=1)
    working.keep = timedelta(0)

    working.work_once()
    assert names(scene) == ["a"]

    store.clock.forward(1)
    working.work_once()
    assert names(scene) == []


def test_start_is_left_to_other_work() -> None:
    store = memory_store()
    scene = scene_with(store, "a")
    store.clock.now = START + 2 * MONTH
    working = replace(forgetter(store), first_look=timedelta(minutes=1))

    assert working.work_once() is False
    store.clock.forward(59)
    working.work_once()
    assert names(scene) == ["a"]

    store.clock.forward(1)
    working.work_once()
    assert names(scene) == []
