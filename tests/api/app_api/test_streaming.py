"""Exports that are sent while they are made: as fast as they are taken, and no further than somebody takes them."""

import asyncio
import threading
from collections.abc import Iterator

import anyio
import pytest
from starlette.types import Message

from workspace_operator.web.core.http import Response
from workspace_operator.web.core.response_sender import send_response

CSV = {"content-type": "text/csv; charset=utf-8"}


class LazyExport:
    """Pieces that remember how many were made, by which threads, and that making them ended."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces
        self.made = 0
        self.threads: set[int] = set()
        self.ended = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            while self.left:
                self.left -= 1
                self.made += 1
                self.threads.add(threading.get_ident())
                yield b"piece\n"
        finally:
            self.ended = True


class Client:
    """A client that takes some pieces and then goes away, or stops taking."""

    def __init__(self, *, leaves_after: int | None = None, stops_after: int | None = None) -> None:
        self.leaves_after, self.stops_after = leaves_after, stops_after
        self.left = asyncio.Event()
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        bodies = len(self.messages) - 1
        if bodies == self.leaves_after:
            self.left.set()
        if bodies == self.stops_after:
            await asyncio.Event().wait()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}


async def sent(making: LazyExport, client: Client, *, with_body: bool = True, seconds: float = 60) -> int:
    response = Response(document=iter(making), headers=CSV)
    return await send_response(client.send, response, receive=client.receive, seconds=seconds, with_body=with_body)


def test_all_pieces_are_sent_in_their_order() -> None:
    making = LazyExport(5)

    async def run() -> list[Message]:
        client = Client()
        assert await sent(making, client) == 30
        return client.messages

    start, *pieces, end = anyio.run(run)
    assert (start["status"], start["headers"]) == (
        200,
        [(b"cache-control", b"no-store"), (b"content-type", b"text/csv; charset=utf-8")],
    )
    assert [each["body"] for each in pieces] == [b"piece\n"] * 5
    assert end == {"type": "http.response.body", "body": b""}


def test_pieces_are_made_outside_the_event_loop() -> None:
    making = LazyExport(3)

    async def run() -> int:
        await sent(making, Client())
        return threading.get_ident()

    assert anyio.run(run) not in making.threads


def test_client_that_leaves_ends_the_making() -> None:
    making = LazyExport(1_000_000)

    async def run() -> int:
        return await sent(making, Client(leaves_after=3))

    assert anyio.run(run) == 18
    assert making.made <= 5
    assert making.ended


def test_client_that_stops_taking_ends_the_making() -> None:
    making = LazyExport(1_000_000)

    async def run() -> None:
        await sent(making, Client(stops_after=3), seconds=0.05)

    with pytest.raises(TimeoutError):
        anyio.run(run)

    assert making.made == 3
    assert making.ended


def test_head_makes_nothing() -> None:
    making = LazyExport(3)

    async def run() -> list[Message]:
        client = Client()
        await sent(making, client, with_body=False)
        return client.messages

    assert [each.get("body") for each in anyio.run(run)] == [None, b""]
    assert making.made == 0
