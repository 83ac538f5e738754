"""Bodies of requests: counted while they come, bounded in size and time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

from starlette.types import Receive

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


@dataclass(slots=True)
class Incoming:
    """A body that is coming. ``has_ended`` says that all of it came."""

    receive: Receive
    has_ended: bool = False

    async def whole(self, *, limit: int, seconds: float, room: Room) -> bytes | Missing:
        """All of it, or why there is none.

        Args:
            limit: bytes that are taken: what the client announced, or what the route takes.
            seconds: how long it may take to come.
            room: shared by all requests.
        """
        try:
            async with asyncio.timeout(seconds):
                first = await self._piece()
                if first is None or self.has_ended:
                    return _within(first, limit)
                with room.taken(limit) as is_taken:
                    return await self._joined(first, limit) if is_taken else Missing.NO_ROOM
        except TimeoutError:
            return Missing.TOO_SLOW

    async def is_thrown_away(self) -> bool:
        """Read what is left for nothing; False if it is too much, too slow, or its sender is gone."""
        size = 0
        try:
            async with asyncio.timeout(THROWING_SECONDS):
                while not self.has_ended and size <= THROWN_AWAY:
                    piece = await self._piece()
                    if piece is None:
                        return False
                    size += len(piece)
        except TimeoutError:
            return False
        return self.has_ended

    async def _joined(self, first: bytes, limit: int) -> bytes | Missing:
        body = bytearray(first)
        while not self.has_ended and len(body) <= limit:
            piece = await self._piece()
            if piece is None:
                return Missing.GONE
            body += piece
        return _within(bytes(body), limit)

    async def _piece(self) -> bytes | None:
        """The next piece; None if the client is gone."""
        message = await self.receive()
        if message["type"] != "http.request":
            return None
        self.has_ended = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece


def _within(body: bytes | None, limit: int) -> bytes | Missing:
    if body is None:
        return Missing.GONE
    return body if len(body) <= limit else Missing.TOO_LARGE
