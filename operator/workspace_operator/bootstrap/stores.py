"""The ports of one database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workspace_operator.application.planning import NothingYet
from workspace_operator.application.ports import (
    Belongings,
    Clock,
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
from workspace_operator.store.belongings import SQLBelongings
from workspace_operator.store.cio_ids import CioIDs
from workspace_operator.store.clocks import DatabaseClock
from workspace_operator.store.credentials import SQLCredentials
from workspace_operator.store.engines import Database
from workspace_operator.store.heartbeats import SQLHeartbeats
from workspace_operator.store.merging import SQLMerges
from workspace_operator.store.migrating import SQLMigrations
from workspace_operator.store.ownership import SQLOwnership
from workspace_operator.store.people import SQLPeople
from workspace_operator.store.previewing import SQLPreviews
from workspace_operator.store.segments import SQLSegments
from workspace_operator.store.sqlite_files import make_file
from workspace_operator.store.upgrades import has_this_schema, no_database, refuse_unmade, upgrade, upgrade_existing
from workspace_operator.store.violating import SQLExports
from workspace_operator.store.workspaces import SQLWorkspaces
from workspace_operator.store.write_path import SQLWritePath

BUSY_CACHE_MEGABYTES = 32
"""For one command with one connection: an import of a million people is a seventh faster with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The ports of one database."""

    name: str
    workspaces: Workspaces
    heartbeats: Heartbeats
    ownership: Ownership
    people: People
    belongings: Belongings
    segments: Segments
    merges: Merges
    migrations: Migrations
    exports: Exports
    credentials: Credentials
    clock: Clock
    write_path: WritePath


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """Open a database, brought to this version's schema. Raises InvalidInput or StoreUnavailable."""
    with awaited(url, cache_megabytes=BUSY_CACHE_MEGABYTES) as store:
        store.workspaces.list()
        yield store


@contextmanager
def existing(url: str) -> Iterator[Store]:
    """The same, but the database must be there: no file, folder or table is made. Raises InvalidInput besides."""
    database = _existing_database(url)
    try:
        store = _store(database)
        store.workspaces.list()
        yield store
    finally:
        database.close()


@contextmanager
def awaited(url: str, *, cache_megabytes: int = 4) -> Iterator[Store]:
    """Open a database that may be away: it is brought to this version's schema when it first answers."""
    database = _database(url, cache_megabytes)
    try:
        yield _store(database)
    finally:
        database.close()


@contextmanager
def looked_into(url: str) -> Iterator[Previews]:
    """Open a database to look ahead: nothing in it is changed, and none is made where there is none yet.

    Raises InvalidInput, also for the schema of another version, or StoreUnavailable.
    """
    database = Database(url, cache_megabytes=BUSY_CACHE_MEGABYTES, read_only=True)
    try:
        is_missing = database.is_sqlite and not Path(str(database.url.database)).exists()
        yield NothingYet() if is_missing or not has_this_schema(database) else SQLPreviews(database)
    finally:
        database.close()


def _database(url: str, cache_megabytes: int) -> Database:
    database = Database(url, prepare=upgrade, cache_megabytes=cache_megabytes)
    if database.is_sqlite:
        make_file(Path(str(database.url.database)))
    return database


def _existing_database(url: str) -> Database:
    database = Database(url, prepare=upgrade_existing, cache_megabytes=BUSY_CACHE_MEGABYTES)
    if database.is_sqlite:
        file = Path(str(database.url.database))
        if not file.exists():
            raise no_database(file)
        looked_at = Database(url, read_only=True)  # to open a file of another program for writing changes it
        try:
            refuse_unmade(looked_at)
        finally:
            looked_at.close()
    return database


def _store(database: Database) -> Store:
    clock = DatabaseClock(database)
    new_id = CioIDs(clock.known_timestamp)
    return Store(
        name=database.name,
        workspaces=SQLWorkspaces(database),
        heartbeats=SQLHeartbeats(database),
        ownership=SQLOwnership(database),
        people=SQLPeople(database, new_cio_id=new_id),
        belongings=SQLBelongings(database),
        segments=SQLSegments(database),
        merges=SQLMerges(database, new_id=new_id),
        migrations=SQLMigrations(database),
        exports=SQLExports(database),
        credentials=SQLCredentials(database),
        clock=clock,
        write_path=SQLWritePath(database),
    )
