"""Rates of requests by key, so that one client cannot fill the queue of all."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from workspace_operator.application.ports import StoredCredentials

MAX_KEYS: Final = 10_000
"""Keys whose rate is remembered, per process; the one that was used longest ago is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True, kw_only=True)
class KeyRates:
    """Token buckets by key, for one event loop: ``at_once`` requests, then ``per_second``."""

    per_second: float
    at_once: int
    monotonic: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[int, int], _Bucket] = field(default_factory=dict)

    def seconds_until_free(self, caller: StoredCredentials) -> float:
        """Count a request of a key; 0 if it is allowed, else the seconds until the next one is."""
        now, key = self.monotonic(), (caller.workspace_id, caller.number)
        bucket = self._buckets.pop(key, None) or _Bucket(tokens=self.at_once, at=now)
        self._buckets[key] = bucket  # moves it to the end: the oldest entry is evicted first
        if len(self._buckets) > MAX_KEYS:
            del self._buckets[next(iter(self._buckets))]
        bucket.tokens = min(self.at_once, bucket.tokens + (now - bucket.at) * self.per_second)
        bucket.at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self.per_second
        bucket.tokens -= 1
        return 0.0
