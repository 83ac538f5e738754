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
from workspace_operator.store import violating
from workspace_operator.store.dialects import delete_keys, insert_rows
from workspace_operator.store.engines import Database
from workspace_operator.store.migrating import SQLMigrations
from workspace_operator.store.people import SQLPeople
from workspace_operator.store.tables import listed_person, violation

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
            assert noted.wait(120)

    report(store, scene, hear=mend)
    writer.join()
    store.clock.now = store.clock.now.replace(year=2030)
    scene.work()

    assert (scene.stage, scene.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)


def test_place_that_is_noted_during_a_purge_is_left_for_the_end_of_the_report(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its row it would be in vain, and the row would never be found again."""
    scene = Scene.create(store, Mode.ID_ONLY)
    assert store.database is not None
    database, workspace_id = store.database, scene.workspace_id
    cio_ids = [scene.add(name, "a@x.org") for name in ("early", "late")]
    early, late = ((workspace_id, 1, cio_id, "a@x.org", 1) for cio_id in cio_ids)
    rows = [(workspace_id, 1, each, None, "a@x.org", "a@x.org", 1, 2, False, False, False) for each in cio_ids]
    database.writing(lambda connection: insert_rows(connection, violation, rows))
    database.writing(lambda connection: insert_rows(connection, listed_person, [early]))

    def note_before(connection: sa.Connection, table: sa.Table, keys: Any) -> None:
        if table is violation:
            database.writing(lambda connection: insert_rows(connection, listed_person, [late]))
        delete_keys(connection, table, keys)

    monkeypatch.setattr(violating, "delete_keys", note_before)
    database.writing(lambda connection: violating.purge_violations(connection, workspace_id, cio_ids))

    with database.reading() as connection:
        for table in (violation, listed_person):
            assert connection.execute(sa.select(table.c.cio_id)).scalars().all() == [cio_ids[1]]
