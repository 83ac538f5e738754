"""Worker of cleanups: counts, applies and undoes decisions in batches, beside all other writers."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from workspace_operator.application.cleanups.execution import execute_decisions
from workspace_operator.application.leased_jobs import JobWorker
from workspace_operator.application.ports import Batch, Cleanups, Lease
from workspace_operator.cleanups.model import Cleanup

MAX_BATCH: Final = 500
"""Maximum number of decisions in a transaction, whose people are locked until it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupWorker(JobWorker[Cleanup]):
    """Runs cleanups."""

    cleanups: Cleanups
    batch: int = MAX_BATCH

    @property
    def jobs(self) -> Cleanups:
        """The cleanups."""
        return self.cleanups

    @property
    def kind(self) -> str:
        """The name of a cleanup in the log."""
        return "cleanup"

    def run(self, job: Cleanup, lease: Lease) -> bool:
        """Count, apply or undo decisions; False if this worker must stop before all is done."""

        def run_batch(size: int) -> Batch:
            now = self.clock()
            execute = partial(execute_decisions, now=int(now.timestamp()))
            return self.cleanups.run_batch(job, lease, execute, size=size, undo_period=self.undo_period, now=now)

        return self.in_batches(run_batch)
