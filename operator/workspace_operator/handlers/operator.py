"""Running Kopf as a part of this process: settings, log-in, the sweep, the probes."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass

import kopf

from workspace_operator.application.attending import Attendant
from workspace_operator.application.ports import Access
from workspace_operator.handlers import workspaces

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorOptions:
    """What the operator's process is told. No namespaces means all of them."""

    access: Callable[[], Access]
    namespaces: Collection[str] = ()
    health_endpoint: str | None = None
    workers: int = 4


def run_operator(attendant: Attendant, options: OperatorOptions, stopping: threading.Event) -> None:
    """Watch and sweep until ``stopping`` is set."""
    asyncio.run(_run(attendant, options, stopping))


async def _run(attendant: Attendant, options: OperatorOptions, stopping: threading.Event) -> None:
    registry = kopf.OperatorRegistry()
    workspaces.register(registry, attendant)
    _register_login(registry, options)
    async with _sweeping(attendant):
        await kopf.operator(
            registry=registry,
            settings=_settings(options),
            standalone=True,
            clusterwide=not options.namespaces,
            namespaces=options.namespaces,
            liveness_endpoint=options.health_endpoint,
            stop_flag=stopping,
        )


def _settings(options: OperatorOptions) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False  # events are emitted once a transition, by the reconcile
    settings.scanning.disabled = bool(options.namespaces)  # else it waits for rights that a Role cannot give
    settings.execution.max_workers = options.workers
    settings.queueing.worker_limit = 200
    settings.queueing.idle_timeout = 0.1  # with a limit, idle workers would keep others waiting
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 660
    settings.watching.connect_timeout = 10
    settings.watching.inactivity_timeout = 70
    settings.networking.request_timeout = 60
    return settings


def _register_login(registry: kopf.OperatorRegistry, options: OperatorOptions) -> None:
    @kopf.on.login(registry=registry)
    def login(**_: object) -> kopf.ConnectionInfo:
        access = options.access()
        scheme, _sep, token = (access.authorization or "").partition(" ")
        return kopf.ConnectionInfo(
            server=access.server,
            ca_path=access.ca_file,
            insecure=access.insecure,
            scheme=scheme or None,
            token=token or None,
            certificate_path=access.certificate_file,
            private_key_path=access.key_file,
        )


@contextlib.asynccontextmanager
async def _sweeping(attendant: Attendant) -> AsyncIterator[None]:
    task = asyncio.create_task(_sweep_for_ever(attendant))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _sweep_for_ever(attendant: Attendant) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await asyncio.to_thread(attendant.sweep)
        except Exception:
            logger.exception("a sweep failed; the next one follows")
