"""A client that costs little: many connections, requests made before, answers only counted. Run as a program.

    python -m tests.benchmarks.load_generator HOST PORT CONNECTIONS FILE

FILE holds requests, each after its length in four bytes; they are sent in turns, each connection one at a time, until
all are answered. It prints ``{"seconds": …, "answers": {"200": …}}``.
"""

import asyncio
import json
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import uvloop

LENGTH = struct.Struct("!I")
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = b"content-length: "


class Client(asyncio.Protocol):
    """One connection: the next request when the answer of the last is whole."""

    def __init__(self, requests: Iterator[bytes], answers: Counter[str], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._answers = answers
        self._done = done
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class does not say so
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(HEAD_END)
        if head < 0:
            return
        start = self._buffer.find(CONTENT_LENGTH, 0, head) + len(CONTENT_LENGTH)
        length = int(self._buffer[start : self._buffer.index(b"\r\n", start)])
        if len(self._buffer) < head + len(HEAD_END) + length:
            return
        self._answers[self._buffer[9:12].decode()] += 1
        self._buffer = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        transport = cast("asyncio.Transport", self._transport)
        request = next(self._requests, None)
        if request is not None:
            transport.write(request)
        elif not self._done.done():
            self._done.set_result(None)
            transport.close()


async def load(host: str, port: int, connections: int, requests: Iterator[bytes]) -> dict[str, object]:
    """Send all requests; how long it took, and how many answers had which status."""
    loop = asyncio.get_running_loop()
    answers: Counter[str] = Counter()
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
    start = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: Client(requests, answers, end), host, port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    return {"seconds": time.perf_counter() - start, "answers": dict(answers)}


def write_requests(requests: Iterable[bytes], file: Path) -> None:
    """As this program reads them."""
    with file.open("wb") as out:
        for each in requests:
            out.write(LENGTH.pack(len(each)) + each)


def read_requests(file: Path) -> Iterator[bytes]:
    content, at = memoryview(file.read_bytes()), 0
    while at < len(content):
        [length] = LENGTH.unpack_from(content, at)
        at += LENGTH.size + length
        yield bytes(content[at - length : at])


if __name__ == "__main__":
    print(
        json.dumps(uvloop.run(load(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), read_requests(Path(sys.argv[4])))))
    )
