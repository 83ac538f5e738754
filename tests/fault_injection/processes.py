"""The processes of a run as the test sees them: it starts, pauses, continues and kills them."""

import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.fault_injection.faults.breakpoints import Breakpoint

# A server that has imported everything and forks, so that real processes start at once.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["tests.fault_injection.faults.worker_process", "tests.fault_injection.workload.writer_process"]
)

NOWHERE = Breakpoint(method="nothing")

EXIT_TIMEOUT = 60
"""Seconds."""

ROOT = Path(__file__).parents[2]


def be_ready(set_variable: Callable[[str, str], object]) -> None:
    """Start the fork server; its processes run the sources of this checkout.

    Args:
        set_variable: sets a variable of the environment by name.
    """
    set_variable("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "operator")]))
    forkserver.ensure_running()


@dataclass(slots=True)
class Process:
    """A process and its messages so far.

    Attributes:
        stopped: whether it waits at its breakpoint.
    """

    connection: Connection
    process: Any
    messages: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False
    point: Breakpoint | None = None

    @classmethod
    def start(cls, run: Callable[[Any, Connection], None], part: Any) -> "Process":
        """Start a process that calls ``run`` with its arguments and the connection to its parent."""
        ours, theirs = _context.Pipe()
        process = _context.Process(target=run, args=(part, theirs), daemon=True)
        process.start()
        theirs.close()
        return cls(ours, process, point=part.point)

    def set_breakpoint(self, point: Breakpoint) -> None:
        """Set its breakpoint."""
        if point is not self.point:
            self.send(point)
            self.point = point

    def send(self, message: str | Breakpoint) -> None:
        """Send a message; a process that has ended has logged why."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)

    def release(self) -> None:
        """Let it continue if it has stopped."""
        if self.stopped:
            self.stopped = False
            self.send("continue")

    def received(self, word: str, *, within: float) -> bool:
        """Wait for a message; keep all others."""
        limit = time.monotonic() + within
        while (left := limit - time.monotonic()) > 0 or self.connection.poll():
            if self._read_line(max(left, 0)) == word:
                return True
        return False

    def kill(self) -> None:
        """Send SIGKILL, and read its last messages."""
        self.process.kill()
        self.process.join(EXIT_TIMEOUT)
        while self._read_line(0) is not None:
            pass
        self.connection.close()

    def end(self) -> None:
        """Stop it gracefully."""
        self.send("stop")
        self.process.join(EXIT_TIMEOUT)
        assert self.process.exitcode == 0, f"a process ended with {self.process.exitcode}"
        self.connection.close()

    def _read_line(self, timeout: float) -> str | None:
        try:
            if not self.connection.poll(timeout):
                return None
            word, text = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None
        if word == "stopped":
            self.stopped = True
        else:
            self.messages.append((word, text))
        return str(word)
