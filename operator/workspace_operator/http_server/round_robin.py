"""Fair reading from connections in turns."""

import asyncio
from typing import cast

from workspace_operator.http_server.protocol import BoundedProtocol


class RoundRobinReader(asyncio.BufferedProtocol):
    """Reads at most one buffer per turn, so that no connection delays the others.

    All connections of an event loop can share a buffer, because its data is parsed immediately.
    """

    def __init__(self, connection: BoundedProtocol, buffer: memoryview) -> None:
        self._connection = connection
        self._buffer = buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the connection."""
        self._connection.connection_made(cast("asyncio.Transport", transport))  # uvloop's class is not a subclass

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection."""
        self._connection.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the loop's hint is unbounded
        """The buffer for the next bytes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse the received bytes; a full buffer ends the turn of the connection."""
        self._connection.data_received(self._buffer[:nbytes])
        if nbytes == len(self._buffer):
            self._connection.yield_turn()

    def eof_received(self) -> None:
        """The client sends no more data, but still receives responses."""
        self._connection.eof_received()

    def pause_writing(self) -> None:
        """The client receives more slowly than the server sends."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._connection.resume_writing()
