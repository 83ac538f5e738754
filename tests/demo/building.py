"""Building the control plane in the background, while the walk-through shows what needs none."""

import io
import sys
import threading
from typing import TextIO, cast

from tests.controlplane.launcher import Programs
from tests.go_programs.failures import BuildFailed, BuildUnavailable


class BackgroundBuild:
    """A build whose report is kept until somebody waits for it."""

    def __init__(self) -> None:
        self._report = BufferedOutput(sys.stdout)
        self._programs: Programs | None = None
        self._failure: Exception | None = None
        # Not a daemon: an interrupted build ends its compiler by itself.
        self._thread = threading.Thread(target=self._build, name="control plane build")
        self._thread.start()

    def wait(self) -> Programs:
        """The programs, with the build's report from now on. BuildUnavailable where there can be none."""
        self._report.flush_held()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        assert self._programs is not None
        return self._programs

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to wait for."""
        return not self._thread.is_alive()

    def _build(self) -> None:
        try:
            self._programs = Programs.ready(cast("TextIO", self._report))
        except (BuildUnavailable, BuildFailed) as failure:
            self._failure = failure


class BufferedOutput(io.TextIOBase):
    """Text that waits for its turn: what a build reports would tear the walk-through apart."""

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._held: list[str] | None = []

    def write(self, text: str) -> int:
        """Keep or pass on."""
        with self._lock:
            if self._held is None:
                self._target.write(text)
                self._target.flush()
            else:
                self._held.append(text)
        return len(text)

    def isatty(self) -> bool:
        """Living lines are for when they can be seen to live."""
        return self._held is None and self._target.isatty()

    def flush_held(self) -> None:
        """Pass on what was kept, and everything from now on."""
        with self._lock:
            if self._held is not None:
                self._target.write("".join(self._held))
                self._target.flush()
            self._held = None
