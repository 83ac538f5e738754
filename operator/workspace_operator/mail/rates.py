"""Rates: how many messages a second may begin, as token buckets that hold one second."""

from collections.abc import Callable
from threading import Lock

MAX_BUCKETS = 1000
"""Buckets of workspaces that are kept; full ones are dropped beyond that."""


class TokenBucket:
    """Tokens that come back at a rate; taking more than there are makes a debt, which is paid first."""

    __slots__ = ("_at", "_limit", "_per_second", "_tokens")

    def __init__(self, per_second: float, now: float) -> None:
        self._per_second, self._limit = per_second, max(1.0, per_second)
        self._tokens, self._at = self._limit, now

    def available(self, now: float) -> float:
        """Tokens that there are now; less than 0 for a debt."""
        self._tokens = min(self._limit, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        return self._tokens

    def take(self, number: int, now: float) -> None:
        """Take tokens."""
        self._tokens = self.available(now) - number

    def seconds_until_next(self, now: float) -> float:
        """Seconds until there is one more whole token than now."""
        available = self.available(now)
        wanted = max(1.0, available // 1 + 1)
        return (wanted - available) / self._per_second

    def is_full(self, now: float) -> bool:
        """Whether it is as if nothing had been taken."""
        return self.available(now) >= self._limit


class Rates:
    """The rates of a transport and of each workspace that uses it. All methods may be called from any thread."""

    def __init__(self, *, per_second: float, per_workspace: float, clock: Callable[[], float]) -> None:
        self._clock, self._per_workspace = clock, per_workspace
        self._all = TokenBucket(per_second, clock())
        self._workspaces: dict[int, TokenBucket] = {}
        self._lock = Lock()

    def capacity(self, workspace_id: int) -> tuple[int, float]:
        """How many messages of a workspace may begin now, and in how many seconds one more may."""
        with self._lock:
            now = self._clock()
            buckets = (self._all, self._of(workspace_id, now))
            number = int(max(0.0, min(bucket.available(now) for bucket in buckets)))
            scarce = [bucket for bucket in buckets if bucket.available(now) < number + 1]
            return number, max((bucket.seconds_until_next(now) for bucket in scarce), default=0.0)

    def take(self, workspace_id: int, number: int) -> None:
        """Count messages that begin."""
        with self._lock:
            now = self._clock()
            self._all.take(number, now)
            self._of(workspace_id, now).take(number, now)

    def _of(self, workspace_id: int, now: float) -> TokenBucket:
        if workspace_id not in self._workspaces and len(self._workspaces) >= MAX_BUCKETS:
            self._workspaces = {key: bucket for key, bucket in self._workspaces.items() if not bucket.is_full(now)}
        return self._workspaces.setdefault(workspace_id, TokenBucket(self._per_workspace, now))
