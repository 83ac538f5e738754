"""From a request to its handler and back: route, caller, body, handler, reply, in this order.

Whatever a client sends is answered in the form of the route that it was meant for, and never with a 500.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import count
from secrets import token_hex
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from workspace_operator.application.ports import StoredCredentials
from workspace_operator.errors import InvalidInput, Unavailable, WorkspaceOperatorError
from workspace_operator.identity.texts import shown
from workspace_operator.web.authentication import Authenticator
from workspace_operator.web.base_urls import base_url
from workspace_operator.web.connections import KNOWN
from workspace_operator.web.error_forms import failure, form_of_path, problem, unauthorized
from workspace_operator.web.exchanges import NOBODY, Inquiry, Reply, Served
from workspace_operator.web.receiving import Incoming, Missing, Room, Share
from workspace_operator.web.routes import Found, Route, Routes
from workspace_operator.web.sending import send_reply
from workspace_operator.web.services import Services
from workspace_operator.web.wrong_keys import WrongKeys

logger = logging.getLogger(__name__)

CLIENT_GONE: Final = 499
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})

MOST_PARAMETERS: Final = 100
"""Of a query."""

_CLOSE: Final = {"connection": "close"}
_PLAIN_CODINGS: Final = frozenset({b"", b"identity"})
_CHARSETS: Final = (b"utf-8", b"utf8", b"us-ascii")


_process = token_hex(4)
_numbers = count(1)


def _request_id() -> str:
    return f"{_process}-{next(_numbers)}"


@dataclass(slots=True, kw_only=True)
class _Exchange:
    """What is known of a request while it is being answered."""

    scope: Scope
    incoming: Incoming
    headers: Mapping[bytes, bytes]
    share: Share
    route: Route | None = None
    caller: StoredCredentials = NOBODY
    received: int = 0
    request_id: str = field(default_factory=_request_id)


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """An ASGI application for requests over HTTP."""

    routes: Routes
    services: Services
    authenticator: Authenticator
    _room: Room = field(init=False)
    _wrong_keys: WrongKeys = field(init=False)

    def __post_init__(self) -> None:
        """Make what all requests share."""
        limits = self.services.limits
        self._room = Room(limits.bodies)
        self._wrong_keys = WrongKeys(free=limits.wrong_keys, seconds=limits.wrong_key_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        exchange = _Exchange(
            scope=scope, incoming=Incoming(receive), headers=dict(scope["headers"]), share=Share(self._room)
        )
        status, sent = CLIENT_GONE, 0
        try:
            reply = await self._reply(exchange)
            if reply is not None:
                with_body, seconds = scope["method"] != "HEAD", self.services.limits.write_seconds
                sent = await send_reply(send, reply, receive=receive, seconds=seconds, with_body=with_body)
                status = reply.status
        except TimeoutError:
            logger.info("a client did not take its reply in time")
        finally:
            exchange.share.give_back()
            self._tell(exchange, status, sent, time.perf_counter() - started)

    async def _reply(self, exchange: _Exchange) -> Reply | None:
        """What to answer; None if nobody is there any more."""
        scope = exchange.scope
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        try:
            found = self.routes.find(scope["raw_path"], method)
        except InvalidInput as error:
            reply = failure(form_of_path(scope["raw_path"]), error, request_id=exchange.request_id)
            return await _unread(exchange, reply)
        if found is None:
            message = "there is nothing at this path: see /openapi.json for what there is"
            return await _unread(exchange, problem(form_of_path(scope["raw_path"]), HTTPStatus.NOT_FOUND, message))
        route = found.routes.get(method)
        if route is None:
            return await _unread(exchange, _not_there(found, scope["method"]))
        exchange.route = route
        return await self._answer(exchange, route, found.parts)

    async def _answer(self, exchange: _Exchange, route: Route, parts: tuple[str, ...]) -> Reply | None:
        try:
            authorization = exchange.headers.get(b"authorization", b"")
            caller = await self.authenticator.caller(route.authentication, authorization)
            if caller is None:
                return await self._unauthorized(exchange, route, has_key=bool(authorization))
            exchange.caller = caller
            if caller is not NOBODY:
                exchange.scope.setdefault("state", {})[KNOWN] = True
            body = await self._body(exchange, route)
            if not isinstance(body, bytes):
                return body
            return await route.handler(_inquiry(exchange, parts, body, self.services.public_url))
        except WorkspaceOperatorError as error:
            reply = failure(route.error_form, error, request_id=exchange.request_id)
            if reply.status == HTTPStatus.SERVICE_UNAVAILABLE:
                logger.warning("request %s (%s %s): %s", exchange.request_id, route.method, route.pattern, error)
            return await _unread(exchange, reply)
        except Exception as error:
            logger.exception("request %s (%s %s) failed", exchange.request_id, route.method, route.pattern)
            return failure(route.error_form, error, request_id=exchange.request_id)

    async def _unauthorized(self, exchange: _Exchange, route: Route, *, has_key: bool) -> Reply:
        reply = unauthorized(route.authentication)
        address, _ = exchange.scope.get("client") or ("", 0)
        if has_key and not await self._wrong_keys.hold_back(address):
            return replace(reply, headers={**reply.headers, **_CLOSE})
        return await _unread(exchange, reply)

    async def _body(self, exchange: _Exchange, route: Route) -> bytes | Reply | None:
        """The body, or the reply if there is none that can be read."""
        limits, headers = self.services.limits, exchange.headers
        if complaint := _unreadable(headers):
            reply = problem(route.error_form, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, complaint)
            return await _unread(exchange, reply)
        announced = int(headers.get(b"content-length", 0))
        if announced > route.body_limit:
            return await _unread(exchange, _too_large(route))
        limit = announced or route.body_limit
        body = await exchange.incoming.whole(limit=limit, seconds=limits.body_seconds, share=exchange.share)
        match body:
            case bytes():
                exchange.received = len(body)
                return body
            case Missing.GONE:
                return None
            case Missing.TOO_LARGE:
                return await _unread(exchange, _too_large(route))
            case Missing.TOO_SLOW:
                message = f"the body did not come within {limits.body_seconds:g} seconds: send it again"
                return problem(route.error_form, HTTPStatus.REQUEST_TIMEOUT, message, headers=_CLOSE)
            case Missing.NO_ROOM:
                raise Unavailable("too many large bodies are coming in at once")

    def _tell(self, exchange: _Exchange, status: int, sent: int, seconds: float) -> None:
        method = exchange.scope["method"]
        served = Served(
            request_id=exchange.request_id,
            method=method if method in METHODS else "OTHER",
            route="" if exchange.route is None else exchange.route.pattern,
            status=status,
            seconds=seconds,
            workspace_id=exchange.caller.workspace_id,
            received=exchange.received,
            sent=sent,
        )
        self.services.metrics.served(served)
        self.services.log(served)


async def _unread(exchange: _Exchange, reply: Reply) -> Reply:
    """A reply before the body was read: what is left of it is thrown away, or the connection cannot go on."""
    if b"expect" not in exchange.headers and await exchange.incoming.is_thrown_away():
        return reply
    return replace(reply, headers={**reply.headers, **_CLOSE})


def _not_there(found: Found, method: str) -> Reply:
    """The reply to a method that a path does not have; OPTIONS asks for just that."""
    allow = {"allow": found.allowed}
    if method == "OPTIONS":
        return Reply(headers=allow)
    form = next(iter(found.routes.values())).error_form
    message = f"the method {method} is not for this path: use one of {found.allowed}"
    return problem(form, HTTPStatus.METHOD_NOT_ALLOWED, message, headers=allow)


def _too_large(route: Route) -> Reply:
    message = f"the body has more than {route.body_limit} bytes: send less at a time"
    return problem(route.error_form, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)


def _unreadable(headers: Mapping[bytes, bytes]) -> str:
    """What keeps us from reading a body, empty if nothing does."""
    coding = headers.get(b"content-encoding", b"").lower()
    if coding not in _PLAIN_CODINGS:
        return "the body is compressed: send it as it is"
    _, _, charset = headers.get(b"content-type", b"").lower().partition(b"charset=")
    if charset and not charset.strip(b' "').startswith(_CHARSETS):
        return "the body has another charset: send UTF-8"
    return ""


def _inquiry(exchange: _Exchange, parts: tuple[str, ...], body: bytes, public_url: str) -> Inquiry:
    scope = exchange.scope
    return Inquiry(
        parts=parts,
        query=_query(scope["query_string"]) if scope["query_string"] else {},
        body=body,
        caller=exchange.caller,
        base_url=public_url or base_url(scope, exchange.headers.get(b"host", b"")),
    )


def _query(raw: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except UnicodeDecodeError:
        raise InvalidInput("the query is no valid UTF-8: encode it as UTF-8, then with percent signs") from None
    except ValueError:
        raise InvalidInput(f"the query has more than {MOST_PARAMETERS} parameters: send less") from None
    query = dict(pairs)
    if len(query) < len(pairs):  # a filter that is ignored answers wrongly
        twice = next(name for name in query if sum(name == each for each, _ in pairs) > 1)
        raise InvalidInput(f"the query has the parameter {shown(twice)} more than once: send it once")
    return query
