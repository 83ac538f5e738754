"""Bodies of requests: counted while they come, bounded in size and time."""

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Final

from starlette.types import Receive

THROWN_AWAY: Final = 2_000_000
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
    """How many bytes the bodies of requests that are not answered yet may take, together in one process."""

    free: int


@dataclass(slots=True)
class Share:
    """What the body of one request takes of the room. It takes what came, not what was announced."""

    room: Room
    size: int = 0

    def has_taken(self, size: int) -> bool:
        """Take some more; False if that much is not free."""
        if size > self.room.free:
            return False
        self.room.free -= size
        self.size += size
        return True

    def give_back(self) -> None:
        """Leave all of it to others."""
        self.room.free += self.size
        self.size = 0


@dataclass(slots=True)
class Incoming:
    """A body that is coming. ``has_ended`` says that all of it came."""

    receive: Receive
    has_ended: bool = False

    async def whole(self, *, limit: int, seconds: float, share: Share) -> bytes | Missing:
        """All of it, or why there is none.

        Args:
            limit: bytes that are taken: what the client announced, or what the route takes.
            seconds: how long it may take to come.
            share: of the room for all bodies; a body that comes in one piece takes none.
        """
        try:
            async with asyncio.timeout(seconds):
                first = await self._piece()
                if first is None or self.has_ended:
                    return _within(first, limit)
                return await self._joined(first, limit, share)
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

    async def _joined(self, first: bytes, limit: int, share: Share) -> bytes | Missing:
        body, piece = bytearray(), first
        while True:
            if not share.has_taken(len(piece)):
                return Missing.NO_ROOM
            body += piece
            if self.has_ended or len(body) > limit:
                return _within(bytes(body), limit)
            more = await self._piece()
            if more is None:
                return Missing.GONE
            piece = more

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
