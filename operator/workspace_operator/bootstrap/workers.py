"""Assembly of the worker, and of the probes and gauges that every process has for its database."""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version

from workspace_operator.application.audit.retention import AuditRetention
from workspace_operator.application.cleanups.worker import CleanupWorker
from workspace_operator.application.health.probes import ProbeHandlers
from workspace_operator.application.health.write_monitor import WriteMonitor
from workspace_operator.application.imports.worker import ImportWorker
from workspace_operator.application.migrations.worker import MigrationWorker, NoObserver, Observer
from workspace_operator.application.people.retention import ActivityRetention
from workspace_operator.application.ports import Workspaces
from workspace_operator.application.sending.retention import DeliveryRetention
from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.errors import NotFound
from workspace_operator.settings import RetentionSettings
from workspace_operator.worker.loop import WorkerLoop
from workspace_operator.workspaces.model import Owner

RETENTION_INITIAL_DELAY = timedelta(minutes=1)
"""Delay of the first search for old activities: with 1000 workspaces it took a quarter of an operator's start."""

UNDO_PERIOD = RetentionSettings().undo

MONITOR_END_SECONDS = 2.0
"""Time for a running check to end before its connections are closed."""


def worker_name() -> str:
    """A name that is unique among all processes."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def make_migration_worker(
    store: Repositories,
    stopping: Callable[[], bool] = lambda: False,
    observer: Observer | None = None,
    *,
    workspace_id: int | None = None,
) -> MigrationWorker:
    """Create a worker, of one workspace if given, with a name of its own."""
    return MigrationWorker(
        migrations=store.migrations,
        worker=worker_name(),
        clock=store.clock,
        workspace_id=workspace_id,
        owner_of=partial(_owner_of, store.workspaces),
        stopping=stopping,
        observer=observer or NoObserver(),
    )


def make_cleanup_worker(
    store: Repositories,
    stopping: Callable[[], bool] = lambda: False,
    *,
    undo_period: timedelta = UNDO_PERIOD,
    workspace_id: int | None = None,
) -> CleanupWorker:
    """Create a worker of cleanups, of one workspace if given, with a name of its own."""
    return CleanupWorker(
        cleanups=store.cleanups,
        worker=worker_name(),
        clock=store.clock,
        undo_period=undo_period,
        workspace_id=workspace_id,
        stopping=stopping,
    )


def make_import_worker(
    store: Repositories,
    stopping: Callable[[], bool] = lambda: False,
    *,
    undo_period: timedelta = UNDO_PERIOD,
) -> ImportWorker:
    """Create a worker of imports with a name of its own."""
    return ImportWorker(
        imports=store.imports,
        people=store.people,
        worker=worker_name(),
        clock=store.clock,
        undo_period=undo_period,
        stopping=stopping,
    )


def _owner_of(workspaces: Workspaces, workspace_id: int) -> Owner | None:
    try:
        return workspaces.get(workspace_id).owner
    except NotFound:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWorker:
    """The loop of a worker with its probes: it is ready while the last round of jobs succeeded."""

    loop: WorkerLoop
    probes: ProbeHandlers

    def run(self) -> None:
        """Work until the process stops."""
        self.loop.run()


def must_pause(stopping: threading.Event, monitor: WriteMonitor) -> Callable[[], bool]:
    """Whether work that has begun has to end soon, and give its lease back.

    That is when the process stops, and while the store does not accept writes: another version may have upgraded it.
    """
    return lambda: stopping.is_set() or not monitor.is_writable()


def make_worker(
    store: Repositories, stopping: threading.Event, monitor: WriteMonitor, retention: RetentionSettings
) -> RunningWorker:
    """Create the worker, which runs until ``stopping`` is set."""
    from workspace_operator.application.migrations.worker_metrics import MigrationWorkerMetrics  # after the API

    metrics = MigrationWorkerMetrics()
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
    audit_retention = AuditRetention(
        audit_log=store.audit_log,
        retention_period=retention.audit_entries,
        clock=store.clock,
        initial_delay=RETENTION_INITIAL_DELAY,
    )
    migrations = make_migration_worker(store, must_pause(stopping, monitor), metrics)
    cleanups = make_cleanup_worker(store, must_pause(stopping, monitor), undo_period=retention.undo)
    imports = make_import_worker(store, must_pause(stopping, monitor), undo_period=retention.undo)
    jobs = (migrations, cleanups, imports, activity_retention, delivery_retention, audit_retention)
    loop = WorkerLoop(jobs=jobs, stopping=stopping, is_writable=monitor.is_writable)
    return RunningWorker(loop=loop, probes=ProbeHandlers(is_ready=loop.healthy.is_set, metrics=metrics.text))


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


def store_probes(store: Repositories, monitor: WriteMonitor, *, is_shared: bool = False) -> ProbeHandlers:
    """The readiness and the metrics of a store and of the process, for every process with probes.

    ``is_shared`` says that several processes share the values of their metrics.
    """
    # The library reads the folder of shared values at its first import, so the API sets it before.
    from prometheus_client import disable_created_metrics

    from workspace_operator.application.health.process_metrics import process_text
    from workspace_operator.application.health.store_metrics import StoreMetrics
    from workspace_operator.application.migrations.metrics import MigrationGauges

    disable_created_metrics()  # type: ignore[no-untyped-call]
    transactions = StoreMetrics(is_writable=monitor.is_writable, is_shared=is_shared)
    store.observe_transactions(transactions)
    migrations = MigrationGauges(migrations=store.migrations, clock=store.clock)

    def text() -> bytes:
        process = process_text(version("workspace-operator"), is_shared=is_shared)
        return migrations.text() + transactions.text() + process

    return ProbeHandlers(is_ready=monitor.is_writable, metrics=text)
