"""Making cio_ids: never twice, and in the order in which people were made."""

import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime

_SEQUENCE_BITS = 12
_NODE_BITS = 36


class CioIDGenerator:
    """Makes 24 hexadecimal digits each: 12 of milliseconds, 3 of a sequence, 9 that only this maker has.

    Ones that are made later by the same maker sort after earlier ones, whatever the clock does; ties of age go by
    that order (identity-rules §1). Sorted keys also keep inserts at one end of the index.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._node = f"{secrets.randbits(_NODE_BITS):09x}"
        self._last = 0

    def __call__(self) -> str:
        """Make one."""
        now = int(self._clock() * 1000) << _SEQUENCE_BITS
        with self._lock:
            # A full sequence runs over into the milliseconds, ahead of the clock for a moment.
            self._last = now if now > self._last else self._last + 1
            return f"{self._last:015x}{self._node}"


def first_id_at(at: datetime) -> str:
    """A text before every one that is made from then on, and after every one that was made a millisecond earlier."""
    return f"{int(at.timestamp() * 1000):012x}"
