"""A migration is paused or cancelled, or its worker dies, after each call of the port."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from tests.store.backends import Store
from tests.store.fault_injection import (
    BATCH,
    InterruptedMigrations,
    WorkerCrash,
    crash,
    each_interruption,
    interrupted_worker,
    with_people,
)
from tests.store.fixtures import WorkspaceEnv, destroy
from tests.store.invariants import assert_sound
from tests.store.migrations.test_migrations import ALLOWED
from workspace_operator.application.ports import Lease, Migrations
from workspace_operator.errors import StaleRevision
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TERMINAL, Stage, Step
from workspace_operator.workspaces.model import PeopleCounts

changes = pytest.mark.parametrize(("before", "after"), ALLOWED)


def assert_rest(store: Store, *, at_rest: bool = True) -> None:
    if store.database is not None:
        assert_sound(store.database, at_rest=at_rest)


def finish(env: WorkspaceEnv) -> None:
    """Another worker finishes the migration after the lease has expired."""
    env.store.clock.advance(61)
    while env.worker("w2", batch=BATCH).work_once():
        pass


@changes
def test_dead_worker_is_succeeded(store_to_interrupt: Store, before: Mode, after: Mode) -> None:
    for env in each_interruption(store_to_interrupt, before, after, lambda _: crash()):
        assert_rest(store_to_interrupt, at_rest=False)
        if env.stage is not Stage.COMPLETED:
            assert env.worker("w2").work_once() is False  # the lease still runs

        finish(env)

        assert (env.stage, env.mode) == (Stage.COMPLETED, after)
        assert_rest(store_to_interrupt)


@dataclass(slots=True)
class ContendedMigrations:
    """The port, with running commands that always block the cut-over."""

    migrations: Migrations
    tries: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.migrations, name)

    def cut_over(self, migration: Migration, _: Lease, **__: object) -> Migration:
        self.tries += 1
        assert self.tries <= 3, "the worker is to stop"
        return migration


def test_stopping_worker_tries_no_cut_over_again(store: Store) -> None:
    env = with_people(store, Mode.ID_ONLY, 3)
    env.request()
    busy = ContendedMigrations(store.migrations)
    worker = replace(
        env.worker(stopping=lambda: busy.tries == 3), migrations=cast("Migrations", busy), sleep=lambda _: None
    )

    worker.work_once()

    assert (env.stage, busy.tries) == (Stage.PREPARING, 3)
    assert env.worker("w2").work_once()
    assert env.stage is Stage.COMPLETED


def test_failing_migration_lets_others_have_their_turn(store: Store) -> None:
    failing, other = with_people(store, Mode.ID_ONLY, 3), with_people(store, Mode.ID_ONLY, 3)
    failing.request()
    store.clock.advance(1)
    other.request()
    worker = failing.worker()
    broken = replace(worker, migrations=InterruptedMigrations(worker.migrations, after=CHECKED, what=fail))

    with pytest.raises(ZeroDivisionError):
        broken.work_once()
    while worker.work_once():
        pass

    assert (other.mode, failing.mode) == (Mode.EMAIL_OR_ID, Mode.ID_ONLY)
    finish(failing)
    assert failing.mode is Mode.EMAIL_OR_ID


CHECKED = 3
"""The calls up to the first check of the people: claim, advance, check."""


def fail() -> None:
    raise ZeroDivisionError


@changes
def test_paused_migration_continues_when_resumed(store_to_interrupt: Store, before: Mode, after: Mode) -> None:
    for env in each_interruption(store_to_interrupt, before, after, pause_if_open):
        made = (
            env.identify_person(email="new@example.com")
            if env.mode is Mode.EMAIL_ONLY
            else env.identify_person(id="new")
        )
        assert made.effect is Effect.CREATED

        if env.stage in TERMINAL:
            continue
        stage = env.stage
        finish(env)
        assert (env.stage, env.migration.paused) == (stage, True)
        env.resume()
        finish(env)
        assert (env.stage, env.mode) == (Stage.COMPLETED, after)
        assert_rest(store_to_interrupt)


def pause_if_open(env: WorkspaceEnv) -> None:
    if env.stage not in TERMINAL:
        env.pause()


@changes
@pytest.mark.parametrize("paused", [False, True])
def test_cancelled_migration_leaves_no_trace(
    store_to_interrupt: Store, before: Mode, after: Mode, paused: bool
) -> None:
    def cancel(env: WorkspaceEnv) -> None:
        if env.stage in TERMINAL:
            return
        if paused:
            env.pause()
        try:
            env.cancel()
        except StaleRevision:
            assert env.stage is Stage.SWITCHED

    for env in each_interruption(store_to_interrupt, before, after, cancel):
        if env.stage is not Stage.CANCELLED:
            assert env.mode is after
            if paused and env.stage not in TERMINAL:
                env.resume()
            finish(env)
            continue
        assert env.mode is before
        assert env.migration.completed_at is not None

        finish(env)

        assert (env.stage, env.mode) == (Stage.CANCELLED, before)
        assert env.worker("w3").work_once() is False
        assert_rest(store_to_interrupt)


def test_new_migration_follows_a_cancelled_one(store_to_interrupt: Store) -> None:
    for env in each_interruption(store_to_interrupt, Mode.ID_ONLY, Mode.EMAIL_OR_ID, cancel_if_open):
        if env.stage is Stage.CANCELLED:
            env.delete(id="1")
            env.identify_person(id="2", body={"email": "1@example.com"})
            env.request()
        finish(env)

        assert (env.stage, env.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
        assert_rest(store_to_interrupt)


def cancel_if_open(env: WorkspaceEnv) -> None:
    if env.stage not in TERMINAL | {Stage.SWITCHED}:
        env.cancel()


def test_clearing_worker_never_meets_a_new_migration(sql: Store) -> None:
    env = with_people(sql, Mode.ID_ONLY, 9)
    prepare(env, "w1")
    env.cancel()
    clearing = InterruptedMigrations(sql.migrations, 2, lambda: prepare(env, "w2"))

    interrupted_worker(env, clearing).work_once()

    finish(env)
    assert (env.migration.number, env.stage) == (2, Stage.COMPLETED)
    assert_rest(sql)


def prepare(env: WorkspaceEnv, worker: str) -> None:
    """Request a migration and advance it to the cut-over."""
    env.request()
    _, lease = env.claim(worker)
    env.advance(lease)
    while not env.run_batch(lease, Step.PURGE, size=BATCH).done:
        pass
    env.advance(lease)
    while not env.run_batch(lease, Step.BACKFILL, size=BATCH).done:
        pass


def test_two_workers_never_share_a_migration(env: WorkspaceEnv) -> None:
    env.request()
    env.claim("w1")

    assert env.worker("w2").work_once() is False


def test_worker_takes_up_its_own_migration(env: WorkspaceEnv) -> None:
    env.request()
    env.claim("w1")

    assert env.worker("w1").work_once() is True
    assert env.stage is Stage.COMPLETED


def test_stopping_worker_gives_the_migration_back(env: WorkspaceEnv) -> None:
    env.add("1", "ann@example.com")
    env.request()
    for steps in range(12):
        answers = iter([False] * (steps % 3))
        env.worker("w1", stopping=lambda answers=answers: next(answers, True)).work_once()  # type: ignore[misc]

    assert env.worker("w2").work_once() is True or env.stage is Stage.COMPLETED
    assert env.stage is Stage.COMPLETED


@pytest.mark.parametrize(
    "step",
    [
        lambda port, change, lease, now: port.advance(change, lease, people=PeopleCounts(), now=now),
        lambda port, change, lease, now: port.block(change, lease, people=PeopleCounts(), now=now),
        *(
            lambda port, change, lease, now, step=step: port.run_batch(change, lease, step, size=1, now=now)
            for step in Step
        ),
        lambda port, change, lease, now: port.cut_over(
            replace(change, stage=Stage.PREPARING), lease, lock_timeout=timedelta(seconds=1), now=now
        ),
        lambda port, change, lease, now: port.release_lease(change, lease, due_at=now),
    ],
)
@pytest.mark.parametrize("reason", ["taken over", "paused", "destroyed", "another worker"])
def test_stale_worker_is_refused(env: WorkspaceEnv, step: object, reason: str) -> None:
    env.request()
    change, lease = env.claim("w1")
    lease = make_stale(env, lease, reason)

    with pytest.raises(StaleRevision):
        step(env.store.migrations, change, lease, env.store.clock())  # type: ignore[operator]


def make_stale(env: WorkspaceEnv, lease: Lease, reason: str) -> Lease:
    if reason == "taken over":
        env.store.clock.advance(61)
        env.claim("w2")
    elif reason == "paused":
        env.pause()
        env.resume()
    elif reason == "destroyed":
        destroy(env.store, env.owner)
    else:
        return Lease(worker="w9", duration=lease.duration)
    return lease


def test_dead_worker_leaves_blocked_migration_watched(store: Store) -> None:
    env = with_people(store, Mode.ID_ONLY, 2)
    env.add("twin", "1@example.com")
    env.request()
    for after in range(1, 6):
        try:
            interrupted_worker(env, InterruptedMigrations(store.migrations, after, crash)).work_once()
        except WorkerCrash:
            store.clock.advance(61)
    finish(env)
    env.delete(id="twin")

    finish(env)

    assert env.stage is Stage.COMPLETED
    assert_rest(store)
