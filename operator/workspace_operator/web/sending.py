"""Replies as the messages of ASGI."""

import asyncio
import json
from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.types import Message, Receive, Send

from workspace_operator.web.exchanges import Reply

JSON_TYPE: Final = b"application/json; charset=utf-8"
UNCACHED: Final = "no-store"
"""What is told of people is kept nowhere on its way."""

_EMPTY: Final = b"{}\n"
_SUCCESS: Final[Message] = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", JSON_TYPE),
        (b"content-length", str(len(_EMPTY)).encode()),
        (b"cache-control", UNCACHED.encode()),
    ],
}
_SUCCESS_BODY: Final[Message] = {"type": "http.response.body", "body": _EMPTY}

DONE: Final = Reply()
"""What most calls come to: status 200 and an empty object."""


async def send_reply(send: Send, reply: Reply, *, receive: Receive, seconds: float, with_body: bool = True) -> int:
    """Send a reply; tells the bytes of its body.

    Args:
        send: of ASGI.
        reply: what goes.
        receive: of ASGI; what is left of the body is thrown away.
        seconds: how long the client may take for each piece.
        with_body: False for HEAD: the headers are the same.

    Raises:
        TimeoutError: the client does not take it.
    """
    if reply is DONE and with_body:
        await send(_SUCCESS)
        await send(_SUCCESS_BODY)
        return len(_EMPTY)
    if isinstance(reply.document, Iterator):
        await send(_start(reply, {}))
        return await _stream(send, reply.document if with_body else iter(()), receive, seconds)
    body = reply.document if isinstance(reply.document, bytes) else json_bytes(reply.document)
    await send(_start(reply, {"content-type": JSON_TYPE.decode(), "content-length": str(len(body))}))
    async with asyncio.timeout(seconds):
        await send({"type": "http.response.body", "body": body if with_body else b""})
    return len(body) if with_body else 0


def json_bytes(document: Any) -> bytes:
    """A document as it goes over the wire, with a line break at its end."""
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


async def _stream(send: Send, pieces: Iterator[bytes], receive: Receive, seconds: float) -> int:
    """Send a body of unknown length. One that ends early is cut off, so that the client can tell.

    What is sent to a client that went away is dropped without a word: it has to be looked for.
    """
    sent = 0
    gone = asyncio.create_task(_disconnected(receive))
    try:
        async for piece in iterate_in_threadpool(pieces):
            if gone.done():
                return sent
            async with asyncio.timeout(seconds):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            sent += len(piece)
    finally:
        gone.cancel()
        if isinstance(pieces, Generator):
            await run_in_threadpool(pieces.close)  # what it reads from is free for others at once
    await send({"type": "http.response.body", "body": b""})
    return sent


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(reply: Reply, headers: Mapping[str, str]) -> Message:
    merged = {"cache-control": UNCACHED, **headers, **reply.headers}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in merged.items()]
    return {"type": "http.response.start", "status": reply.status, "headers": encoded}
