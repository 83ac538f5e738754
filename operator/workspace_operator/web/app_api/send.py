"""``POST /v1/send/email``: accepts a message (sending §5.1). A 200 means that it is stored durably, not sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from typing import Final

from anyio import CapacityLimiter, to_thread

from workspace_operator.application.ports import Accepted, KeyReused
from workspace_operator.application.sending.acceptance import accept_message
from workspace_operator.errors import CommitUnknown, InvalidInput
from workspace_operator.http_server.rates import Rates
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.sending.requests.send_requests import SendRequest, parse_send_request
from workspace_operator.web.app_api.delivery_ids import wire_id
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.error_responses import RETRY_SECONDS, error_response
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.json_body import RequestParser, json_object
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route

SEND_BODY_LIMIT: Final = 4 * 1024 * 1024
"""Fits 2 MiB of attachments in base64, and the largest parts of a message."""

UNKNOWN_MODE: Final = "Unknown"

LIQUID_THREADS: Final = 2
"""Messages whose Liquid is parsed at the same time; the threads of other routes stay free."""


@dataclass(slots=True, kw_only=True)
class SendAPI:
    """Accepts messages of the workspace of the caller's key."""

    dependencies: Dependencies
    rates: Rates
    # Attachments take milliseconds to decode; the small bodies of other routes must not wait for them.
    parser: RequestParser = field(default_factory=RequestParser)
    _liquid_threads: CapacityLimiter | None = None

    async def send_email(self, request: Request) -> Response:
        """``POST /v1/send/email``: one message for one person."""
        key = self.dependencies.sending.root_key
        if seconds := self.rates.seconds_until_free((request.caller.workspace_id, request.caller.number)):
            return _too_many(seconds)
        message = await self.parser.run(request, self._parse, request)
        if message.overrides.has_liquid:
            await self._check_liquid(message)
        workspace_id, submit = request.caller.workspace_id, self.dependencies.sending.batcher.submit
        try:
            result = await accept_message(submit, self.dependencies.execute, workspace_id, message)
        except CommitUnknown:
            if message.idempotency_key is not None:
                raise  # as a 503, after which every client repeats, with the key
            return _unknown_outcome()
        if isinstance(result, KeyReused):
            return _key_reused(result)
        self.dependencies.metrics.count_message(_mode_text(result), replayed=result.replayed)
        return _accepted(result, wire_id(workspace_id, result.delivery_id, key))

    def _parse(self, request: Request) -> SendRequest:
        return parse_send_request(
            json_object(request.body),
            now=self.dependencies.clock(),
            digest=sha256(request.body).hexdigest(),
            header_key=request.header("idempotency-key"),
            repeats=request.header("x-retry-count").strip("0").isdigit(),
        )

    async def _check_liquid(self, message: SendRequest) -> None:
        """Parse Liquid in a thread: a hostile template can take a second."""
        check, content = self.dependencies.sending.template_parser.check, message.overrides.apply(None)
        self._liquid_threads = self._liquid_threads or CapacityLimiter(LIQUID_THREADS)
        await to_thread.run_sync(check, content, limiter=self._liquid_threads)


async def other_channel(request: Request) -> Response:
    """``POST /v1/send/{channel}``: only email is sent (sending §3.6)."""
    message = f"this channel is not available: {quoted(request.path_params[0])}; POST /v1/send/email sends email"
    raise InvalidInput(message, field="channel")


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of messages to send."""
    limits = dependencies.limits
    rates = Rates(per_second=limits.sends_per_second, at_once=limits.sends_at_once)
    api = SendAPI(dependencies=dependencies, rates=rates)
    app, app_format = Authentication.APP, ErrorFormat.APP
    return [
        Route(
            "POST",
            "/v1/send/email",
            api.send_email,
            authentication=app,
            error_format=app_format,
            body_limit=SEND_BODY_LIMIT,
        ),
        Route(
            "POST",
            "/v1/send/{channel}",
            other_channel,
            authentication=app,
            error_format=app_format,
            body_limit=SEND_BODY_LIMIT,
        ),
    ]


def _accepted(result: Accepted, delivery_id: str) -> Response:
    replayed = {"idempotent-replayed": "true"} if result.replayed else {}
    return Response(
        document={"delivery_id": delivery_id, "queued_at": int(result.queued_at.timestamp())},
        headers={"x-send-behavior": _mode_text(result), **replayed},
    )


def _mode_text(result: Accepted) -> str:
    return UNKNOWN_MODE if result.mode is None else result.mode.value


def _too_many(seconds: float) -> Response:
    message = "this key sends too many messages: wait, then try again"
    headers = {"retry-after": str(ceil(seconds))}
    return error_response(ErrorFormat.APP, HTTPStatus.TOO_MANY_REQUESTS, message, headers=headers)


def _key_reused(result: KeyReused) -> Response:
    message = (
        f"the idempotency key {quoted(result.key)} was used for another request in the last 24 hours: "
        "send a new key, or repeat the same request"
    )
    return error_response(ErrorFormat.APP, HTTPStatus.CONFLICT, message)


def _unknown_outcome() -> Response:
    """A status that Node repeats, with a mark, and Python does not: its repeat would be another message."""
    message = (
        "the message may have been accepted: look for it at GET /v1/messages; with an Idempotency-Key, a repeat is safe"
    )
    headers = {"retry-after": str(RETRY_SECONDS)}
    return error_response(ErrorFormat.APP, HTTPStatus.REQUEST_TIMEOUT, message, headers=headers)
