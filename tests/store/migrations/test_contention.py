"""Contention on PostgreSQL: the worker yields to writers, and a cut-over is short."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.backends import Store, empty, recorded_statements, sql_store
from tests.store.fault_injection import with_people
from tests.store.fixtures import WorkspaceEnv, backfill, cut_over, start_backfill
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.ports import Lease, Migrations
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.contention import CONTENTION_THRESHOLD, ContentionProbe
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.pending_merges.view import last_cut_over
from workspace_operator.store.schema.tables import migration, workspace, workspace_lock

pytestmark = pytest.mark.postgres


@pytest.fixture
def stored(postgres_database: Database) -> Store:
    empty(postgres_database)
    return sql_store(postgres_database)


def prepared(stored: Store) -> tuple[WorkspaceEnv, Lease]:
    """A migration that is ready for the cut-over."""
    env = with_people(stored, Mode.ID_ONLY, 3)
    env.request()
    lease = start_backfill(env)
    backfill(env, lease)
    return env, lease


def open_call(env: WorkspaceEnv, *, slot: int = 7) -> sa.Connection:
    """A running command, which holds the shared lock until it is rolled back or closed."""
    connection = env.store.sql_database.engine.connect()
    shared = sa.select(workspace_lock.c.version).where(
        workspace_lock.c.workspace_id == env.workspace_id, workspace_lock.c.slot == slot
    )
    connection.execute(shared.with_for_update(read=True, key_share=True))
    return connection


def test_cut_over_times_out_while_a_command_runs(stored: Store) -> None:
    env, lease = prepared(stored)

    with open_call(env):
        in_vain = stored.migrations.cut_over(
            env.migration, lease, lock_timeout=timedelta(milliseconds=20), now=stored.clock()
        )

    assert (in_vain.stage, env.stage) == (Stage.PREPARING, Stage.PREPARING)
    assert cut_over(env, lease).stage is Stage.SWITCHED


def test_timeout_is_for_all_commands_together(stored: Store) -> None:
    env, lease = prepared(stored)
    calls = [open_call(env, slot=slot) for slot in range(8)]
    endings = [threading.Timer(0.05 * (number + 1), call.rollback) for number, call in enumerate(calls)]

    for ending in endings:
        ending.start()
    in_vain = stored.migrations.cut_over(
        env.migration, lease, lock_timeout=timedelta(milliseconds=100), now=stored.clock()
    )

    for ending, call in zip(endings, calls, strict=True):
        ending.join()
        call.close()
    assert in_vain.stage is Stage.PREPARING


def test_cut_over_is_dated_after_the_commands_it_has_waited_for(stored: Store) -> None:
    """The time of the merges is that of the cut-over, after the running commands."""
    env, lease = prepared(stored)
    call = open_call(env)
    ending = threading.Timer(0.2, call.rollback)

    ending.start()
    stored.migrations.cut_over(env.migration, lease, lock_timeout=timedelta(seconds=10), now=stored.clock())

    ending.join()
    call.close()
    with stored.sql_database.reading() as connection:
        assert last_cut_over(connection, env.workspace_id).switched_at - stored.clock() > timedelta(seconds=0.1)


@pytest.mark.parametrize(("before", "after"), [(Mode.EMAIL_OR_ID, Mode.ID_ONLY), (Mode.ID_ONLY, Mode.EMAIL_OR_ID)])
def test_worker_is_patient_in_either_direction(stored: Store, before: Mode, after: Mode) -> None:
    env = with_people(stored, before, 3)
    env.request(after)
    rests: list[float] = []
    port = RefusingMigrations(stored.migrations)
    worker = MigrationWorker(migrations=port, worker="w1", clock=stored.clock, sleep=rests.append)

    worker.work_once()

    assert (env.stage, env.mode) == (Stage.COMPLETED, after)
    assert rests == [0.04, 0.08]


class RefusingMigrations:
    """The port, whose exclusive lock times out at first."""

    def __init__(self, migrations: Migrations) -> None:
        self.migrations = migrations
        self.refusals = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self.migrations, name)

    def cut_over(self, change: Migration, lease: Lease, *, lock_timeout: timedelta, now: datetime) -> Migration:
        if self.refusals:
            self.refusals -= 1
            return change
        return self.migrations.cut_over(change, lease, lock_timeout=lock_timeout, now=now)


def test_worker_retries_until_the_command_has_ended(stored: Store) -> None:
    env = with_people(stored, Mode.ID_ONLY, 3)
    env.request()
    lease = start_backfill(env)
    rests: list[float] = []

    with open_call(env) as call:

        def rest(seconds: float) -> None:
            rests.append(seconds)
            if len(rests) == 2:
                call.rollback()

        env.release_lease(lease)
        env.worker(rest=rest).work_once()

    assert env.stage is Stage.COMPLETED
    assert rests == [0.04, 0.08]


@pytest.mark.parametrize("kind", ["postgres_database", "distributed_database"])
@pytest.mark.parametrize(("others", "contended"), [(0, False), (CONTENTION_THRESHOLD + 5, True)])
def test_other_writers_are_detected(request: pytest.FixtureRequest, kind: str, others: int, contended: bool) -> None:
    database: Database = request.getfixturevalue(kind)
    empty(database)
    stored = sql_store(database)
    env = with_people(stored, Mode.ID_ONLY, 1)
    probe = ContentionProbe()

    def others_wrote(connection: sa.Connection) -> bool:
        return probe.others_wrote(connection, env.workspace_id)

    assert not stored.sql_database.writing(others_wrote)

    for number in range(others):
        env.add(f"other-{number}")

    assert stored.sql_database.writing(others_wrote) is contended


def test_counter_of_another_machine_is_not_compared(distributed_database: Database) -> None:
    """On Citus, workspaces can be on machines whose counters have nothing in common."""
    empty(distributed_database)
    stored = sql_store(distributed_database)
    first, second = (with_people(stored, Mode.ID_ONLY, 1).workspace_id for _ in range(2))
    probe = ContentionProbe()

    with recorded_statements(distributed_database) as sent:
        contended = [
            distributed_database.writing(lambda connection, number=number: probe.others_wrote(connection, number))  # type: ignore[misc]
            for number in (first, second, first)
        ]

    assert contended == [False] * 3
    assert all("FROM workspace_lock WHERE workspace_id" in text for text, _ in sent)


@pytest.mark.parametrize("action", [WorkspaceEnv.pause, WorkspaceEnv.cancel])
def test_operator_locks_in_the_order_of_an_export(stored: Store, action: Callable[[WorkspaceEnv], None]) -> None:
    """Lock the workspace row before the migration row, to avoid a deadlock."""
    env = with_people(stored, Mode.ID_ONLY, 3)
    env.request()
    operator = threading.Thread(target=action, args=[env])

    with stored.sql_database.engine.connect() as ending:
        ending.execute(sa.select(workspace).filter_by(workspace_id=env.workspace_id).with_for_update())
        operator.start()
        operator.join(0.3)
        assert operator.is_alive()
        change = sa.select(migration).filter_by(workspace_id=env.workspace_id)
        assert ending.execute(change.with_for_update(nowait=True)).one().number == 1

    operator.join(10)
    assert not operator.is_alive()
