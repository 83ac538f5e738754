"""A watch over commits: one that is not confirmed in time is given up, since nothing in the server bounds it.

A synchronous standby that is away makes PostgreSQL wait without end in COMMIT, where neither lock_timeout nor
statement_timeout count (https://www.postgresql.org/docs/current/warm-standby.html, 26.2.8). Whoever waits is told that
the outcome is not known: the commit is there on the primary, and may be lost if it is.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

COMMIT_SECONDS = 10
"""How long a commit may take; then it is cancelled."""

CANCEL_SECONDS = 1
"""How long to try to cancel."""

DISCONNECT_AFTER = 5
"""How long the server may take to react; then the connection is cut."""

CHECK_INTERVAL = 0.5
"""Seconds between two looks at the commits under way."""


@dataclass(slots=True)
class Commit:
    """A write that waits to be confirmed."""

    driver: Any
    deadline: float
    is_cancelled: bool = False
    is_disconnecting: bool = False

    def cancel(self) -> None:
        """Cancel it; the second time cut the connection, for the server does not react."""
        if self.is_disconnecting:
            _disconnect(self.driver)
        else:
            self.driver.cancel_safe(timeout=CANCEL_SECONDS)


@dataclass(slots=True)
class CommitWatchdog:
    """Watches the commits of one process. The thread that does starts with the first commit that is watched."""

    _pending: dict[int, Commit] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)
    _pid: int = 0

    @contextmanager
    def watch(self, connection: sa.Connection, *, seconds: float) -> Iterator[Commit]:
        """Watch what the connection does; afterwards ``is_cancelled`` tells whether it was given up."""
        commit = Commit(driver=connection.connection.dbapi_connection, deadline=time.monotonic() + seconds)
        with self._lock:
            self._pending[id(commit)] = commit
            if self._pid != os.getpid():  # not started yet, or not in this process, which was forked
                self._start()
        try:
            yield commit
        finally:
            with self._lock:
                del self._pending[id(commit)]
            if commit.is_cancelled and not connection.invalidated:
                connection.invalidate()  # the cancellation may still be under way, and must not meet what comes next

    def close(self) -> None:
        """End the thread; what is watched afterwards starts another one."""
        with self._lock:
            self._closing.set()
            self._pid = 0

    def _start(self) -> None:
        self._pid, self._closing = os.getpid(), threading.Event()
        threading.Thread(target=self._run, args=(self._closing,), name="commit-watch", daemon=True).start()

    def _run(self, closing: threading.Event) -> None:
        while not closing.wait(CHECK_INTERVAL):
            for commit in self._due(time.monotonic()):
                with suppress(Exception):  # whatever it is, the connection is cut next
                    commit.cancel()

    def _due(self, now: float) -> Sequence[Commit]:
        with self._lock:
            due = [each for each in self._pending.values() if each.deadline <= now]
            for each in due:
                each.deadline = now + DISCONNECT_AFTER
                each.is_disconnecting, each.is_cancelled = each.is_cancelled, True
        return due


def _disconnect(driver: Any) -> None:
    """Have the thread that waits see the end of its connection."""
    with socket.socket(fileno=os.dup(driver.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)
