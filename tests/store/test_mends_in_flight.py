"""A writer mends somebody while the report about them ends: the change hears of it all the same."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from tests.store.adapters import Store, empty, sql_store
from tests.store.scenes import Scene
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.stages import Stage
from workspace_operator.store.engines import Database
from workspace_operator.store.migrating import SQLMigrations
from workspace_operator.store.people import SQLPeople

T = TypeVar("T")
MOMENT = 0.3
"""Seconds for which the writer keeps its transaction open."""


class HearingDatabase(Database):
    """Says before each transaction that writes how many there were."""

    def __init__(self, url: str, hear: Callable[[int], object]) -> None:
        super().__init__(url)
        self.hear = hear
        self.written = 0

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        self.hear(self.written)
        self.written += 1
        return super().writing(work)


@pytest.fixture
def store(postgres_database: Database) -> Store:
    empty(postgres_database)
    return sql_store(postgres_database)


def report(store: Store, scene: Scene, hear: Callable[[int], object]) -> int:
    """Report one who stands in the way; in how many transactions."""
    assert store.database is not None
    scene.add("1", "no address")
    scene.request()
    change, lease = scene.claim()
    change = store.migrations.start_checking(change, lease, now=store.clock())
    people, _ = store.migrations.check(scene.workspace_id)
    database = HearingDatabase(store.database.url.render_as_string(hide_password=False), hear)
    SQLMigrations(database).block(change, lease, people=people, now=store.clock())
    database.close()
    return database.written


def test_mend_in_flight_wakes_the_change(store: Store) -> None:
    assert store.database is not None
    last = report(store, Scene.create(store, Mode.ID_ONLY), hear=lambda _: None) - 1
    scene = Scene.create(store, Mode.ID_ONLY)
    noted = threading.Event()

    def stay(*_: Any) -> None:
        noted.set()
        threading.Event().wait(MOMENT)

    people = SQLPeople(store.database, witness=stay)
    call = scene.call(id="1", body={"email": "1@example.com"})
    writer = threading.Thread(target=lambda: people.perform(scene.workspace_id, [call], now=1_800_000_000))

    def mend(written: int) -> None:
        if written == last:
            writer.start()
            assert noted.wait(10)

    report(store, scene, hear=mend)
    writer.join()
    store.clock.now = store.clock.now.replace(year=2030)
    scene.work()

    assert (scene.stage, scene.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
