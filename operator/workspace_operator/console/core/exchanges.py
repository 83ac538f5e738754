"""One request with its sender: session, form token and access are checked here, in a worker thread."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlencode

from workspace_operator.access.permissions import Permission
from workspace_operator.application.overviews.viewers import SeenWorkspace, Viewer
from workspace_operator.application.ports import ConsoleSession
from workspace_operator.application.sessions.attempts import START_PAGE, local_path
from workspace_operator.application.sessions.lifetimes import SessionEnd
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.errors import (
    known_error_page,
    not_found_page,
    page_for_error,
    refused_page,
    unknown_error_page,
)
from workspace_operator.console.core.http import Answer, Page, PageRequest, Redirect
from workspace_operator.console.core.routes import ACCOUNT, WORKSPACE, Audience, Route
from workspace_operator.console.security.form_tokens import FIELD, is_form_token
from workspace_operator.errors import InvalidInput, Unavailable, WorkspaceOperatorError
from workspace_operator.http_server.uploads import UploadBody, UploadForm
from workspace_operator.reconcile.model.accounts import Account

logger = logging.getLogger(__name__)

MAX_FIELDS: Final = 2_000
REFRESH: Final = "refresh=1"
"""The query of a page that refreshes itself without JavaScript."""

_ENDED: Final[Mapping[SessionEnd | None, str]] = {
    None: "/signin",
    SessionEnd.IDLE: "/signin?ended=idle",
    SessionEnd.EXPIRED: "/signin?ended=expired",
}
SIGN_IN_PATHS: Final = frozenset(_ENDED.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request of a route, with its body read.

    Attributes:
        parts: names of the parts that a script asks for; empty: the whole page.
        is_activity: whether somebody acts; False if the page refreshes itself.
        upload: the body of a route that takes a file; ``body`` is empty then.
    """

    request_id: str
    route: Route
    path: str
    numbers: Mapping[str, int]
    cio_id: str
    query: str
    body: bytes
    session_token: str
    attempt_token: str
    agent: str
    parts: tuple[str, ...]
    is_activity: bool
    upload: UploadBody | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeResult:
    """What an exchange leads to, and for whom; the workspace only if the sender reaches it."""

    answer: Answer
    session: ConsoleSession | None = None
    seen: SeenWorkspace | None = None


def handle(exchange: Exchange, dependencies: Dependencies) -> ExchangeResult:
    """Carry out an exchange. Errors become pages."""
    route = exchange.route
    try:
        with dependencies.limiting_reads(), dependencies.sharing_reads() if route.only_reads else nullcontext():
            return _handle(exchange, dependencies)
    except WorkspaceOperatorError as error:
        if isinstance(error, Unavailable):
            logger.warning("request %s (%s %s): %s", exchange.request_id, route.method, route.pattern, error)
        return ExchangeResult(answer=page_for_error(error, path=_address(exchange) if route.method == "GET" else ""))
    except Exception:
        logger.exception("request %s (%s %s) failed", exchange.request_id, route.method, route.pattern)
        return ExchangeResult(answer=unknown_error_page(exchange.request_id))


def _handle(exchange: Exchange, dependencies: Dependencies) -> ExchangeResult:
    route, token = exchange.route, exchange.session_token
    found = dependencies.sessions.find(token, is_activity=exchange.is_activity) if token else None
    session = found if isinstance(found, ConsoleSession) else None
    if session is None and route.access is not Audience.PUBLIC:
        location = _sign_in_path(exchange, found if isinstance(found, SessionEnd) else None, dependencies)
        return ExchangeResult(answer=Redirect(location=location, session_token="" if token else None))
    if exchange.upload is None:
        return _handle_form(exchange, dependencies, session, parse_form(exchange.body))
    return exchange.upload.receive(
        lambda upload: _handle_form(exchange, dependencies, session, upload.fields, upload=upload)
    )


def _handle_form(
    exchange: Exchange,
    dependencies: Dependencies,
    session: ConsoleSession | None,
    form: Mapping[str, tuple[str, ...]],
    *,
    upload: UploadForm | None = None,
) -> ExchangeResult:
    route, token = exchange.route, exchange.session_token
    if route.method == "POST" and session is not None and route.access is not Audience.PUBLIC:
        tokens = form.get(FIELD, ())
        if len(tokens) != 1 or not is_form_token(tokens[0], token):
            return ExchangeResult(answer=known_error_page("form_token", HTTPStatus.FORBIDDEN))
    reached = _Reached() if session is None else _reached(exchange, session, dependencies)
    if isinstance(reached, Page):
        return ExchangeResult(answer=reached)
    request = PageRequest(
        numbers=exchange.numbers,
        cio_id=exchange.cio_id,
        repeated_query=_all_values(exchange.query),
        form=form,
        session=session,
        seen=reached.seen,
        account_of_path=reached.account,
        agent=exchange.agent,
        parts=exchange.parts,
        attempt_token=exchange.attempt_token,
        upload=upload,
    )
    return ExchangeResult(answer=route.handler(request), session=session, seen=reached.seen)


def _address(exchange: Exchange) -> str:
    return f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path


def _sign_in_path(exchange: Exchange, end: SessionEnd | None, dependencies: Dependencies) -> str:
    """The page to sign in at; with a company account, one comes back to the page that was asked for."""
    location = _ENDED[end]
    query = "" if exchange.query in ("", REFRESH) else f"?{exchange.query}"
    if exchange.route.method != "GET" or exchange.parts or dependencies.company_sign_in is None:
        return location
    wanted = local_path(exchange.path + query)
    return location if wanted == START_PAGE else f"{location}{'&' if end else '?'}{urlencode({'next': wanted})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reached:
    """The workspace or the account of the path, which the sender reaches."""

    seen: SeenWorkspace | None = None
    account: Account | None = None


def _reached(exchange: Exchange, session: ConsoleSession, dependencies: Dependencies) -> _Reached | Page:
    """What the sender of a request reaches by it; a page if the route is not for them. Raises NotFound."""
    access, viewer = exchange.route.access, Viewer.of(session)
    if access is Audience.ACCOUNT_ADMIN:
        return _Reached(account=dependencies.members.account(viewer, exchange.numbers[ACCOUNT]))
    if access is Audience.INSTALLATION and not session.is_installation:
        return not_found_page()
    if not isinstance(access, Permission):
        return _Reached()
    seen = dependencies.workspaces.see(viewer, exchange.numbers[WORKSPACE])
    if not seen.decision.is_granted:
        return not_found_page()
    return _Reached(seen=seen) if seen.decision.allows(access) else refused_page(seen, access)


def parse_form(body: bytes) -> Mapping[str, tuple[str, ...]]:
    """The fields of a form. Raises InvalidInput if the body is none."""
    try:
        return _all_values(body.decode("ascii"))
    except UnicodeDecodeError:
        raise InvalidInput("the form is not encoded as browsers do it") from None


def _all_values(text: str) -> Mapping[str, tuple[str, ...]]:
    """All values of each name, in their order. Raises InvalidInput."""
    values: dict[str, tuple[str, ...]] = {}
    for name, value in _pairs(text):
        values[name] = (*values.get(name, ()), value)
    return values


def _pairs(text: str) -> Sequence[tuple[str, str]]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise InvalidInput("a value is not UTF-8") from None
    except ValueError:
        raise InvalidInput(f"there are more than {MAX_FIELDS} values") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise InvalidInput("a value has the character U+0000, which no text has")
    return pairs
