"""Pauses of a transport after failures: longer each time, until a server answers to a message again."""

import random
from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 1.0
MAX_SECONDS: Final = 300.0
MAX_DOUBLINGS: Final = 16
MAX_BROKEN: Final = 5
"""Connections that end one after the other before the server took a message, and then the transport is paused."""


class Pause:
    """Whether a transport is used. Not locked: the owner does that.

    Attributes:
        failures: number of failures since the last success.
    """

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float] = random.random) -> None:
        self._clock, self._jitter, self._until = clock, jitter, 0.0
        self.failures = self._broken = 0

    def fail(self) -> float:
        """Count a failure, and pause; returns the seconds, half of them at random."""
        seconds = min(FIRST_SECONDS * 2.0 ** min(self.failures, MAX_DOUBLINGS), MAX_SECONDS)
        self.failures, self._broken = self.failures + 1, 0
        seconds *= 0.5 + 0.5 * self._jitter()
        self._until = self._clock() + seconds
        return seconds

    def succeed(self) -> None:
        """The server answered to a message."""
        self.failures, self._broken, self._until = 0, 0, 0.0

    def connection_broke(self) -> bool:
        """Count a connection that broke; whether it was one too many."""
        self._broken += 1
        return self._broken >= MAX_BROKEN

    def remaining(self) -> float:
        """Seconds until the transport may be tried again; 0 if it is not paused."""
        return max(0.0, self._until - self._clock())
