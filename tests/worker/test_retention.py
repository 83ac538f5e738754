"""Old activities are forgotten a batch at a time, and looked for only now and then."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from tests.store.backends import START, Store, memory_store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.retention import IDLE_INTERVAL, ActivityRetention
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType
from workspace_operator.identity.values.rules import Mode

MONTH = timedelta(days=30)


def env_with(store: Store, names: Iterable[str]) -> WorkspaceEnv:
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    record_activity(env, names)
    return env


def record_activity(env: WorkspaceEnv, names: Iterable[str]) -> None:
    steps = [ActivityLogged(type=ActivityType.EVENT, cio_id="p", at=1, name=each, data={}) for each in names]
    env.store.append_events(env.workspace_id, steps)


def names(env: WorkspaceEnv) -> list[str]:
    return [each.name for each in env.store.person_records.activities(env.workspace_id, limit=100)]


def retention(store: Store, *, batch: int = 100) -> ActivityRetention:
    return ActivityRetention(
        person_records=store.person_records, retention_period=MONTH, clock=store.clock, batch=batch
    )


def test_activities_are_kept_for_their_time() -> None:
    store = memory_store()
    env = env_with(store, "a")
    store.clock.now = START + MONTH

    assert retention(store).work_once() is False
    assert names(env) == ["a"]

    store.clock.advance(1)
    assert retention(store).work_once() is False
    assert names(env) == []


def test_many_are_forgotten_batch_by_batch() -> None:
    store = memory_store()
    env = env_with(store, "abcde")
    store.clock.now = START + 2 * MONTH
    working = retention(store, batch=2)

    left = [(working.work_once(), len(names(env))) for _ in range(3)]

    assert left == [(True, 3), (True, 1), (False, 0)]


def test_store_is_left_alone_in_between() -> None:
    store = memory_store()
    env = env_with(store, "a")
    working = retention(store)
    working.work_once()
    store.clock.now = START + IDLE_INTERVAL - timedelta(seconds=1)
    working.retention_period = timedelta(0)

    working.work_once()
    assert names(env) == ["a"]

    store.clock.advance(1)
    working.work_once()
    assert names(env) == []


def test_start_is_left_to_other_work() -> None:
    store = memory_store()
    env = env_with(store, "a")
    store.clock.now = START + 2 * MONTH
    working = replace(retention(store), initial_delay=timedelta(minutes=1))

    assert working.work_once() is False
    store.clock.advance(59)
    working.work_once()
    assert names(env) == ["a"]

    store.clock.advance(1)
    working.work_once()
    assert names(env) == []
