"""Assembly of the sender, the only part that is given passwords of SMTP servers."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from workspace_operator.application.accounts.notices import NoticeSender
from workspace_operator.application.health.probes import ProbeHandlers, combined_probes, parse_endpoint
from workspace_operator.application.health.write_monitor import WriteMonitor
from workspace_operator.application.sending.handover.sender import Sender
from workspace_operator.application.sending.handover.setup import MAX_BATCH, SenderSetup
from workspace_operator.bootstrap.consoles import checked_console_url
from workspace_operator.bootstrap.keys import KEY_FILE_OPTION, load_root_key
from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.bootstrap.workers import must_pause, store_probes, worker_name
from workspace_operator.settings import SenderSettings

logger = logging.getLogger(__name__)

SQLITE_BATCH = 32
"""On SQLite other writers wait for a transaction: one of 64 took 28 ms (sending §6.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSender:
    """A sender with its probes: it is ready while the store answers it."""

    sender: Sender
    probes: ProbeHandlers

    def run(self) -> None:
        """Send until the process stops."""
        self.sender.run()


@contextmanager
def open_sender(
    store: Repositories, settings: SenderSettings, stopping: threading.Event, monitor: WriteMonitor
) -> Iterator[RunningSender]:
    """Create a sender; its connections and child processes end with the context.

    Raises:
        InvalidInput: the transports or the root key cannot be read, or the URL of the console is none.
    """
    from workspace_operator.application.sending.handover.metrics import SenderMetrics  # after the API set its folder
    from workspace_operator.mail.deadlines import clock as deadline_clock
    from workspace_operator.mail.pools import SMTPTransportPool
    from workspace_operator.mail.settings import load_transports
    from workspace_operator.rendering.processes import RenderProcesses

    transports = load_transports(settings.transports_file, os.environ)
    root_key = load_root_key(settings.root_key_file, store.file)
    pausing = must_pause(stopping, monitor)
    if transports and root_key is None:
        logger.warning("there is no root key, so nothing is sent: give one with %s", KEY_FILE_OPTION)
    with closing(SMTPTransportPool(transports)) as pool, closing(RenderProcesses(root_key)) as renderer:
        metrics = SenderMetrics(queue=store.sending_queue, transports=pool, clock=store.clock)
        setup = SenderSetup(
            queue=store.sending_queue,
            renderer=renderer,
            transports=pool,
            root_key=root_key,
            public_url=settings.public_url.rstrip("/"),
            clock=store.clock,
            max_batch=SQLITE_BATCH if store.file else MAX_BATCH,
            too_late=timedelta(hours=settings.too_late_hours),
            stopping=pausing,
            observer=metrics,
            monotonic=deadline_clock,
        )
        sender = Sender(
            setup=setup,
            worker=worker_name(),
            stopping=stopping,
            is_writable=monitor.is_writable,
            notices=_notice_sender(store, setup, checked_console_url(settings.console_url)),
        )
        probes = ProbeHandlers(is_ready=sender.healthy.is_set, metrics=metrics.text)
        yield RunningSender(sender=sender, probes=probes)


def _notice_sender(store: Repositories, setup: SenderSetup, console_url: str) -> NoticeSender:
    """The sender of notices beside that of messages."""
    return NoticeSender(
        notices=store.notices,
        transports=setup.transports,
        root_key=setup.root_key,
        clock=setup.clock,
        console_url=console_url,
        stopping=setup.stopping,
    )


def run_with_probes(
    store: Repositories,
    monitor: WriteMonitor,
    work: Callable[[], None],
    health_endpoint: str | None,
    *probes: ProbeHandlers,
) -> None:
    """Run ``work`` until it ends, with probes at the endpoint. Raises InvalidInput for the endpoint."""
    if health_endpoint is None:
        work()
        return
    from workspace_operator.handlers import health

    endpoint = parse_endpoint(health_endpoint)
    health.run_with_probes(work, endpoint, combined_probes(*probes, store_probes(store, monitor)))
