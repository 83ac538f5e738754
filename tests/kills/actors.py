"""The processes of a run, as the test sees them: started, stopped at a place, told to go on, killed."""

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

from tests.kills.stopping import Place

# A server that has loaded everything, and forks: each process is one of the system's own, and there at once.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.kills.working", "tests.kills.writing"])

NOWHERE = Place(method="nothing")

LONGEST_END = 60
"""Seconds."""

ROOT = Path(__file__).parents[2]


def be_ready(set_variable: Callable[[str, str], object]) -> None:
    """Start what forks; its processes run the sources of this very checkout.

    Args:
        set_variable: sets a variable of the environment by name.
    """
    set_variable("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "operator")]))
    forkserver.ensure_running()


@dataclass(slots=True)
class Actor:
    """A process, and what it has said so far besides that it stopped.

    Attributes:
        stopped: it waits at the place that it was told of last.
    """

    connection: Connection
    process: Any
    said: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False
    place: Place | None = None

    @classmethod
    def start(cls, run: Callable[[Any, Connection], None], part: Any) -> "Actor":
        """Start it; ``run`` is called there with the part and the way to its parent."""
        ours, theirs = _context.Pipe()
        process = _context.Process(target=run, args=(part, theirs), daemon=True)
        process.start()
        theirs.close()
        return cls(ours, process, place=part.place)

    def aim(self, place: Place) -> None:
        """Have it stop there."""
        if place is not self.place:
            self.tell(place)
            self.place = place

    def tell(self, said: str | Place) -> None:
        """Tell it something; one that has ended has said why in its log."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(said)

    def release(self) -> None:
        """Let it go on if it has stopped."""
        if self.stopped:
            self.stopped = False
            self.tell("go on")

    def hears(self, word: str, *, within: float) -> bool:
        """Wait until it says a word; whatever else it says is kept."""
        limit = time.monotonic() + within
        while (left := limit - time.monotonic()) > 0 or self.connection.poll():
            if self._take(max(left, 0)) == word:
                return True
        return False

    def kill(self) -> None:
        """SIGKILL, and read what it said before."""
        self.process.kill()
        self.process.join(LONGEST_END)
        while self._take(0) is not None:
            pass
        self.connection.close()

    def end(self) -> None:
        """Let it end by itself."""
        self.tell("stop")
        self.process.join(LONGEST_END)
        assert self.process.exitcode == 0, f"a process ended with {self.process.exitcode}"
        self.connection.close()

    def _take(self, timeout: float) -> str | None:
        try:
            if not self.connection.poll(timeout):
                return None
            word, text = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None
        if word == "stopped":
            self.stopped = True
        else:
            self.said.append((word, text))
        return str(word)
