"""Probes and metrics over HTTP, at an address of their own: callers of the API reach none of them.

They wait for nothing: not for the store, not for threads that readers of people use.
"""

from http import HTTPStatus
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from workspace_operator.application.health.probes import METRICS_CONTENT_TYPE, METRICS_PATH, READY_PATH, ProbeHandlers
from workspace_operator.web.core.http import Response
from workspace_operator.web.core.response_sender import send_response

WRITE_SECONDS: Final = 5.0
"""How long a client may take for an answer."""

_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
_ALIVE: Final = Response(document=b"alive\n", headers=_TEXT)
_READY: Final = Response(document=b"ready\n", headers=_TEXT)
_NOT_READY: Final = Response(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    document=b"not ready: the store takes no writes, or no connection is free\n",
    headers=_TEXT,
)
_NOT_FOUND: Final = Response(status=HTTPStatus.NOT_FOUND, document=b"there is nothing at this path\n", headers=_TEXT)
_METHOD_NOT_ALLOWED: Final = Response(
    status=HTTPStatus.METHOD_NOT_ALLOWED, document=b"use GET\n", headers={**_TEXT, "allow": "GET, HEAD"}
)


def probe_app(probes: ProbeHandlers, alive_path: str) -> ASGIApp:
    """The application that answers them; ``alive_path`` answers as long as the event loop turns."""
    limiter: list[CapacityLimiter] = []

    async def metrics() -> Response:
        if not limiter:
            limiter.append(CapacityLimiter(1))
        text = await to_thread.run_sync(probes.metrics, limiter=limiter[0])
        return Response(document=text, headers={"content-type": METRICS_CONTENT_TYPE})

    async def response(scope: Scope) -> Response:
        path = scope["path"]
        if path not in {alive_path, READY_PATH, METRICS_PATH}:
            return _NOT_FOUND
        if scope["method"] not in {"GET", "HEAD"}:
            return _METHOD_NOT_ALLOWED
        if path == METRICS_PATH:
            return await metrics()
        return _ALIVE if path == alive_path else _READY if probes.is_ready() else _NOT_READY

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with_body = scope["method"] != "HEAD"
        await send_response(send, await response(scope), receive=receive, seconds=WRITE_SECONDS, with_body=with_body)

    return app
