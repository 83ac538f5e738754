"""The ASGI application: route, authentication, body, handler, response, in this order.

A malformed request gets an error response in the format of its route, never a 500.
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
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.http_server.request_body import BodyFailure, BodyReader, BudgetReservation, ByteBudget
from workspace_operator.http_server.response_sender import send_response
from workspace_operator.http_server.responses import BODY_STATE_KEY, CREDENTIALS_STATE_KEY, WRITE_STATE_KEY, Response
from workspace_operator.http_server.uploads import UploadBody
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.web.core.auth_throttle import AuthThrottle
from workspace_operator.web.core.authentication import Authenticator
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.error_responses import (
    error_format_of_path,
    error_response,
    response_for_error,
    unauthorized_response,
)
from workspace_operator.web.core.http import UNAUTHENTICATED, Request
from workspace_operator.web.core.router import Route, RouteMatch, RouteTable
from workspace_operator.workspaces.app_keys import AppKeyMay

logger = logging.getLogger(__name__)

CLIENT_CLOSED_REQUEST: Final = 499
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})

MAX_QUERY_PARAMETERS: Final = 100

READS_ONLY: Final = (
    "the App keys of this workspace may not clean up people: set spec.credentials.appKeyMay: Clean in its Workspace "
    "resource, and try again when that is in force"
)
"""The message of a 403."""

_CLOSE: Final = {"connection": "close"}
_IDENTITY_CODINGS: Final = frozenset({b"", b"identity"})
_CHARSETS: Final = (b"utf-8", b"utf8", b"us-ascii")


_process_token = token_hex(4)
_request_numbers = count(1)


@dataclass(slots=True, kw_only=True)
class _Exchange:
    """The state of a request that is being handled."""

    scope: Scope
    body_reader: BodyReader
    headers: Mapping[bytes, bytes]
    reservation: BudgetReservation
    route: Route | None = None
    caller: StoredCredentials = UNAUTHENTICATED
    received: int = 0
    request_id: str = field(default_factory=lambda: f"{_process_token}-{next(_request_numbers)}")


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """An ASGI application for HTTP requests."""

    routes: RouteTable
    dependencies: Dependencies
    authenticator: Authenticator
    _body_budget: ByteBudget = field(init=False)
    _auth_throttle: AuthThrottle = field(init=False)

    def __post_init__(self) -> None:
        """Create the state that all requests share."""
        limits = self.dependencies.limits
        self._body_budget = ByteBudget(limits.body_budget)
        self._auth_throttle = AuthThrottle(allowance=limits.wrong_keys, seconds=limits.wrong_key_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        started = time.perf_counter()
        state = scope.setdefault("state", {})
        exchange = _Exchange(
            scope=scope,
            body_reader=BodyReader(receive, state.get(BODY_STATE_KEY)),
            headers=dict(scope["headers"]),
            reservation=BudgetReservation(self._body_budget),
        )
        status, sent = CLIENT_CLOSED_REQUEST, 0
        try:
            response = await self._respond(exchange)
            if response is not None:
                sent = await send_response(
                    send,
                    response,
                    receive=receive,
                    seconds=self.dependencies.limits.write_seconds,
                    with_body=scope["method"] != "HEAD",
                    write=state.get(WRITE_STATE_KEY),
                )
                status = response.status
        except TimeoutError:
            logger.info("a client did not receive its response in time")
        finally:
            exchange.reservation.release()
            self._log(exchange, status, sent, time.perf_counter() - started)

    async def _respond(self, exchange: _Exchange) -> Response | None:
        """The response; None if the client has disconnected."""
        scope, raw_path = exchange.scope, exchange.scope["raw_path"]
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        try:
            route_match = self.routes.find(raw_path, method)
        except InvalidInput as error:
            response = response_for_error(error_format_of_path(raw_path), error, request_id=exchange.request_id)
            return await _discard_body(exchange, response)
        if route_match is None:
            message = "no such path: see /openapi.json for all paths"
            response = error_response(error_format_of_path(raw_path), HTTPStatus.NOT_FOUND, message)
            return await _discard_body(exchange, response)
        route = route_match.routes.get(method)
        if route is None:
            return await _discard_body(exchange, _method_not_allowed(route_match, scope["method"]))
        exchange.route = route
        return await self._handle(exchange, route, route_match.path_params)

    async def _handle(self, exchange: _Exchange, route: Route, path_params: tuple[str, ...]) -> Response | None:
        try:
            authorization = exchange.headers.get(b"authorization", b"")
            caller = await self.authenticator.authenticate(route.authentication, authorization)
            if caller is None:
                return await self._unauthorized(exchange, route, has_key=bool(authorization))
            exchange.caller = caller
            if caller is not UNAUTHENTICATED:  # `protocol` evicts other connections first
                exchange.scope["state"][CREDENTIALS_STATE_KEY] = True
            if route.needs_clean and caller.app_key_may is not AppKeyMay.CLEAN:
                return await _discard_body(
                    exchange, error_response(route.error_format, HTTPStatus.FORBIDDEN, READS_ONLY)
                )
            return await self._handle_body(exchange, route, path_params)
        except WorkspaceOperatorError as error:
            response = response_for_error(route.error_format, error, request_id=exchange.request_id)
            if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
                logger.warning("request %s (%s %s): %s", exchange.request_id, route.method, route.pattern, error)
            return await _discard_body(exchange, response)
        except Exception as error:
            logger.exception("request %s (%s %s) failed", exchange.request_id, route.method, route.pattern)
            return response_for_error(route.error_format, error, request_id=exchange.request_id)

    async def _handle_body(self, exchange: _Exchange, route: Route, path_params: tuple[str, ...]) -> Response | None:
        if route.takes_file:
            return await self._handle_upload(exchange, route, path_params)
        body = await self._read_body(exchange, route)
        if not isinstance(body, bytes):
            return body
        return await route.handler(_request(exchange, path_params, body, self.dependencies.public_url))

    async def _handle_upload(self, exchange: _Exchange, route: Route, path_params: tuple[str, ...]) -> Response:
        """Have the handler read the body."""
        content_type = exchange.headers.get(b"content-type", b"").decode("latin-1")
        seconds = self.dependencies.limits.body_seconds
        upload = UploadBody(reader=exchange.body_reader, content_type=content_type, pause_seconds=seconds)
        request = _request(exchange, path_params, b"", self.dependencies.public_url)
        try:
            return await route.handler(request._replace(upload=upload))
        finally:
            exchange.received = upload.received

    async def _unauthorized(self, exchange: _Exchange, route: Route, *, has_key: bool) -> Response:
        response = unauthorized_response(route.authentication)
        address, _ = exchange.scope.get("client") or ("", 0)
        if has_key and not await self._auth_throttle.delay(address):  # too many responses are delayed already
            return replace(response, headers={**response.headers, **_CLOSE})
        return await _discard_body(exchange, response)

    async def _read_body(self, exchange: _Exchange, route: Route) -> bytes | Response | None:
        """The body, or the error response, or None if the client has disconnected."""
        limits, headers = self.dependencies.limits, exchange.headers
        if not route.any_media_type and (media_type_error := _unsupported_media_type(headers)):
            response = error_response(route.error_format, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, media_type_error)
            return await _discard_body(exchange, response)
        content_length = int(headers.get(b"content-length", 0))  # digits: the parser rejects other values
        if content_length > route.body_limit:
            return await _discard_body(exchange, _too_large(route))
        limit, seconds = content_length or route.body_limit, limits.body_seconds
        body = await exchange.body_reader.read(limit=limit, seconds=seconds, reservation=exchange.reservation)
        match body:
            case bytes():
                exchange.received = len(body)
                return body
            case BodyFailure.DISCONNECTED:
                return None
            case BodyFailure.TOO_LARGE:
                return await _discard_body(exchange, _too_large(route))
            case BodyFailure.TIMEOUT:
                message = f"the body did not arrive within {limits.body_seconds:g} seconds: send it again"
                return error_response(route.error_format, HTTPStatus.REQUEST_TIMEOUT, message, headers=_CLOSE)
            case BodyFailure.NO_BUDGET:
                raise Unavailable("too many large request bodies at once")

    def _log(self, exchange: _Exchange, status: int, sent: int, seconds: float) -> None:
        method = exchange.scope["method"]
        record = AccessRecord(
            request_id=exchange.request_id,
            method=method if method in METHODS else "OTHER",
            route="" if exchange.route is None else exchange.route.pattern,
            status=status,
            seconds=seconds,
            workspace_id=exchange.caller.workspace_id,
            received=exchange.received,
            sent=sent,
        )
        self.dependencies.metrics.count_request(record)
        self.dependencies.access_log(record)


async def _discard_body(exchange: _Exchange, response: Response) -> Response:
    """Discard the rest of the body to reuse the connection; else the response closes it."""
    if b"expect" not in exchange.headers and await exchange.body_reader.drain():
        return response
    return replace(response, headers={**response.headers, **_CLOSE})


def _method_not_allowed(route_match: RouteMatch, method: str) -> Response:
    """The response to an unsupported method; for OPTIONS, a success with the Allow header."""
    allow = {"allow": route_match.allow_header}
    if method == "OPTIONS":
        return Response(headers=allow)
    error_format = next(iter(route_match.routes.values())).error_format
    message = f"the method {method} is not allowed on this path: use one of {route_match.allow_header}"
    return error_response(error_format, HTTPStatus.METHOD_NOT_ALLOWED, message, headers=allow)


def _too_large(route: Route) -> Response:
    message = f"the body has more than {route.body_limit} bytes: send less at once"
    return error_response(route.error_format, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)


def _unsupported_media_type(headers: Mapping[bytes, bytes]) -> str:
    """Why a body cannot be decoded; empty if it can."""
    if headers.get(b"content-encoding", b"").lower() not in _IDENTITY_CODINGS:
        return "the body is compressed: send it uncompressed"
    content_type = headers.get(b"content-type")
    if content_type is None or content_type == b"application/json":
        return ""
    _, _, charset = content_type.lower().partition(b"charset=")
    if charset and not charset.strip(b' "').startswith(_CHARSETS):
        return "the charset of the body is not UTF-8: send UTF-8"
    return ""


def _request(exchange: _Exchange, path_params: tuple[str, ...], body: bytes, public_url: str) -> Request:
    scope = exchange.scope
    return Request(
        path_params=path_params,
        query=_parse_query(scope["query_string"]) if scope["query_string"] else {},
        body=body,
        caller=exchange.caller,
        scope=scope,
        headers=exchange.headers,
        public_url=public_url,
    )


def _parse_query(raw: bytes) -> Mapping[str, str]:
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_PARAMETERS)
    except UnicodeDecodeError:
        raise InvalidInput("the query is not valid UTF-8: encode it as UTF-8, then with percent signs") from None
    except ValueError:
        raise InvalidInput(f"the query has more than {MAX_QUERY_PARAMETERS} parameters: send fewer") from None
    query = dict(pairs)
    if len(query) < len(pairs):  # an ignored filter would return wrong results
        duplicate = next(name for name in query if sum(name == other for other, _ in pairs) > 1)
        raise InvalidInput(f"the query has the parameter {quoted(duplicate)} more than once: send it once")
    return query
