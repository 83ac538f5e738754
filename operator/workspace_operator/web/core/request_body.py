"""Bodies of requests: counted while they come, bounded in size and time."""

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Final

from starlette.types import Receive

DRAIN_BYTES: Final = 2_000_000
"""So much of a body that nobody wants is read all the same, so that its sender gets to hear why."""

DRAIN_SECONDS: Final = 5.0


class BodyFailure(Enum):
    """Why there is no body."""

    DISCONNECTED = "the client went away"
    TOO_LARGE = "it has too many bytes"
    TIMEOUT = "it did not come in time"
    NO_BUDGET = "the bodies of others take all the room"


@dataclass(slots=True)
class ByteBudget:
    """How many bytes the bodies of requests that are not answered yet may take, together in one process."""

    available: int


@dataclass(slots=True)
class BudgetReservation:
    """What the body of one request takes of the room. It takes what came, not what was announced."""

    budget: ByteBudget
    size: int = 0

    def try_reserve(self, size: int) -> bool:
        """Take some more; False if that much is not free."""
        if size > self.budget.available:
            return False
        self.budget.available -= size
        self.size += size
        return True

    def release(self) -> None:
        """Leave all of it to others."""
        self.budget.available += self.size
        self.size = 0


@dataclass(slots=True)
class BodyReader:
    """A body that is coming. ``has_ended`` says that all of it came."""

    receive: Receive
    has_ended: bool = False

    async def read(self, *, limit: int, seconds: float, reservation: BudgetReservation) -> bytes | BodyFailure:
        """All of it, or why there is none.

        Args:
            limit: bytes that are taken: what the client announced, or what the route takes.
            seconds: how long it may take to come.
            reservation: of the room for all bodies; a body that comes in one piece takes none.
        """
        try:
            async with asyncio.timeout(seconds):
                first = await self._next_chunk()
                if first is None or self.has_ended:
                    return _check_size(first, limit)
                return await self._read_chunks(first, limit, reservation)
        except TimeoutError:
            return BodyFailure.TIMEOUT

    async def drain(self) -> bool:
        """Read what is left for nothing; False if it is too much, too slow, or its sender is gone."""
        size = 0
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self.has_ended and size <= DRAIN_BYTES:
                    chunk = await self._next_chunk()
                    if chunk is None:
                        return False
                    size += len(chunk)
        except TimeoutError:
            return False
        return self.has_ended

    async def _read_chunks(self, first: bytes, limit: int, reservation: BudgetReservation) -> bytes | BodyFailure:
        body, chunk = bytearray(), first
        while True:
            if not reservation.try_reserve(len(chunk)):
                return BodyFailure.NO_BUDGET
            body += chunk
            if self.has_ended or len(body) > limit:
                return _check_size(bytes(body), limit)
            more = await self._next_chunk()
            if more is None:
                return BodyFailure.DISCONNECTED
            chunk = more

    async def _next_chunk(self) -> bytes | None:
        """The next piece; None if the client is gone."""
        message = await self.receive()
        if message["type"] != "http.request":
            return None
        self.has_ended = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


def _check_size(body: bytes | None, limit: int) -> bytes | BodyFailure:
    if body is None:
        return BodyFailure.DISCONNECTED
    return body if len(body) <= limit else BodyFailure.TOO_LARGE
