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
from workspace_operator.web.credential_checks import Presented, callers_of
from workspace_operator.web.exchanges import NOBODY
from workspace_operator.web.routes import Authentication

REMEMBERED_SECONDS: Final = 1.0
MOST_REMEMBERED: Final = 10_000

MOST_WAITING: Final = 1_000
"""So many different headers may wait in a queue; the next is told to come again."""
MOST_TOGETHER: Final = 200
"""So many are looked up in one query."""
LOOK_UP_SECONDS: Final = 10.0
"""After this a caller is told to come again; the database may still answer those who come later."""


@dataclass(frozen=True, slots=True)
class _Known:
    caller: StoredCredentials
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    presented: Presented
    future: "asyncio.Future[StoredCredentials | None]"


LookUp = Callable[[Sequence[Presented]], Sequence[StoredCredentials | None]]


@dataclass(slots=True)
class _Queue:
    """Headers that wait to be looked up, one query at a time.

    Args:
        look_up: called in a worker thread.
    """

    look_up: LookUp
    _waiting: dict[bytes, _Waiting] = field(default_factory=dict)
    _in_query: dict[bytes, _Waiting] = field(default_factory=dict)
    _task: "asyncio.Task[None] | None" = None
    _limiter: CapacityLimiter | None = None

    def put(self, key: bytes, presented: Presented) -> "asyncio.Future[StoredCredentials | None]":
        """Look a header up, with others; a header that waits already is not looked up twice. Raises Unavailable."""
        waiting = self._in_query.get(key) or self._waiting.get(key)
        if waiting is not None:
            return waiting.future
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable("too many credentials are being looked up: try again")
        future: asyncio.Future[StoredCredentials | None] = asyncio.get_running_loop().create_future()
        self._waiting[key] = _Waiting(presented=presented, future=future)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        # Of its own: readers of people may take all threads of the common one.
        self._limiter = self._limiter or CapacityLimiter(1)
        while self._waiting:
            first = list(self._waiting)[:MOST_TOGETHER]
            self._in_query = {key: self._waiting.pop(key) for key in first}
            together = list(self._in_query.values())
            try:
                presented = [each.presented for each in together]
                found = await to_thread.run_sync(self.look_up, presented, limiter=self._limiter)
            except Exception as error:  # noqa: BLE001 - whatever it is, its callers hear of it
                _fail(together, error)
            else:
                _settle(together, found)
            self._in_query = {}
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
    _known: dict[bytes, _Known] = field(default_factory=dict)
    _strangers: _Queue = field(init=False)
    _returning: _Queue = field(init=False)

    def __post_init__(self) -> None:
        """Make the two queues."""
        self._strangers, self._returning = _Queue(self._look_up), _Queue(self._look_up)

    async def caller(self, authentication: Authentication, header: bytes) -> StoredCredentials | None:
        """Whose credentials a header ``Authorization`` holds; None if nobody's.

        Raises:
            Unavailable: too many are being looked up, or the store is away.
        """
        if authentication is Authentication.NONE:
            return NOBODY
        if not header:
            return None
        key = sha256(header + authentication.value.encode()).digest()
        known = self._known.get(key)
        if known is not None and self.monotonic() < known.until:
            return known.caller
        started = self.monotonic()
        queue = self._strangers if known is None else self._returning
        future = queue.put(key, Presented(authentication=authentication, header=header))
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                caller = await asyncio.shield(future)  # it serves others, too
        except TimeoutError:
            raise Unavailable("the credentials could not be looked up in time: try again") from None
        self._remember(key, caller, started)
        return caller

    def _remember(self, key: bytes, caller: StoredCredentials | None, now: float) -> None:
        self._known.pop(key, None)
        if caller is None:
            return
        self._known[key] = _Known(caller, now + REMEMBERED_SECONDS)  # the last that is forgotten
        if len(self._known) > MOST_REMEMBERED:
            del self._known[next(iter(self._known))]

    def _look_up(self, presented: Sequence[Presented]) -> Sequence[StoredCredentials | None]:
        return callers_of(presented, self.credentials, now=self.clock())


def _settle(together: Sequence[_Waiting], found: Sequence[StoredCredentials | None]) -> None:
    for each, caller in zip(together, found, strict=True):
        if not each.future.done():
            each.future.set_result(caller)


def _fail(together: Sequence[_Waiting], error: Exception) -> None:
    for each in together:
        if not each.future.done():
            each.future.set_exception(error)
            each.future.exception()  # it is told to callers; with none left it is nobody's
