"""Assembly of the worker, and of the probes and gauges that every process has for its database."""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from workspace_operator.application.health.probes import ProbeHandlers
from workspace_operator.application.health.write_monitor import WriteMonitor
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.people.retention import ActivityRetention
from workspace_operator.application.sending.retention import DeliveryRetention
from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.settings import RetentionSettings
from workspace_operator.worker.loop import WorkerLoop

RETENTION_INITIAL_DELAY = timedelta(minutes=1)
"""Delay of the first search for old activities: with 1000 workspaces it took a quarter of an operator's start."""

MONITOR_END_SECONDS = 2.0
"""Time for a running check to end before its connections are closed."""


def worker_name() -> str:
    """A name that is unique among all processes."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def make_migration_worker(store: Repositories, stopping: threading.Event) -> MigrationWorker:
    """Create a worker with a name of its own."""
    return MigrationWorker(
        migrations=store.migrations, worker=worker_name(), clock=store.clock, stopping=stopping.is_set
    )


def make_worker_loop(store: Repositories, stopping: threading.Event, retention: RetentionSettings) -> WorkerLoop:
    """Create the loop of the worker, which runs until ``stopping`` is set."""
    activity_retention = ActivityRetention(
        person_records=store.person_records,
        retention_period=retention.activities,
        clock=store.clock,
        initial_delay=RETENTION_INITIAL_DELAY,
    )
    delivery_retention = DeliveryRetention(
        deliveries=store.deliveries,
        keep_content=retention.message_content,
        keep_deliveries=retention.deliveries,
        clock=store.clock,
        initial_delay=RETENTION_INITIAL_DELAY,
    )
    jobs = (make_migration_worker(store, stopping), activity_retention, delivery_retention)
    return WorkerLoop(jobs=jobs, stopping=stopping)


def worker_probes(loop: WorkerLoop) -> ProbeHandlers:
    """The readiness of a worker: its last round of jobs succeeded. It has no metrics of its own."""
    return ProbeHandlers(is_ready=loop.healthy.is_set, metrics=bytes)


@contextmanager
def monitor_writes(store: Repositories) -> Iterator[WriteMonitor]:
    """Check the store's write path inside the context, in a daemon thread."""
    monitor, stopping = WriteMonitor(write_path=store.write_path), threading.Event()
    thread = threading.Thread(target=monitor.run, args=(stopping,), name="write-monitor", daemon=True)
    thread.start()
    try:
        yield monitor
    finally:
        stopping.set()
        thread.join(MONITOR_END_SECONDS)


def store_probes(store: Repositories, monitor: WriteMonitor) -> ProbeHandlers:
    """The readiness and the gauges of a store, for every process with probes."""
    from workspace_operator.application.migrations.metrics import MigrationGauges  # after the API has set its folder

    return ProbeHandlers(is_ready=monitor.is_writable, metrics=MigrationGauges(migrations=store.migrations).text)
