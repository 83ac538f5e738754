"""A fix while the export is being finished still wakes the migration."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from tests.store.backends import Store, empty, sql_store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import UnitOfWork
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import delete_by_primary_key, insert_rows
from workspace_operator.store.repositories.migrations import SQLMigrations
from workspace_operator.store.repositories.people import SQLPeople
from workspace_operator.store.schema.tables import export_person, violation
from workspace_operator.store.unit_of_work import violation_rows

T = TypeVar("T")

MOMENT = 0.3
"""Seconds for which the writer keeps its transaction open."""


class HookedDatabase(Database):
    """Calls a hook before each write transaction, with the number of earlier ones."""

    def __init__(self, url: str, on_write: Callable[[int], object]) -> None:
        super().__init__(url)
        self.on_write = on_write
        self.written = 0

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        self.on_write(self.written)
        self.written += 1
        return super().writing(work)


@pytest.fixture
def store(postgres_database: Database) -> Store:
    empty(postgres_database)
    return sql_store(postgres_database)


def write_export(store: Store, env: WorkspaceEnv, on_write: Callable[[int], object]) -> int:
    """Export one person with a violation; return the number of transactions."""
    env.add("1", "no address")
    env.request()
    _, lease = env.claim()
    migration = env.advance(lease)
    people, _ = store.migrations.check(env.workspace_id)
    database = HookedDatabase(store.sql_database.url.render_as_string(hide_password=False), on_write)
    SQLMigrations(database).block(migration, lease, people=people, now=store.clock())
    database.close()
    return database.written


def test_fix_in_flight_wakes_the_migration(env: WorkspaceEnv, store: Store) -> None:
    last = write_export(store, WorkspaceEnv.create(store, Mode.ID_ONLY), on_write=lambda _: None) - 1
    fixed = threading.Event()

    class StayingPeople(SQLPeople):
        def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:
            def stay(unit: UnitOfWork) -> T:
                result = work(unit)
                fixed.set()
                threading.Event().wait(MOMENT)
                return result

            return SQLPeople.run_unit_of_work(self, workspace_id, stay, exclusive=exclusive)

    people = StayingPeople(store.sql_database, always_in_transaction=True)
    call = env.call(id="1", body={"email": "1@example.com"})
    writer = threading.Thread(target=lambda: execute_commands(people, env.workspace_id, [call], now=1_800_000_000))

    def fix(written: int) -> None:
        if written == last:
            writer.start()
            assert fixed.wait(120)

    write_export(store, env, on_write=fix)
    writer.join()
    store.clock.now = store.clock.now.replace(year=2030)
    env.work()

    assert (env.stage, env.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)


def test_export_person_written_during_a_purge_is_left_for_the_end_of_the_export(
    env: WorkspaceEnv, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the `export_person` row would be lost, and the violation never found again."""
    database, workspace_id = store.sql_database, env.workspace_id
    cio_ids = [env.add(name, "a@x.org") for name in ("early", "late")]
    early, late = ((workspace_id, 1, cio_id, "a@x.org", 1) for cio_id in cio_ids)
    rows = [(workspace_id, 1, each, None, "a@x.org", "a@x.org", 1, 2, False, False, False) for each in cio_ids]
    database.writing(lambda connection: insert_rows(connection, violation, rows))
    database.writing(lambda connection: insert_rows(connection, export_person, [early]))

    def note_before(connection: sa.Connection, table: sa.Table, keys: Any) -> None:
        if table is violation:
            database.writing(lambda connection: insert_rows(connection, export_person, [late]))
        delete_by_primary_key(connection, table, keys)

    monkeypatch.setattr(violation_rows, "delete_by_primary_key", note_before)
    database.writing(lambda connection: violation_rows.purge_violations(connection, workspace_id, cio_ids))

    with database.reading() as connection:
        for table in (violation, export_person):
            assert connection.execute(sa.select(table.c.cio_id)).scalars().all() == [cio_ids[1]]
