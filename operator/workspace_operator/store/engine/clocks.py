"""The database's clock, for times that machines compare: leases, due times, validity.

The clocks of different machines can differ. A clock that is an hour late must not extend a lease by an hour.
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
"""Seconds between two queries of the database's clock. In between, the local monotonic clock advances the time."""

RETRY_INTERVAL: Final = 5.0
"""Seconds until the next query after the database did not answer."""

TOLERANCE: Final = timedelta(seconds=1)
"""How far a time may be from the database's where a deadline is computed from it."""

_BOOT_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_NOW: Final = sa.text("SELECT clock_timestamp()")


def utc_now() -> datetime:
    """This machine's time. Use `DatabaseClock` for times that several machines compare."""
    return datetime.now(UTC)


def _seconds_since_boot() -> float:
    return time.clock_gettime(_BOOT_CLOCK)


class WrongTime(Exception):
    """A time that was read before a transaction is not the database's: its clock was set meanwhile."""


@dataclass(slots=True)
class TimeCheck:
    """Compares a time, which has just been read, with later answers of the database's clock."""

    now: datetime
    monotonic: Callable[[], float] = _seconds_since_boot
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        """Note when the time was read."""
        self._began = self.monotonic()

    def passed(self) -> timedelta:
        """The time since then."""
        return timedelta(seconds=self.monotonic() - self._began)

    def compare(self, answer: datetime, *, asked_after: timedelta) -> None:
        """Compare with an answer of the database, which it gave between ``asked_after`` and now. Raises WrongTime."""
        earliest, latest = self.now + asked_after - TOLERANCE, self.now + self.passed() + TOLERANCE
        if not earliest <= answer <= latest:
            raise WrongTime


@dataclass(slots=True)
class DatabaseClock:
    """The time in UTC by the clock of the database server; for SQLite, the local clock.

    While the database does not answer, the time advances from its last answer; before the first answer, it is local.

    Attributes:
        local: this machine's time.
        monotonic: seconds that never decrease, and go on while the machine sleeps. A clock that is late after that
            would give attempts deadlines that have passed, which the barrier does not wait for.
    """

    database: Database
    local: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = _seconds_since_boot
    _sync_lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _offset: timedelta | None = field(default=None, init=False)
    """Added to the monotonic clock, read as seconds since 1970; None before the first answer."""
    _next_sync: float = field(default=0.0, init=False)

    def __call__(self) -> datetime:
        """The time now."""
        if self.database.is_sqlite:
            return self.local()
        if self._offset is None or self.monotonic() >= self._next_sync:
            self._synchronize()
        return self._cached()

    def synchronize(self) -> None:
        """Ask the database again at the next reading, since its clock was set."""
        self._next_sync = 0.0

    def cached_timestamp(self) -> float:
        """The time in Unix seconds without a query, for use inside transactions."""
        if self._offset is None:
            return self.local().timestamp()
        return self.monotonic() + self._offset.total_seconds()

    def timestamp(self) -> float:
        """The time now, in Unix seconds."""
        return self().timestamp()

    def _cached(self) -> datetime:
        return self.local() if self._offset is None else _from_epoch(self.monotonic()) + self._offset

    def _synchronize(self) -> None:
        """Measure the offset. Concurrent callers keep the known offset, or wait if there is none."""
        if not self._sync_lock.acquire(blocking=self._offset is None):
            return
        try:
            if self.monotonic() < self._next_sync:
                return  # another thread has just measured
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
