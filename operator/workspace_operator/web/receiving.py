"""Bodies of requests: counted while they come, bounded in size and time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

from starlette.types import Message, Receive

THROWN_AWAY: Final = 8_000_000
"""So much of a body that nobody wants is read all the same, so that its sender gets to hear why."""

THROWING_SECONDS: Final = 5.0


class Missing(Enum):
    """Why there is no body."""

    GONE = "the client went away"
    TOO_LARGE = "it has too many bytes"
    TOO_SLOW = "it did not come in time"
    NO_ROOM = "the bodies of others take all the room"


@dataclass(slots=True)
class Room:
    """How many bytes the bodies that are still coming may take, together in one process."""

    free: int

    @contextmanager
    def taken(self, size: int) -> Iterator[bool]:
        """Keep so much of it meanwhile; False if that much is not free."""
        if size > self.free:
            yield False
            return
        self.free -= size
        try:
            yield True
        finally:
            self.free += size


async def whole_body(receive: Receive, *, limit: int, seconds: float, room: Room) -> bytes | Missing:
    """All of a body, or why there is none.

    Args:
        receive: of ASGI.
        limit: bytes that are taken; with the client's own announcement if that is less.
        seconds: how long it may take to come.
        room: shared by all requests.
    """
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                return _within(message.get("body", b""), limit)
            with room.taken(limit) as is_taken:
                return await _joined(receive, message, limit) if is_taken else Missing.NO_ROOM
    except TimeoutError:
        return Missing.TOO_SLOW


async def is_thrown_away(receive: Receive) -> bool:
    """Read what is left of a body for nothing; False if it is too much, too slow, or its sender is gone."""
    size = 0
    try:
        async with asyncio.timeout(THROWING_SECONDS):
            while size <= THROWN_AWAY:
                message = await receive()
                if message["type"] != "http.request":
                    return False
                if not message.get("more_body", False):
                    return True
                size += len(message.get("body", b""))
    except TimeoutError:
        pass
    return False


async def _joined(receive: Receive, message: Message, limit: int) -> bytes | Missing:
    body = bytearray()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        if len(body) > limit:
            return Missing.TOO_LARGE
        if not message.get("more_body", False):
            return bytes(body)
        message = await receive()
    return Missing.GONE


def _within(body: bytes, limit: int) -> bytes | Missing:
    return body if len(body) <= limit else Missing.TOO_LARGE
