"""Tells a waiting person what happens: one living line on a terminal; in a log a line for each step and every 20 s."""

import time
from typing import TextIO

EVERY_SECONDS = 20


class Progress:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._last_shown = 0.0
        self._step = ""

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def report(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def show(self, step: str, state: str) -> None:
        """The step that is under way, and where it stands; may be called as often as one likes."""
        line = f"  {self.elapsed:4.0f} s  {step}, {state}"
        if self._stream.isatty():
            print(f"\r\033[K{line}", end="", file=self._stream, flush=True)
        elif step != self._step or self.elapsed - self._last_shown >= EVERY_SECONDS:
            self._last_shown = self.elapsed
            self.report(line)
        self._step = step

    def clear(self) -> None:
        """Take the living line away."""
        if self._stream.isatty():
            print("\r\033[K", end="", file=self._stream, flush=True)
