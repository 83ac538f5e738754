"""The stores that every contract is held to: in memory, on SQLite, on PostgreSQL, on partitioned PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from tests.fakes.exports import MemoryExports
from tests.fakes.memory import Memory
from tests.fakes.migrations import MemoryMigrations
from tests.fakes.people import MemoryPeople
from tests.fakes.workspaces import MemoryWorkspaces
from workspace_operator.application.ports import Exports, Migrations, People, Workspaces
from workspace_operator.store.engines import Database
from workspace_operator.store.migrating import SQLMigrations
from workspace_operator.store.people import SQLPeople
from workspace_operator.store.tables import PER_WORKSPACE, metadata
from workspace_operator.store.upgrades import upgrade
from workspace_operator.store.violating import SQLExports
from workspace_operator.store.workspaces import SQLWorkspaces

PARTITIONS = 4
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """A clock that tests move."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The ports of one store. ``database`` is None for the one in memory."""

    workspaces: Workspaces
    people: People
    migrations: Migrations
    exports: Exports
    clock: Clock = field(default_factory=Clock)
    database: Database | None = None


def memory_store() -> Store:
    clock = Clock()
    memory = Memory(clock=clock)
    return Store(
        workspaces=MemoryWorkspaces(memory),
        people=MemoryPeople(memory),
        migrations=MemoryMigrations(memory),
        exports=MemoryExports(memory),
        clock=clock,
    )


def sql_store(database: Database, clock: Clock | None = None) -> Store:
    clock = clock or Clock()
    return Store(
        workspaces=SQLWorkspaces(database),
        people=SQLPeople(database),
        migrations=SQLMigrations(database),
        exports=SQLExports(database),
        clock=clock,
        database=database,
    )


def upgraded(url: str) -> Database:
    """A database with this version's schema, as users get it."""
    database = Database(url)
    upgrade(database)
    return database


def partitioned(url: str) -> Database:
    """The same schema with all per-workspace data spread by hash, as a distributed PostgreSQL would have it."""
    database = Database(url)
    spread = sa.MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        copy = table.to_metadata(spread)
        if table in PER_WORKSPACE:
            copy.dialect_options["postgresql"]["partition_by"] = "HASH (workspace_id)"
    database.writing(lambda connection: _create(connection, spread))
    return database


def _create(connection: sa.Connection, spread: sa.MetaData) -> None:
    spread.create_all(connection)
    for table in PER_WORKSPACE:
        for remainder in range(PARTITIONS):
            values = f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {remainder})"
            connection.execute(sa.text(f"CREATE TABLE {table.name}_{remainder} PARTITION OF {table.name} {values}"))


def empty(database: Database) -> None:
    """Take everything out; numbers are not given twice all the same."""

    def work(connection: sa.Connection) -> None:
        for table in metadata.sorted_tables:
            connection.execute(sa.delete(table))

    database.writing(work)


def statements(database: Database) -> tuple[list[str], Callable[[], None]]:
    """What is sent to the database from now on, and how to stop listening."""
    seen: list[str] = []

    def listen(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", listen)
    return seen, lambda: sa.event.remove(database.engine, "before_cursor_execute", listen)
