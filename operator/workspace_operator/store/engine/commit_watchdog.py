"""A timeout for commits, which PostgreSQL itself does not limit.

If a synchronous standby is unavailable, COMMIT waits forever: neither lock_timeout nor statement_timeout applies to it
(https://www.postgresql.org/docs/current/warm-standby.html, 26.2.8). After a timeout the outcome is unknown: the primary
has the commit, and loses it if the primary itself is lost.
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
"""Seconds until a commit is cancelled."""

CANCEL_SECONDS = 1
"""Seconds to try to cancel."""

DISCONNECT_AFTER = 5
"""Seconds that the server has to react to the cancellation before the connection is shut down."""

CHECK_INTERVAL = 0.5
"""Seconds between two checks of the pending commits."""


@dataclass(slots=True)
class Commit:
    """A commit that the server has not confirmed yet."""

    driver: Any
    deadline: float
    is_cancelled: bool = False
    is_disconnecting: bool = False

    def cancel(self) -> None:
        """Cancel the commit; on the second call, shut down the connection."""
        if self.is_disconnecting:
            _disconnect(self.driver)
        else:
            self.driver.cancel_safe(timeout=CANCEL_SECONDS)


@dataclass(slots=True)
class CommitWatchdog:
    """Watches the commits of one process, in a thread that starts with the first commit."""

    _pending: dict[int, Commit] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)
    _pid: int = 0

    @contextmanager
    def watch(self, connection: sa.Connection, *, seconds: float) -> Iterator[Commit]:
        """Watch the statement in the block; ``is_cancelled`` then says whether it timed out."""
        commit = Commit(driver=connection.connection.dbapi_connection, deadline=time.monotonic() + seconds)
        with self._lock:
            self._pending[id(commit)] = commit
            if self._pid != os.getpid():  # no thread yet, or the process was forked
                self._start()
        try:
            yield commit
        finally:
            with self._lock:
                del self._pending[id(commit)]
            if commit.is_cancelled and not connection.invalidated:
                connection.invalidate()  # a late cancellation must not hit the next statement

    def close(self) -> None:
        """Stop the thread; the next watched commit starts another one."""
        with self._lock:
            self._closing.set()
            self._pid = 0

    def _start(self) -> None:
        self._pid, self._closing = os.getpid(), threading.Event()
        threading.Thread(target=self._run, args=(self._closing,), name="commit-watch", daemon=True).start()

    def _run(self, closing: threading.Event) -> None:
        while not closing.wait(CHECK_INTERVAL):
            for commit in self._due(time.monotonic()):
                with suppress(Exception):  # after any error, the next step shuts down the connection
                    commit.cancel()

    def _due(self, now: float) -> Sequence[Commit]:
        with self._lock:
            due = [commit for commit in self._pending.values() if commit.deadline <= now]
            for commit in due:
                commit.deadline = now + DISCONNECT_AFTER
                commit.is_disconnecting, commit.is_cancelled = commit.is_cancelled, True
        return due


def _disconnect(driver: Any) -> None:
    """Shut down the socket, so that the waiting thread gets an error."""
    with socket.socket(fileno=os.dup(driver.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)
