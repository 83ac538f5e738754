"""The stores that every contract is held to: in memory, on SQLite, on PostgreSQL, on partitioned PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import sqlalchemy as sa

from tests.fakes.belongings import MemoryBelongings
from tests.fakes.credentials import MemoryCredentials
from tests.fakes.exports import MemoryExports
from tests.fakes.heartbeats import MemoryHeartbeats
from tests.fakes.memory import Memory
from tests.fakes.merges import MemoryMerges
from tests.fakes.migrations import MemoryMigrations
from tests.fakes.ownership import MemoryOwnership
from tests.fakes.people import MemoryPeople
from tests.fakes.previews import MemoryPreviews
from tests.fakes.segments import MemorySegments
from tests.fakes.trails import carry_out
from tests.fakes.workspaces import MemoryWorkspaces
from tests.fakes.write_path import MemoryWritePath
from workspace_operator.application.ports import (
    Belongings,
    Credentials,
    Exports,
    Heartbeats,
    Merges,
    Migrations,
    Ownership,
    People,
    Previews,
    Segments,
    Workspaces,
    WritePath,
)
from workspace_operator.identity.trail import Step
from workspace_operator.store.belongings import SQLBelongings
from workspace_operator.store.cio_ids import CioIDs
from workspace_operator.store.credentials import SQLCredentials
from workspace_operator.store.dialects import Prepared
from workspace_operator.store.directory_tables import store_identity
from workspace_operator.store.engines import Database
from workspace_operator.store.heartbeats import SQLHeartbeats
from workspace_operator.store.merging import SQLMerges
from workspace_operator.store.migrating import SQLMigrations
from workspace_operator.store.ownership import SQLOwnership
from workspace_operator.store.people import SQLPeople
from workspace_operator.store.plan_statistics import pin
from workspace_operator.store.previewing import SQLPreviews
from workspace_operator.store.segments import SQLSegments
from workspace_operator.store.tables import PER_WORKSPACE, metadata
from workspace_operator.store.trails import write_trail
from workspace_operator.store.upgrades import upgrade
from workspace_operator.store.violating import SQLExports
from workspace_operator.store.workspaces import SQLWorkspaces
from workspace_operator.store.write_path import SQLWritePath

PARTITIONS = 4
Sent = tuple[str, Any]
"""A statement and its parameters."""

Leave = Callable[[int, Sequence[Step]], None]
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
    """The ports of one store.

    ``leave`` carries out steps of a trail, as the transaction that writes the people does; ``database`` is None for
    the store in memory.
    """

    workspaces: Workspaces
    people: People
    migrations: Migrations
    exports: Exports
    belongings: Belongings
    segments: Segments
    merges: Merges
    credentials: Credentials
    previews: Previews
    write_path: WritePath
    heartbeats: Heartbeats
    ownership: Ownership
    leave: Leave
    clock: Clock = field(default_factory=Clock)
    database: Database | None = None


def memory_store() -> Store:
    clock = Clock()
    memory = Memory(clock=clock)

    def leave(workspace_id: int, steps: Sequence[Step]) -> None:
        for step in steps:
            carry_out(memory, memory.rooms[workspace_id], step)

    return Store(
        workspaces=MemoryWorkspaces(memory),
        people=MemoryPeople(memory),
        migrations=MemoryMigrations(memory),
        exports=MemoryExports(memory),
        belongings=MemoryBelongings(memory),
        segments=MemorySegments(memory),
        merges=MemoryMerges(memory),
        credentials=MemoryCredentials(memory),
        previews=MemoryPreviews(memory),
        write_path=MemoryWritePath(),
        heartbeats=MemoryHeartbeats(memory),
        ownership=MemoryOwnership(memory),
        leave=leave,
        clock=clock,
    )


def sql_store(database: Database, clock: Clock | None = None) -> Store:
    clock = clock or Clock()
    new_id = CioIDs(lambda: clock().timestamp())

    def leave(workspace_id: int, steps: Sequence[Step]) -> None:
        database.writing(lambda connection: write_trail(connection, workspace_id, steps, new_id=new_id))

    return Store(
        workspaces=SQLWorkspaces(database),
        people=SQLPeople(database, new_cio_id=new_id),
        migrations=SQLMigrations(database),
        exports=SQLExports(database),
        belongings=SQLBelongings(database),
        segments=SQLSegments(database),
        merges=SQLMerges(database, new_id=new_id),
        credentials=SQLCredentials(database),
        previews=SQLPreviews(database),
        write_path=SQLWritePath(database),
        heartbeats=SQLHeartbeats(database),
        ownership=SQLOwnership(database),
        leave=leave,
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
    database.writing(_identify)
    return database


def _identify(connection: sa.Connection) -> None:
    connection.execute(sa.insert(store_identity).values(identity_id=1, store_id=str(uuid4())))


def _create(connection: sa.Connection, spread: sa.MetaData) -> None:
    spread.create_all(connection)
    for table in PER_WORKSPACE:
        for remainder in range(PARTITIONS):
            values = f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {remainder})"
            connection.execute(sa.text(f"CREATE TABLE {table.name}_{remainder} PARTITION OF {table.name} {values}"))
    pin(connection)


def empty(database: Database) -> None:
    """Take everything out; numbers are not given twice all the same."""

    def work(connection: sa.Connection) -> None:
        for table in metadata.sorted_tables:
            if table is not store_identity:
                connection.execute(sa.delete(table))

    database.writing(work)


@contextmanager
def hearing(database: Database) -> Iterator[list[Sent]]:
    """What is sent to the database meanwhile, with its parameters; of many at once the first."""
    sent: list[Sent] = []
    run = Prepared.run

    def run_heard(self: Prepared, connection: sa.Connection, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        text, order = self._text(connection)  # it goes past SQLAlchemy's events
        sent.append((text, values if order is None else tuple(values[name] for name in order)))
        return run(self, connection, values)

    def listen(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        sent.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

    # On SQLite one engine has all connections.
    engines = [database.engine] if database.is_sqlite else [database.engine, database._writing_engine]
    for each in engines:
        sa.event.listen(each, "before_cursor_execute", listen)
    with patch.object(Prepared, "run", run_heard):
        yield sent
    for each in engines:
        sa.event.remove(each, "before_cursor_execute", listen)
