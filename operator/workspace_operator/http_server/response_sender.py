"""Sending of responses as ASGI messages."""

import asyncio
import json
from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.types import Message, Receive, Send

from workspace_operator.http_server.responses import Response, WriteOK

JSON_TYPE: Final = b"application/json; charset=utf-8"
NO_STORE: Final = "no-store"
"""Cache-Control of all responses: data about people must not be cached."""

_EMPTY_OBJECT: Final = b"{}\n"
_EMPTY_OK_BYTES: Final = b"".join(
    (
        b"content-type: ",
        JSON_TYPE,
        b"\r\ncontent-length: ",
        str(len(_EMPTY_OBJECT)).encode(),
        b"\r\ncache-control: ",
        NO_STORE.encode(),
        b"\r\n\r\n",
        _EMPTY_OBJECT,
    )
)
_EMPTY_OK_START: Final[Message] = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", JSON_TYPE),
        (b"content-length", str(len(_EMPTY_OBJECT)).encode()),
        (b"cache-control", NO_STORE.encode()),
    ],
}
_EMPTY_OK_BODY: Final[Message] = {"type": "http.response.body", "body": _EMPTY_OBJECT}

EMPTY_OK: Final = Response()
"""The response to most commands: status 200 and an empty object."""


async def send_response(
    send: Send,
    response: Response,
    *,
    receive: Receive,
    seconds: float,
    with_body: bool = True,
    write: WriteOK | None = None,
) -> int:
    """Send a response; returns the number of bytes sent of the body.

    ``receive`` reports the client's disconnect; ``write`` sends the most frequent response. Without the body, as for
    HEAD, the headers are the same. Raises TimeoutError if the client does not receive a chunk within ``seconds``.
    """
    if response is EMPTY_OK and with_body:
        if write is not None and write(_EMPTY_OK_BYTES):
            return len(_EMPTY_OBJECT)
        await send(_EMPTY_OK_START)
        await send(_EMPTY_OK_BODY)
        return len(_EMPTY_OBJECT)
    if isinstance(response.document, Iterator):
        await send(_start_message(response, {}))
        return await _stream(send, response.document if with_body else iter(()), receive, seconds)
    body = response.document if isinstance(response.document, bytes) else json_bytes(response.document)
    await send(_start_message(response, {"content-type": JSON_TYPE.decode(), "content-length": str(len(body))}))
    async with asyncio.timeout(seconds):
        await send({"type": "http.response.body", "body": body if with_body else b""})
    return len(body) if with_body else 0


def json_bytes(document: Any) -> bytes:
    """Encode a document as compact JSON with a final line break."""
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


async def _stream(send: Send, chunks: Iterator[bytes], receive: Receive, seconds: float) -> int:
    """Send a body of unknown length. An error leaves it incomplete, which the client can detect.

    ASGI drops data for a disconnected client silently, so a task waits for the disconnect.
    """
    sent = 0
    disconnect = asyncio.create_task(_wait_for_disconnect(receive))
    try:
        async for chunk in iterate_in_threadpool(chunks):
            if disconnect.done():
                return sent
            async with asyncio.timeout(seconds):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            sent += len(chunk)
    finally:
        disconnect.cancel()
        if isinstance(chunks, Generator):
            await run_in_threadpool(chunks.close)  # releases the database connection of the generator at once
    await send({"type": "http.response.body", "body": b""})
    return sent


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start_message(response: Response, headers: Mapping[str, str]) -> Message:
    merged = {"cache-control": NO_STORE, **headers, **response.headers}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in merged.items()]
    encoded += [(b"set-cookie", cookie.encode("latin-1")) for cookie in response.cookies]
    return {"type": "http.response.start", "status": response.status, "headers": encoded}
