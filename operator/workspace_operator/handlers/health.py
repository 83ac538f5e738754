"""Probes over HTTP: alive while the event loop turns, ready while sweeps reach the store.

So a lost database takes the pod out of service and never restarts it (kubernetes.md §3). Kopf's own endpoint has one
path only.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from workspace_operator.errors import InvalidInput

READY_PATH = "/readyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where probes are answered."""

    host: str
    port: int
    alive_path: str


def endpoint_of(url: str) -> Endpoint:
    """Read ``http://HOST:PORT/PATH``. Raises InvalidInput."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme != "http" or not parts.hostname or not port or parts.path in ("", "/", READY_PATH):
        message = f"--health-endpoint {url!r} must be http://HOST:PORT/PATH, such as http://0.0.0.0:8080/healthz"
        raise InvalidInput(message, field="--health-endpoint")
    return Endpoint(host=parts.hostname, port=port, alive_path=parts.path)


@contextlib.asynccontextmanager
async def serving(endpoint: Endpoint, is_ready: Callable[[], bool]) -> AsyncIterator[None]:
    """Answer probes meanwhile. Raises InvalidInput if nobody can listen there."""

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def ready(_: web.Request) -> web.Response:
        if is_ready():
            return web.Response(text="ready\n")
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="the store does not answer\n")

    application = web.Application()
    application.router.add_get(endpoint.alive_path, alive)
    application.router.add_get(READY_PATH, ready)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, endpoint.host, endpoint.port))
        yield
    finally:
        await runner.cleanup()


async def _listen(site: web.TCPSite) -> None:
    try:
        await site.start()
    except OSError as error:
        raise InvalidInput(f"nothing can listen at {site.name}: {error.strerror}", field="--health-endpoint") from error
