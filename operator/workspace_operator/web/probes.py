"""Probes and metrics over HTTP, at an address of their own: callers of the API reach none of them.

They wait for nothing: not for the store, not for threads that readers of people use.
"""

from http import HTTPStatus
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from workspace_operator.application.probes import METRICS_PATH, READY_PATH, TEXT_FORM, Probes
from workspace_operator.web.exchanges import Reply
from workspace_operator.web.sending import send_reply

TAKING_SECONDS: Final = 5.0
"""How long a client may take for an answer."""

_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
_ALIVE: Final = Reply(document=b"alive\n", headers=_TEXT)
_READY: Final = Reply(document=b"ready\n", headers=_TEXT)
_NOT_READY: Final = Reply(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    document=b"not ready: the store takes no writes, or no connection is free\n",
    headers=_TEXT,
)
_NOTHING: Final = Reply(status=HTTPStatus.NOT_FOUND, document=b"there is nothing at this path\n", headers=_TEXT)
_WRONG_METHOD: Final = Reply(
    status=HTTPStatus.METHOD_NOT_ALLOWED, document=b"use GET\n", headers={**_TEXT, "allow": "GET, HEAD"}
)


def probe_app(probes: Probes, alive_path: str) -> ASGIApp:
    """The application that answers them; ``alive_path`` answers as long as the event loop turns."""
    limiter: list[CapacityLimiter] = []

    async def metrics() -> Reply:
        if not limiter:
            limiter.append(CapacityLimiter(1))
        counted = await to_thread.run_sync(probes.metrics, limiter=limiter[0])
        return Reply(document=counted, headers={"content-type": TEXT_FORM})

    async def reply(scope: Scope) -> Reply:
        path = scope["path"]
        if path not in {alive_path, READY_PATH, METRICS_PATH}:
            return _NOTHING
        if scope["method"] not in {"GET", "HEAD"}:
            return _WRONG_METHOD
        if path == METRICS_PATH:
            return await metrics()
        return _ALIVE if path == alive_path else _READY if probes.is_ready() else _NOT_READY

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with_body = scope["method"] != "HEAD"
        await send_reply(send, await reply(scope), receive=receive, seconds=TAKING_SECONDS, with_body=with_body)

    return app
