"""Work on jobs that workers lease, a batch in a transaction: cleanups and imports.

Another worker can continue after a worker dies at any point.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

from workspace_operator.application.batch_sizes import first_size, next_size, pause_after
from workspace_operator.application.ports import Batch, Lease
from workspace_operator.errors import StaleRevision, Unavailable
from workspace_operator.log_lines import LogLine

logger = logging.getLogger(__name__)

LEASE_DURATION: Final = timedelta(seconds=20)
"""Every batch renews the lease; after a worker dies, another worker takes over when the lease ends."""

RETRY_DELAY: Final = timedelta(seconds=30)
"""Delay before a batch that failed for an unknown reason is retried."""


class LeasedJob(Protocol):
    """What all jobs have."""

    @property
    def workspace_id(self) -> int:
        """The workspace of the job."""
        ...

    @property
    def number(self) -> int:
        """The number of the job within its workspace."""
        ...

    @property
    def state(self) -> StrEnum:
        """Where the job stands, which decides what is done with it."""
        ...


Job = TypeVar("Job", bound=LeasedJob)


class LeasedJobs(Protocol[Job]):
    """The jobs of one kind: part of the ports ``Cleanups`` and ``Imports``."""

    def claim(self, lease: Lease, *, now: datetime, workspace_id: int | None = None) -> Job | None:
        """Lease a job that is due and not leased by another worker; None: no such."""
        ...

    def release_lease(self, job: Job, lease: Lease, /, *, due_at: datetime) -> None:
        """Release the lease of a job that has work left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWorker(ABC, Generic[Job]):
    """Runs jobs of one kind.

    Attributes:
        worker: the unique name of this worker.
        undo_period: how long a job can be undone; zero: not at all.
        workspace_id: the only workspace whose jobs it runs; None for all.
        batch: maximum size of a batch.
    """

    worker: str
    clock: Callable[[], datetime]
    undo_period: timedelta
    workspace_id: int | None = None
    stopping: Callable[[], bool] = lambda: False
    batch: int
    sleep: Callable[[float], object] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    @property
    @abstractmethod
    def jobs(self) -> LeasedJobs[Job]:
        """Where the jobs are."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """The name of a job in the log."""

    @abstractmethod
    def run(self, job: Job, lease: Lease) -> bool:
        """Work until nothing is left in the state of the job; False if this worker must stop before."""

    def work_once(self) -> bool:
        """Do what is due for one job, as far as possible in its state; False if none is due."""
        lease = Lease(worker=self.worker, duration=LEASE_DURATION)
        claimed = self.jobs.claim(lease, now=self.clock(), workspace_id=self.workspace_id)
        if claimed is None:
            return False
        fields: dict[str, str | int] = {self.kind: claimed.number, "state": str(claimed.state.value)}
        logger.debug(LogLine("work begins", workspace=claimed.workspace_id, **fields))
        with suppress(StaleRevision):  # somebody else has changed it, and left the work that is due to the next claim
            self._run_leased(claimed, lease)
        return True

    def in_batches(self, run_batch: Callable[[int], Batch]) -> bool:
        """Run batches, each of the size that is passed, until one is done; False if this worker must stop before."""
        size = first_size(self.batch)
        while not self.stopping():
            started = self.monotonic()
            batch = run_batch(size)
            if batch.done:
                return True
            size = self.size_after(batch, size, started)
        return False

    def size_after(self, batch: Batch, size: int, started: float) -> int:
        """Pause while others write, and size the next batch."""
        if pause := pause_after(batch, self.monotonic() - started):
            self.sleep(pause)
        return next_size(size, batch, most=self.batch)

    def _run_leased(self, job: Job, lease: Lease) -> None:
        try:
            is_done = self.run(job, lease)
        except (StaleRevision, Unavailable):
            raise
        except Exception:
            # An immediate retry would not help; meanwhile, other jobs can run.
            self.jobs.release_lease(job, lease, due_at=self.clock() + RETRY_DELAY)
            raise
        if not is_done:
            self.jobs.release_lease(job, lease, due_at=self.clock())
