"""The worker process: the loop of the product on a fast clock, so that leases of killed workers end soon."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import cast

from tests.fault_injection.faults.breakpoints import Breakpoint, BreakpointDatabase, Breakpoints, Named
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.ports import Migrations
from workspace_operator.store.repositories.migrations import SQLMigrations
from workspace_operator.worker.loop import WorkerLoop

SPEED = 10
"""Seconds of the worker's clock a second."""

AHEAD = 30
"""Seconds by which each worker's clock is ahead of the one before: the lease of that one is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerArguments:
    """Arguments of a worker process; ``since`` is the start of the run by the clock of this machine."""

    url: str
    generation: int
    since: float
    batch: int
    point: Breakpoint | None = None

    @property
    def worker(self) -> str:
        return f"worker-{self.generation}"

    def now(self) -> datetime:
        passed = SPEED * (time.time() - self.since) + AHEAD * self.generation
        return datetime.fromtimestamp(self.since, UTC) + timedelta(seconds=passed)


class PipeLogHandler(logging.Handler):
    """Sends log records to the parent."""

    def __init__(self, parent: Connection) -> None:
        super().__init__()
        self.parent = parent

    def emit(self, record: logging.LogRecord) -> None:
        self.parent.send((record.levelname, self.format(record)))


def work(job: WorkerArguments, parent: Connection) -> None:
    """Work until killed."""
    logging.getLogger("workspace_operator").addHandler(PipeLogHandler(parent))
    stops = Breakpoints(parent, job.point)
    database = BreakpointDatabase(job.url, stops)
    migrations = cast("Migrations", Named(SQLMigrations(database), stops))
    worker = MigrationWorker(migrations=migrations, worker=job.worker, clock=job.now, batch=job.batch)
    WorkerLoop(jobs=[worker], stopping=threading.Event(), idle=0.05, max_wait=0.4).run()
