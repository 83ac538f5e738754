"""uvicorn's HTTP protocol with limits on everything that uvicorn leaves unbounded.

Request heads are measured as they arrive, before the parser stores them. So is the overhead of chunked bodies: sizes of
chunks, extensions, trailers. Idle connections are closed; excess connections get a 503. A request that is rejected here
never reaches the application.
"""

import asyncio
from collections import deque
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar, Final

from httptools import HttpParserError, HttpParserUpgrade
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from workspace_operator.http_server.header_checks import framing_head, header_error
from workspace_operator.http_server.limits import ConnectionLimits
from workspace_operator.http_server.response_sender import JSON_TYPE, NO_STORE, json_bytes, send_response
from workspace_operator.http_server.responses import BODY_STATE_KEY, CREDENTIALS_STATE_KEY, WRITE_STATE_KEY, Response

MAX_PIPELINED_REQUESTS: Final = 200
"""Number of requests that a connection can send before the response to the first."""

READ_BYTES: Final = 8_192
"""Bytes read from a connection per turn; chunks of one byte take a millisecond to parse."""

MAX_ANSWERED_EXCESS_CONNECTIONS: Final = 100
"""Number of excess connections that get a 503 at their request; further ones get it at once."""

LINGER_SECONDS: Final = 1.0
LINGER_BYTES: Final = 1_000_000
"""Time and size of data to read after a rejection, so that the client receives it."""

_REQUEST_LINE_OVERHEAD: Final = 64
"""Size of a request line without its path."""
_HEADER_OVERHEAD: Final = 4
"""Size of the separators of a header."""
_CHUNK_OVERHEAD: Final = 32
"""Uncounted size of a chunk beside its content, for its length and the line breaks."""

_STATUS_OK: Final = b"HTTP/1.1 200 OK\r\n"

_MESSAGES: Final = {
    HTTPStatus.BAD_REQUEST: "this is not valid HTTP/1.1",
    HTTPStatus.REQUEST_URI_TOO_LONG: "the path with its query is too long",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "the headers are too large or too many",
    HTTPStatus.REQUEST_TIMEOUT: "the headers did not arrive in time",
    HTTPStatus.SERVICE_UNAVAILABLE: "too many connections: try again",
}


class _Rejected(Exception):
    """Raised in a parser callback to stop the parser."""


class _TurnFlowControl(FlowControl):
    """Flow control that does not resume a connection while it is queued for its turn."""

    is_queued = False

    def resume_reading(self) -> None:
        """Resume reading, unless the connection is queued."""
        if not self.is_queued:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `protocol_with_limits` makes the class for other limits."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()
    unauthenticated: ClassVar["dict[BoundedProtocol, None]"] = {}
    """Connections without valid credentials so far, the oldest first."""
    open_connections: ClassVar["set[BoundedProtocol]"] = set()
    """All connections."""
    read_queue: ClassVar["deque[BoundedProtocol]"] = deque()
    """Connections that filled the buffer; each turn of the event loop resumes one."""

    flow: _TurnFlowControl

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._rejection = (HTTPStatus.BAD_REQUEST, _MESSAGES[HTTPStatus.BAD_REQUEST])
        self._header_bytes = 0
        self._overhead_bytes = 0
        self._is_head_open = False
        self._is_ended = False
        self._is_replaying = False
        self._had_valid_credentials = False
        self._is_application_waiting = False  # it starts in the next iteration of the event loop
        self._header_timer: asyncio.TimerHandle | None = None
        self._stalled_since: float | None = None
        self._pending_cycles: deque[RequestResponseCycle] = deque()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's signature
        """Start. Over the limit, evict the oldest one without valid credentials, or reject this one."""
        super().connection_made(transport)
        self.flow = _TurnFlowControl(transport)
        self._start_header_timer()
        self.open_connections.add(self)
        excess = len(self.open_connections) - self.limits.connections
        if excess > 0 and not self._evict_oldest():
            self.app = _too_many_connections
            if excess > MAX_ANSWERED_EXCESS_CONNECTIONS:
                self._end_with_error(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self.unauthenticated[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """End all pending requests; uvicorn ends only the newest of pipelined requests."""
        self._cancel_header_timer()
        self.unauthenticated.pop(self, None)
        self.open_connections.discard(self)
        super().connection_lost(exc)
        self._disconnect_pending()

    def data_received(self, data: bytes | memoryview) -> None:
        """Parse the data, and start a timer while a request head is incomplete."""
        self._unset_keepalive_if_required()
        if self._is_ended:
            self._overhead_bytes += len(data)
            if self._overhead_bytes > LINGER_BYTES:
                self.transport.abort()
            return
        rest = memoryview(data)
        while rest and not self._is_ended:
            consumed = self._feed(rest[: self._parse_budget()])
            rest = rest[consumed:]
        self._is_application_waiting = False
        self._update_header_timer()

    @classmethod
    def accepts_connections(cls) -> bool:
        """Whether a new connection would be served; may be called from another thread."""
        return len(cls.open_connections) < cls.limits.connections or any(
            not connection._has_valid_credentials()  # noqa: SLF001 - of this class
            for connection in list(cls.unauthenticated)
        )

    def yield_turn(self) -> None:
        """Pause reading until all queued connections had their turn."""
        if self.flow.is_queued or self.transport.is_closing():
            return
        self.flow.pause_reading()
        self.flow.is_queued = True
        if not self.read_queue:
            self.loop.call_soon(self._resume_next, self.loop)
        self.read_queue.append(self)

    @classmethod
    def _resume_next(cls, loop: asyncio.AbstractEventLoop) -> None:
        cls.read_queue.popleft()._take_turn()  # noqa: SLF001 - of this class
        if cls.read_queue:
            loop.call_soon(cls._resume_next, loop)

    def on_message_begin(self) -> None:
        """Reset the counters at the start of a request."""
        if self._is_replaying:
            return
        self._header_bytes = 0
        self._overhead_bytes = 0
        self._is_head_open = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Measure a part of the path."""
        if self._is_replaying:
            return
        self._header_bytes += len(url)
        if self._header_bytes > self.limits.path:
            self._reject(HTTPStatus.REQUEST_URI_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Measure a header; trailers of a chunked body are dropped (RFC 9110 §6.5.1)."""
        if not self._is_head_open:
            return
        self._header_bytes += len(name) + len(value)
        is_too_large = self._header_bytes > self.limits.path + self.limits.headers
        if is_too_large or len(self.headers) >= self.limits.header_count:
            self._reject(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Check the complete headers and pass the request to the application."""
        if self._is_replaying:
            return
        self._is_head_open = False
        self._overhead_bytes = 0
        if error := header_error(self.parser.get_http_version(), self.parser.get_method(), self.headers):
            self._reject(HTTPStatus.BAD_REQUEST, error)
        while self._pending_cycles and self._pending_cycles[0].response_complete:
            self._pending_cycles.popleft()
        if len(self._pending_cycles) >= MAX_PIPELINED_REQUESTS:
            self.transport.abort()
            raise _Rejected
        self._had_valid_credentials = self._has_valid_credentials()
        super().on_headers_complete()
        self.cycle.scope["state"][WRITE_STATE_KEY] = partial(_write_ok, self.cycle)
        self._pending_cycles.append(self.cycle)
        self._is_application_waiting = True

    def on_body(self, body: bytes) -> None:
        """Exclude body content from the overhead; `BodyReader` measures it."""
        self._overhead_bytes -= len(body) + _CHUNK_OVERHEAD
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request, unless it asks for an upgrade: then the parser calls this before the body."""
        if self.parser.should_upgrade() and framing_head(self.headers):
            return
        super().on_message_complete()
        if self._is_application_waiting:
            self.cycle.scope["state"][BODY_STATE_KEY] = bytes(self.cycle.body)

    def pause_writing(self) -> None:
        """The client receives more slowly than the server sends."""
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._stalled_since = None
        super().resume_writing()

    def abort_if_stalled(self) -> None:
        """Abort a connection whose client receives nothing; a closing connection can stall as well."""
        now = self.loop.time()
        if self._stalled_since is None:
            self._stalled_since = now if self.transport.is_closing() else None
        elif now - self._stalled_since > self.limits.write_seconds:
            self.transport.abort()

    def _update_header_timer(self) -> None:
        if self._is_ended:
            return
        if self._is_head_open or self._is_idle():
            self._start_header_timer()
        else:
            self._cancel_header_timer()

    def _has_valid_credentials(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return self._had_valid_credentials or (cycle is not None and CREDENTIALS_STATE_KEY in cycle.scope["state"])

    def _evict_oldest(self) -> bool:
        """End the oldest connection without valid credentials; False if there is none."""
        while self.unauthenticated:
            oldest = next(iter(self.unauthenticated))
            del self.unauthenticated[oldest]
            if not (oldest._has_valid_credentials() or oldest.transport.is_closing()):  # noqa: SLF001 - another of this class
                oldest._evict()  # noqa: SLF001 - the same
                return True
        return False

    def _evict(self) -> None:
        if self._is_idle() and not self._is_ended:
            self._end_with_error(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self.transport.abort()

    def _parse_budget(self) -> int:
        """Bytes to pass to the parser next; for a head, not more than its limit."""
        if not self._is_head_open:
            return READ_BYTES
        return max(1, min(READ_BYTES, self._max_overhead_bytes() - self._overhead_bytes))

    def _max_overhead_bytes(self) -> int:
        """Maximum size of a head, or of the overhead of a chunked body."""
        if not self._is_head_open:
            return self.limits.headers
        separators = _HEADER_OVERHEAD * self.limits.header_count + _REQUEST_LINE_OVERHEAD
        return self.limits.path + self.limits.headers + separators

    def _feed(self, data: memoryview) -> int:
        """Pass bytes to the parser; returns how many it consumed."""
        consumed = len(data)
        self._overhead_bytes += consumed
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:  # upgrades are not supported: HTTP/1.1 continues
            [consumed] = upgrade.args
            self._resume_after_upgrade(framing_head(self.headers))
        except HttpParserError:
            self._end_with_error(*self._rejection)
            return consumed
        self._overhead_bytes = max(0, self._overhead_bytes)
        if self._overhead_bytes > self._max_overhead_bytes():
            self._end_with_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return consumed

    def _resume_after_upgrade(self, head: bytes) -> None:
        """Make the parser expect the body of a request whose Upgrade header stopped it.

        Java's client requests an upgrade in every first request, so such requests are not refused.
        """
        self._is_replaying = True
        self.parser.feed_data(head)
        self._is_replaying = False

    def _take_turn(self) -> None:
        self.flow.is_queued = False
        cycle: RequestResponseCycle | None = self.cycle
        is_full = cycle is not None and len(cycle.body) > HIGH_WATER_LIMIT
        if not (is_full or self.pipeline or self.transport.is_closing()):
            self.flow.resume_reading()

    def _reject(self, status: HTTPStatus, message: str = "") -> None:
        self._rejection = (status, message or _MESSAGES[status])
        raise _Rejected

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _start_header_timer(self, seconds: float | None = None) -> None:
        if self._header_timer is None and not self.transport.is_closing():
            seconds = self.limits.header_seconds if seconds is None else seconds
            self._header_timer = self.loop.call_later(seconds, self._on_header_timeout)

    def _cancel_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _on_header_timeout(self) -> None:
        self._header_timer = None
        if self._is_head_open and not self._is_ended:
            self._end_with_error(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _end_with_error(self, status: HTTPStatus, message: str = "") -> None:
        """End the connection; send the error unless it could answer another pipelined request."""
        if self._is_ended or self.transport.is_closing():
            return
        self._is_ended = True
        pending = [cycle for cycle in self._pending_cycles if not cycle.response_complete]
        is_next_at_fault = self._is_head_open or not (pending and self.cycle.more_body)
        if pending and is_next_at_fault:
            self.cycle.keep_alive = False  # its response is the last one
        elif len(pending) > 1 or any(cycle.response_started for cycle in pending):
            self.transport.abort()
        else:
            self._disconnect_pending()
            self.transport.write(_error_response(status, message or _MESSAGES[status]))
            self._linger()

    def _linger(self) -> None:
        """Keep reading briefly: closing with unread data makes the client lose the response."""
        if not self.transport.can_write_eof():  # TLS
            self.transport.close()
            return
        self._cancel_header_timer()
        self._start_header_timer(LINGER_SECONDS)
        self.transport.write_eof()

    def _disconnect_pending(self) -> None:
        for cycle in self._pending_cycles:
            cycle.disconnected = True
            cycle.message_event.set()


def _write_ok(cycle: RequestResponseCycle, response: bytes) -> bool:
    """Write a response (`WriteOK`), unless the client receives too slowly or the connection is to be closed."""
    if cycle.flow.write_paused or cycle.disconnected or not cycle.keep_alive:
        return False
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    headers = [part for name, value in cycle.default_headers for part in (name, b": ", value, b"\r\n")]
    cycle.transport.write(b"".join((_STATUS_OK, *headers, response)))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True


def protocol_with_limits(limits: ConnectionLimits) -> type[BoundedProtocol]:
    """Make a protocol class with these limits and its own set of connections."""
    return type(
        "LimitedProtocol",
        (BoundedProtocol,),
        {"limits": limits, "unauthenticated": {}, "open_connections": set(), "read_queue": deque()},
    )


def _error_response(status: HTTPStatus, message: str) -> bytes:
    body = json_bytes({"meta": {"error": message}})
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"content-type: {JSON_TYPE.decode()}",
        f"content-length: {len(body)}",
        f"cache-control: {NO_STORE}",
        "connection: close",
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append("retry-after: 1")
    return "\r\n".join((*lines, "", "")).encode("ascii") + body


async def _too_many_connections(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
    """The ASGI application of excess connections: responds with 503."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"retry-after": "1", "connection": "close"}
    response = Response(status=status, document={"meta": {"error": _MESSAGES[status]}}, headers=headers)
    await send_response(send, response, receive=receive, seconds=BoundedProtocol.limits.write_seconds)
