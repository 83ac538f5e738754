"""The worker's process: the product's own loop, on a clock that runs fast, so that leases of the dead end soon."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import cast

from tests.kills.stopping import Named, Place, StoppingDatabase, Stops
from workspace_operator.application.migrating import MigrationWorker
from workspace_operator.application.ports import Migrations
from workspace_operator.store.migrating import SQLMigrations
from workspace_operator.worker.loop import WorkerLoop

SPEED = 10
"""Seconds of the worker's clock a second."""

AHEAD = 30
"""Seconds by which each worker's clock is ahead of the one before: the lease of that one is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker's process needs to know. ``since`` is when the run began, by the clock of this machine."""

    url: str
    generation: int
    since: float
    batch: int
    place: Place | None = None

    @property
    def worker(self) -> str:
        return f"worker-{self.generation}"

    def now(self) -> datetime:
        passed = SPEED * (time.time() - self.since) + AHEAD * self.generation
        return datetime.fromtimestamp(self.since, UTC) + timedelta(seconds=passed)


class Telling(logging.Handler):
    """Tells the parent of everything that is logged."""

    def __init__(self, parent: Connection) -> None:
        super().__init__()
        self.parent = parent

    def emit(self, record: logging.LogRecord) -> None:
        self.parent.send((record.levelname, self.format(record)))


def work(job: Job, parent: Connection) -> None:
    """Work until killed."""
    logging.getLogger("workspace_operator").addHandler(Telling(parent))
    stops = Stops(parent, job.place)
    database = StoppingDatabase(job.url, stops)
    migrations = cast("Migrations", Named(SQLMigrations(database), stops))
    worker = MigrationWorker(migrations=migrations, worker=job.worker, clock=job.now, batch=job.batch)
    WorkerLoop(duties=[worker], stopping=threading.Event(), idle=0.05, longest_wait=0.4).run()
