"""Kopf embedded in this process: settings, login, worker threads and the poll."""

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
from functools import partial

import aiohttp
import kopf

from workspace_operator.application.health.probes import ProbeEndpoint, ProbeHandlers, combined_probes
from workspace_operator.application.operator.controller import Controller
from workspace_operator.application.ports import Access
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.handlers.events import register_accounts, register_workspaces
from workspace_operator.handlers.health import probe_server
from workspace_operator.handlers.kopf_runs import run_kopf
from workspace_operator.handlers.watch_age import SERVER_SECONDS, WatchAge

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0
RESTART_SECONDS = 5.0
MAX_BACKOFF = 10.0
INSPECT_SECONDS = 15.0
"""Interval at which the watches are inspected."""

IDENTITY = "workspace-operator"
ACCOUNT_WORKERS = 2
"""Threads that reconcile Accounts, which are few."""

MAX_CONNECTIONS = 100
"""Connections of Kopf: one for each watch, and a few others."""


class JitteredBackoff:
    """Endless delays between retries of a request, in seconds: Kopf gives up a watch when the delays end."""

    def __iter__(self) -> Iterator[float]:
        """Yield delays that double up to the maximum, with jitter so that operators do not retry together."""
        for number in itertools.count():
            longest = min(0.5 * 2.0 ** min(number, 10), MAX_BACKOFF)
            yield longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


class NoChangeDetection(kopf.DiffBaseStorage):
    """Disables Kopf's change detection, which copies each document three times for handlers that are not used here."""

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:  # noqa: ARG002 - Kopf's
        """Return an empty essence: no part of a document is compared."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002 - Kopf's
        """Return None: no earlier state is kept."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Keep nothing in annotations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorOptions:
    """Options of the operator process.

    ``probes`` are those of its other parts; ``metrics`` gives those of the controller as Prometheus text.
    ``served`` lists the plurals of our resources that the cluster serves; it raises ClusterUnavailable.
    """

    access: Callable[[], Access]
    served: Callable[[], Collection[str]]
    probes: ProbeHandlers
    metrics: Callable[[], bytes]
    namespaces: Collection[str] = ()  # empty: all
    health: ProbeEndpoint | None = None
    workers: int = 8  # threads that reconcile


@dataclass(frozen=True, slots=True, kw_only=True)
class Controllers:
    """The controllers of the operator, one for each kind."""

    workspaces: Controller
    accounts: Controller

    def is_ready(self) -> bool:
        """Whether each of them is."""
        return self.workspaces.is_ready() and self.accounts.is_ready()


def run_operator(controllers: Controllers, options: OperatorOptions, stopping: threading.Event) -> None:
    """Watch and reconcile until ``stopping`` is set.

    Kopf runs in a thread of its own: in the main thread it would handle the signals, and stop without the other parts
    of the process.
    """
    logging.getLogger("kopf._core.reactor.running").addFilter(_drop_signal_warning)
    with ThreadPoolExecutor(1, thread_name_prefix="operator") as thread:
        thread.submit(asyncio.run, _run(controllers, options, stopping)).result()


def _drop_signal_warning(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("OS signals are ignored")


async def _run(controllers: Controllers, options: OperatorOptions, stopping: threading.Event) -> None:
    """Run Kopf, and restart it after an error: a failed watch must not end the process."""
    stop = asyncio.Event()  # for a threading.Event, Kopf would leave a waiting thread behind after each run
    watch_age = WatchAge(time.monotonic)
    async with contextlib.AsyncExitStack() as stack:
        if options.health is not None:
            own = ProbeHandlers(
                is_ready=lambda: controllers.is_ready() and watch_age.is_alive(),
                metrics=lambda: watch_age.text() + options.metrics(),
            )
            probes = combined_probes(own, options.probes)
            await stack.enter_async_context(probe_server(options.health, probes))
        await stack.enter_async_context(_workers(controllers.workspaces, options.workers))
        await stack.enter_async_context(_workers(controllers.accounts, ACCOUNT_WORKERS))
        # Each has a loop of its own, so that an error of one poll does not hold up the other.
        await stack.enter_async_context(_in_background(_poll_loop(controllers.workspaces)))
        await stack.enter_async_context(_in_background(_poll_loop(controllers.accounts)))
        await stack.enter_async_context(_in_background(_bridge_stop_event(stopping, stop)))
        while not stop.is_set():
            try:
                await _watch(controllers, options, watch_age, stop)
            except Exception:
                logger.exception("the watch failed and restarts in %g s", RESTART_SECONDS)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RESTART_SECONDS)


async def _watch(controllers: Controllers, options: OperatorOptions, watch_age: WatchAge, stop: asyncio.Event) -> None:
    """Run Kopf until ``stop`` is set, or until one of its watches has to be started anew."""
    registry = kopf.OperatorRegistry()
    register_workspaces(registry, controllers.workspaces)
    register_accounts(registry, controllers.accounts)
    _register_login(registry, options, watch_age)
    watch_age.restarted()
    ended = asyncio.Event()
    async with _in_background(_forward(stop, ended)), _in_background(_inspect(watch_age, options.served, ended)):
        await run_kopf(partial(_kopf_operator, options), registry, ended)


async def _forward(stop: asyncio.Event, ended: asyncio.Event) -> None:
    await stop.wait()
    ended.set()


async def _inspect(watch_age: WatchAge, served: Callable[[], Collection[str]], ended: asyncio.Event) -> None:
    """Set ``ended`` when a resource that the cluster serves is not watched.

    Kopf looks for resources only at its start and at each event of a definition. So it misses a definition that the
    discovery of the API server lists after the last event, or, where it may not watch definitions, any that is made
    later.
    """
    while not ended.is_set():
        await asyncio.sleep(INSPECT_SECONDS)
        candidates = watch_age.ended()
        if not candidates:
            continue
        try:
            unwatched = sorted(set(candidates).intersection(await asyncio.to_thread(served)))
        except WorkspaceOperatorError as error:
            logger.debug("the resources of the cluster could not be read: %s", error)
            continue
        if unwatched:
            logger.warning(
                "%s: not watched, although the cluster serves them; the watch restarts", ", ".join(unwatched)
            )
            ended.set()


async def _kopf_operator(options: OperatorOptions, registry: kopf.OperatorRegistry, stop: asyncio.Event) -> None:
    await kopf.operator(
        registry=registry,
        settings=_settings(options),
        # Only for peers, of which there are none; without it Kopf asks for a user name, and fails if the user has none.
        identity=IDENTITY,  # type: ignore[arg-type]  # Kopf's type of it is private
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
    settings.posting.enabled = False  # the reconciler emits one event per transition
    settings.scanning.disabled = bool(options.namespaces)  # else Kopf waits for permissions that a Role cannot grant
    settings.persistence.diffbase_storage = NoChangeDetection()
    settings.queueing.worker_limit = 200
    settings.queueing.idle_timeout = 0.1  # idle workers count towards the limit
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
    """Run worker threads inside the context; at its end, wait until they have finished their current items."""
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


async def _poll_loop(controller: Controller) -> None:
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            await asyncio.to_thread(controller.poll)
        except Exception:
            logger.exception("the poll of kind %s failed and will be retried", controller.resource.kind)
