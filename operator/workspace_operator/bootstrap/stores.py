"""Opening of the database of a command or a process."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sqlite import create_file
from workspace_operator.store.schema.upgrades import missing_database_error, require_schema, upgrade, upgrade_existing

BUSY_CACHE_MEGABYTES = 32
"""For a command with one connection: it makes an import of a million people a seventh faster."""

SMALL_CACHE_MEGABYTES = 4
"""For a process with a connection per thread."""


@contextmanager
def open_store(url: str) -> Iterator[Repositories]:
    """Open a database and upgrade its schema. Raises InvalidInput or StoreUnavailable."""
    with _open(url, cache_megabytes=BUSY_CACHE_MEGABYTES) as store:
        store.workspaces.list()
        yield store


@contextmanager
def open_existing_store(url: str) -> Iterator[Repositories]:
    """Open an existing database and upgrade its schema; creates no file or folder. Raises as `open_store`."""
    with closing(_existing_database(url)) as database:
        store = Repositories(database)
        store.workspaces.list()
        yield store


@contextmanager
def open_store_lazily(url: str) -> Iterator[Repositories]:
    """Open a database that may be unavailable; its schema is upgraded when it first answers."""
    with _open(url, cache_megabytes=SMALL_CACHE_MEGABYTES) as store:
        store.create_all()
        yield store


@contextmanager
def _open(url: str, *, cache_megabytes: int) -> Iterator[Repositories]:
    with closing(Database(url, prepare=upgrade, cache_megabytes=cache_megabytes)) as database:
        if database.is_sqlite:
            create_file(Path(str(database.url.database)))
        yield Repositories(database)


def _existing_database(url: str) -> Database:
    database = Database(url, prepare=upgrade_existing, cache_megabytes=BUSY_CACHE_MEGABYTES)
    if database.is_sqlite:
        file = Path(str(database.url.database))
        if not file.exists():
            raise missing_database_error(file)
        # Opening a file of another program for writing would change it.
        with closing(Database(url, read_only=True)) as readonly:
            require_schema(readonly)
    return database
