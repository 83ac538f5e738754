"""The ASGI application of probes and metrics, on an address unreachable for API clients.

Probes wait for neither the store nor the threads that read people.
"""

from http import HTTPStatus
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from workspace_operator.application.health.probes import METRICS_CONTENT_TYPE, METRICS_PATH, READY_PATH, ProbeHandlers
from workspace_operator.http_server.response_sender import send_response
from workspace_operator.http_server.responses import Response

WRITE_SECONDS: Final = 5.0
"""Time in seconds for a client to receive a response."""

_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
_ALIVE: Final = Response(document=b"alive\n", headers=_TEXT)
_READY: Final = Response(document=b"ready\n", headers=_TEXT)
_NOT_READY: Final = Response(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    document=b"not ready: the store accepts no writes, or no connection is free\n",
    headers=_TEXT,
)
_NOT_FOUND: Final = Response(status=HTTPStatus.NOT_FOUND, document=b"no such path\n", headers=_TEXT)
_METHOD_NOT_ALLOWED: Final = Response(
    status=HTTPStatus.METHOD_NOT_ALLOWED, document=b"use GET\n", headers={**_TEXT, "allow": "GET, HEAD"}
)


def probe_app(probes: ProbeHandlers, liveness_path: str) -> ASGIApp:
    """Make the application; ``liveness_path`` responds as long as the event loop runs."""
    limiter: list[CapacityLimiter] = []

    async def metrics() -> Response:
        if not limiter:
            limiter.append(CapacityLimiter(1))
        text = await to_thread.run_sync(probes.metrics, limiter=limiter[0])
        return Response(document=text, headers={"content-type": METRICS_CONTENT_TYPE})

    async def response(scope: Scope) -> Response:
        path = scope["path"]
        if path not in {liveness_path, READY_PATH, METRICS_PATH}:
            return _NOT_FOUND
        if scope["method"] not in {"GET", "HEAD"}:
            return _METHOD_NOT_ALLOWED
        if path == METRICS_PATH:
            return await metrics()
        return _ALIVE if path == liveness_path else _READY if probes.is_ready() else _NOT_READY

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with_body = scope["method"] != "HEAD"
        await send_response(send, await response(scope), receive=receive, seconds=WRITE_SECONDS, with_body=with_body)

    return app
