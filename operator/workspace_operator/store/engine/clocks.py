"""The database's clock, for all times that processes of several machines compare: leases, due times, validity.

Nobody keeps the clocks of all machines together, and one that is an hour late must not make a lease an hour longer.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from workspace_operator.errors import StoreUnavailable
from workspace_operator.store.engine.databases import Database

SYNC_INTERVAL: Final = 30.0
"""Seconds after which the database is asked again; in between this machine's monotonic clock counts on."""

RETRY_INTERVAL: Final = 5.0
"""Seconds after which a database is asked again that did not answer."""

_NOW: Final = sa.text("SELECT clock_timestamp()")


def utc_now() -> datetime:
    """This machine's time; what machines compare goes by the database's, `DatabaseClock`."""
    return datetime.now(UTC)


@dataclass(slots=True)
class DatabaseClock:
    """The time in UTC, by the clock of the database's machine; a SQLite file is of this machine.

    While a database does not answer, the time counts on from its last answer; before the first it is this machine's.

    Attributes:
        local: this machine's time.
        monotonic: seconds that only grow.
    """

    database: Database
    local: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    _sync_lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _offset: timedelta | None = field(default=None, init=False)
    """What must be added to the monotonic clock, taken as seconds since 1970."""
    _next_sync: float = field(default=0.0, init=False)

    def __call__(self) -> datetime:
        """The time now."""
        if self.database.is_sqlite:
            return self.local()
        if self._offset is None or self.monotonic() >= self._next_sync:
            self._synchronize()
        if self._offset is None:
            return self.local()
        return _from_epoch(self.monotonic()) + self._offset

    def cached_timestamp(self) -> float:
        """Unix seconds as far as is known without asking the database, which a transaction must not wait for."""
        if self._offset is None:
            return self.local().timestamp()
        return (_from_epoch(self.monotonic()) + self._offset).timestamp()

    def timestamp(self) -> float:
        """The time now, in Unix seconds."""
        return self().timestamp()

    def _synchronize(self) -> None:
        """Measure; whoever comes meanwhile goes on with what is known, if anything is."""
        if not self._sync_lock.acquire(blocking=self._offset is None):
            return
        try:
            if self.monotonic() < self._next_sync:
                return  # another thread has just asked
            with self.database.reading() as connection:
                connection.execute(_NOW)  # the first statement may have to connect
                began = self.monotonic()
                result: datetime = connection.execute(_NOW).scalar_one()
                half_way = (began + self.monotonic()) / 2
            self._offset = result.astimezone(UTC) - _from_epoch(half_way)
            self._next_sync = self.monotonic() + SYNC_INTERVAL
        except StoreUnavailable:
            self._next_sync = self.monotonic() + RETRY_INTERVAL
        finally:
            self._sync_lock.release()


def _from_epoch(seconds: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
