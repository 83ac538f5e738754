"""One request with its sender: session, form token and access are checked here, in a worker thread."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from workspace_operator.access.permissions import Permission
from workspace_operator.application.overviews.viewers import SeenWorkspace, Viewer
from workspace_operator.application.ports import ConsoleSession
from workspace_operator.application.sessions.lifetimes import SessionEnd
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.errors import (
    known_error_page,
    not_found_page,
    page_for_error,
    refused_page,
    unknown_error_page,
)
from workspace_operator.console.core.http import Answer, PageRequest, Redirect
from workspace_operator.console.core.routes import WORKSPACE, Audience, Route
from workspace_operator.console.security.form_tokens import FIELD, is_form_token
from workspace_operator.errors import InvalidInput, Unavailable, WorkspaceOperatorError
from workspace_operator.http_server.uploads import UploadBody, UploadForm

logger = logging.getLogger(__name__)

MAX_FIELDS: Final = 2_000
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
    query: str
    body: bytes
    session_token: str
    agent: str
    parts: tuple[str, ...]
    is_activity: bool
    upload: UploadBody | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an exchange leads to, and for whom; the workspace only if the sender reaches it."""

    answer: Answer
    session: ConsoleSession | None = None
    seen: SeenWorkspace | None = None


def handle(exchange: Exchange, dependencies: Dependencies) -> Outcome:
    """Carry out an exchange. Errors become pages."""
    route = exchange.route
    try:
        return _handle(exchange, dependencies)
    except WorkspaceOperatorError as error:
        if isinstance(error, Unavailable):
            logger.warning("request %s (%s %s): %s", exchange.request_id, route.method, route.pattern, error)
        return Outcome(answer=page_for_error(error, path=exchange.path if route.method == "GET" else ""))
    except Exception:
        logger.exception("request %s (%s %s) failed", exchange.request_id, route.method, route.pattern)
        return Outcome(answer=unknown_error_page(exchange.request_id))


def _handle(exchange: Exchange, dependencies: Dependencies) -> Outcome:
    route, token = exchange.route, exchange.session_token
    found = dependencies.sessions.find(token, is_activity=exchange.is_activity) if token else None
    session = found if isinstance(found, ConsoleSession) else None
    if session is None and route.access is not Audience.PUBLIC:
        ended = found if isinstance(found, SessionEnd) else None
        return Outcome(answer=Redirect(location=_ENDED[ended], session_token="" if token else None))
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
) -> Outcome:
    route, token = exchange.route, exchange.session_token
    if route.method == "POST" and session is not None and route.access is not Audience.PUBLIC:
        tokens = form.get(FIELD, ())
        if len(tokens) != 1 or not is_form_token(tokens[0], token):
            return Outcome(answer=known_error_page("form_token", HTTPStatus.FORBIDDEN))
    seen: SeenWorkspace | None = None
    if session is not None and isinstance(route.access, Permission):
        seen = dependencies.workspaces.see(Viewer.of(session), exchange.numbers[WORKSPACE])
        if not seen.decision.is_granted:
            return Outcome(answer=not_found_page())
        if not seen.decision.allows(route.access):
            return Outcome(answer=refused_page(seen, route.access))
    request = PageRequest(
        numbers=exchange.numbers,
        query=dict(_pairs(exchange.query)),
        form=form,
        session=session,
        seen=seen,
        agent=exchange.agent,
        parts=exchange.parts,
        upload=upload,
    )
    return Outcome(answer=route.handler(request), session=session, seen=seen)


def parse_form(body: bytes) -> Mapping[str, tuple[str, ...]]:
    """The fields of a form. Raises InvalidInput if the body is none."""
    fields: dict[str, tuple[str, ...]] = {}
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidInput("the form is not encoded as browsers do it") from None
    for name, value in _pairs(text):
        fields[name] = (*fields.get(name, ()), value)
    return fields


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
