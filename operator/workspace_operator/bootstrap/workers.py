"""The worker, and what every process tells of its database."""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from workspace_operator.application.forgetting import Forgetter
from workspace_operator.application.gauging import MigrationGauges
from workspace_operator.application.migrating import MigrationWorker
from workspace_operator.application.probes import Probes, endpoint_of, together
from workspace_operator.application.write_monitor import WriteMonitor
from workspace_operator.bootstrap.stores import Store
from workspace_operator.worker.loop import WorkerLoop

FIRST_LOOK_FOR_OLD = timedelta(minutes=1)
"""Delay of the first search for old activities: with 1000 workspaces it took a quarter of an operator's start."""

MONITOR_END_SECONDS = 2.0
"""For a check under way, before its connections are closed."""


def migration_worker(store: Store, stopping: threading.Event) -> MigrationWorker:
    """A worker that no other one of any process is mistaken for."""
    name = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    return MigrationWorker(migrations=store.migrations, worker=name, clock=store.clock, stopping=stopping.is_set)


def worker_loop(store: Store, stopping: threading.Event, *, keep_activities: timedelta) -> WorkerLoop:
    """The worker, running until told to stop."""
    forgetter = Forgetter(
        belongings=store.belongings, keep=keep_activities, clock=store.clock, first_look=FIRST_LOOK_FOR_OLD
    )
    return WorkerLoop(duties=(migration_worker(store, stopping), forgetter), stopping=stopping)


def run_worker(
    store: Store, stopping: threading.Event, *, keep_activities: timedelta, health_endpoint: str | None = None
) -> None:
    """Run the worker until told to stop, with probes if an endpoint is given. Raises InvalidInput for that."""
    loop = worker_loop(store, stopping, keep_activities=keep_activities)
    if health_endpoint is None:
        loop.run()
        return
    from workspace_operator.handlers import health

    endpoint = endpoint_of(health_endpoint)
    with monitored(store) as monitor:
        own = Probes(is_ready=loop.well.is_set, metrics=bytes)
        health.work_and_serve(loop.run, endpoint, together(own, store_probes(store, monitor)))


@contextmanager
def monitored(store: Store) -> Iterator[WriteMonitor]:
    """Check the store's write path meanwhile, in a thread that keeps no process from its end."""
    monitor, stopping = WriteMonitor(write_path=store.write_path), threading.Event()
    thread = threading.Thread(target=monitor.run, args=(stopping,), name="write-monitor", daemon=True)
    thread.start()
    try:
        yield monitor
    finally:
        stopping.set()
        thread.join(MONITOR_END_SECONDS)


def store_probes(store: Store, monitor: WriteMonitor) -> Probes:
    """What every process with probes tells of its store."""
    return Probes(is_ready=monitor.is_writable, metrics=MigrationGauges(migrations=store.migrations).text)
