"""Authentication by Basic credentials or Bearer keys, looked up by their digests.

The caller of a header is cached for a second, so a revoked key works for at most that long. The cache key is the digest
of the header: no secret stays in memory, and the time of a comparison reveals nothing about a secret.

Headers that arrive during a query are looked up together in the next one: any number of wrong keys costs few queries.
Callers that were in the cache before have a queue of their own, which unknown callers cannot fill.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from anyio import CapacityLimiter, to_thread

from workspace_operator.application.ports import Credentials, StoredCredentials
from workspace_operator.errors import Unavailable
from workspace_operator.web.core.credential_lookup import PresentedCredentials, find_callers
from workspace_operator.web.core.http import UNAUTHENTICATED
from workspace_operator.web.core.router import Authentication

CACHE_SECONDS: Final = 1.0
MAX_CACHED: Final = 10_000

MAX_PENDING_LOOKUPS: Final = 1_000
"""Maximum number of different headers in a queue; further ones raise Unavailable."""
MAX_LOOKUP_BATCH: Final = 200
"""Maximum number of headers in one query."""
LOOKUP_TIMEOUT_SECONDS: Final = 10.0
"""Seconds after which a lookup raises Unavailable; its result still serves later requests."""


@dataclass(frozen=True, slots=True)
class _CacheEntry:
    caller: StoredCredentials
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _PendingLookup:
    presented: PresentedCredentials
    future: "asyncio.Future[StoredCredentials | None]"


Lookup = Callable[[Sequence[PresentedCredentials]], Sequence[StoredCredentials | None]]


@dataclass(slots=True)
class _LookupQueue:
    """Queue of headers to look up, one query at a time, by ``lookup`` in a worker thread."""

    lookup: Lookup
    _pending: dict[bytes, _PendingLookup] = field(default_factory=dict)
    _in_flight: dict[bytes, _PendingLookup] = field(default_factory=dict)
    _task: "asyncio.Task[None] | None" = None
    _limiter: CapacityLimiter | None = None

    def submit(self, key: bytes, presented: PresentedCredentials) -> "asyncio.Future[StoredCredentials | None]":
        """Queue a header for the next query; equal headers share a lookup. Raises Unavailable."""
        pending = self._in_flight.get(key) or self._pending.get(key)
        if pending is not None:
            return pending.future
        if len(self._pending) >= MAX_PENDING_LOOKUPS:
            raise Unavailable("too many credentials are being looked up: try again")
        future: asyncio.Future[StoredCredentials | None] = asyncio.get_running_loop().create_future()
        self._pending[key] = _PendingLookup(presented=presented, future=future)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        # A limiter of its own, because requests that read people can use all threads of the default one.
        self._limiter = self._limiter or CapacityLimiter(1)
        while self._pending:
            keys = list(self._pending)[:MAX_LOOKUP_BATCH]
            self._in_flight = {key: self._pending.pop(key) for key in keys}
            batch = list(self._in_flight.values())
            try:
                presented = [lookup.presented for lookup in batch]
                found = await to_thread.run_sync(self.lookup, presented, limiter=self._limiter)
            except Exception as error:  # noqa: BLE001 - every error is passed to the callers
                _fail_all(batch, error)
            else:
                _resolve_all(batch, found)
            self._in_flight = {}
        self._task = None


@dataclass(slots=True, kw_only=True)
class Authenticator:
    """Finds the caller of a request. For one event loop; queries run in worker threads.

    ``clock`` is compared with the times in the store; ``monotonic``, in seconds, is the clock of the cache.
    """

    credentials: Credentials
    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    _cache: dict[bytes, _CacheEntry] = field(default_factory=dict)
    _miss_queue: _LookupQueue = field(init=False)
    _refresh_queue: _LookupQueue = field(init=False)

    def __post_init__(self) -> None:
        """Create the two queues."""
        self._miss_queue, self._refresh_queue = _LookupQueue(self._lookup), _LookupQueue(self._lookup)

    async def authenticate(self, authentication: Authentication, header: bytes) -> StoredCredentials | None:
        """Find the caller of an ``Authorization`` header; None if the credentials are not valid.

        Raises Unavailable: too many headers are queued, the lookup timed out, or the store is unavailable.
        """
        if authentication is Authentication.NONE:
            return UNAUTHENTICATED
        if not header:
            return None
        key = sha256(header + authentication.value.encode()).digest()
        cached = self._cache.get(key)
        if cached is not None and self.monotonic() < cached.expires_at:
            return cached.caller
        started = self.monotonic()
        queue = self._miss_queue if cached is None else self._refresh_queue
        future = queue.submit(key, PresentedCredentials(authentication=authentication, header=header))
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_SECONDS):
                caller = await asyncio.shield(future)  # other requests may wait for the same lookup
        except TimeoutError:
            raise Unavailable("the credentials could not be looked up in time: try again") from None
        self._update_cache(key, caller, started)
        return caller

    def _update_cache(self, key: bytes, caller: StoredCredentials | None, now: float) -> None:
        self._cache.pop(key, None)
        if caller is None:
            return
        self._cache[key] = _CacheEntry(caller, now + CACHE_SECONDS)  # at the end: the oldest entry is evicted first
        if len(self._cache) > MAX_CACHED:
            del self._cache[next(iter(self._cache))]

    def _lookup(self, presented: Sequence[PresentedCredentials]) -> Sequence[StoredCredentials | None]:
        return find_callers(presented, self.credentials, now=self.clock())


def _resolve_all(batch: Sequence[_PendingLookup], found: Sequence[StoredCredentials | None]) -> None:
    for lookup, caller in zip(batch, found, strict=True):
        if not lookup.future.done():
            lookup.future.set_result(caller)


def _fail_all(batch: Sequence[_PendingLookup], error: Exception) -> None:
    for lookup in batch:
        if not lookup.future.done():
            lookup.future.set_exception(error)
            lookup.future.exception()  # marks it as retrieved: no warning if every caller has gone
