"""Tells a waiting person what happens: one living line on a terminal, a line every 20 seconds in a log."""

import time
from typing import TextIO

EVERY_SECONDS = 20


class Progress:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._last_shown = 0.0

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def show(self, state: str) -> None:
        """Where things stand; may be called as often as one likes."""
        line = f"  {self.elapsed:4.0f} s  {state}"
        if self._stream.isatty():
            print(f"\r\033[K{line}", end="", file=self._stream, flush=True)
        elif self.elapsed - self._last_shown >= EVERY_SECONDS:
            self._last_shown = self.elapsed
            self.say(line)

    def clear(self) -> None:
        """Take the living line away."""
        if self._stream.isatty():
            print("\r\033[K", end="", file=self._stream, flush=True)
