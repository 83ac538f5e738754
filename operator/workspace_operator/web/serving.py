"""The server of one process: sockets, TLS, uvicorn, and an end that finishes what was accepted."""

import asyncio
import logging
import resource
import socket
import ssl
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from workspace_operator.errors import InvalidInput
from workspace_operator.web.connections import READ_BYTES, BoundedProtocol, limited
from workspace_operator.web.services import Limits
from workspace_operator.web.turn_reader import TurnReader

logger = logging.getLogger(__name__)

BACKLOG: Final = 2048
GRACE_SECONDS: Final = 20
"""How long requests that are being answered may take to end; what a pod is given by default is 30."""

HANDSHAKE_SECONDS: Final = 10.0
TICKS_A_SECOND: Final = 10

OTHER_FILES: Final = 200
"""Beside those of callers: of the database, of libraries."""

SWITCH_SECONDS: Final = 0.0005
"""How long one thread goes on while another waits for its turn: the event loop and the writing thread take turns all
the time (measured; trials.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where and how requests are taken.

    Attributes:
        sockets: that listen already; closed at the end.
        tls: None for plain HTTP.
        limits: of connections.
        grace_seconds: how long requests that are being answered may take when it ends.
    """

    sockets: Sequence[socket.socket]
    tls: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)
    grace_seconds: int = GRACE_SECONDS

    def serve(self, app: ASGIApp, stopping: threading.Event) -> None:
        """Serve until told to stop, or until it fails; then what was accepted is answered first.

        In a thread of its own: in the main one uvicorn would take the signals over.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        _allow_files(self.limits.connections + OTHER_FILES)
        server = _Uvicorn(self._configuration(app), limited(self.limits), self.tls)
        with ThreadPoolExecutor(1, thread_name_prefix="api") as thread:
            running = thread.submit(server.run, list(self.sockets))
            running.add_done_callback(lambda _: stopping.set())
            stopping.wait()
            server.should_exit = True
            running.result()

    def _configuration(self, app: ASGIApp) -> uvicorn.Config:
        return uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=int(self.limits.idle_seconds),
            timeout_graceful_shutdown=self.grace_seconds,
        )


def _allow_files(wanted: int) -> None:
    """Let this process hold so many files and connections, as far as it may say so itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Uvicorn(uvicorn.Server):
    """uvicorn on sockets that are given, with a bound for handshakes."""

    def __init__(self, config: uvicorn.Config, protocol: type[BoundedProtocol], tls: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self._protocol = protocol
        self._tls = tls
        self._buffer = memoryview(bytearray(READ_BYTES))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Run the application's own beginning, then listen."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise RuntimeError("the API could not be started")
        loop = asyncio.get_running_loop()
        handshakes = HANDSHAKE_SECONDS if self._tls else None
        self.servers = [
            await loop.create_server(
                self._connection, sock=each, ssl=self._tls, backlog=BACKLOG, ssl_handshake_timeout=handshakes
            )
            for each in sockets or ()
        ]
        self.started = True

    async def on_tick(self, counter: int) -> bool:
        """Look after connections each second; uvicorn ticks ten times in one."""
        if counter % TICKS_A_SECOND == 0:
            for each in list(self.server_state.connections):
                if isinstance(each, BoundedProtocol):
                    each.end_if_stuck()
        return await super().on_tick(counter)

    def _connection(self) -> TurnReader:
        protocol = self._protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return TurnReader(protocol, self._buffer)


def listening(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen at all addresses of a host. Raises InvalidInput."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = dict.fromkeys((family, address) for family, *_, address in found)
        sockets = [socket.create_server(address[:2], family=family, backlog=BACKLOG) for family, address in addresses]
    except (OSError, OverflowError) as error:
        raise InvalidInput(f"nothing can listen at {host}:{port}: {error}", field="--port") from error
    for each in sockets:
        logger.info("the people API listens at %s:%s", *each.getsockname()[:2])
    return sockets


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """TLS 1.2 and later with a certificate chain and its key, both PEM; None if neither is given.

    Raises InvalidInput.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise InvalidInput("TLS needs a certificate and its key: give both --tls-cert and --tls-key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:  # an SSLError is one
        raise InvalidInput(f"{certificate} with {key} is no certificate with its key: {error}") from error
    return context
