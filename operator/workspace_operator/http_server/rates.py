"""Rates of clients: a burst, then a number of requests per second."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

MAX_BUCKETS: Final = 10_000
"""Clients whose rate is remembered, per process; the one that was seen longest ago is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True, kw_only=True)
class Rates:
    """Token buckets by client, for one event loop: ``at_once`` requests, then ``per_second``."""

    per_second: float
    at_once: int
    monotonic: Callable[[], float] = time.monotonic
    _buckets: dict[Hashable, _Bucket] = field(default_factory=dict)

    def seconds_until_free(self, client: Hashable) -> float:
        """Count a request of a client; 0 if it is allowed, else the seconds until the next one is."""
        now = self.monotonic()
        bucket = self._buckets.pop(client, None) or _Bucket(tokens=self.at_once, at=now)
        self._buckets[client] = bucket  # moves it to the end: the oldest entry is evicted first
        if len(self._buckets) > MAX_BUCKETS:
            del self._buckets[next(iter(self._buckets))]
        bucket.tokens = min(self.at_once, bucket.tokens + (now - bucket.at) * self.per_second)
        bucket.at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self.per_second
        bucket.tokens -= 1
        return 0.0
