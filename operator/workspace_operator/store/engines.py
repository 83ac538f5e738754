"""Connections: engines of one database, transactions that are retried, errors translated once."""

import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from workspace_operator.errors import Conflict
from workspace_operator.store.commits import COMMIT_SECONDS, CommitWatch
from workspace_operator.store.failures import (
    CONTENDED,
    LONG_WAITS,
    READ_ONLY,
    is_lost_race,
    no_connection,
    raise_interruption,
    raise_translated,
    state_of,
    translated,
    unknown_outcome,
)
from workspace_operator.store.postgresql import postgresql_engine
from workspace_operator.store.sqlite_files import FileLock, sorting_in_files, sqlite_engine
from workspace_operator.store.urls import target_of

T = TypeVar("T")

MOST_TRIES = 12
MOST_WAITS = 2
LOCK_TIMEOUT_SECONDS = 10
"""So that a thread is never held for longer than MOST_WAITS of these by somebody who stopped inside a transaction."""

_POOL: Mapping[str, Any] = {"pool_size": 5, "max_overflow": 10, "pool_timeout": 30}


class StartOver(Exception):
    """What a transaction rests on has moved since it was read: roll back, and begin anew."""


class Database:
    """One database, by URL: ``sqlite:///path`` or ``postgresql://…`` (`urls`).

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
        target = target_of(url)
        self.url, self.name, self.is_sqlite = target.url, target.name, target.is_sqlite
        limits: Any = {"lock_seconds": LOCK_TIMEOUT_SECONDS, "read_only": read_only}
        self._exclusive: Callable[[], AbstractContextManager[None]] = nullcontext
        if self.is_sqlite:
            self.engine = sqlite_engine(self.url, cache_megabytes=cache_megabytes, **limits)
            self._writing_engine: sa.Engine = self.engine.execution_options(writing=True)
            self._exclusive = FileLock(Path(f"{self.url.database}.lock")).held
        else:
            engine = partial(postgresql_engine, target, **limits)
            self.engine = engine(pool_pre_ping=True, **_POOL)
            # Without the ping, which takes a fifth of a small write: `writing` tries again by itself.
            self._writing_engine = engine(**_POOL)
            self._statement_engine = engine(begins=False, poolclass=sa.NullPool)
        self._is_read_only = read_only
        self._prepare = prepare
        self._preparation = threading.RLock()
        self._prepared = threading.Event()
        self._is_preparing = False
        self._kept = threading.local()
        self._all_kept: weakref.WeakSet[sa.Connection] = weakref.WeakSet()  # one ends with its thread
        self._moves = 0
        self._commits = CommitWatch()

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
        engine = self.engine.execution_options(one_snapshot=True)
        in_files = sorting_in_files if sorts and self.is_sqlite else nullcontext
        with translated(self.name), engine.connect() as connection, in_files(connection), connection.begin():
            yield connection

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` in a write transaction, again from its start when the database or the work asks for that.

        ``work`` must read what it decides on inside the transaction, since it may run several times. It raises
        StartOver when what it rests on has moved; whatever else it raises rolls it back.

        Raises:
            OutcomeUnknown: the commit was not confirmed, or the connection was lost in it.
        """
        self._be_prepared()
        for attempt in range(1, MOST_TRIES + 1):
            try:
                with self._exclusive(), self._writing_engine.connect() as connection:
                    return self._committed(connection, work)
            except PoolTimeout as error:
                raise no_connection(self.name) from error
            except StartOver as moved:
                if attempt == MOST_TRIES:
                    raise Conflict(CONTENDED) from moved
                if attempt == 1:
                    continue  # mostly somebody else has just finished
            except DBAPIError as error:
                raise_interruption(error)
                self._note_lost(error)
                if attempt >= _most_tries(error):
                    raise_translated(error, self.name)
            time.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover - for the type checker

    def writing_timed(self, work: Callable[[sa.Connection], T]) -> tuple[T, float]:
        """Write in the same way, and tell how many seconds the transaction kept its locks."""
        started = 0.0

        def timed(connection: sa.Connection) -> T:
            nonlocal started
            started = time.monotonic()
            return work(connection)

        result = self.writing(timed)
        return result, time.monotonic() - started

    def _committed(self, connection: sa.Connection, work: Callable[[sa.Connection], T]) -> T:
        with connection.begin() as transaction:
            result = work(connection)
            if self.is_sqlite:
                return result
            try:
                with self._commits.watched(connection, seconds=COMMIT_SECONDS) as commit:
                    transaction.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise unknown_outcome(self.name, "was lost while it confirmed the write") from error
                raise
            if commit.is_cancelled:
                raise unknown_outcome(self.name, _UNCONFIRMED)
        return result

    @contextmanager
    def statements(self, *, together: bool) -> Iterator[sa.Connection]:
        """Give a connection on which each statement is a transaction of its own; not on SQLite.

        It is for statements that go to the driver directly. Each thread keeps its own: to have one of the pool takes as
        long as a small statement. They wait for locks as long as they say themselves (`dialects.lock_limit`).

        Args:
            together: have them in one transaction after all.

        Raises:
            OutcomeUnknown: the last statement may have been done.
        """
        self._be_prepared()
        if together or self._is_read_only:
            with translated(self.name), self._writing_engine.connect() as connection, connection.begin():
                yield connection
            return
        with translated(self.name):
            connection = self._kept_connection()
            try:
                with self._commits.watched(connection, seconds=LOCK_TIMEOUT_SECONDS + COMMIT_SECONDS) as commit:
                    yield connection
            except DBAPIError as error:
                self._note_lost(error)
                if error.connection_invalidated and state_of(error) != READ_ONLY:
                    raise unknown_outcome(self.name, "was lost") from error
                raise
            if commit.is_cancelled:
                raise unknown_outcome(self.name, _UNCONFIRMED)

    def _kept_connection(self) -> sa.Connection:
        kept: sa.Connection | None = getattr(self._kept, "connection", None)
        if kept is None or kept.closed or kept.invalidated or self._kept.moves != self._moves:
            if kept is not None:
                kept.close()
            self._kept.moves = self._moves
            kept = self._kept.connection = self._statement_engine.connect()
            self._all_kept.add(kept)
        return kept

    def _note_lost(self, error: DBAPIError) -> None:
        """Drop all connections of a server that ended one, or has become a standby: new ones find the primary."""
        if self._is_read_only or not error.connection_invalidated:
            return
        if state_of(error) == READ_ONLY:
            self._moves += 1
            self.engine.dispose()
        self._writing_engine.dispose()

    def close(self) -> None:
        """Close all connections."""
        self._commits.close()
        for kept in list(self._all_kept):  # threads may end meanwhile, and theirs with them
            kept.close()
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


_UNCONFIRMED = (
    f"did not confirm it within {COMMIT_SECONDS} seconds. Is a synchronous standby away? "
    "The primary has the write, unless it is lost before the standby is back"
)


def _most_tries(error: DBAPIError) -> int:
    """How often in all to try what failed so; what has waited for a lock already is not made to wait for long."""
    if is_lost_race(error):
        return MOST_TRIES
    state = state_of(error)
    if state == READ_ONLY or (error.connection_invalidated and error.statement):
        return MOST_WAITS  # another server may be the primary now, or this one had ended the connection
    return MOST_WAITS if state in LONG_WAITS else 1
