"""Slowing down addresses that keep sending wrong keys. Right keys are never slowed down, whatever address they use."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

WINDOW_SECONDS: Final = 60.0
MAX_ADDRESSES: Final = 10_000
MAX_DELAYED: Final = 100
"""So many answers are held back at once: each holds a connection, which somebody else may need."""

_NETWORK_BYTES: Final = 8
"""Whoever has an IPv6 address has the network of the first half of it."""


@dataclass(slots=True)
class _Count:
    since: float
    failures: int = 0


@dataclass(slots=True, kw_only=True)
class AuthThrottle:
    """Counts wrong keys by address, and holds back the answers to those that sent many. On one event loop.

    Args:
        free: how many an address may send in a minute before it is slowed down.
        seconds: how long each further answer is held back.
        monotonic: seconds.
    """

    allowance: int
    seconds: float
    monotonic: Callable[[], float] = time.monotonic
    _counts: dict[str, _Count] = field(default_factory=dict)
    _delayed: int = 0

    async def delay(self, address: str) -> bool:
        """Count a wrong key, and wait before it is answered; False if the connection should rather be closed."""
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
        self._counts[network] = count  # the last that is forgotten
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
