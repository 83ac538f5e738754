"""Several processes that serve from the same sockets, and the one that looks after them.

They are forked before anything has threads. Each ends in good order when its parent does, however that came about:
it holds the reading end of a pipe that only the parent can write to.
"""

import logging
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from workspace_operator.web.core.dependencies import MULTIPROCESS_DIR_VARIABLE

logger = logging.getLogger(__name__)

Serve: TypeAlias = Callable[[threading.Event], None]
"""What a process does until told to stop."""

POLL_SECONDS: Final = 0.2
INITIAL_BACKOFF_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 30.0
STABLE_SECONDS: Final = 10.0
"""A process that lived so long is started anew at once."""

SHUTDOWN_SECONDS: Final = 27.0
"""For all to end; then they are killed."""

_FORK: Final = multiprocessing.get_context("fork")


@dataclass(slots=True, kw_only=True)
class _Slot:
    """Where one of the processes runs, after a pause if the one before did not live long."""

    process: BaseProcess | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    backoff: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """Keeps a number of processes running.

    Args:
        serve: what each of them does, with the event that the parent's signals set.
        processes: how many.
        sockets: what they serve from; closed here as soon as they are to end, so that no connection waits for nobody.
        gone: told the number of a process that ended.
    """

    serve: Serve
    processes: int
    sockets: Sequence[socket.socket] = ()
    on_exit: Callable[[int], None] = lambda _: None

    def run(self, stopping: threading.Event) -> None:
        """Start them, start anew what ends, and end all when told to stop."""
        read_end, write_end = os.pipe()
        process_slots = [_Slot() for _ in range(self.processes)]
        try:
            while not stopping.is_set():
                for slot in process_slots:
                    self._ensure_running(slot, lambda: self._run_child(stopping, read_end, write_end))
                stopping.wait(POLL_SECONDS)
        finally:
            for each in self.sockets:
                each.close()
            os.close(write_end)
            os.close(read_end)
            _join_or_kill([each.process for each in process_slots if each.process is not None])

    def _ensure_running(self, slot: _Slot, work: Callable[[], None]) -> None:
        now, process = time.monotonic(), slot.process
        if process is not None and process.exitcode is not None:
            slot.process = None
            slot.backoff = _backoff(slot, now)
            slot.restart_at = now + slot.backoff
            logger.error("process %s ended with %s; another in %g s", process.pid, process.exitcode, slot.backoff)
            self.on_exit(process.pid or 0)
        if slot.process is None and now >= slot.restart_at:
            slot.process = _FORK.Process(target=work, name="api")
            slot.process.start()
            slot.started_at = now

    def _run_child(self, stopping: threading.Event, read_end: int, write_end: int) -> None:
        os.close(write_end)  # or it would hold its own pipe open
        threading.Thread(target=_stop_when_parent_exits, args=(read_end, stopping), daemon=True).start()
        self.serve(stopping)


@contextmanager
def multiprocess_metrics() -> Iterator[Callable[[int], None]]:
    """Have the processes that are started meanwhile count together; gives what forgets the gauges of one that ended."""
    with TemporaryDirectory(prefix="workspace-operator-counts-") as directory:
        os.environ[MULTIPROCESS_DIR_VARIABLE] = directory
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - it looks for the folder now

        yield lambda pid: mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]


def _backoff(slot: _Slot, now: float) -> float:
    if now - slot.started_at > STABLE_SECONDS:
        return 0.0
    return min(MAX_BACKOFF_SECONDS, max(INITIAL_BACKOFF_SECONDS, 2 * slot.backoff))


def _stop_when_parent_exits(read_end: int, stopping: threading.Event) -> None:
    os.read(read_end, 1)  # nothing is ever written: it returns when the last writing end is closed
    stopping.set()


def _join_or_kill(processes: Sequence[BaseProcess]) -> None:
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    for each in processes:
        each.join(max(0.0, deadline - time.monotonic()))
    for each in processes:
        if each.exitcode is None:
            logger.error("process %s has not ended in %g s: it is killed", each.pid, SHUTDOWN_SECONDS)
            each.kill()
            each.join()
