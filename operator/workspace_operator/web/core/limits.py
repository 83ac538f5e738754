"""Limits on the resources that clients can use."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

MAX_BUCKETS: Final = 10_000
"""Clients whose rate is remembered, per process; the one that was seen longest ago is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds.

    Attributes:
        path: size of the path with its query.
        headers: total size of the header names and values.
        header_count: number of headers.
        header_seconds: time from the start of a connection or request to the end of its headers.
        body_seconds: time from the headers to the end of the body.
        idle_seconds: time between two requests of a connection.
        write_seconds: time for a client to receive a chunk of the response.
        connections: open connections per process.
        body_budget: total size of all bodies that a process reads at once.
        wrong_keys: wrong keys per address and minute before further responses to them are delayed.
        wrong_key_seconds: that delay.
        sends_per_second: messages that a key may send per second to one process, after ``sends_at_once``.
        sends_at_once: messages that a key may send at once.
    """

    path: int = 8_000
    headers: int = 16_000
    header_count: int = 100
    header_seconds: float = 10.0
    body_seconds: float = 20.0
    idle_seconds: float = 75.0
    write_seconds: float = 20.0
    connections: int = 1_000
    body_budget: int = 32_000_000
    wrong_keys: int = 20
    wrong_key_seconds: float = 0.5
    sends_per_second: float = 1_000.0
    sends_at_once: int = 2_000


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
