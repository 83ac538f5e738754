"""Delays for addresses that repeatedly send wrong keys; valid keys are never delayed."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

WINDOW_SECONDS: Final = 60.0
MAX_ADDRESSES: Final = 10_000
MAX_DELAYED: Final = 100
"""Maximum number of responses delayed at once, because each of them occupies a connection."""

_NETWORK_BYTES: Final = 8
"""IPv6 addresses count by their /64 network, since a client can use all addresses of it."""


@dataclass(slots=True)
class _Count:
    since: float
    failures: int = 0


@dataclass(slots=True, kw_only=True)
class AuthThrottle:
    """Counts wrong keys by address and delays responses over the allowance; for one event loop.

    An address may send ``allowance`` wrong keys in a minute; ``seconds`` is the delay of each further response.
    """

    allowance: int
    seconds: float
    monotonic: Callable[[], float] = time.monotonic
    _counts: dict[str, _Count] = field(default_factory=dict)
    _delayed: int = 0

    async def delay(self, address: str) -> bool:
        """Count a wrong key and wait; False if the caller should close the connection instead."""
        if self._count_failure(_network(address)) <= self.allowance:
            return True
        if self._delayed >= MAX_DELAYED:
            return False
        self._delayed += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self._delayed -= 1
        return True

    def _count_failure(self, network: str) -> int:
        now = self.monotonic()
        count = self._counts.pop(network, None)
        if count is None or now - count.since > WINDOW_SECONDS:
            count = _Count(since=now)
        count.failures += 1
        self._counts[network] = count  # moves it to the end: the oldest entry is evicted first
        if len(self._counts) > MAX_ADDRESSES:
            del self._counts[next(iter(self._counts))]
        return count.failures


def _network(address: str) -> str:
    if ":" not in address:
        return address
    try:
        return ip_address(address.partition("%")[0]).packed[:_NETWORK_BYTES].hex()
    except ValueError:
        return address
