"""Generator of cio_ids, which are unique and sort in the order of their creation."""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

_SEQUENCE_BITS = 12
_NODE_BITS = 36


class CioIDGenerator:
    """Generates 24 hexadecimal digits: 12 of milliseconds, 3 of a sequence, 9 of this object.

    Later ids of the same generator sort after earlier ones, even if the clock goes back; that order breaks ties of age
    (identity-rules §1). Sorted keys also keep inserts at one end of the index.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._node = f"{secrets.randbits(_NODE_BITS):09x}"
        self._last = 0

    def __call__(self) -> str:
        """Generate an id."""
        return f"{self._reserve(1):015x}{self._node}"

    def batch(self, count: int) -> Sequence[str]:
        """Generate ids in ascending order, each in a third of the time of a call."""
        first, node = self._reserve(count), self._node
        return [f"{number:015x}{node}" for number in range(first, first + count)]

    def _reserve(self, count: int) -> int:
        """The first of ``count`` consecutive numbers, of milliseconds and sequence."""
        now = int(self._clock() * 1000) << _SEQUENCE_BITS
        with self._lock:
            # A full sequence overflows into the milliseconds, briefly ahead of the clock.
            first = now if now > self._last else self._last + 1
            self._last = first + count - 1
            return first


def first_id_at(at: datetime) -> str:
    """A text that sorts before all ids from this time on, and after all earlier ones."""
    return f"{int(at.timestamp() * 1000):012x}"
