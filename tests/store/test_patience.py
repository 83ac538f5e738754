"""A worker among others, on PostgreSQL: it makes way for who writes, and a switch has no caller wait for another."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.adapters import Store, empty, sql_store
from tests.store.interruptions import peopled
from tests.store.scenes import Scene, begun, prepare, switch
from workspace_operator.application.migrating import MigrationWorker
from workspace_operator.application.ports import Lease, Migrations
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import Stage
from workspace_operator.store.crowding import MANY, Crowding
from workspace_operator.store.engines import Database
from workspace_operator.store.tables import fence, migration, workspace
from workspace_operator.store.unfolded import switched_at_of

pytestmark = pytest.mark.postgres


@pytest.fixture
def stored(postgres_database: Database) -> Store:
    empty(postgres_database)
    return sql_store(postgres_database)


def prepared(stored: Store) -> tuple[Scene, Lease]:
    """A change that may be switched."""
    scene = peopled(stored, Mode.ID_ONLY, 3)
    scene.request()
    lease = begun(scene)
    prepare(scene, lease)
    return scene, lease


def call_of(scene: Scene, *, slot: int = 7) -> sa.Connection:
    """A call under way: it has passed the fence, and ends when it is rolled back or closed."""
    assert scene.store.database is not None
    connection = scene.store.database.engine.connect()
    shared = sa.select(fence.c.version).where(fence.c.workspace_id == scene.workspace_id, fence.c.slot == slot)
    connection.execute(shared.with_for_update(read=True, key_share=True))
    return connection


def test_switch_gives_up_where_a_call_goes_on(stored: Store) -> None:
    scene, lease = prepared(stored)

    with call_of(scene):
        in_vain = stored.migrations.switch(scene.change, lease, patience=timedelta(milliseconds=20), now=stored.clock())

    assert (in_vain.stage, scene.stage) == (Stage.PREPARING, Stage.PREPARING)
    assert switch(scene, lease).stage is Stage.SWITCHED


def test_patience_is_for_all_calls_together(stored: Store) -> None:
    scene, lease = prepared(stored)
    calls = [call_of(scene, slot=slot) for slot in range(8)]
    endings = [threading.Timer(0.05 * (number + 1), call.rollback) for number, call in enumerate(calls)]

    for ending in endings:
        ending.start()
    in_vain = stored.migrations.switch(scene.change, lease, patience=timedelta(milliseconds=100), now=stored.clock())

    for ending, call in zip(endings, calls, strict=True):
        ending.join()
        call.close()
    assert in_vain.stage is Stage.PREPARING


def test_switch_is_dated_after_the_calls_it_has_waited_for(stored: Store) -> None:
    """Merges are: what those calls did comes before."""
    scene, lease = prepared(stored)
    assert stored.database is not None
    call = call_of(scene)
    ending = threading.Timer(0.2, call.rollback)

    ending.start()
    stored.migrations.switch(scene.change, lease, patience=timedelta(seconds=10), now=stored.clock())

    ending.join()
    call.close()
    with stored.database.reading() as connection:
        assert switched_at_of(connection, scene.workspace_id) - stored.clock() > timedelta(seconds=0.1)


@pytest.mark.parametrize(("before", "after"), [(Mode.EMAIL_OR_ID, Mode.ID_ONLY), (Mode.ID_ONLY, Mode.EMAIL_OR_ID)])
def test_worker_is_patient_in_either_direction(stored: Store, before: Mode, after: Mode) -> None:
    scene = peopled(stored, before, 3)
    scene.request(after)
    rests: list[float] = []
    port = Refusing(stored.migrations)
    worker = MigrationWorker(migrations=port, worker="w1", clock=stored.clock, rest=rests.append)

    worker.work_once()

    assert (scene.stage, scene.mode) == (Stage.COMPLETED, after)
    assert rests == [0.04, 0.08]


class Refusing:
    """The port, whose fence is not to be had at first."""

    def __init__(self, migrations: Migrations) -> None:
        self.migrations = migrations
        self.refusals = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self.migrations, name)

    def switch(self, change: Migration, lease: Lease, *, patience: timedelta, now: datetime) -> Migration:
        if self.refusals:
            self.refusals -= 1
            return change
        return self.migrations.switch(change, lease, patience=patience, now=now)


def test_worker_tries_again_until_the_call_has_ended(stored: Store) -> None:
    scene = peopled(stored, Mode.ID_ONLY, 3)
    scene.request()
    lease = begun(scene)
    rests: list[float] = []

    with call_of(scene) as call:

        def rest(seconds: float) -> None:
            rests.append(seconds)
            if len(rests) == 2:
                call.rollback()

        scene.release(lease)
        scene.worker(rest=rest).work_once()

    assert scene.stage is Stage.COMPLETED
    assert rests == [0.04, 0.08]


@pytest.mark.parametrize(("others", "crowded"), [(0, False), (MANY + 5, True)])
def test_who_writes_is_noticed(stored: Store, others: int, crowded: bool) -> None:
    scene = peopled(stored, Mode.ID_ONLY, 1)
    assert stored.database is not None
    crowding = Crowding()
    assert not stored.database.writing(crowding.is_crowded)

    for number in range(others):
        scene.add(f"other-{number}")

    assert stored.database.writing(crowding.is_crowded) is crowded


@pytest.mark.parametrize("ask", [Scene.pause, Scene.cancel])
def test_operator_locks_as_the_end_of_a_report_does(stored: Store, ask: Callable[[Scene], None]) -> None:
    """The workspace before the change: otherwise each could wait for the other."""
    scene = peopled(stored, Mode.ID_ONLY, 3)
    scene.request()
    assert stored.database is not None
    asking = threading.Thread(target=ask, args=[scene])

    with stored.database.engine.connect() as ending:
        ending.execute(sa.select(workspace).filter_by(workspace_id=scene.workspace_id).with_for_update())
        asking.start()
        asking.join(0.3)
        assert asking.is_alive()
        change = sa.select(migration).filter_by(workspace_id=scene.workspace_id)
        assert ending.execute(change.with_for_update(nowait=True)).one().number == 1

    asking.join(10)
    assert not asking.is_alive()
