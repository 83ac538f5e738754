"""The ASGI application: host, route, rates and origin on the event loop; the rest in a worker thread."""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from itertools import count
from secrets import token_hex
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.types import Receive, Scope, Send

from workspace_operator.console.core.answers import EMPTY_TYPE, AnswerContext, Answers
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.errors import error_page, known_error_page, not_found_page, too_many_page
from workspace_operator.console.core.exchanges import REFRESH, SIGN_IN_PATHS, Exchange, ExchangeResult, handle
from workspace_operator.console.core.http import Page, Redirect
from workspace_operator.console.core.routes import BODY_LIMIT, Audience, Route, RouteMatch, RouteTable
from workspace_operator.console.core.static_files import PREFIX, StaticFiles
from workspace_operator.console.security.cookies import attempt_token, session_token
from workspace_operator.console.security.headers import security_headers
from workspace_operator.console.security.origins import Connection, connection_of, is_same_origin, refusal_of
from workspace_operator.console.security.rate_limits import RateLimits, address_range
from workspace_operator.console.texts import text
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.http_server.request_body import BodyFailure, BodyReader, BudgetReservation, ByteBudget
from workspace_operator.http_server.response_sender import send_response
from workspace_operator.http_server.responses import BODY_STATE_KEY, CREDENTIALS_STATE_KEY, Response
from workspace_operator.http_server.uploads import MULTIPART_TYPE, UploadBody

logger = logging.getLogger(__name__)

THREADS: Final = 8
"""Requests that run at once: a slow page never takes a thread of the people API."""

CLIENT_CLOSED_REQUEST: Final = 499
UPLOADS: Final = 2
"""Files that a process takes in at once."""

MAX_KNOWN_SESSIONS: Final = 10_000
"""Sessions that a process remembers to have rates of their own."""

FORM_TYPE: Final = "application/x-www-form-urlencoded"

_process_token = token_hex(4)
_request_numbers = count(1)


@dataclass(slots=True, kw_only=True)
class _Incoming:
    """A request that is being handled on the event loop."""

    scope: Scope
    headers: Mapping[bytes, bytes]
    connection: Connection
    body: BodyReader
    reservation: BudgetReservation
    request_id: str = field(default_factory=lambda: f"{_process_token}-{next(_request_numbers)}")
    route: Route | None = None
    workspace_id: int = 0
    received: int = 0

    @property
    def method(self) -> str:
        return "GET" if self.scope["method"] == "HEAD" else str(self.scope["method"])

    @property
    def session_token(self) -> str:
        return session_token(self.header(b"cookie"), is_secure=self.connection.is_secure)

    @property
    def attempt_token(self) -> str:
        return attempt_token(self.header(b"cookie"), is_secure=self.connection.is_secure)

    @property
    def media_type(self) -> str:
        return self.header(b"content-type").partition(";")[0].strip().lower()

    @property
    def accepts_gzip(self) -> bool:
        codings = (coding.strip().partition(";")[0] for coding in self.header(b"accept-encoding").split(","))
        return "gzip" in codings

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """Serves the console to browsers."""

    routes: RouteTable
    answers: Answers
    files: StaticFiles
    dependencies: Dependencies
    _rates: RateLimits = field(init=False)
    _budget: ByteBudget = field(init=False)
    _limiter: CapacityLimiter | None = field(default=None, init=False)
    _uploads: CapacityLimiter | None = field(default=None, init=False)
    _known_sessions: dict[str, None] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Create what all requests share."""
        self._rates = RateLimits(self.dependencies.monotonic)
        self._budget = ByteBudget(self.dependencies.limits.body_budget)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        started, state = time.perf_counter(), scope.setdefault("state", {})
        headers = dict(scope["headers"])
        incoming = _Incoming(
            scope=scope,
            headers=headers,
            connection=connection_of(scope, headers, trusted_proxies=self.dependencies.trusted_proxies),
            body=BodyReader(receive, state.get(BODY_STATE_KEY)),
            reservation=BudgetReservation(self._budget),
        )
        status, sent = CLIENT_CLOSED_REQUEST, 0
        try:
            response = await self._respond(incoming)
            if response is not None:
                response = _secured(response, incoming)
                sent = await send_response(
                    send,
                    response,
                    receive=receive,
                    seconds=self.dependencies.limits.write_seconds,
                    with_body=scope["method"] != "HEAD",
                )
                status = response.status
        except TimeoutError:
            logger.info("a client did not receive its page in time")
        finally:
            incoming.reservation.release()
            self._log(incoming, status, sent, time.perf_counter() - started)

    async def _respond(self, incoming: _Incoming) -> Response | None:
        """The response; None if the client has disconnected."""
        path = incoming.scope["path"]
        if refusal := refusal_of(incoming.connection, console_url=self.dependencies.console_url):
            key = "host" if refusal is HTTPStatus.MISDIRECTED_REQUEST else "plain_http"
            return await self._reject(incoming, known_error_page(key, refusal))
        if path.startswith(PREFIX) and (file := self.files.find(path)) and incoming.method == "GET":
            return file.response(accepts_gzip=incoming.accepts_gzip)
        found = self.routes.find(path)
        if found is None:
            return await self._reject(incoming, not_found_page())
        incoming.route = found.routes.get(incoming.method)
        if incoming.route is None:
            allowed = ", ".join(sorted({*found.routes} | ({"HEAD"} if "GET" in found.routes else set())))
            page = error_page(HTTPStatus.METHOD_NOT_ALLOWED, text("error.method", method=incoming.method))
            return await self._reject(incoming, replace(page, headers={"allow": allowed}))
        if refused := self._refused(incoming, incoming.route):
            return await self._reject(incoming, refused)
        if incoming.route.takes_file:
            return await self._take_file(incoming, incoming.route, found)
        body = await self._read_body(incoming)
        if not isinstance(body, bytes):
            return None if body is BodyFailure.DISCONNECTED else await self._reject(incoming, _body_page(body))
        exchange = _exchange(incoming, incoming.route, found, body)
        return await to_thread.run_sync(partial(self._carry_out, incoming, exchange), limiter=self._threads())

    async def _take_file(self, incoming: _Incoming, route: Route, found: RouteMatch) -> Response:
        """Have a worker thread read the body, beside the threads of other requests."""
        if incoming.media_type != MULTIPART_TYPE:
            return await self._reject(incoming, _body_page(HTTPStatus.UNSUPPORTED_MEDIA_TYPE))
        if self._uploads is None:
            self._uploads = CapacityLimiter(UPLOADS)
        seconds = self.dependencies.limits.body_seconds
        content_type = incoming.header(b"content-type")
        upload = UploadBody(reader=incoming.body, content_type=content_type, pause_seconds=seconds)
        exchange = _exchange(incoming, route, found, b"", upload)
        response = await to_thread.run_sync(partial(self._carry_out, incoming, exchange), limiter=self._uploads)
        incoming.received = upload.received
        if incoming.body.has_ended or await incoming.body.drain():
            return response
        return replace(response, headers={**response.headers, "connection": "close"})

    def _threads(self) -> CapacityLimiter:
        if self._limiter is None:  # it belongs to an event loop
            self._limiter = CapacityLimiter(THREADS)
        return self._limiter

    def _refused(self, incoming: _Incoming, route: Route) -> Page | None:
        """The page for a request that is one too many, or that a page of another origin sent."""
        client = incoming.connection.client
        is_known = route.access is not Audience.PUBLIC and incoming.session_token in self._known_sessions
        sender = incoming.session_token if is_known else address_range(client)
        wait = 0.0
        if route.is_sign_in:
            wait = self._rates.seconds_until_sign_in(client)
        elif route.method == "POST":
            wait = self._rates.seconds_until_post(sender)
        elif route.is_costly:
            wait = self._rates.seconds_until_page(sender)
        if wait:
            return too_many_page(wait)
        if route.method != "GET" and not is_same_origin(incoming.headers, incoming.connection):
            return known_error_page("origin", HTTPStatus.FORBIDDEN)
        return None

    async def _read_body(self, incoming: _Incoming) -> bytes | BodyFailure | HTTPStatus:
        """The form; empty for GET."""
        if incoming.method == "GET":
            return b"" if await incoming.body.drain() else BodyFailure.DISCONNECTED
        if incoming.media_type != FORM_TYPE:
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        length = int(incoming.header(b"content-length") or 0)
        if length > BODY_LIMIT:
            return BodyFailure.TOO_LARGE
        body = await incoming.body.read(
            limit=BODY_LIMIT, seconds=self.dependencies.limits.body_seconds, reservation=incoming.reservation
        )
        incoming.received = len(body) if isinstance(body, bytes) else 0
        return body

    def _carry_out(self, incoming: _Incoming, exchange: Exchange) -> Response:
        """Carry out an exchange and render its answer, in a worker thread."""
        outcome = handle(exchange, self.dependencies)
        self._remember(incoming.session_token, outcome)
        if outcome.session is not None:
            incoming.scope["state"][CREDENTIALS_STATE_KEY] = True  # others are evicted first (`protocol`)
            incoming.workspace_id = outcome.seen.workspace.workspace_id if outcome.seen else 0
        parts = exchange.parts
        if parts and _is_signed_out(outcome):
            return Response(status=HTTPStatus.UNAUTHORIZED, document=b"", headers={"content-type": EMPTY_TYPE})
        return self.answers.response(outcome.answer, self._context(incoming, outcome, parts))

    def _remember(self, token: str, outcome: ExchangeResult) -> None:
        """Remember whether a cookie names a session: whoever invents one has the rate of their network."""
        if _is_signed_out(outcome):
            self._known_sessions.pop(token, None)
        if outcome.session is None:
            return
        self._known_sessions[token] = None
        if len(self._known_sessions) > MAX_KNOWN_SESSIONS:
            with suppress(KeyError, RuntimeError, StopIteration):  # another thread may have been faster
                del self._known_sessions[next(iter(self._known_sessions))]

    async def _reject(self, incoming: _Incoming, page: Page) -> Response:
        """An error page to a request whose body is not wanted."""
        response = self.answers.response(page, self._context(incoming, ExchangeResult(answer=page), ()))
        if b"expect" not in incoming.headers and await incoming.body.drain():
            return response
        return replace(response, headers={**response.headers, "connection": "close"})

    def _context(self, incoming: _Incoming, outcome: ExchangeResult, parts: tuple[str, ...]) -> AnswerContext:
        return AnswerContext(
            session=outcome.session,
            session_token=incoming.session_token,
            seen=outcome.seen,
            parts=parts,
            known_etag=incoming.header(b"if-none-match"),
            accepts_gzip=incoming.accepts_gzip,
            is_secure=incoming.connection.is_secure,
        )

    def _log(self, incoming: _Incoming, status: int, sent: int, seconds: float) -> None:
        self.dependencies.access_log(
            AccessRecord(
                request_id=incoming.request_id,
                method=incoming.scope["method"] if incoming.route else "OTHER",
                route=incoming.route.pattern if incoming.route else "",
                status=status,
                seconds=seconds,
                workspace_id=incoming.workspace_id,
                received=incoming.received,
                sent=sent,
            )
        )


def _exchange(
    incoming: _Incoming, route: Route, found: RouteMatch, body: bytes, upload: UploadBody | None = None
) -> Exchange:
    query = incoming.scope["query_string"].decode("latin-1")
    return Exchange(
        request_id=incoming.request_id,
        route=route,
        path=incoming.scope["path"],
        numbers=found.numbers,
        cio_id=found.cio_id,
        query=query,
        body=body,
        upload=upload,
        session_token=incoming.session_token,
        attempt_token=incoming.attempt_token,
        agent=incoming.header(b"user-agent"),
        parts=tuple(incoming.header(b"x-part").split()),
        is_activity=b"x-poll" not in incoming.headers and query != REFRESH,
    )


def _is_signed_out(outcome: ExchangeResult) -> bool:
    return isinstance(outcome.answer, Redirect) and outcome.answer.location in SIGN_IN_PATHS


def _body_page(failure: BodyFailure | HTTPStatus) -> Page:
    match failure:
        case BodyFailure.TOO_LARGE:
            return error_page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text("error.too_large"))
        case BodyFailure.TIMEOUT:
            return error_page(HTTPStatus.REQUEST_TIMEOUT, text("error.slow"))
        case BodyFailure.NO_BUDGET:
            return too_many_page(1)
        case _:
            return error_page(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text("error.invalid"))


def _secured(response: Response, incoming: _Incoming) -> Response:
    headers = security_headers(is_secure=incoming.connection.is_secure)
    return replace(response, headers={**headers, **response.headers})
