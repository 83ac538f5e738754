"""Opening of a database to inspect it, of whatever version and however damaged."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from workspace_operator.application.ports import DatabaseInspection
from workspace_operator.application.status.installations import Installation, observe
from workspace_operator.bootstrap.keys import find_root_key
from workspace_operator.bootstrap.stores import BUSY_CACHE_MEGABYTES
from workspace_operator.store.engine.clocks import DatabaseClock
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.maintenance.inspections import SQLInspection
from workspace_operator.store.repositories.heartbeats import SQLHeartbeats
from workspace_operator.store.repositories.migrations import SQLMigrations
from workspace_operator.store.repositories.sending.queue import SQLSendingQueue
from workspace_operator.store.schema.upgrades import missing_database_error


@contextmanager
def open_inspection(url: str) -> Iterator[DatabaseInspection]:
    """Open a database to inspect it, of whatever version and however damaged; nothing is written or upgraded.

    Raises InvalidInput, also if there is no such file, or StoreUnavailable.
    """
    with _open_existing(url) as database:
        yield SQLInspection(database)


def observe_installation(url: str, key_file: Path | None, *, counts_people: bool = False) -> Installation:
    """Read the state of an installation; writes and upgrades nothing. Raises as `open_inspection`.

    ``counts_people`` where the database has an estimate.
    """
    key = find_root_key(url, key_file)
    with _open_existing(url) as database:
        clock = DatabaseClock(database)
        return observe(
            SQLInspection(database),
            migrations=SQLMigrations(database),
            heartbeats=SQLHeartbeats(database),
            queue=SQLSendingQueue(database, clock=clock),
            now=clock(),
            key_fingerprint=None if key is None else key.fingerprint(),
            counts_people=counts_people,
        )


@contextmanager
def _open_existing(url: str) -> Iterator[Database]:
    """Open a database read-only. Raises InvalidInput if it is a file that does not exist."""
    with closing(Database(url, cache_megabytes=BUSY_CACHE_MEGABYTES, read_only=True)) as database:
        file = Path(str(database.url.database))
        if database.is_sqlite and not file.exists():
            raise missing_database_error(file)
        yield database
