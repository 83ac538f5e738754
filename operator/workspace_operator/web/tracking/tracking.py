"""The public paths in messages: the open pixel, links, and unsubscribing (sending §5.4). They need no key."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool

from workspace_operator.application.sending.tracking import Access, record_unsubscribed, unsubscribe_command
from workspace_operator.errors import InvalidInput, Unavailable
from workspace_operator.http_server.rates import Rates
from workspace_operator.http_server.response_sender import EMPTY_OK
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.values.booleans import boolean_of
from workspace_operator.sending.keys import Purpose
from workspace_operator.sending.links import TARGET_PARAMETER, verify_click, verify_open, verify_unsubscribe
from workspace_operator.sending.tokens import Token, verify
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Handler, Request
from workspace_operator.web.core.json_body import json_object
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route
from workspace_operator.web.tracking.agents import is_by_machine, is_counted
from workspace_operator.web.tracking.pages import (
    BAD_LINK_PAGE,
    PIXEL_RESPONSE,
    UNSUBSCRIBE_PAGE,
    UNSUBSCRIBED_PAGE,
    redirect,
)

logger = logging.getLogger(__name__)

BODY_LIMIT: Final = 10_000

_URL_CHARACTERS: Final = "!#$%&'()*+,/:;=?@[]~"
"""Characters of a target that stay; others, such as umlauts, are no characters of a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """The endpoints. A token that is not genuine gets the same answer, except that a link leads nowhere."""

    dependencies: Dependencies
    # Repeats by one message beyond this rate change nothing more, and need not reach the store.
    unsubscribe_rates: Rates = field(default_factory=lambda: Rates(per_second=0.5, at_once=5))

    async def opened(self, request: Request) -> Response:
        """``GET /e/o/{token}.gif``: the pixel; counts an opened message."""
        key = self.dependencies.sending.stored_key
        token = None if key is None else verify_open(request.path_params[0], key)
        if token is not None and is_counted(request):
            self._record(Access(token=token, at=self.dependencies.clock(), by_machine=is_by_machine(request)))
        return PIXEL_RESPONSE

    async def clicked(self, request: Request) -> Response:
        """``GET /e/c/{token}/{n}?u=``: leads to the link's target, if the signature covers it; counts a click."""
        key, target = self.dependencies.sending.stored_key, request.query.get(TARGET_PARAMETER, "")
        text, number = request.path_params
        token = None if key is None else verify_click(text, number, target, key)
        if token is None:
            return BAD_LINK_PAGE
        if is_counted(request) and not is_by_machine(request):
            self._record(Access(token=token, at=self.dependencies.clock(), url=target))
        return redirect(quote(target, safe=_URL_CHARACTERS))

    async def unsubscribe_page(self, request: Request) -> Response:  # noqa: ARG002 - a page for every token
        """``GET /u/{token}``: a page with a button; scanners that follow links change nothing."""
        return UNSUBSCRIBE_PAGE

    async def unsubscribe(self, request: Request) -> Response:
        """``POST /u/{token}``: the button, or a mail program (RFC 8058)."""
        token = verify_unsubscribe(request.path_params[0], self.dependencies.sending.root_key)
        await self._unsubscribe(token)
        return UNSUBSCRIBED_PAGE

    async def unsubscribe_delivery(self, request: Request) -> Response:
        """``POST /unsubscribe/{delivery_id}``: the vendor's path, for pages of the workspace's own."""
        token = verify(request.path_params[0], Purpose.DELIVERY, self.dependencies.sending.root_key)
        if not _declines(request.body):
            await self._unsubscribe(token)
        return EMPTY_OK

    async def _unsubscribe(self, token: Token | None) -> None:
        if token is None or self.unsubscribe_rates.seconds_until_free(token):
            return
        deliveries, now = self.dependencies.sending.deliveries, self.dependencies.clock()
        cio_id = await run_in_threadpool(record_unsubscribed, deliveries, token, now=now)
        if cio_id is not None:
            await self.dependencies.execute(token.workspace_id, [("unsubscribe", unsubscribe_command(cio_id))])

    def _record(self, access: Access) -> None:
        """Count an access later; it is lost if too many wait, or the store is away."""
        with suppress(Unavailable):
            future = self.dependencies.sending.tracker.submit(access.token.workspace_id, [access])
            future.add_done_callback(_log_error)


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The public routes."""
    tracking = Tracking(dependencies=dependencies)
    return [
        _route("GET", "/e/o/{token}.gif", tracking.opened),
        _route("GET", "/e/c/{token}/{number}", tracking.clicked),
        _route("GET", "/u/{token}", tracking.unsubscribe_page),
        _route("POST", "/u/{token}", tracking.unsubscribe),
        _route("POST", "/unsubscribe/{delivery_id}", tracking.unsubscribe_delivery),
    ]


def _route(method: str, pattern: str, handler: Handler) -> Route:
    return Route(
        method,
        pattern,
        handler,
        authentication=Authentication.NONE,
        error_format=ErrorFormat.V1,
        body_limit=BODY_LIMIT,
        any_media_type=True,
    )


def _declines(body: bytes) -> bool:
    """Whether a body says that the person does not want to unsubscribe; anything else does not matter."""
    try:
        return boolean_of(json_object(body).get("unsubscribe")) is False
    except InvalidInput:
        return False


def _log_error(future: "asyncio.Future[Sequence[None]]") -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None:
        logger.info("an opened message or a click was not recorded: %s", error)
