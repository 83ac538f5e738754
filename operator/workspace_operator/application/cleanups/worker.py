"""Worker of cleanups: counts, applies and undoes decisions in batches, beside all other writers.

Each batch is one transaction, so that another worker can continue after a worker dies at any point.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from workspace_operator.application.batch_sizes import THROTTLE, first_size, next_size
from workspace_operator.application.cleanups.execution import execute_decisions
from workspace_operator.application.ports import Cleanups, Lease
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.errors import StaleRevision, Unavailable
from workspace_operator.log_lines import LogLine

logger = logging.getLogger(__name__)

LEASE_DURATION: Final = timedelta(seconds=20)
"""Every batch renews the lease; after a worker dies, another worker takes over when the lease ends."""

RETRY_DELAY: Final = timedelta(seconds=30)
"""Delay before a batch that failed for an unknown reason is retried."""

MAX_BATCH: Final = 500
"""Maximum number of decisions in a transaction, whose people are locked until it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupWorker:
    """Runs cleanups.

    Attributes:
        worker: the unique name of this worker.
        undo_period: how long a cleanup can be undone after it was applied; zero: not at all.
        workspace_id: the only workspace whose cleanups it runs; None for all.
    """

    cleanups: Cleanups
    worker: str
    clock: Callable[[], datetime]
    undo_period: timedelta
    workspace_id: int | None = None
    stopping: Callable[[], bool] = lambda: False
    batch: int = MAX_BATCH
    sleep: Callable[[float], object] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def work_once(self) -> bool:
        """Do what is due for one cleanup, as far as possible in its state; False if none is due."""
        lease = Lease(worker=self.worker, duration=LEASE_DURATION)
        claimed = self.cleanups.claim(lease, now=self.clock(), workspace_id=self.workspace_id)
        if claimed is None:
            return False
        fields = {"workspace": claimed.workspace_id, "cleanup": claimed.number, "state": claimed.state.value}
        logger.debug(LogLine("work begins", **fields))
        with suppress(StaleRevision):  # somebody else has changed it, and left the work that is due to the next claim
            self._run(claimed, lease)
        return True

    def _run(self, cleanup: Cleanup, lease: Lease) -> None:
        try:
            is_done = self._run_batches(cleanup, lease)
        except (StaleRevision, Unavailable):
            raise
        except Exception:
            # An immediate retry would not help; meanwhile, other cleanups can run.
            self.cleanups.release_lease(cleanup, lease, due_at=self.clock() + RETRY_DELAY)
            raise
        if not is_done:
            self.cleanups.release_lease(cleanup, lease, due_at=self.clock())

    def _run_batches(self, cleanup: Cleanup, lease: Lease) -> bool:
        """Run batches until nothing is left in this state; False if this worker must stop before."""
        size = first_size(self.batch)
        while not self.stopping():
            started = self.monotonic()
            now = self.clock()
            batch = self.cleanups.run_batch(
                cleanup,
                lease,
                partial(execute_decisions, now=int(now.timestamp())),
                size=size,
                undo_period=self.undo_period,
                now=now,
            )
            if batch.done:
                return True
            if batch.contended:
                self.sleep(THROTTLE * (self.monotonic() - started))
            size = next_size(size, batch, most=self.batch)
        return False
