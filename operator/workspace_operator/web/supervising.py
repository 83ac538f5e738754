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

from workspace_operator.web.services import FOLDER_VARIABLE

logger = logging.getLogger(__name__)

Serve: TypeAlias = Callable[[threading.Event], None]
"""What a process does until told to stop."""

LOOK_SECONDS: Final = 0.2
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 10.0
"""A process that lived so long is started anew at once."""

END_SECONDS: Final = 27.0
"""For all to end; then they are killed."""

_FORK: Final = multiprocessing.get_context("fork")


@dataclass(slots=True, kw_only=True)
class _Place:
    """Where one of the processes runs, after a pause if the one before did not live long."""

    process: BaseProcess | None = None
    started: float = 0.0
    due: float = 0.0
    pause: float = 0.0


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
    gone: Callable[[int], None] = lambda _: None

    def run(self, stopping: threading.Event) -> None:
        """Start them, start anew what ends, and end all when told to stop."""
        held, letting_go = os.pipe()
        places = [_Place() for _ in range(self.processes)]
        try:
            while not stopping.is_set():
                for place in places:
                    self._look_after(place, lambda: self._child(stopping, held, letting_go))
                stopping.wait(LOOK_SECONDS)
        finally:
            for each in self.sockets:
                each.close()
            os.close(letting_go)
            os.close(held)
            _end([each.process for each in places if each.process is not None])

    def _look_after(self, place: _Place, work: Callable[[], None]) -> None:
        now, process = time.monotonic(), place.process
        if process is not None and process.exitcode is not None:
            place.process = None
            place.pause = _pause(place, now)
            place.due = now + place.pause
            logger.error("process %s ended with %s; another in %g s", process.pid, process.exitcode, place.pause)
            self.gone(process.pid or 0)
        if place.process is None and now >= place.due:
            place.process = _FORK.Process(target=work, name="api")
            place.process.start()
            place.started = now

    def _child(self, stopping: threading.Event, held: int, letting_go: int) -> None:
        os.close(letting_go)  # or it would hold its own pipe open
        threading.Thread(target=_stop_at_end, args=(held, stopping), daemon=True).start()
        self.serve(stopping)


@contextmanager
def shared_counts() -> Iterator[Callable[[int], None]]:
    """Have the processes that are started meanwhile count together; gives what forgets the gauges of one that ended."""
    with TemporaryDirectory(prefix="workspace-operator-counts-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - it looks for the folder now

        yield lambda pid: mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]


def _pause(place: _Place, now: float) -> float:
    if now - place.started > STEADY_SECONDS:
        return 0.0
    return min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, 2 * place.pause))


def _stop_at_end(held: int, stopping: threading.Event) -> None:
    os.read(held, 1)  # nothing is ever written: it returns when the last writing end is closed
    stopping.set()


def _end(processes: Sequence[BaseProcess]) -> None:
    deadline = time.monotonic() + END_SECONDS
    for each in processes:
        each.join(max(0.0, deadline - time.monotonic()))
    for each in processes:
        if each.exitcode is None:
            logger.error("process %s has not ended in %g s: it is killed", each.pid, END_SECONDS)
            each.kill()
            each.join()
