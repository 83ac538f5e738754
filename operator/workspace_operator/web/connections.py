"""Connections over which requests come: what uvicorn leaves unbounded has a bound here.

Headers are counted while they come, in bytes and in seconds; a connection that says nothing is closed; one too many
is told so. What is refused here never was a request that an application could answer.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Any, ClassVar, Final

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from workspace_operator.web.sending import JSON_TYPE, json_bytes
from workspace_operator.web.services import Limits

MOST_AT_ONCE: Final = 200
"""How many requests of one connection may be sent before the first is answered."""

_MESSAGES: Final = {
    HTTPStatus.BAD_REQUEST: "this is no valid HTTP/1.1",
    HTTPStatus.REQUEST_URI_TOO_LONG: "the path with its query is too long",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "the headers are too large or too many",
    HTTPStatus.REQUEST_TIMEOUT: "the headers did not come in time",
    HTTPStatus.SERVICE_UNAVAILABLE: "too many connections: try again",
}


class _Refused(Exception):
    """Raised into the parser, which then goes no further."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `limited` makes the class for other limits."""

    limits: ClassVar[Limits] = Limits()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._status = HTTPStatus.BAD_REQUEST
        self._counted = 0
        self._is_head_open = False
        self._deadline: asyncio.TimerHandle | None = None
        self._stuck_since: float | None = None
        self._unanswered: deque[RequestResponseCycle] = deque()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin; whoever is too many hears it in reply to the first request."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self.app = _crowded
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; uvicorn tells only the newest of several requests that were sent at once."""
        self._head_came()
        super().connection_lost(exc)
        for each in self._unanswered:
            each.disconnected = True
            each.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Parse what came, and give what is not complete a deadline."""
        super().data_received(data)
        if self._is_head_open or self._is_idle():
            self._await_head()
        else:
            self._head_came()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._counted = 0
        self._is_head_open = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the path came."""
        self._counted += len(url)
        if self._counted > self.limits.path:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came."""
        self._counted += len(name) + len(value)
        is_too_large = self._counted > self.limits.path + self.limits.headers
        if is_too_large or len(self.headers) >= self.limits.header_count:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """All headers came: from here on the application looks after the request."""
        self._is_head_open = False
        while self._unanswered and self._unanswered[0].response_complete:
            self._unanswered.popleft()
        if len(self._unanswered) >= MOST_AT_ONCE:
            self.transport.abort()
            raise _Refused
        super().on_headers_complete()
        self._unanswered.append(self.cycle)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words tell less
        """Answer what was no request, and end the connection."""
        self._end(self._status)

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

    def _refuse(self, status: HTTPStatus) -> None:
        self._status = status
        raise _Refused

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _await_head(self) -> None:
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.limits.header_seconds, self._head_is_late)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _head_is_late(self) -> None:
        self._deadline = None
        if self._is_head_open:
            self._end(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _end(self, status: HTTPStatus) -> None:
        if not self.transport.is_closing():
            self.transport.write(_whole_reply(status))
            self.transport.close()


def limited(limits: Limits) -> type[BoundedProtocol]:
    """The protocol with these limits."""
    return type("LimitedProtocol", (BoundedProtocol,), {"limits": limits})


def _whole_reply(status: HTTPStatus) -> bytes:
    body = json_bytes({"meta": {"error": _MESSAGES[status]}})
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"content-type: {JSON_TYPE.decode()}",
        f"content-length: {len(body)}",
        "connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii") + body


async def _crowded(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - an ASGI application
    """The application of connections that are too many."""
    body = json_bytes({"meta": {"error": _MESSAGES[HTTPStatus.SERVICE_UNAVAILABLE]}})
    headers = [
        (b"content-type", JSON_TYPE),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", b"1"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": HTTPStatus.SERVICE_UNAVAILABLE, "headers": headers})
    await send({"type": "http.response.body", "body": body})
