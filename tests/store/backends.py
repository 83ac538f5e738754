"""The stores of the contract tests: in memory, SQLite, PostgreSQL, partitioned PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import sqlalchemy as sa

from tests.fakes.database import InMemoryDatabase
from tests.fakes.migrations.exports import FakeExports
from tests.fakes.migrations.migrations import FakeMigrations
from tests.fakes.migrations.previews import FakePreviews
from tests.fakes.people.activities import FakeActivities
from tests.fakes.people.audit_log import FakeAuditLog
from tests.fakes.people.events import apply_event
from tests.fakes.people.merges import FakeMerges
from tests.fakes.people.people import FakePeople
from tests.fakes.people.segments import FakeSegments
from tests.fakes.sending.address_blocks import FakeAddressBlocks
from tests.fakes.sending.deliveries import FakeDeliveries
from tests.fakes.sending.sending_queue import FakeSendingQueue
from tests.fakes.sending.templates import FakeTemplates
from tests.fakes.sending.usage import FakeMessageCounters
from tests.fakes.workspaces.accounts import FakeAccounts
from tests.fakes.workspaces.credentials import FakeCredentials
from tests.fakes.workspaces.heartbeats import FakeHeartbeats
from tests.fakes.workspaces.ownership import FakeOwnership
from tests.fakes.workspaces.sessions import FakeSessions, FakeSignInPins
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.fakes.workspaces.write_path import FakeWritePath
from workspace_operator.application.ports import (
    Accounts,
    AddressBlocks,
    AuditLog,
    CleanupRules,
    Cleanups,
    Credentials,
    Deliveries,
    Exports,
    Heartbeats,
    Imports,
    ListedCalls,
    Listings,
    MergeJournal,
    MessageCounters,
    Migrations,
    Ownership,
    People,
    PersonRecords,
    Previews,
    Segments,
    SendingQueue,
    Sessions,
    SignInPins,
    Templates,
    UndoPreviews,
    Workspaces,
    WritePath,
)
from workspace_operator.identity.model.person_events import PersonEvent
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import CompiledStatement
from workspace_operator.store.repositories.accounts.accounts import SQLAccounts
from workspace_operator.store.repositories.accounts.audit_log import SQLAuditLog
from workspace_operator.store.repositories.accounts.sessions import SQLSessions
from workspace_operator.store.repositories.accounts.sign_in_pins import SQLSignInPins
from workspace_operator.store.repositories.cleanups.cleanups import SQLCleanups
from workspace_operator.store.repositories.cleanups.listed_calls import SQLListedCalls
from workspace_operator.store.repositories.cleanups.listings import SQLListings
from workspace_operator.store.repositories.cleanups.rules import SQLCleanupRules
from workspace_operator.store.repositories.cleanups.undo_previews import SQLUndoPreviews
from workspace_operator.store.repositories.credentials import SQLCredentials
from workspace_operator.store.repositories.exports import SQLExports
from workspace_operator.store.repositories.heartbeats import SQLHeartbeats
from workspace_operator.store.repositories.imports.imports import SQLImports
from workspace_operator.store.repositories.merges import SQLMergeJournal
from workspace_operator.store.repositories.migrations import SQLMigrations
from workspace_operator.store.repositories.ownership import SQLOwnership
from workspace_operator.store.repositories.people import SQLPeople
from workspace_operator.store.repositories.person_records import SQLPersonRecords
from workspace_operator.store.repositories.previews import SQLPreviews
from workspace_operator.store.repositories.segments import SQLSegments
from workspace_operator.store.repositories.sending.address_blocks import SQLAddressBlocks
from workspace_operator.store.repositories.sending.deliveries import SQLDeliveries
from workspace_operator.store.repositories.sending.queue import SQLSendingQueue
from workspace_operator.store.repositories.sending.templates import SQLTemplates
from workspace_operator.store.repositories.sending.usage import SQLMessageCounters
from workspace_operator.store.repositories.workspaces import SQLWorkspaces
from workspace_operator.store.repositories.write_path import SQLWritePath
from workspace_operator.store.schema.plan_statistics import pin
from workspace_operator.store.schema.tables import WORKSPACE_TABLES, metadata, store_identity
from workspace_operator.store.schema.upgrades import VERSION_TABLE, known_revisions, upgrade
from workspace_operator.store.unit_of_work.event_writer import write_events
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

PARTITIONS = 4
SentStatement = tuple[str, Any]
"""A statement and its parameters."""

AppendEvents = Callable[[int, Sequence[PersonEvent]], None]
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """A clock that tests set."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The ports of one store.

    ``leave`` writes events, like the transaction that writes the people; ``database`` is None for
    the store in memory.
    """

    workspaces: Workspaces
    accounts: Accounts
    people: People
    migrations: Migrations
    exports: Exports
    person_records: PersonRecords
    segments: Segments
    merges: MergeJournal
    audit_log: AuditLog
    credentials: Credentials
    previews: Previews
    write_path: WritePath
    heartbeats: Heartbeats
    ownership: Ownership
    deliveries: Deliveries
    sending_queue: SendingQueue
    templates: Templates
    address_blocks: AddressBlocks
    message_counters: MessageCounters
    sessions: Sessions
    sign_in_pins: SignInPins
    append_events: AppendEvents
    clock: Clock = field(default_factory=Clock)
    database: Database | None = None
    cleanups: Cleanups | None = None
    cleanup_rules: CleanupRules | None = None
    undo_previews: UndoPreviews | None = None
    listings: Listings | None = None
    listed_calls: ListedCalls | None = None
    imports: Imports | None = None

    @property
    def sql_cleanups(self) -> Cleanups:
        """The cleanups of a store that is not in memory."""
        assert self.cleanups is not None
        return self.cleanups

    @property
    def sql_listed_calls(self) -> ListedCalls:
        """The recorded calls of a store that is not in memory."""
        assert self.listed_calls is not None
        return self.listed_calls

    @property
    def sql_imports(self) -> Imports:
        """The imports of a store that is not in memory."""
        assert self.imports is not None
        return self.imports

    @property
    def sql_database(self) -> Database:
        """The database of a store that is not in memory."""
        assert self.database is not None
        return self.database


def memory_store() -> Store:
    clock = Clock()
    memory = InMemoryDatabase(clock=clock)

    def leave(workspace_id: int, steps: Sequence[PersonEvent]) -> None:
        for step in steps:
            apply_event(memory, memory.states[workspace_id], step)

    return Store(
        workspaces=FakeWorkspaces(memory),
        accounts=FakeAccounts(memory),
        people=FakePeople(memory),
        migrations=FakeMigrations(memory),
        exports=FakeExports(memory),
        person_records=FakeActivities(memory),
        segments=FakeSegments(memory),
        merges=FakeMerges(memory),
        audit_log=FakeAuditLog(memory),
        credentials=FakeCredentials(memory),
        previews=FakePreviews(memory),
        write_path=FakeWritePath(),
        heartbeats=FakeHeartbeats(memory),
        ownership=FakeOwnership(memory),
        deliveries=FakeDeliveries(memory),
        sending_queue=FakeSendingQueue(memory),
        templates=FakeTemplates(memory),
        address_blocks=FakeAddressBlocks(memory),
        message_counters=FakeMessageCounters(memory),
        sessions=FakeSessions(memory),
        sign_in_pins=FakeSignInPins(memory),
        append_events=leave,
        clock=clock,
    )


def sql_store(database: Database, clock: Clock | None = None) -> Store:
    clock = clock or Clock()
    new_id = CioIDGenerator(lambda: clock().timestamp())

    def leave(workspace_id: int, steps: Sequence[PersonEvent]) -> None:
        database.writing(lambda connection: write_events(connection, workspace_id, steps, new_id=new_id))

    return Store(
        workspaces=SQLWorkspaces(database),
        accounts=SQLAccounts(database),
        people=SQLPeople(database, new_cio_id=new_id),
        migrations=SQLMigrations(database),
        exports=SQLExports(database),
        person_records=SQLPersonRecords(database),
        segments=SQLSegments(database),
        merges=SQLMergeJournal(database, new_id=new_id),
        audit_log=SQLAuditLog(database, new_id=new_id),
        credentials=SQLCredentials(database),
        previews=SQLPreviews(database),
        write_path=SQLWritePath(database),
        heartbeats=SQLHeartbeats(database),
        ownership=SQLOwnership(database),
        deliveries=SQLDeliveries(database, new_id=new_id),
        sending_queue=SQLSendingQueue(database),
        templates=SQLTemplates(database),
        address_blocks=SQLAddressBlocks(database),
        message_counters=SQLMessageCounters(database),
        sessions=SQLSessions(database=database, new_id=new_id),
        sign_in_pins=SQLSignInPins(database=database, new_id=new_id),
        append_events=leave,
        clock=clock,
        database=database,
        cleanups=SQLCleanups(database, new_id=new_id),
        cleanup_rules=SQLCleanupRules(database, new_id=new_id),
        undo_previews=SQLUndoPreviews(database),
        listings=SQLListings(database),
        listed_calls=SQLListedCalls(database),
        imports=SQLImports(database, new_id=new_id),
    )


def upgraded(url: str) -> Database:
    """A database with this version's schema."""
    database = Database(url)
    upgrade(database)
    return database


def partitioned(url: str) -> Database:
    """The same schema with per-workspace tables partitioned by hash."""
    database = Database(url)
    spread = sa.MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        copy = table.to_metadata(spread)
        if table in WORKSPACE_TABLES:
            copy.dialect_options["postgresql"]["partition_by"] = "HASH (workspace_id)"
    database.writing(lambda connection: _create(connection, spread))
    database.writing(_identify)
    return database


def _identify(connection: sa.Connection) -> None:
    connection.execute(sa.insert(store_identity).values(identity_id=1, store_id=str(uuid4())))
    connection.execute(sa.text(VERSION_TABLE))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": known_revisions()[-1]})


def _create(connection: sa.Connection, spread: sa.MetaData) -> None:
    spread.create_all(connection)
    for table in WORKSPACE_TABLES:
        for remainder in range(PARTITIONS):
            values = f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {remainder})"
            connection.execute(sa.text(f"CREATE TABLE {table.name}_{remainder} PARTITION OF {table.name} {values}"))
    pin(connection)


def empty(database: Database) -> None:
    """Delete all rows but the identity of the database, which no sender has used yet; sequences continue."""

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.update(store_identity).values(root_key_fingerprint=None))
        for table in metadata.sorted_tables:
            if table is not store_identity:
                connection.execute(sa.delete(table))

    database.writing(work)


@contextmanager
def recorded_statements(database: Database) -> Iterator[list[SentStatement]]:
    """Record the statements in the block, with their first parameter sets."""
    sent: list[SentStatement] = []
    # On SQLite, one engine has all connections.
    engines = [database.engine] if database.is_sqlite else [database.engine, database._writing_engine]
    with on_statement(lambda text, parameters: sent.append((text, parameters)), engines):
        yield sent


@contextmanager
def on_statement(record: Callable[[str, Any], object], engines: Sequence[object]) -> Iterator[None]:
    """Call a function with each statement in the block and its first parameter set, before it is sent."""
    run = CompiledStatement.run

    def run_recorded(
        self: CompiledStatement, connection: sa.Connection, values: Mapping[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        record(*self.with_parameters(connection, values))  # it bypasses SQLAlchemy's events
        return run(self, connection, values)

    def listen(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        record(statement, parameters[0] if isinstance(parameters, list) else parameters)

    for each in engines:
        sa.event.listen(each, "before_cursor_execute", listen)
    try:
        with patch.object(CompiledStatement, "run", run_recorded):
            yield
    finally:
        for each in engines:
            sa.event.remove(each, "before_cursor_execute", listen)
