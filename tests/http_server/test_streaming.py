"""Streaming of exports: rows are produced only as fast as the client reads them."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from starlette.types import Message

from workspace_operator.http_server.response_sender import send_response
from workspace_operator.http_server.responses import Response

pytestmark = pytest.mark.anyio
CSV = {"content-type": "text/csv; charset=utf-8"}


class LazyExport:
    """Records how many pieces are produced, by which threads, and whether the iterator is closed."""

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
    """A client that reads some pieces, and then disconnects or stops reading."""

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


async def sent(export: LazyExport, client: Client, *, with_body: bool = True, seconds: float = 60) -> int:
    response = Response(document=iter(export), headers=CSV)
    return await send_response(client.send, response, receive=client.receive, seconds=seconds, with_body=with_body)


async def test_all_pieces_are_sent_in_their_order() -> None:
    client = Client()

    assert await sent(LazyExport(5), client) == 30

    start, *pieces, end = client.messages
    assert (start["status"], start["headers"]) == (
        200,
        [(b"cache-control", b"no-store"), (b"content-type", b"text/csv; charset=utf-8")],
    )
    assert [each["body"] for each in pieces] == [b"piece\n"] * 5
    assert end == {"type": "http.response.body", "body": b""}


async def test_pieces_are_made_outside_the_event_loop() -> None:
    export = LazyExport(3)

    await sent(export, Client())

    assert threading.get_ident() not in export.threads


async def test_client_that_disconnects_ends_the_export() -> None:
    export = LazyExport(1_000_000)

    assert await sent(export, Client(leaves_after=3)) == 18

    assert export.made <= 5
    assert export.ended


async def test_client_that_stops_reading_ends_the_export() -> None:
    export = LazyExport(1_000_000)

    with pytest.raises(TimeoutError):
        await sent(export, Client(stops_after=3), seconds=0.05)

    assert export.made == 3
    assert export.ended


async def test_head_makes_nothing() -> None:
    export, client = LazyExport(3), Client()

    await sent(export, client, with_body=False)

    assert [each.get("body") for each in client.messages] == [None, b""]
    assert export.made == 0
