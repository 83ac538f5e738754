"""Running Kopf as a part of this process: settings, log-in, the workers and the resync."""

import asyncio
import contextlib
import itertools
import logging
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import aiohttp
import kopf

from workspace_operator.application.health.probes import ProbeEndpoint, ProbeHandlers, combined_probes
from workspace_operator.application.operator.controller import Controller
from workspace_operator.application.ports import Access
from workspace_operator.handlers import workspaces
from workspace_operator.handlers.health import probe_server
from workspace_operator.handlers.watch_age import SERVER_SECONDS, WatchAge

logger = logging.getLogger(__name__)

RESYNC_SECONDS = 2.0
RESTART_SECONDS = 5.0
MAX_BACKOFF = 10.0
MAX_CONNECTIONS = 100
"""Kopf's own: one for each watch, and few others."""


class JitteredBackoff:
    """Seconds between the tries of a request, without end: Kopf gives a watch up when they run out."""

    def __iter__(self) -> Iterator[float]:
        """Double up to the longest; each a little different, so that operators do not come back in step."""
        for number in itertools.count():
            longest = min(0.5 * 2.0 ** min(number, 10), MAX_BACKOFF)
            yield longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


class NoChangeDetection(kopf.DiffBaseStorage):
    """Turns Kopf's change detection off: it copies each document three times, for handlers that are not used here."""

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:  # noqa: ARG002 - Kopf's
        """Nothing of a document is compared."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002 - Kopf's
        """No earlier state is kept."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Never called without a handler of changes; nothing is kept in annotations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorOptions:
    """What the operator's process is told.

    No namespaces means all of them; ``probes`` are those of the other parts of the process; ``workers`` reconcile at
    once.
    """

    access: Callable[[], Access]
    probes: ProbeHandlers
    namespaces: Collection[str] = ()
    health: ProbeEndpoint | None = None
    workers: int = 8


def run_operator(controller: Controller, options: OperatorOptions, stopping: threading.Event) -> None:
    """Watch and reconcile until ``stopping`` is set.

    In a thread of its own: in the main one Kopf takes the signals over, and then stops alone, while everything else
    of the process waits.
    """
    logging.getLogger("kopf._core.reactor.running").addFilter(_drop_signal_warning)
    with ThreadPoolExecutor(1, thread_name_prefix="operator") as thread:
        thread.submit(asyncio.run, _run(controller, options, stopping)).result()


def _drop_signal_warning(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("OS signals are ignored")


async def _run(controller: Controller, options: OperatorOptions, stopping: threading.Event) -> None:
    """Run Kopf, and again when it gave up: an error in a watch is no reason for the process to end."""
    stop = asyncio.Event()  # Kopf would leave a thread behind for each run that it waits for the other
    watch_age = WatchAge(time.monotonic)
    async with contextlib.AsyncExitStack() as meanwhile:
        if options.health is not None:
            own = ProbeHandlers(
                is_ready=lambda: controller.is_ready() and watch_age.is_alive(),
                metrics=watch_age.text,
            )
            probes = combined_probes(own, options.probes)
            await meanwhile.enter_async_context(probe_server(options.health, probes))
        await meanwhile.enter_async_context(_workers(controller, options.workers))
        await meanwhile.enter_async_context(_in_background(_resync_loop(controller)))
        await meanwhile.enter_async_context(_in_background(_bridge_stop_event(stopping, stop)))
        while not stop.is_set():
            try:
                await _watch(controller, options, watch_age, stop)
            except Exception:
                logger.exception("the watch has failed; it begins anew in %g s", RESTART_SECONDS)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RESTART_SECONDS)


async def _watch(controller: Controller, options: OperatorOptions, watch_age: WatchAge, stop: asyncio.Event) -> None:
    registry = kopf.OperatorRegistry()
    workspaces.register(registry, controller)
    _register_login(registry, options, watch_age)
    await kopf.operator(
        registry=registry,
        settings=_settings(options),
        standalone=True,
        clusterwide=not options.namespaces,
        namespaces=options.namespaces,
        stop_flag=stop,
    )


async def _bridge_stop_event(stopping: threading.Event, stop: asyncio.Event) -> None:
    await asyncio.to_thread(stopping.wait)
    stop.set()


def _settings(options: OperatorOptions) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False  # events are emitted once a transition, by the reconcile
    settings.scanning.disabled = bool(options.namespaces)  # else it waits for rights that a Role cannot give
    settings.persistence.diffbase_storage = NoChangeDetection()
    settings.queueing.worker_limit = 200
    settings.queueing.idle_timeout = 0.1  # with a limit, idle workers would keep others waiting
    settings.watching.server_timeout = SERVER_SECONDS
    settings.watching.client_timeout = SERVER_SECONDS + 15
    settings.watching.connect_timeout = 10
    settings.watching.inactivity_timeout = 70
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = JitteredBackoff()
    return settings


def _register_login(registry: kopf.OperatorRegistry, options: OperatorOptions, watch_age: WatchAge) -> None:
    @kopf.on.login(registry=registry)
    async def login(**_: object) -> kopf.AiohttpSession:
        access = options.access()
        scheme, _sep, token = (access.authorization or "").partition(" ")
        connection = kopf.ConnectionInfo(
            server=access.server,
            ca_path=access.ca_file,
            insecure=access.insecure,
            scheme=scheme or None,
            token=token or None,
            certificate_path=access.certificate_file,
            private_key_path=access.key_file,
        )
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=connection.as_ssl_context()),
            headers=connection.as_http_headers(),
            trace_configs=[watch_age.tracing()],
        )
        return kopf.AiohttpSession(server=access.server, aiohttp_session=session)


@contextlib.asynccontextmanager
async def _workers(controller: Controller, count: int) -> AsyncIterator[None]:
    """Threads that reconcile; they end after what they are doing, and are waited for."""
    with ThreadPoolExecutor(count, thread_name_prefix="reconcile") as threads:
        running = [asyncio.wrap_future(threads.submit(controller.run_worker)) for _ in range(count)]
        try:
            yield
        finally:
            controller.stop()
            await asyncio.gather(*running)


@contextlib.asynccontextmanager
async def _in_background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _resync_loop(controller: Controller) -> None:
    while True:
        await asyncio.sleep(RESYNC_SECONDS)
        try:
            await asyncio.to_thread(controller.resync)
        except Exception:
            logger.exception("a resync failed; the next one follows")
