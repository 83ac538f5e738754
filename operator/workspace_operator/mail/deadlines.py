"""Deadlines of hand-overs, by a clock that goes on while the system sleeps and that nobody sets."""

import time
from typing import Final

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
TIME_OVER: Final = "the deadline passed"


def clock() -> float:
    """Seconds since an arbitrary moment."""
    return time.clock_gettime(_CLOCK)


class DeadlinePassed(Exception):
    """The time is over: nothing more may be sent."""

    def __init__(self) -> None:
        super().__init__(TIME_OVER)


class Deadline:
    """A moment after which nothing is sent."""

    __slots__ = ("at",)

    def __init__(self, at: float) -> None:
        self.at = at

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline in so many seconds."""
        return cls(clock() + seconds)

    def remaining(self) -> float:
        """Seconds until the deadline. Raises DeadlinePassed."""
        seconds = self.at - clock()
        if seconds <= 0:
            raise DeadlinePassed
        return seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, 0 after it."""
        return max(0.0, self.at - clock())

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return clock() >= self.at

    def within(self, seconds: float) -> "Deadline":
        """This deadline, or in so many seconds, whichever is first."""
        return Deadline(min(self.at, clock() + seconds))
