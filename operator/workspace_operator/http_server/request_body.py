"""Reading of request bodies, bounded in size, time and total memory."""

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Final

from starlette.types import Receive

DRAIN_BYTES: Final = 2_000_000
"""Size up to which an unwanted body is read, so that the client receives the response."""

DRAIN_SECONDS: Final = 5.0


class BodyFailure(Enum):
    """Reason why a body could not be read."""

    DISCONNECTED = "the client disconnected"
    TOO_LARGE = "it has too many bytes"
    TIMEOUT = "it did not arrive in time"
    NO_BUDGET = "other bodies use the whole budget"


@dataclass(slots=True)
class ByteBudget:
    """Bytes that the bodies of all unanswered requests of a process can still use."""

    available: int


@dataclass(slots=True)
class BudgetReservation:
    """The share of a request in the budget: its received bytes, not the announced length."""

    budget: ByteBudget
    size: int = 0

    def try_reserve(self, size: int) -> bool:
        """Reserve more bytes; False if they are not available."""
        if size > self.budget.available:
            return False
        self.budget.available -= size
        self.size += size
        return True

    def release(self) -> None:
        """Return all reserved bytes to the budget."""
        self.budget.available += self.size
        self.size = 0


@dataclass(slots=True)
class BodyReader:
    """Reads the body of one request.

    Attributes:
        whole: the body if all of it has arrived already.
        has_ended: the whole body has arrived.
    """

    receive: Receive
    whole: bytes | None = None
    has_ended: bool = False

    async def read(self, *, limit: int, seconds: float, reservation: BudgetReservation) -> bytes | BodyFailure:
        """Read the whole body; returns the reason if it could not be read.

        Args:
            limit: maximum size in bytes: the announced length, or the limit of the route.
            seconds: maximum time until the whole body has arrived.
            reservation: share in the budget of all bodies; a body of one chunk uses none.
        """
        if self.whole is not None:
            self.has_ended = True
            return _check_size(self.whole, limit)
        try:
            async with asyncio.timeout(seconds):
                first = await self._next_chunk()
                if first is None or self.has_ended:
                    return _check_size(first, limit)
                return await self._read_chunks(first, limit, reservation)
        except TimeoutError:
            return BodyFailure.TIMEOUT

    async def next_chunk(self, seconds: float) -> bytes | None:
        """The next bytes, for a body that is not kept as a whole; empty at its end.

        None if nothing arrives for ``seconds``, or the client has disconnected.
        """
        if self.whole is not None and not self.has_ended:
            self.has_ended = True
            return self.whole
        if self.has_ended:
            return b""
        try:
            async with asyncio.timeout(seconds):
                chunk = await self._next_chunk()
                while chunk == b"" and not self.has_ended:
                    chunk = await self._next_chunk()
        except TimeoutError:
            return None
        return chunk

    async def drain(self) -> bool:
        """Discard the rest; False if it is too large or too slow, or the client disconnected."""
        if self.whole is not None:
            return True
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
        """The next chunk; None if the client disconnected."""
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
