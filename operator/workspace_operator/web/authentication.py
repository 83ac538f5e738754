"""Who calls: Basic credentials and Bearer keys, looked up by their digests.

Whom a header stands for is remembered for a second, so that a key which is revoked works for no longer than that. It
is remembered by the digest of the header: no secret stays in memory, and no comparison tells by its time how much of
one was right.
"""

import asyncio
import hmac
import time
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from starlette.concurrency import run_in_threadpool

from workspace_operator.application.key_making import digest
from workspace_operator.application.ports import Credentials, StoredCredentials
from workspace_operator.errors import Unavailable
from workspace_operator.web.exchanges import NOBODY
from workspace_operator.web.routes import Authentication

REMEMBERED_SECONDS: Final = 1.0
MOST_REMEMBERED: Final = 2_000

STRANGERS: Final = 2
"""So many look-ups of headers that nobody came with before are made at once, so that guessing loads no database."""
MOST_STRANGERS: Final = 256
"""So many may wait for that; the next is told to come again."""
REST_SECONDS: Final = 0.01
"""After a look-up that found nobody; with STRANGERS it bounds them to 200 a second and process."""

_NO_DIGEST: Final = "0" * 64
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class _Known:
    caller: StoredCredentials
    until: float


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
    _pending: "dict[bytes, asyncio.Task[StoredCredentials | None]]" = field(default_factory=dict)
    _strangers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STRANGERS))
    _returning: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STRANGERS))

    async def caller(self, authentication: Authentication, header: bytes) -> StoredCredentials | None:
        """Whose credentials a header ``Authorization`` holds; None if nobody's.

        Raises:
            Unavailable: too many unknown ones are being looked up, or the store is away.
        """
        if authentication is Authentication.NONE:
            return NOBODY
        key = sha256(header + authentication.value.encode()).digest()
        known = self._known.get(key)
        if known is not None and self.monotonic() < known.until:
            return known.caller
        task = self._pending.get(key)
        if task is None:
            if len(self._pending) >= MOST_STRANGERS:
                raise Unavailable("too many unknown credentials are being looked up: try again")
            task = self._pending[key] = asyncio.create_task(self._found(key, authentication, header))
            task.add_done_callback(lambda _: self._pending.pop(key))
        return await asyncio.shield(task)  # it serves others, too

    async def _found(self, key: bytes, authentication: Authentication, header: bytes) -> StoredCredentials | None:
        async with self._returning if key in self._known else self._strangers:
            now = self.monotonic()
            caller = await run_in_threadpool(self._look_up, authentication, header)
            if caller is None:
                self._known.pop(key, None)
                await asyncio.sleep(REST_SECONDS)
            else:
                self._remember(key, _Known(caller, now + REMEMBERED_SECONDS))
            return caller

    def _remember(self, key: bytes, known: _Known) -> None:
        self._known[key] = known
        if len(self._known) > MOST_REMEMBERED:
            del self._known[next(iter(self._known))]

    def _look_up(self, authentication: Authentication, header: bytes) -> StoredCredentials | None:
        if authentication is Authentication.TRACK:
            return self._by_pair(basic_pair(header))
        key = bearer_key(header)
        if key is None:
            return None
        found = self.credentials.of_app_key(digest(key), now=self.clock())
        return found if _is_same(found.digests.app_key if found else _NO_DIGEST, key) else None

    def _by_pair(self, pair: tuple[str, str] | None) -> StoredCredentials | None:
        if pair is None:
            return None
        site_id, api_key = pair
        found = self.credentials.of_site_id(digest(site_id), now=self.clock())
        return found if _is_same(found.digests.api_key if found else _NO_DIGEST, api_key) else None


def basic_pair(header: bytes) -> tuple[str, str] | None:
    """Site id and API key of Basic credentials in either alphabet of base64, padded or not; None if it is none."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    standard = encoded.strip().translate(_URL_SAFE).rstrip(b"=")
    try:
        text = b64decode(standard + b"=" * (-len(standard) % 4), validate=True).decode()
    except (NoBase64, UnicodeDecodeError):
        return None
    site_id, colon, api_key = text.partition(":")
    return (site_id, api_key) if colon else None


def bearer_key(header: bytes) -> str | None:
    """The key of a Bearer header; None if it is none."""
    scheme, _, key = header.partition(b" ")
    return key.strip().decode("latin-1") if scheme.lower() == b"bearer" else None


def _is_same(stored: str, presented: str) -> bool:
    return hmac.compare_digest(stored, digest(presented))
