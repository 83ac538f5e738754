"""Pre-fork server: several processes serve the same sockets, and a supervisor restarts them.

The supervisor forks before it has threads. A child shuts down gracefully when its parent exits for any reason: it holds
the read end of a pipe whose write end only the parent has.
"""

import logging
import multiprocessing
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

logger = logging.getLogger(__name__)

MULTIPROCESS_DIR_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the directory of shared metrics; prometheus_client reads it at its first import."""

Serve: TypeAlias = Callable[[threading.Event], None]
"""Serves until the event is set."""

POLL_SECONDS: Final = 0.2
INITIAL_BACKOFF_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 30.0
STABLE_SECONDS: Final = 10.0
"""Lifetime in seconds after which a process is restarted without a delay."""

SHUTDOWN_SECONDS: Final = 27.0
"""Time in seconds for all processes to exit; then they are killed."""

_FORK: Final = multiprocessing.get_context("fork")


@dataclass(slots=True, kw_only=True)
class _Slot:
    """One of the processes and its restart backoff."""

    process: BaseProcess | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    backoff: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """Keeps a number of processes running.

    Args:
        serve: the work of each process; its argument is the event that the parent's signals set.
        sockets: listening sockets; closed here at shutdown, so that no connection waits for a process that has ended.
        on_exit: called with the PID of a process that exited.
    """

    serve: Serve
    processes: int
    sockets: Sequence[socket.socket] = ()
    on_exit: Callable[[int], None] = lambda _: None

    def run(self, stopping: threading.Event) -> None:
        """Start the processes, restart those that exit, and stop all when ``stopping`` is set."""
        read_end, write_end = os.pipe()
        process_slots = [_Slot() for _ in range(self.processes)]
        try:
            while not stopping.is_set():
                for slot in process_slots:
                    self._ensure_running(slot, lambda: self._run_child(stopping, read_end, write_end))
                stopping.wait(POLL_SECONDS)
        finally:
            for sock in self.sockets:
                sock.close()
            os.close(write_end)
            os.close(read_end)
            _join_or_kill([slot.process for slot in process_slots if slot.process is not None])

    def _ensure_running(self, slot: _Slot, work: Callable[[], None]) -> None:
        now, process = time.monotonic(), slot.process
        if process is not None and process.exitcode is not None:
            slot.process = None
            slot.backoff = _backoff(slot, now)
            slot.restart_at = now + slot.backoff
            logger.error("process %s exited with %s; restart in %g s", process.pid, process.exitcode, slot.backoff)
            self.on_exit(process.pid or 0)
        if slot.process is None and now >= slot.restart_at:
            slot.process = _FORK.Process(target=work, name="api")
            slot.process.start()
            slot.started_at = now

    def _run_child(self, stopping: threading.Event, read_end: int, write_end: int) -> None:
        os.close(write_end)  # an open write end in the child would keep the pipe open
        threading.Thread(target=_stop_when_parent_exits, args=(read_end, stopping), daemon=True).start()
        try:
            self.serve(stopping)
        except Exception:
            logger.exception("the process failed")  # multiprocessing would print a traceback beside the log
            sys.exit(1)


@contextmanager
def multiprocess_metrics() -> Iterator[Callable[[int], None]]:
    """Share metrics between the processes; yields a callback that drops a dead one's gauges."""
    with TemporaryDirectory(prefix="workspace-operator-counts-") as directory:
        os.environ[MULTIPROCESS_DIR_VARIABLE] = directory
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - reads the variable at import

        yield lambda pid: mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]


def _backoff(slot: _Slot, now: float) -> float:
    if now - slot.started_at > STABLE_SECONDS:
        return 0.0
    return min(MAX_BACKOFF_SECONDS, max(INITIAL_BACKOFF_SECONDS, 2 * slot.backoff))


def _stop_when_parent_exits(read_end: int, stopping: threading.Event) -> None:
    os.read(read_end, 1)  # returns when the last write end is closed, since nothing is ever written
    stopping.set()


def _join_or_kill(processes: Sequence[BaseProcess]) -> None:
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    for process in processes:
        if process.exitcode is None:
            logger.error("process %s did not exit within %g s: killing it", process.pid, SHUTDOWN_SECONDS)
            process.kill()
            process.join()
