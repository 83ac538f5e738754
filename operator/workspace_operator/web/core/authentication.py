"""Who calls: Basic credentials and Bearer keys, looked up by their digests.

Whom a header stands for is remembered for a second, so that a key which is revoked works for no longer than that. It
is remembered by the digest of the header: no secret stays in memory, and no comparison tells by its time how much of
one was right.

What has come in while the database answers is looked up together, so that any number of wrong keys is a few queries.
Callers who were known before have a queue of their own, which no stranger can fill.
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
"""So many different headers may wait in a queue; the next is told to come again."""
MAX_LOOKUP_BATCH: Final = 200
"""So many are looked up in one query."""
LOOKUP_TIMEOUT_SECONDS: Final = 10.0
"""After this a caller is told to come again; the database may still answer those who come later."""


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
    """Headers that wait to be looked up, one query at a time.

    Args:
        look_up: called in a worker thread.
    """

    lookup: Lookup
    _pending: dict[bytes, _PendingLookup] = field(default_factory=dict)
    _in_flight: dict[bytes, _PendingLookup] = field(default_factory=dict)
    _task: "asyncio.Task[None] | None" = None
    _limiter: CapacityLimiter | None = None

    def submit(self, key: bytes, presented: PresentedCredentials) -> "asyncio.Future[StoredCredentials | None]":
        """Look a header up, with others; a header that waits already is not looked up twice. Raises Unavailable."""
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
        # Of its own: readers of people may take all threads of the common one.
        self._limiter = self._limiter or CapacityLimiter(1)
        while self._pending:
            keys = list(self._pending)[:MAX_LOOKUP_BATCH]
            self._in_flight = {key: self._pending.pop(key) for key in keys}
            batch = list(self._in_flight.values())
            try:
                presented = [each.presented for each in batch]
                found = await to_thread.run_sync(self.lookup, presented, limiter=self._limiter)
            except Exception as error:  # noqa: BLE001 - whatever it is, its callers hear of it
                _fail_all(batch, error)
            else:
                _resolve_all(batch, found)
            self._in_flight = {}
        self._task = None


@dataclass(slots=True, kw_only=True)
class Authenticator:
    """Tells who calls. On one event loop; the store is asked in worker threads.

    Args:
        credentials: whom keys belong to.
        clock: of the store's times.
        monotonic: of what is remembered, seconds.
    """

    credentials: Credentials
    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    _cache: dict[bytes, _CacheEntry] = field(default_factory=dict)
    _miss_queue: _LookupQueue = field(init=False)
    _refresh_queue: _LookupQueue = field(init=False)

    def __post_init__(self) -> None:
        """Make the two queues."""
        self._miss_queue, self._refresh_queue = _LookupQueue(self._lookup), _LookupQueue(self._lookup)

    async def authenticate(self, authentication: Authentication, header: bytes) -> StoredCredentials | None:
        """Whose credentials a header ``Authorization`` holds; None if nobody's.

        Raises:
            Unavailable: too many are being looked up, or the store is away.
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
                caller = await asyncio.shield(future)  # it serves others, too
        except TimeoutError:
            raise Unavailable("the credentials could not be looked up in time: try again") from None
        self._update_cache(key, caller, started)
        return caller

    def _update_cache(self, key: bytes, caller: StoredCredentials | None, now: float) -> None:
        self._cache.pop(key, None)
        if caller is None:
            return
        self._cache[key] = _CacheEntry(caller, now + CACHE_SECONDS)  # the last that is forgotten
        if len(self._cache) > MAX_CACHED:
            del self._cache[next(iter(self._cache))]

    def _lookup(self, presented: Sequence[PresentedCredentials]) -> Sequence[StoredCredentials | None]:
        return find_callers(presented, self.credentials, now=self.clock())


def _resolve_all(batch: Sequence[_PendingLookup], found: Sequence[StoredCredentials | None]) -> None:
    for each, caller in zip(batch, found, strict=True):
        if not each.future.done():
            each.future.set_result(caller)


def _fail_all(batch: Sequence[_PendingLookup], error: Exception) -> None:
    for each in batch:
        if not each.future.done():
            each.future.set_exception(error)
            each.future.exception()  # it is told to callers; with none left it is nobody's
