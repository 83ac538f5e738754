"""A database: its engines, transactions with retries, and one place that translates errors."""

import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from workspace_operator.errors import Conflict
from workspace_operator.store.engine.citus import CONNECTION_KEY
from workspace_operator.store.engine.commit_watchdog import COMMIT_SECONDS, CommitWatchdog
from workspace_operator.store.engine.error_translation import (
    CONTENTION_MESSAGE,
    LOCK_TIMEOUTS,
    READ_ONLY,
    error_code,
    is_serialization_failure,
    pool_exhausted,
    raise_if_interrupted,
    raise_translated,
    translate_errors,
    unknown_outcome,
)
from workspace_operator.store.engine.postgresql import postgresql_engine
from workspace_operator.store.engine.shared_reads import SharedRead
from workspace_operator.store.engine.sqlite import FileLock, limit_statements, sort_on_disk, sqlite_engine
from workspace_operator.store.engine.urls import parse_database_url

T = TypeVar("T")

MAX_ATTEMPTS = 12
MAX_LOCK_ATTEMPTS = 2
LOCK_TIMEOUT_SECONDS = 10
"""Seconds to wait for a lock. A blocked transaction occupies a thread for at most MAX_LOCK_ATTEMPTS times as long."""

TransactionObserver: TypeAlias = Callable[[Literal["read", "write"], float, BaseException | None], None]
"""Called after each transaction: its kind, its seconds with all retries, and its error."""

_POOL: Mapping[str, Any] = {"pool_size": 5, "max_overflow": 10, "pool_timeout": 30}


_ConnectionScope: TypeAlias = Callable[[sa.Connection], AbstractContextManager[None]]


def _unchanged(_connection: sa.Connection) -> AbstractContextManager[None]:
    """Leave a connection as it is."""
    return nullcontext()


class RetryTransaction(Exception):
    """Data that the transaction depends on has changed since it was read: roll back and retry."""


class Database:
    """One database, by URL: ``sqlite:///path`` or ``postgresql://…`` (`urls`).

    Args:
        url: a password in it is never shown.
        prepare: called once, before the first transaction on a reachable database, so that a process can start
            while its database is unavailable.
        cache_megabytes: size of the page cache of each SQLite connection.
        read_only: have the database refuse every write; a SQLite file must exist already.

    Attributes:
        is_citus: whether the newest connection led to Citus; False before the first.

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
        target = parse_database_url(url)
        self.url, self.name, self.is_sqlite = target.url, target.name, target.is_sqlite
        limits: Any = {"lock_seconds": LOCK_TIMEOUT_SECONDS, "read_only": read_only}
        self._exclusive: Callable[[], AbstractContextManager[None]] = nullcontext
        if self.is_sqlite:
            self.engine = sqlite_engine(self.url, cache_megabytes=cache_megabytes, **limits)
            self._writing_engine: sa.Engine = self.engine.execution_options(writing=True)
            self._exclusive = FileLock(Path(f"{self.url.database}.lock")).acquire
        else:
            engine = partial(postgresql_engine, target, **limits)
            self.engine = engine(pool_pre_ping=True, **_POOL)
            # No ping, which takes a fifth of the time of a small write: `writing` retries on lost connections.
            self._writing_engine = engine(**_POOL)
            self._statement_engine = engine(transactional=False, poolclass=sa.NullPool)
            for made in (self.engine, self._writing_engine, self._statement_engine):
                sa.event.listen(made, "connect", self._on_connect)
        self.is_citus = False
        self.observer: TransactionObserver | None = None
        self._is_read_only = read_only
        self._prepare = prepare
        self._prepare_lock = threading.RLock()
        self._prepared = threading.Event()
        self._is_preparing = False
        self._thread_local = threading.local()
        self._thread_connections = weakref.WeakSet[sa.Connection]()  # a connection ends with its thread
        self._failovers = 0
        self._commits = CommitWatchdog()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a read transaction: one snapshot on SQLite, one snapshot per statement on PostgreSQL."""
        with self._reading() as connection:
            yield connection

    @contextmanager
    def reading_one_snapshot(self, *, sorts: bool = False, sets: bool = False) -> Iterator[sa.Connection]:
        """Open a read transaction with one snapshot on either database.

        ``sorts`` has SQLite sort on disk, because the rows may not fit into memory. PostgreSQL does so anyway. ``sets``
        says that the reader changes settings of its transaction, so that no other reader shares it.
        """
        around = sort_on_disk if sorts and self.is_sqlite else _unchanged
        with self._reading(around, shares=not sets, one_snapshot=True) as connection:
            yield connection

    @contextmanager
    def limiting_reads(self, seconds: float) -> Iterator[None]:
        """Limit each statement of the read transactions that this thread begins in the block.

        These raise StatementTimeout. Writes are not limited, since a retry of them would take as long.
        """
        self._thread_local.statement_seconds = seconds
        try:
            yield
        finally:
            self._thread_local.statement_seconds = None

    @contextmanager
    def sharing_reads(self) -> Iterator[None]:
        """Have the read transactions of this thread in the block be one, with one snapshot on either database.

        It begins with the first of them. They do not see what others write meanwhile. A read that raises and a write of
        this thread end it; the next read begins another. So the thread never waits for a second connection of the
        server while it holds one: a pooler may have no more.
        """
        shared = SharedRead(partial(self._begin_read, one_snapshot=True))
        self._thread_local.shared_read = shared
        try:
            yield
        finally:
            self._thread_local.shared_read = None
            shared.end()

    @contextmanager
    def _reading(
        self, around: _ConnectionScope = _unchanged, *, shares: bool = True, **options: Any
    ) -> Iterator[sa.Connection]:
        """Open a read transaction within ``around``, with execution options of its engine."""
        self._ensure_prepared()
        shared = self._shared_read if shares and around is _unchanged else None
        if shared is None:
            self._end_shared_read()
        transaction = self._begin_read(around, **options) if shared is None else shared.use()
        with (
            self._observed("read"),
            translate_errors(self.name, statement_seconds=self._statement_seconds),
            transaction as connection,
        ):
            yield connection

    @contextmanager
    def _begin_read(self, around: _ConnectionScope = _unchanged, **options: Any) -> Iterator[sa.Connection]:
        seconds = self._statement_seconds
        if seconds is not None:
            options["statement_seconds"] = seconds
        engine = self.engine.execution_options(**options) if options else self.engine
        limit: _ConnectionScope = _unchanged
        if seconds is not None and self.is_sqlite:
            limit = partial(limit_statements, seconds=seconds)
        with engine.connect() as connection, around(connection), limit(connection), connection.begin():
            yield connection

    @property
    def _shared_read(self) -> SharedRead | None:
        """The transaction that the reads of this thread share; None if each has one of its own."""
        shared: SharedRead | None = getattr(self._thread_local, "shared_read", None)
        return shared

    def _end_shared_read(self) -> None:
        if shared := self._shared_read:
            shared.end()

    @property
    def _statement_seconds(self) -> float | None:
        """The limit of the statements that this thread reads by."""
        seconds: float | None = getattr(self._thread_local, "statement_seconds", None)
        return seconds

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` in a write transaction; retry it after a conflict or a lost connection.

        ``work`` must read what it decides on inside the transaction, since it may run several times. It raises
        RetryTransaction when data that it depends on has changed; any other exception rolls the transaction back.

        Raises:
            CommitUnknown: the commit was not confirmed, or the connection was lost during it.
        """
        self._ensure_prepared()
        self._end_shared_read()
        with self._observed("write"):
            return self._write_with_retries(work)

    def _write_with_retries(self, work: Callable[[sa.Connection], T]) -> T:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                with self._exclusive(), self._writing_engine.connect() as connection:
                    return self._run_and_commit(connection, work)
            except PoolTimeout as error:
                raise pool_exhausted(self.name) from error
            except RetryTransaction as error:
                if attempt == MAX_ATTEMPTS:
                    raise Conflict(CONTENTION_MESSAGE) from error
                if attempt == 1:
                    continue  # usually the other transaction has just ended
            except DBAPIError as error:
                raise_if_interrupted(error)
                self._drop_lost_connections(error)
                if attempt >= _max_attempts(error):
                    raise_translated(error, self.name)
            time.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover - for the type checker

    def writing_timed(self, work: Callable[[sa.Connection], T]) -> tuple[T, float]:
        """Run `writing`; return its result and the seconds that the last attempt held its locks."""
        started = 0.0

        def timed(connection: sa.Connection) -> T:
            nonlocal started
            started = time.monotonic()
            return work(connection)

        result = self.writing(timed)
        return result, time.monotonic() - started

    def _run_and_commit(self, connection: sa.Connection, work: Callable[[sa.Connection], T]) -> T:
        with connection.begin() as transaction:
            result = work(connection)
            if self.is_sqlite:
                return result
            self._commit(connection, transaction)
        return result

    def _commit(self, connection: sa.Connection, transaction: sa.RootTransaction) -> None:
        """Commit on PostgreSQL. Raises CommitUnknown."""
        try:
            with self._commits.watch(connection, seconds=COMMIT_SECONDS) as commit:
                transaction.commit()
        except DBAPIError as error:
            if error.connection_invalidated:
                raise unknown_outcome(self.name, "was lost while it confirmed the write") from error
            raise
        if commit.is_cancelled:
            raise unknown_outcome(self.name, _UNCONFIRMED)

    @contextmanager
    def autocommit(self, *, in_transaction: bool) -> Iterator[sa.Connection]:
        """Open a connection on which each statement is a transaction of its own; not for SQLite.

        Use it for statements that go to the driver directly. Each thread keeps its own connection, since a checkout
        from the pool takes as long as a small statement. A statement sets its own `sql.lock_timeout_condition`.
        ``in_transaction`` runs the statements in one transaction instead.

        Raises:
            CommitUnknown: the last statement may have been executed.
        """
        self._ensure_prepared()
        self._end_shared_read()
        if in_transaction or self._is_read_only:
            with (
                self._observed("write"),
                translate_errors(self.name),
                self._writing_engine.connect() as connection,
                connection.begin() as transaction,
            ):
                yield connection
                self._commit(connection, transaction)
            return
        with self._observed("write"), translate_errors(self.name):
            connection = self._thread_connection()
            try:
                with self._commits.watch(connection, seconds=LOCK_TIMEOUT_SECONDS + COMMIT_SECONDS) as commit:
                    yield connection
            except DBAPIError as error:
                self._drop_lost_connections(error)
                if error.connection_invalidated and error_code(error) != READ_ONLY:
                    raise unknown_outcome(self.name, "was lost") from error
                raise
            if commit.is_cancelled:
                raise unknown_outcome(self.name, _UNCONFIRMED)

    @contextmanager
    def _observed(self, kind: Literal["read", "write"]) -> Iterator[None]:
        """Tell the observer about the transaction inside the context."""
        observer, started = self.observer, time.monotonic()
        if observer is None:
            yield
            return
        try:
            yield
        except BaseException as error:
            observer(kind, time.monotonic() - started, error)
            raise
        observer(kind, time.monotonic() - started, None)

    def _on_connect(self, _: object, record: Any) -> None:
        self.is_citus = record.info[CONNECTION_KEY]

    def _thread_connection(self) -> sa.Connection:
        local = self._thread_local
        own: sa.Connection | None = getattr(local, "connection", None)
        if own is None or own.closed or own.invalidated or local.failovers != self._failovers:
            if own is not None:
                own.close()
            local.failovers = self._failovers
            own = local.connection = self._statement_engine.connect()
            self._thread_connections.add(own)
        return own

    def _drop_lost_connections(self, error: DBAPIError) -> None:
        """Drop all connections if the server closed one or is a standby now."""
        if self._is_read_only or not error.connection_invalidated:
            return
        if error_code(error) == READ_ONLY:
            self._failovers += 1
            self.engine.dispose()
        self._writing_engine.dispose()

    def close(self) -> None:
        """Close all connections."""
        self._commits.close()
        for thread_connection in list(self._thread_connections):  # a thread may end meanwhile
            thread_connection.close()
        self.engine.dispose()
        self._writing_engine.dispose()

    def _ensure_prepared(self) -> None:
        if self._prepared.is_set():
            return
        with self._prepare_lock:  # `_prepare` itself reads and writes, hence the two flags
            if self._prepared.is_set() or self._is_preparing:
                return
            self._is_preparing = True
            try:
                self._prepare(self)
                self._prepared.set()
            finally:
                self._is_preparing = False


_UNCONFIRMED = (
    f"did not confirm it within {COMMIT_SECONDS} seconds. Is a synchronous standby away? "
    "The primary has the write, unless it is lost before the standby is back"
)


def _max_attempts(error: DBAPIError) -> int:
    """Number of attempts after this error; few for a lock timeout, whose attempts take long."""
    if is_serialization_failure(error):
        return MAX_ATTEMPTS
    state = error_code(error)
    if state == READ_ONLY or (error.connection_invalidated and error.statement):
        return MAX_LOCK_ATTEMPTS  # another server may be the primary now, or the server closed the connection
    return MAX_LOCK_ATTEMPTS if state in LOCK_TIMEOUTS else 1
