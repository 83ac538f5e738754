"""A fast SMTP server that takes everything and records it: for figures, and for proofs of what left and when.

``with Sink() as sink`` runs it in a thread. ``python -m tests.mail.sink --port 2525`` runs it as a process: it prints
``ready PORT`` and then, with ``--record``, each message that it took as a line of JSON. It can wait before its 354 and
before its 250: the waits are read again while they last, so that a test ends them by setting them to 0.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Thread
from typing import Self

EHLO = b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 30000000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
END = b"\r\n.\r\n"
POLL_SECONDS = 0.002
_address = re.compile(rb"<([^>]*)>").search
_message_id = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE).search


@dataclass(slots=True, kw_only=True)
class Transaction:
    """From MAIL to the 250, listed from DATA on; times are of ``time.monotonic``, which all processes share.

    Attributes:
        first_byte_at: of the message, after the 354; ``last_byte_at`` likewise. None: no byte of it arrived.
        dot_at: when the final dot arrived; ``taken_at``: when the 250 was written.
        data: as it came, leading dots doubled, without the final one.
    """

    sender: str
    recipients: tuple[str, ...] = ()
    message_id: str | None = None
    size: int = 0
    first_byte_at: float | None = None
    last_byte_at: float | None = None
    dot_at: float | None = None
    taken_at: float | None = None
    data: bytes = b""


class Sink:
    """The server. Any thread may set and read its attributes while it runs.

    Attributes:
        before_354, before_250: seconds to wait.
        refusal: the reply after the final dot to a message that is not taken; empty: all are taken.
        keeps: list transactions; ``keeps_data``: with their data. ``taken`` counts without them, too.
        on_taken: called in the server's thread with each transaction that is taken.
    """

    def __init__(self, *, port: int = 0, keeps: bool = True, keeps_data: bool = True) -> None:
        self.port, self.keeps, self.keeps_data = port, keeps, keeps_data
        self.before_354 = self.before_250 = 0.0
        self.refusal = b""
        self.transactions: list[Transaction] = []
        self.taken = self.connections = 0
        self.on_taken: Callable[[Transaction], object] = bool
        self.open: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True, name="smtp-sink")

    @property
    def messages(self) -> list[Transaction]:
        """The transactions that were taken."""
        return [transaction for transaction in list(self.transactions) if transaction.taken_at is not None]

    @property
    def last_byte_at(self) -> float:
        """When the last byte of any message arrived, taken or not; 0 before the first."""
        return max((transaction.last_byte_at or 0.0 for transaction in list(self.transactions)), default=0.0)

    def cut(self) -> None:
        """Cut the connections that are open now."""
        for transport in list(self.open):
            self._loop.call_soon_threadsafe(transport.abort)

    async def listen(self) -> None:
        """Bind the port; 0 chooses one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut all connections."""
        self._server.close()
        for transport in list(self.open):
            transport.abort()
        await asyncio.sleep(0)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.listen(), self._loop).result(10)
        return self

    def __exit__(self, *exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class _Connection(asyncio.Protocol):
    """One client. Answers to pipelined commands leave together."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._buffer, self._answers = sink, bytearray(), bytearray()
        self._transaction, self._in_data, self._waits = Transaction(sender=""), False, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sink.connections += 1
        self._sink.open.add(transport)
        transport.write(b"220 sink.example ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._sink.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._in_data:
            self._note_arrival()
        self._advance()

    def _note_arrival(self) -> None:
        now = time.monotonic()
        self._transaction.first_byte_at = self._transaction.first_byte_at or now
        self._transaction.last_byte_at = now

    def _advance(self) -> None:
        while not self._waits and (end := self._buffer.find(END if self._in_data else b"\r\n")) >= 0:
            part = bytes(self._buffer[:end])
            del self._buffer[: end + (len(END) if self._in_data else 2)]
            if self._in_data:
                self._end_data(part)
            else:
                self._command(part)
        if self._answers:
            self._transport.write(bytes(self._answers))
            self._answers.clear()

    def _command(self, line: bytes) -> None:
        verb, address = line[:4].upper(), _address(line)
        if verb == b"MAIL" and address:
            self._transaction = Transaction(sender=address[1].decode())
        elif verb == b"RCPT" and address:
            self._transaction.recipients += (address[1].decode(),)
        elif verb == b"DATA":
            if self._sink.keeps:
                self._sink.transactions.append(self._transaction)
            self._wait("before_354", self._begin_data)
            return
        self._answers += {b"EHLO": EHLO, b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n")
        if verb == b"QUIT":
            self._transport.write(bytes(self._answers))
            self._transport.close()

    def _begin_data(self) -> None:
        self._answers += b"354 go on\r\n"
        self._in_data = True
        if self._buffer:
            self._note_arrival()
        self._buffer[:0] = b"\r\n"  # the end of DATA's line: an empty message is a dot alone

    def _end_data(self, data: bytes) -> None:
        transaction, self._in_data = self._transaction, False
        transaction.dot_at, transaction.size = time.monotonic(), len(data)
        found = _message_id(data)
        transaction.message_id = found[1].decode() if found else None
        if self._sink.keeps_data:
            transaction.data = data[2:] + b"\r\n"
        self._wait("before_250", self._take)

    def _take(self) -> None:
        if self._sink.refusal:
            self._answers += self._sink.refusal
            return
        self._answers += b"250 taken\r\n"
        self._transaction.taken_at = time.monotonic()
        self._sink.taken += 1
        self._sink.on_taken(self._transaction)

    def _wait(self, attribute: str, then: Callable[[], None]) -> None:
        """Continue once as many seconds are over as an attribute of the sink says at that time."""
        began, loop = time.monotonic(), asyncio.get_running_loop()
        if not getattr(self._sink, attribute):
            then()
            return
        self._waits = True

        def look() -> None:
            if self._transport.is_closing():
                return
            if time.monotonic() - began < getattr(self._sink, attribute):
                loop.call_later(POLL_SECONDS, look)
                return
            self._waits = False
            then()
            self._advance()

        look()


async def _serve(sink: Sink, *, record: bool) -> None:
    if record:
        sink.on_taken = lambda taken: print(json.dumps(asdict(taken) | {"data": ""}), flush=True)
    await sink.listen()
    print(f"ready {sink.port}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Run as a process until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", action="store_true", help="print each message that is taken as JSON")
    parser.add_argument("--before-354", type=float, default=0.0, help="seconds")
    parser.add_argument("--before-250", type=float, default=0.0, help="seconds")
    arguments = parser.parse_args()
    sink = Sink(port=arguments.port, keeps=False, keeps_data=False)
    sink.before_354, sink.before_250 = arguments.before_354, arguments.before_250
    asyncio.run(_serve(sink, record=arguments.record))


if __name__ == "__main__":
    main()
