"""Probes over HTTP: alive while the event loop turns, ready while sweeps or the worker's rounds reach the store.

So a lost database takes the pod out of service and never restarts it (kubernetes.md §3). Kopf's own endpoint has one
path only.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

from aiohttp import web

from workspace_operator.application.probes import METRICS_PATH, OPTION, READY_PATH, TEXT_FORM, Endpoint, Probes
from workspace_operator.errors import InvalidInput


@contextlib.asynccontextmanager
async def serving(endpoint: Endpoint, probes: Probes) -> AsyncIterator[None]:
    """Answer probes meanwhile. Raises InvalidInput if nobody can listen there."""

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def ready(_: web.Request) -> web.Response:
        if probes.is_ready():
            return web.Response(text="ready\n")
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="the store does not answer\n")

    async def metrics(_: web.Request) -> web.Response:
        body = await asyncio.to_thread(probes.metrics)
        return web.Response(body=body, headers={"Content-Type": TEXT_FORM})

    application = web.Application()
    application.router.add_get(endpoint.alive_path, alive)
    application.router.add_get(READY_PATH, ready)
    application.router.add_get(METRICS_PATH, metrics)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, endpoint.host, endpoint.port))
        yield
    finally:
        await runner.cleanup()


def work_and_serve(work: Callable[[], None], endpoint: Endpoint, probes: Probes) -> None:
    """Do something that takes long, and answer probes until it ends. Raises InvalidInput as `serving`."""

    async def run() -> None:
        async with serving(endpoint, probes):
            await asyncio.to_thread(work)

    asyncio.run(run())


async def _listen(site: web.TCPSite) -> None:
    try:
        await site.start()
    except OSError as error:
        message = f"nothing can listen at {site.name}: {error.strerror}; choose another host or port in {OPTION}"
        raise InvalidInput(message, field=OPTION) from error
