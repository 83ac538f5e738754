"""Connections over which requests come: what uvicorn leaves unbounded has a bound here.

Heads are counted while they come, before the parser keeps them, and so is what a chunked body has beside its content:
sizes, extensions, trailers. A connection that says nothing is closed; one too many is told so. What is refused here
never was a request that an application could answer.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Any, ClassVar, Final

from httptools import HttpParserError, HttpParserUpgrade
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from workspace_operator.web.request_heads import body_head, head_fault
from workspace_operator.web.sending import JSON_TYPE, UNCACHED, json_bytes
from workspace_operator.web.services import Limits

MOST_AT_ONCE: Final = 200
"""How many requests of one connection may be sent before the first is answered."""

READ_BYTES: Final = 8_192
"""How much of one connection is read before the others have their turn: a millisecond, if it is chunks of one byte."""

MOST_TOLD: Final = 100
"""So many connections beyond the limit are told so in reply to a request; further ones at once."""

LINGER_SECONDS: Final = 1.0
LINGER_BYTES: Final = 1_000_000
"""How long and how much is read after a refusal, so that the client gets to see it."""

KNOWN: Final = "has_valid_credentials"
"""The key in the ASGI state of a request by which the application says so."""

_LINE_BYTES: Final = 64
"""What a request line may have beside its path."""
_SEPARATOR_BYTES: Final = 4
"""What stands between and behind the name and the value of a header."""
_CHUNK_BYTES: Final = 32
"""What a chunk may have beside its content without being counted: its size and the line breaks."""

_MESSAGES: Final = {
    HTTPStatus.BAD_REQUEST: "this is no valid HTTP/1.1",
    HTTPStatus.REQUEST_URI_TOO_LONG: "the path with its query is too long",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "the headers are too large or too many",
    HTTPStatus.REQUEST_TIMEOUT: "the headers did not come in time",
    HTTPStatus.SERVICE_UNAVAILABLE: "too many connections: try again",
}


class _Refused(Exception):
    """Raised into the parser, which then goes no further."""


class _Turns(FlowControl):
    """Whether a connection is read from; while it waits for its turn nobody else can resume it."""

    is_waiting = False

    def resume_reading(self) -> None:
        """Read on, unless the connection waits for its turn."""
        if not self.is_waiting:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `limited` makes the class for other limits."""

    limits: ClassVar[Limits] = Limits()
    unknown: ClassVar["dict[BoundedProtocol, None]"] = {}
    """Connections over which no valid credentials came yet, the oldest first."""
    crowd: ClassVar["set[BoundedProtocol]"] = set()
    """All connections."""
    waiting: ClassVar["deque[BoundedProtocol]"] = deque()
    """Connections that sent much and wait for their turn to be read from; one is, in each turn of the event loop."""

    flow: _Turns

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._refusal = (HTTPStatus.BAD_REQUEST, _MESSAGES[HTTPStatus.BAD_REQUEST])
        self._counted = 0
        self._uncounted = 0
        self._is_head_open = False
        self._is_over = False
        self._is_replayed = False
        self._was_known = False
        self._deadline: asyncio.TimerHandle | None = None
        self._stuck_since: float | None = None
        self._unanswered: deque[RequestResponseCycle] = deque()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin. If there are too many, the oldest that showed no valid credentials ends; else this one is told so."""
        super().connection_made(transport)
        self.flow = _Turns(transport)
        self._await_head()
        self.crowd.add(self)
        excess = len(self.crowd) - self.limits.connections
        if excess > 0 and not self._make_room():
            self.app = _crowded
            if excess > MOST_TOLD:
                self._end(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self.unknown[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """End; uvicorn tells only the newest of several requests that were sent at once."""
        self._head_came()
        self.unknown.pop(self, None)
        self.crowd.discard(self)
        super().connection_lost(exc)
        self._tell_unanswered()

    def data_received(self, data: bytes | memoryview) -> None:
        """Parse what came, and give what is not complete a deadline."""
        self._unset_keepalive_if_required()
        if self._is_over:
            self._throw_away(len(data))
            return
        self._parse(memoryview(data))
        self._watch_head()

    @classmethod
    def has_room(cls) -> bool:
        """Whether one more connection would be served; may be asked from another thread."""
        return len(cls.crowd) < cls.limits.connections or any(not each._is_known() for each in list(cls.unknown))  # noqa: SLF001 - of this class

    def let_others_in(self) -> None:
        """Read no more before all other connections had their turn."""
        if self.flow.is_waiting or self.transport.is_closing():
            return
        self.flow.pause_reading()
        self.flow.is_waiting = True
        if not self.waiting:
            self.loop.call_soon(self._next_turn, self.loop)
        self.waiting.append(self)

    @classmethod
    def _next_turn(cls, loop: asyncio.AbstractEventLoop) -> None:
        cls.waiting.popleft()._read_on()  # noqa: SLF001 - of this class
        if cls.waiting:
            loop.call_soon(cls._next_turn, loop)

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._is_replayed:
            return
        self._counted = 0
        self._uncounted = 0
        self._is_head_open = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the path came."""
        if self._is_replayed:
            return
        self._counted += len(url)
        if self._counted > self.limits.path:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came; trailers of a chunked body are none, and are dropped (RFC 9110 §6.5.1)."""
        if not self._is_head_open:
            return
        self._counted += len(name) + len(value)
        is_too_large = self._counted > self.limits.path + self.limits.headers
        if is_too_large or len(self.headers) >= self.limits.header_count:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """All headers came: from here on the application looks after the request."""
        if self._is_replayed:
            return
        self._is_head_open = False
        self._uncounted = 0
        if fault := head_fault(self.parser.get_http_version(), self.parser.get_method(), self.headers):
            self._refuse(HTTPStatus.BAD_REQUEST, fault)
        while self._unanswered and self._unanswered[0].response_complete:
            self._unanswered.popleft()
        if len(self._unanswered) >= MOST_AT_ONCE:
            self.transport.abort()
            raise _Refused
        self._was_known = self._is_known()
        super().on_headers_complete()
        self._unanswered.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """A part of the body came: that is counted where it is read."""
        self._uncounted -= len(body) + _CHUNK_BYTES
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of the request came; of one that asks for an upgrade the parser says so before its body."""
        if not (self.parser.should_upgrade() and body_head(self.headers)):
            super().on_message_complete()

    def pause_writing(self) -> None:
        """The client takes less than is sent."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client takes it again."""
        self._stuck_since = None
        super().resume_writing()

    def end_if_stuck(self) -> None:
        """Cut a client off that takes nothing of what is sent; a connection that is closed waits for that, too."""
        now = self.loop.time()
        if self._stuck_since is None:
            self._stuck_since = now if self.transport.is_closing() else None
        elif now - self._stuck_since > self.limits.write_seconds:
            self.transport.abort()

    def _parse(self, rest: memoryview) -> None:
        while rest and not self._is_over:
            taken = self._fed(rest[: self._may_come()])
            rest = rest[taken:]

    def _watch_head(self) -> None:
        if self._is_over:
            return
        if self._is_head_open or self._is_idle():
            self._await_head()
        else:
            self._head_came()

    def _is_known(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return self._was_known or (cycle is not None and KNOWN in cycle.scope["state"])

    def _make_room(self) -> bool:
        """End the oldest connection over which nobody known calls; False if there is none."""
        while self.unknown:
            oldest = next(iter(self.unknown))
            del self.unknown[oldest]
            if not (oldest._is_known() or oldest.transport.is_closing()):  # noqa: SLF001 - another of this class
                oldest._give_way()  # noqa: SLF001 - the same
                return True
        return False

    def _give_way(self) -> None:
        if self._is_idle() and not self._is_over:
            self._end(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self.transport.abort()

    def _throw_away(self, size: int) -> None:
        self._uncounted += size
        if self._uncounted > LINGER_BYTES:
            self.transport.abort()

    def _may_come(self) -> int:
        """How many bytes the parser may see next: of a head no more than one may have in all."""
        if not self._is_head_open:
            return READ_BYTES
        return max(1, min(READ_BYTES, self._most_uncounted() - self._uncounted))

    def _most_uncounted(self) -> int:
        """How many bytes may come that are no body: of a head, or beside the content of a chunked body."""
        if not self._is_head_open:
            return self.limits.headers
        separators = _SEPARATOR_BYTES * self.limits.header_count + _LINE_BYTES
        return self.limits.path + self.limits.headers + separators

    def _fed(self, data: memoryview) -> int:
        """Have the parser see some bytes; tells of how many it did."""
        taken = len(data)
        self._uncounted += taken
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:  # nothing is ever upgraded: what follows is HTTP/1.1 as before
            [taken] = upgrade.args
            self._replay(body_head(self.headers))
        except HttpParserError:
            self._end(*self._refusal)
            return taken
        self._uncounted = max(0, self._uncounted)
        if self._uncounted > self._most_uncounted():
            self._end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return taken

    def _replay(self, head: bytes) -> None:
        """Have the parser expect the body of a request whose wish for an upgrade made it stop.

        Java's client asks for an upgrade in every first request, so the request is not refused.
        """
        self._is_replayed = True
        self.parser.feed_data(head)
        self._is_replayed = False

    def _read_on(self) -> None:
        self.flow.is_waiting = False
        cycle: RequestResponseCycle | None = self.cycle
        is_full = cycle is not None and len(cycle.body) > HIGH_WATER_LIMIT
        if not (is_full or self.pipeline or self.transport.is_closing()):
            self.flow.resume_reading()

    def _refuse(self, status: HTTPStatus, message: str = "") -> None:
        self._refusal = (status, message or _MESSAGES[status])
        raise _Refused

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _await_head(self, seconds: float | None = None) -> None:
        if self._deadline is None and not self.transport.is_closing():
            seconds = self.limits.header_seconds if seconds is None else seconds
            self._deadline = self.loop.call_later(seconds, self._head_is_late)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _head_is_late(self) -> None:
        self._deadline = None
        if self._is_head_open and not self._is_over:
            self._end(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _end(self, status: HTTPStatus, message: str = "") -> None:
        """End the connection; say why where the client would not take it for the answer to another request."""
        if self._is_over or self.transport.is_closing():
            return
        self._is_over = True
        unanswered = [each for each in self._unanswered if not each.response_complete]
        is_next_at_fault = self._is_head_open or not (unanswered and self.cycle.more_body)
        if unanswered and is_next_at_fault:
            self.cycle.keep_alive = False  # its answer is the last one
        elif len(unanswered) > 1 or any(each.response_started for each in unanswered):
            self.transport.abort()
        else:
            self._tell_unanswered()
            self.transport.write(_whole_reply(status, message or _MESSAGES[status]))
            self._linger()

    def _linger(self) -> None:
        """Read on for a moment: what is closed with bytes unread is reset, and the client loses the reply."""
        if not self.transport.can_write_eof():  # TLS
            self.transport.close()
            return
        self._head_came()
        self._await_head(LINGER_SECONDS)
        self.transport.write_eof()

    def _tell_unanswered(self) -> None:
        for each in self._unanswered:
            each.disconnected = True
            each.message_event.set()


def limited(limits: Limits) -> type[BoundedProtocol]:
    """The protocol with these limits, and a crowd of its own."""
    return type(
        "LimitedProtocol", (BoundedProtocol,), {"limits": limits, "unknown": {}, "crowd": set(), "waiting": deque()}
    )


def _whole_reply(status: HTTPStatus, message: str) -> bytes:
    body = json_bytes({"meta": {"error": message}})
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"content-type: {JSON_TYPE.decode()}",
        f"content-length: {len(body)}",
        f"cache-control: {UNCACHED}",
        "connection: close",
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append("retry-after: 1")
    return "\r\n".join((*lines, "", "")).encode("ascii") + body


async def _crowded(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - an ASGI application
    """The application of connections that are too many."""
    body = json_bytes({"meta": {"error": _MESSAGES[HTTPStatus.SERVICE_UNAVAILABLE]}})
    headers = [
        (b"content-type", JSON_TYPE),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", UNCACHED.encode()),
        (b"retry-after", b"1"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": HTTPStatus.SERVICE_UNAVAILABLE, "headers": headers})
    await send({"type": "http.response.body", "body": body})
