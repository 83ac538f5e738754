"""The HTTP server of one process: sockets, TLS, uvicorn, probes and graceful shutdown."""

import asyncio
import logging
import resource
import socket
import ssl
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from workspace_operator.application.health.probes import ProbeHandlers, combined_probes
from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.limits import ConnectionLimits
from workspace_operator.http_server.probes import probe_app
from workspace_operator.http_server.protocol import READ_BYTES, BoundedProtocol, protocol_with_limits
from workspace_operator.http_server.round_robin import RoundRobinReader

logger = logging.getLogger(__name__)

BACKLOG: Final = 2048
GRACE_SECONDS: Final = 20
"""Seconds for running requests to finish at shutdown; a pod has 30 by default."""

HANDSHAKE_SECONDS: Final = 10.0
TICKS_PER_SECOND: Final = 10

RESERVED_FILES: Final = 200
"""Files beside client connections: database connections, libraries."""

PROBE_LIMITS: Final = ConnectionLimits(connections=50)
"""ConnectionLimits of the probe listener, which the clients of the application cannot reach."""

THREAD_SWITCH_INTERVAL_SECONDS: Final = 0.0005
"""Time slice of a thread; the event loop and the writer thread alternate often (trials §4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The HTTP server and its settings.

    Attributes:
        sockets: listening sockets; closed at shutdown.
        tls: None for plain HTTP.
        grace_seconds: time for running requests to finish at shutdown.
        probe_sockets: listening sockets of the probes, for plain HTTP; closed last.
        name: of the thread that serves.
        protocol: class of the connections.
    """

    sockets: Sequence[socket.socket]
    tls: ssl.SSLContext | None = None
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    grace_seconds: int = GRACE_SECONDS
    probe_sockets: Sequence[socket.socket] = ()
    liveness_path: str = ""
    name: str = "api"
    protocol: type[BoundedProtocol] = field(init=False)

    def __post_init__(self) -> None:
        """Create the protocol class, whose class attributes track all connections of this server."""
        object.__setattr__(self, "protocol", protocol_with_limits(self.limits))

    def probes(self, stopping: threading.Event) -> ProbeHandlers:
        """Probes of the server: ready while it accepts connections."""
        accepts = self.protocol.accepts_connections
        return ProbeHandlers(is_ready=lambda: accepts() and not stopping.is_set(), metrics=bytes)

    def serve(self, app: ASGIApp, stopping: threading.Event, probes: ProbeHandlers | None = None) -> None:
        """Serve until ``stopping`` is set or the server fails; shutdown finishes accepted requests.

        uvicorn runs in a thread of its own, because in the main thread it would install signal handlers.
        """
        sys.setswitchinterval(THREAD_SWITCH_INTERVAL_SECONDS)
        self.protocol.limits = _raise_file_limit(self.limits)
        probe_server = None
        if probes is not None and self.probe_sockets:
            probes_app = probe_app(combined_probes(probes, self.probes(stopping)), self.liveness_path)
            probe_server = _ProbeServer(self.probe_sockets, self._uvicorn_config(probes_app))
        server = _UvicornServer(self._uvicorn_config(app), self, probe_server)
        with ThreadPoolExecutor(1, thread_name_prefix=self.name) as thread:
            running = thread.submit(server.run, list(self.sockets))
            running.add_done_callback(lambda _: stopping.set())
            stopping.wait()
            server.should_exit = True
            running.result()

    def _uvicorn_config(self, app: ASGIApp) -> uvicorn.Config:
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


def _raise_file_limit(limits: ConnectionLimits) -> ConnectionLimits:
    """Raise the file limit of this process to its connections, or lower the connections to it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return limits
    needed = limits.connections + RESERVED_FILES
    target = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    files = max(soft, target)
    return replace(limits, connections=min(limits.connections, max(1, files - RESERVED_FILES)))


@dataclass(slots=True)
class _ProbeServer:
    """The listeners of the probes, which keep running during the shutdown of the application."""

    sockets: Sequence[socket.socket]
    config: uvicorn.Config
    state: ServerState = field(default_factory=ServerState)
    servers: list[asyncio.AbstractServer] = field(default_factory=list)

    async def start(self) -> None:
        protocol, buffer = protocol_with_limits(PROBE_LIMITS), memoryview(bytearray(READ_BYTES))

        def connection() -> RoundRobinReader:
            return RoundRobinReader(protocol(config=self.config, server_state=self.state, app_state={}), buffer)

        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(connection, sock=sock, backlog=BACKLOG) for sock in self.sockets]

    def stop(self) -> None:
        for server in self.servers:
            server.close()
        for open_connection in list(self.state.connections):
            open_connection.shutdown()


class _UvicornServer(uvicorn.Server):
    """uvicorn on given sockets, with a timeout for TLS handshakes and a probe server."""

    def __init__(self, config: uvicorn.Config, settings: Server, probe_server: _ProbeServer | None) -> None:
        super().__init__(config)
        self._protocol, self._tls = settings.protocol, settings.tls
        self._probe_server = probe_server
        self._buffer = memoryview(bytearray(READ_BYTES))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the lifespan of the application, then listen."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise RuntimeError("the application could not be started")
        loop = asyncio.get_running_loop()
        handshakes = HANDSHAKE_SECONDS if self._tls else None
        self.servers = [
            await loop.create_server(
                self._connection, sock=sock, ssl=self._tls, backlog=BACKLOG, ssl_handshake_timeout=handshakes
            )
            for sock in sockets or ()
        ]
        if self._probe_server is not None:
            await self._probe_server.start()
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down gracefully; the probe server stops last."""
        await super().shutdown(sockets)
        if self._probe_server is not None:
            self._probe_server.stop()

    async def on_tick(self, counter: int) -> bool:
        """Abort stalled connections once a second; uvicorn calls this ten times a second."""
        if counter % TICKS_PER_SECOND == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.abort_if_stalled()
        return await super().on_tick(counter)

    def _connection(self) -> RoundRobinReader:
        protocol = self._protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return RoundRobinReader(protocol, self._buffer)


def bind_sockets(
    host: str, port: int, *, purpose: str = "the people API", option: str = "--port"
) -> list[socket.socket]:
    """Open listening sockets on all addresses of a host.

    An empty host means all addresses of the machine, port 0 any free port. ``purpose`` is for the log, ``option`` for
    the error. Raises InvalidInput if the address cannot be used.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = dict.fromkeys((family, address) for family, *_, address in found)
        sockets = [socket.create_server(address[:2], family=family, backlog=BACKLOG) for family, address in addresses]
    except (OSError, OverflowError) as error:
        message = f"cannot listen on {host}:{port}: {error}; choose another host or port"
        raise InvalidInput(message, field=option) from error
    for sock in sockets:
        logger.info("%s: listening on %s:%s", purpose, *sock.getsockname()[:2])
    return sockets


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """A context for TLS 1.2 and later from a PEM certificate chain and key; None without both.

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
        raise InvalidInput(f"{certificate} and {key} are not a certificate and its key: {error}") from error
    return context
