"""Connections: one engine a database, transactions that are retried, errors translated once.

On SQLite a write transaction takes a file lock before BEGIN IMMEDIATE: SQLite's own busy wait is unfair enough to
starve the worker, the kernel's queue is not (measured; trials.md).
"""

import fcntl
import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from workspace_operator.errors import Conflict, InvalidInput, StoreUnavailable

T = TypeVar("T")

MOST_TRIES = 12
MOST_WAITS = 2
LOCK_TIMEOUT_SECONDS = 10
"""So that a thread is never held for longer than MOST_WAITS of these by somebody who stopped inside a transaction."""

FORGOTTEN_AFTER = "10min"
"""After this PostgreSQL ends a session that stopped inside a transaction, with the locks that it holds."""

_POOL: Mapping[str, Any] = {"pool_size": 5, "max_overflow": 10, "pool_timeout": 30}

HIGHEST_PORT = 65_535
UNIQUE_VIOLATIONS = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
LOST_RACES = UNIQUE_VIOLATIONS | {"40001", "40P01"}  # serialization failure, deadlock
LONG_WAITS = frozenset({"55P03", "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED"})


class StartOver(Exception):
    """What a transaction rests on has moved since it was read: roll back, and begin anew."""


class Database:
    """One database, by URL: ``sqlite:///path`` or ``postgresql+psycopg://…``.

    Args:
        url: as above; a password in it is never shown.
        prepare: called once, before the first transaction that finds the database there. So a process can start
            while its database is away.
        cache_megabytes: how much of a SQLite file each connection keeps in memory.
        read_only: the database itself refuses every write; a SQLite file must be there already.

    Raises:
        InvalidInput: the URL is malformed, or names a database that is not supported.
    """

    def __init__(
        self,
        url: str,
        *,
        prepare: Callable[["Database"], object] = lambda _: None,
        cache_megabytes: int = 4,
        read_only: bool = False,
    ) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self.engine = _sqlite_engine(self.url, cache_megabytes, read_only=read_only)
            self._writing_engine: sa.Engine = self.engine.execution_options(writing=True)
        else:
            engine = partial(_postgresql_engine, self.url, read_only=read_only)
            self.engine = engine(pool_pre_ping=True, **_POOL)
            # Without the ping, which takes a fifth of a small write: `writing` tries again by itself.
            self._writing_engine = engine(**_POOL)
            self._statement_engine = engine(poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        self.name = _without_password(self.url)
        """The URL, fit for messages."""
        self._prepare = prepare
        self._preparation = threading.RLock()
        self._prepared = threading.Event()
        self._is_preparing = False
        self._kept = threading.local()
        self._all_kept: weakref.WeakSet[sa.Connection] = weakref.WeakSet()  # one ends with its thread
        self._exclusive: Callable[[], AbstractContextManager[None]] = nullcontext
        if self.is_sqlite:
            self._exclusive = FileLock(Path(f"{self.url.database}.lock")).held

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give one read transaction: a single snapshot on SQLite, a snapshot a statement on PostgreSQL."""
        self._be_prepared()
        with translated(self.name), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def reading_one_snapshot(self, *, sorts: bool = False) -> Iterator[sa.Connection]:
        """Give one read transaction that sees a single moment, whatever the database.

        ``sorts``: more than is to be in memory. PostgreSQL sorts in files by itself.
        """
        self._be_prepared()
        engine = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")
        in_files = _sorting_in_files if sorts and self.is_sqlite else nullcontext
        with translated(self.name), engine.connect() as connection, in_files(connection), connection.begin():
            yield connection

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` in a write transaction, again from its start when the database or the work asks for that.

        ``work`` must read what it decides on inside the transaction, since it may run several times. It raises
        StartOver when what it rests on has moved; whatever else it raises rolls it back.
        """
        self._be_prepared()
        for attempt in range(1, MOST_TRIES + 1):
            try:
                with self._exclusive(), self._writing_engine.connect() as connection, connection.begin():
                    return work(connection)
            except PoolTimeout as error:
                raise StoreUnavailable(f"the database {self.name} has no connection left for us") from error
            except StartOver as moved:
                if attempt == MOST_TRIES:
                    raise Conflict(_CONTENDED) from moved
                if attempt == 1:
                    continue  # mostly somebody else has just finished
            except DBAPIError as error:
                if attempt >= _most_tries(error):
                    _raise_translated(error, self.name)
            time.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover - for the type checker

    @contextmanager
    def statements(self, *, together: bool) -> Iterator[sa.Connection]:
        """Give a connection on which each statement is a transaction of its own; not on SQLite.

        It is for statements that go to the driver directly. Each thread keeps its own: to have one of the pool takes as
        long as a small statement.

        Args:
            together: have them in one transaction after all.
        """
        self._be_prepared()
        with translated(self.name):
            if together:
                with self._writing_engine.connect() as connection, connection.begin():
                    yield connection
            else:
                yield self._kept_connection()

    def _kept_connection(self) -> sa.Connection:
        kept: sa.Connection | None = getattr(self._kept, "connection", None)
        if kept is None or kept.closed:
            kept = self._kept.connection = self._statement_engine.connect()
            self._all_kept.add(kept)
        return kept

    def close(self) -> None:
        """Close all connections."""
        while self._all_kept:
            self._all_kept.pop().close()
        self.engine.dispose()
        self._writing_engine.dispose()

    def _be_prepared(self) -> None:
        if self._prepared.is_set():
            return
        with self._preparation:  # preparing reads and writes itself, hence the two flags
            if self._prepared.is_set() or self._is_preparing:
                return
            self._is_preparing = True
            try:
                self._prepare(self)
                self._prepared.set()
            finally:
                self._is_preparing = False


class FileLock:
    """A lock between processes and threads; the kernel queues those who wait.

    Each holder opens the file anew, so that threads exclude each other like processes do.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock."""
        with self._threads, self._opened() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _opened(self) -> BinaryIO:
        try:
            return open(self._path, "ab", opener=lambda path, flags: os.open(path, flags, 0o600))
        except OSError as error:
            raise StoreUnavailable(f"the lock file {self._path} cannot be opened: {error.strerror}") from error


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable(f"the database {name} has no connection left for us") from error
    except DBAPIError as error:
        _raise_translated(error, name)


def _without_password(url: sa.URL) -> str:
    hidden = {key: "***" for key in url.query if "password" in key.lower()}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError) as error:  # ValueError: the port is no number
        raise InvalidInput(_URL_HELP, field="database") from error
    if backend == "postgresql":
        return _postgresql_url(parsed)
    if backend != "sqlite":
        raise InvalidInput(f"{backend} is not supported: {_URL_HELP}", field="database")
    if not parsed.database or parsed.database == ":memory:":
        raise InvalidInput("a SQLite database must be a file: sqlite:///FOLDER/FILE.db", field="database")
    if parsed.query:
        raise InvalidInput(
            "the URL of a SQLite database takes no options: leave out what follows the ?", field="database"
        )
    return parsed.set(drivername="sqlite", database=str(Path(parsed.database).expanduser()))


def _postgresql_url(parsed: sa.URL) -> sa.URL:
    """Refuse what libpq would only refuse when it connects, as if the database were away."""
    import psycopg  # noqa: PLC0415 - 10 MB that a process on SQLite does not need
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - the same

    parsed = parsed.set(drivername="postgresql+psycopg")
    options: dict[str, Any] = dict(parsed.query)
    try:
        make_conninfo(**options)
    except psycopg.ProgrammingError as error:
        raise InvalidInput(f"{str(error).strip()}: {_URL_HELP}", field="database") from error
    if parsed.port is not None and not 0 < parsed.port <= HIGHEST_PORT:
        raise InvalidInput(f"there is no port {parsed.port}: {_URL_HELP}", field="database")
    return parsed


_CONTENDED = "the same rows were changed by others again and again; try again"

_URL_HELP = (
    "the database URL must be sqlite:///FILE.db or postgresql://USER:PASSWORD@HOST:PORT/NAME "
    "(by --database or WORKSPACE_OPERATOR_DATABASE)"
)


def _sqlite_engine(url: sa.URL, cache_megabytes: int, *, read_only: bool) -> sa.Engine:
    arguments = {"timeout": LOCK_TIMEOUT_SECONDS, "check_same_thread": False}
    if read_only:  # not even a log that somebody left behind is worked into the file
        url = url.set(database=f"file:{quote(str(url.database))}", query={"mode": "ro", "uri": "true"})
    engine = sa.create_engine(url, connect_args=arguments, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # Python's own transaction handling would start transactions late and never IMMEDIATE.
        connection.isolation_level = None
        for pragma in ("synchronous=FULL", f"cache_size={-1000 * cache_megabytes}", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        if not read_only:
            _log_ahead(connection)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def _sorting_in_files(connection: sa.Connection) -> Iterator[None]:
    """Have SQLite sort in files what does not fit into its cache, from before a transaction until after it."""
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA temp_store=FILE")
    try:
        yield
    finally:
        driver.execute("PRAGMA temp_store=MEMORY")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Put a new database into WAL mode, which stays; SQLite does not wait for others that do so at the same time."""
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        if time.monotonic() > deadline:
            raise sqlite3.OperationalError("the file cannot be put into WAL mode: is it on a disk of this machine?")
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
        time.sleep(0.01)


def _postgresql_engine(url: sa.URL, *, read_only: bool, **options: Any) -> sa.Engine:
    arguments = {
        "connect_timeout": 5,
        "application_name": "workspace-operator",
        "prepare_threshold": 3,
        # A server whose machine is gone never says so: without these a thread would wait for it for hours.
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    # hide_parameters: they hold what people said; errors are logged.
    engine = sa.create_engine(url, connect_args=arguments, hide_parameters=True, **options)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
            cursor.execute(f"SET SESSION idle_in_transaction_session_timeout = '{FORGOTTEN_AFTER}'")
            if read_only:
                cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.commit()

    return engine


def _most_tries(error: DBAPIError) -> int:
    """How often in all to try what failed so; what has waited for a lock already is not made to wait for long."""
    if error.connection_invalidated and error.statement:
        return MOST_WAITS  # its server had ended the connection; only a lost COMMIT leaves open what came of it
    state = state_of(error)
    if state in LOST_RACES:
        return MOST_TRIES
    return MOST_WAITS if state in LONG_WAITS else 1


def state_of(error: DBAPIError) -> str:
    """The name that the database gives to an error: SQLSTATE, or SQLite's own."""
    return str(getattr(error.orig, "sqlstate", None) or _sqlite_name(error))


def _sqlite_name(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlite_errorname", ""))


def _raise_translated(error: DBAPIError, name: str) -> NoReturn:
    if state_of(error) in UNIQUE_VIOLATIONS:
        raise Conflict(_CONTENDED) from error
    if isinstance(error, ProgrammingError | DataError | IntegrityError) or _sqlite_name(error) == "SQLITE_ERROR":
        raise error  # our own mistake, or a schema that somebody changed: nothing that waiting would mend
    raise StoreUnavailable(f"the database {name} does not answer: {_first_line(error)}") from error


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0][:300]
