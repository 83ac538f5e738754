"""Reading from connections in turns."""

import asyncio
from typing import cast

from workspace_operator.web.server.protocol import BoundedProtocol


class RoundRobinReader(asyncio.BufferedProtocol):
    """Reads what comes to a connection, so much a turn of the event loop that no connection holds up the others.

    Args:
        connection: what parses it.
        buffer: may be shared by all connections of an event loop, since it is parsed at once.
    """

    def __init__(self, connection: BoundedProtocol, buffer: memoryview) -> None:
        self._connection = connection
        self._buffer = buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._connection.connection_made(cast("asyncio.Transport", transport))  # uvloop's own class does not say so

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._connection.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the loop's wish, which has no bound
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes came."""
        self._connection.data_received(self._buffer[:nbytes])
        if nbytes == len(self._buffer):
            self._connection.yield_turn()

    def eof_received(self) -> None:
        """The client sends no more, but still takes an answer."""
        self._connection.eof_received()

    def pause_writing(self) -> None:
        """The client takes less than is sent."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The client takes it again."""
        self._connection.resume_writing()
