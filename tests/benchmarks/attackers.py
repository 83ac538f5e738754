"""Callers who take what they can get, until they are ended. Run as a program.

python -m tests.benchmarks.attackers header|chunks|keys|addresses HOST PORT AUTHORIZATION
"""

import asyncio
import base64
import contextlib
import itertools
import json
import sys
from collections.abc import Awaitable, Callable

WRONG_KEYS = 300
BATCH_BYTES = 511_000

_numbers = itertools.count()


async def exchange(host: str, port: int, *pieces: bytes) -> bytes:
    """Send, and read until an answer is there or the connection ends."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read(65_536)
    finally:
        writer.close()


async def header(host: str, port: int, _authorization: str) -> None:
    """One connection at a time whose header does not end."""
    pieces = [b"PUT /api/v1/customers/a HTTP/1.1\r\nHost: localhost\r\nA: ", *[b"a" * 1_000_000] * 65]
    with contextlib.suppress(ConnectionError):
        await exchange(host, port, *pieces)


async def chunks(host: str, port: int, authorization: str) -> None:
    """Bodies of chunks of one byte, over twelve connections."""
    head = (
        f"PUT /api/v1/customers/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}x\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()
    pieces = [head, *[b"1\r\na\r\n" * 100_000] * 10]

    async def one() -> None:
        with contextlib.suppress(ConnectionError):
            await exchange(host, port, *pieces)

    await asyncio.gather(*(one() for _ in range(12)))


async def keys(host: str, port: int, _authorization: str) -> None:
    """Many wrong keys at once."""

    async def one(number: int) -> None:
        key = base64.b64encode(b"guess:%d" % number).decode()
        head = f"PUT /api/v1/customers/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {key}\r\n"
        with contextlib.suppress(ConnectionError):
            await exchange(host, port, f"{head}Content-Length: 2\r\n\r\n{{}}".encode())

    await asyncio.gather(*(one(next(_numbers)) for _ in range(WRONG_KEYS)))


async def addresses(host: str, port: int, authorization: str) -> None:
    """One batch of as many addresses as fit into it, each of an internationalized domain of its own."""
    operations: list[object] = []
    size = 0
    while size < BATCH_BYTES:
        address = f"a@bücher{next(_numbers)}.münchen.example"
        operations.append({"type": "person", "action": "identify", "identifiers": {"email": address}})
        size += len(json.dumps(operations[-1], ensure_ascii=False).encode()) + 2
    body = json.dumps({"batch": operations[:-1]}, ensure_ascii=False).encode()
    head = (
        f"POST /api/v2/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    answer = await exchange(host, port, head.encode() + body)
    print(answer[9:12].decode(), len(operations), flush=True)


ATTACKS: dict[str, Callable[[str, int, str], Awaitable[None]]] = {
    "header": header,
    "chunks": chunks,
    "keys": keys,
    "addresses": addresses,
}


async def attack(kind: str, host: str, port: int, authorization: str) -> None:
    """Again and again."""
    while True:
        await ATTACKS[kind](host, port, authorization)


if __name__ == "__main__":
    asyncio.run(attack(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
