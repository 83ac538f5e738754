"""Creation of the repositories of one database."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from workspace_operator.application.manifests.planner import EmptyPreviews
from workspace_operator.application.ports import (
    Accounts,
    AddressBlocks,
    Clock,
    Credentials,
    DatabaseDistribution,
    DatabaseInspection,
    Deliveries,
    Exports,
    Heartbeats,
    MergeJournal,
    MessageCounters,
    Migrations,
    Notices,
    Ownership,
    People,
    PersonRecords,
    Previews,
    Segments,
    SendingQueue,
    Templates,
    Workspaces,
    WritePath,
)
from workspace_operator.application.status.installations import Installation, observe
from workspace_operator.bootstrap.keys import find_root_key
from workspace_operator.store.engine.clocks import DatabaseClock
from workspace_operator.store.engine.databases import Database, TransactionObserver
from workspace_operator.store.engine.sqlite import create_file
from workspace_operator.store.maintenance.distribution import SQLDistribution
from workspace_operator.store.maintenance.inspections import SQLInspection
from workspace_operator.store.repositories.accounts.accounts import SQLAccounts
from workspace_operator.store.repositories.credentials import SQLCredentials
from workspace_operator.store.repositories.exports import SQLExports
from workspace_operator.store.repositories.heartbeats import SQLHeartbeats
from workspace_operator.store.repositories.merges import SQLMergeJournal
from workspace_operator.store.repositories.migrations import SQLMigrations
from workspace_operator.store.repositories.ownership import SQLOwnership
from workspace_operator.store.repositories.people import SQLPeople
from workspace_operator.store.repositories.person_records import SQLPersonRecords
from workspace_operator.store.repositories.previews import SQLPreviews
from workspace_operator.store.repositories.segments import SQLSegments
from workspace_operator.store.repositories.sending.address_blocks import SQLAddressBlocks
from workspace_operator.store.repositories.sending.deliveries import SQLDeliveries
from workspace_operator.store.repositories.sending.notices import SQLNotices
from workspace_operator.store.repositories.sending.queue import SQLSendingQueue
from workspace_operator.store.repositories.sending.templates import SQLTemplates
from workspace_operator.store.repositories.sending.usage import SQLMessageCounters
from workspace_operator.store.repositories.workspaces import SQLWorkspaces
from workspace_operator.store.repositories.write_path import SQLWritePath
from workspace_operator.store.schema.upgrades import (
    has_current_schema,
    missing_database_error,
    require_schema,
    upgrade,
    upgrade_existing,
)
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

BUSY_CACHE_MEGABYTES = 32
"""For a command with one connection: it makes an import of a million people a seventh faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories:
    """The implementations of all ports for one database; ``file`` is that of an embedded one.

    ``observe_transactions`` sets the function that is called after each transaction.
    """

    name: str
    file: Path | None
    workspaces: Workspaces
    accounts: Accounts
    heartbeats: Heartbeats
    ownership: Ownership
    people: People
    person_records: PersonRecords
    segments: Segments
    merges: MergeJournal
    migrations: Migrations
    exports: Exports
    deliveries: Deliveries
    sending_queue: SendingQueue
    templates: Templates
    address_blocks: AddressBlocks
    message_counters: MessageCounters
    notices: Notices
    credentials: Credentials
    clock: Clock
    write_path: WritePath
    observe_transactions: Callable[[TransactionObserver], None]


@contextmanager
def open_store(url: str) -> Iterator[Repositories]:
    """Open a database and upgrade its schema. Raises InvalidInput or StoreUnavailable."""
    with open_store_lazily(url, cache_megabytes=BUSY_CACHE_MEGABYTES) as store:
        store.workspaces.list()
        yield store


@contextmanager
def open_existing_store(url: str) -> Iterator[Repositories]:
    """Open an existing database and upgrade its schema; creates no file or folder. Raises as `open_store`."""
    with closing(_existing_database(url)) as database:
        store = _store(database)
        store.workspaces.list()
        yield store


@contextmanager
def open_store_lazily(url: str, *, cache_megabytes: int = 4) -> Iterator[Repositories]:
    """Open a database that may be unavailable; its schema is upgraded when it first answers."""
    with closing(Database(url, prepare=upgrade, cache_megabytes=cache_megabytes)) as database:
        if database.is_sqlite:
            create_file(Path(str(database.url.database)))
        yield _store(database)


@contextmanager
def open_readonly(url: str) -> Iterator[Previews]:
    """Open a database for previews: read-only, and empty if the database does not exist yet.

    Raises InvalidInput, also for the schema of another version, or StoreUnavailable.
    """
    with closing(Database(url, cache_megabytes=BUSY_CACHE_MEGABYTES, read_only=True)) as database:
        is_missing = database.is_sqlite and not Path(str(database.url.database)).exists()
        yield EmptyPreviews() if is_missing or not has_current_schema(database) else SQLPreviews(database)


@contextmanager
def open_distribution(url: str) -> Iterator[DatabaseDistribution]:
    """Open a database to distribute it. Raises InvalidInput."""
    with closing(Database(url)) as database:
        yield SQLDistribution(database)


@contextmanager
def open_inspection(url: str) -> Iterator[DatabaseInspection]:
    """Open a database to inspect it, of whatever version and however damaged; nothing is written or upgraded.

    Raises InvalidInput, also if there is no such file, or StoreUnavailable.
    """
    with closing(Database(url, cache_megabytes=BUSY_CACHE_MEGABYTES, read_only=True)) as database:
        file = Path(str(database.url.database))
        if database.is_sqlite and not file.exists():
            raise missing_database_error(file)
        yield SQLInspection(database)


def observe_installation(url: str, key_file: Path | None, *, counts_people: bool = False) -> Installation:
    """Read the state of an installation; writes and upgrades nothing. Raises as `open_inspection`.

    ``counts_people`` where the database has an estimate.
    """
    key = find_root_key(url, key_file)
    with closing(Database(url, cache_megabytes=BUSY_CACHE_MEGABYTES, read_only=True)) as database:
        if database.is_sqlite and not Path(str(database.url.database)).exists():
            raise missing_database_error(Path(str(database.url.database)))
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


def _store(database: Database) -> Repositories:
    clock = DatabaseClock(database)
    new_id = CioIDGenerator(clock.cached_timestamp)
    return Repositories(
        name=database.name,
        file=Path(str(database.url.database)) if database.is_sqlite else None,
        workspaces=SQLWorkspaces(database),
        accounts=SQLAccounts(database),
        heartbeats=SQLHeartbeats(database),
        ownership=SQLOwnership(database),
        people=SQLPeople(database, new_cio_id=new_id),
        person_records=SQLPersonRecords(database),
        segments=SQLSegments(database),
        merges=SQLMergeJournal(database, new_id=new_id),
        migrations=SQLMigrations(database),
        exports=SQLExports(database),
        deliveries=SQLDeliveries(database, new_id=new_id),
        sending_queue=SQLSendingQueue(database, clock=clock),
        templates=SQLTemplates(database),
        address_blocks=SQLAddressBlocks(database),
        message_counters=SQLMessageCounters(database),
        notices=SQLNotices(database),
        credentials=SQLCredentials(database),
        clock=clock,
        write_path=SQLWritePath(database),
        observe_transactions=partial(setattr, database, "observer"),
    )
