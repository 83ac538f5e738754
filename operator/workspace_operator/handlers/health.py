"""Probe server: liveness shows that the event loop runs, readiness that polls or worker rounds reach the store.

So a lost database takes the pod out of service, but never restarts it (kubernetes.md §3). Kopf's own endpoint is not
used, since it has only one path.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web

from workspace_operator.application.health.probes import (
    ENDPOINT_OPTION,
    METRICS_CONTENT_TYPE,
    METRICS_PATH,
    READY_PATH,
    ProbeEndpoint,
    ProbeHandlers,
)
from workspace_operator.errors import InvalidInput

T = TypeVar("T")


@contextlib.asynccontextmanager
async def probe_server(endpoint: ProbeEndpoint, probes: ProbeHandlers) -> AsyncIterator[None]:
    """Serve probes inside the context. Raises InvalidInput if the address cannot be bound."""

    async def liveness(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readiness(_: web.Request) -> web.Response:
        if probes.is_ready():
            return web.Response(text="ready\n")
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="the store does not answer\n")

    async def metrics(_: web.Request) -> web.Response:
        body = await asyncio.to_thread(probes.metrics)
        return web.Response(body=body, headers={"Content-Type": METRICS_CONTENT_TYPE})

    application = web.Application()
    application.router.add_get(endpoint.liveness_path, liveness)
    application.router.add_get(READY_PATH, readiness)
    application.router.add_get(METRICS_PATH, metrics)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, endpoint.host, endpoint.port))
        yield
    finally:
        await runner.cleanup()


def run_with_probes(work: Callable[[], T], endpoint: ProbeEndpoint, probes: ProbeHandlers) -> T:
    """Run a blocking function, and serve probes until it ends. Raises InvalidInput as `probe_server`."""

    async def run() -> T:
        async with probe_server(endpoint, probes):
            return await asyncio.to_thread(work)

    return asyncio.run(run())


async def _listen(site: web.TCPSite) -> None:
    try:
        await site.start()
    except OSError as error:
        message = f"cannot listen on {site.name}: {error.strerror}; choose another host or port in {ENDPOINT_OPTION}"
        raise InvalidInput(message, field=ENDPOINT_OPTION) from error
