"""Worker of imports: tries, imports and undoes rows in batches, beside all other writers.

Each batch of an import or an undo is one transaction, so that another worker can continue after a worker dies at any
point. The effects of a dry run live in the worker, so that another one begins it again.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final

from workspace_operator.application.batch_sizes import THROTTLE, first_size, next_size
from workspace_operator.application.imports.columns import header_of
from workspace_operator.application.imports.rows import NumberedRows, import_rows, rows_from
from workspace_operator.application.people.csv_files.reader import CsvRow
from workspace_operator.application.ports import Batch, Imports, Lease, People
from workspace_operator.errors import StaleRevision, Unavailable
from workspace_operator.imports.model import ImportJob, ImportState
from workspace_operator.log_lines import LogLine

logger = logging.getLogger(__name__)

LEASE_DURATION: Final = timedelta(seconds=20)
"""Every batch renews the lease; after a worker dies, another worker takes over when the lease ends."""

RETRY_DELAY: Final = timedelta(seconds=30)
"""Delay before a batch that failed for an unknown reason is retried."""

MAX_BATCH: Final = 1_000
"""Maximum number of rows, or people, in a transaction, which locks them until it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWorker:
    """Runs imports.

    Attributes:
        worker: the unique name of this worker.
        undo_period: how long an import can be undone; zero: not at all, and no records are kept.
        workspace_id: the only workspace whose imports it runs; None for all.
    """

    imports: Imports
    people: People
    worker: str
    clock: Callable[[], datetime]
    undo_period: timedelta
    workspace_id: int | None = None
    stopping: Callable[[], bool] = lambda: False
    batch: int = MAX_BATCH
    sleep: Callable[[float], object] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def work_once(self) -> bool:
        """Do what is due for one import, as far as possible in its state; False if none is due."""
        lease = Lease(worker=self.worker, duration=LEASE_DURATION)
        claimed = self.imports.claim(lease, now=self.clock(), workspace_id=self.workspace_id)
        if claimed is None:
            return False
        fields = {"workspace": claimed.workspace_id, "import": claimed.number, "state": claimed.state.value}
        logger.debug(LogLine("work begins", **fields))
        with suppress(StaleRevision):  # somebody else has changed it, and left the work that is due to the next claim
            self._work(claimed, lease)
        return True

    def _work(self, job: ImportJob, lease: Lease) -> None:
        try:
            is_done = self._run(job, lease)
        except (StaleRevision, Unavailable):
            raise
        except Exception:
            # An immediate retry would not help; meanwhile, other imports can run.
            self.imports.release_lease(job, lease, due_at=self.clock() + RETRY_DELAY)
            raise
        if not is_done:
            self.imports.release_lease(job, lease, due_at=self.clock())

    def _run(self, job: ImportJob, lease: Lease) -> bool:
        """Work until nothing is left in this state; False if this worker must stop before."""
        match job.state:
            case ImportState.CHECKING:
                return self._check(job, lease)
            case ImportState.RUNNING:
                return self._import(job, lease)
            case ImportState.UNDOING:
                return self._in_batches(partial(self.imports.undo_batch, job, lease))
            case _:
                return self._in_batches(partial(self.imports.purge_batch, job, lease))

    def _check(self, job: ImportJob, lease: Lease) -> bool:
        self.imports.restart_check(job, lease, now=self.clock())
        rows = self._rows(job, 1)
        with self.people.dry_run(job.workspace_id) as units:
            number = 1
            while batch := list(islice(rows, self.batch)):
                if self.stopping():
                    return False
                if self.imports.is_stopped(job):
                    break
                numbered = NumberedRows(first=number, rows=batch)
                checked = import_rows(units, job, numbered, now=self.clock().timestamp())
                self.imports.record_checked(job, lease, checked, now=self.clock())
                number += len(batch)
        self.imports.end(job, lease, undo_period=self.undo_period, now=self.clock())
        return True

    def _import(self, job: ImportJob, lease: Lease) -> bool:
        number = job.done + 1
        rows, size = self._rows(job, number), first_size(self.batch)
        while batch := list(islice(rows, size)):
            if self.stopping():
                return False
            if self.imports.is_stopped(job):
                break
            started, now = self.monotonic(), self.clock()
            numbered = NumberedRows(first=number, rows=batch)
            _, written = self.imports.run_batch(
                job,
                lease,
                lambda units, numbered=numbered, now=now: import_rows(units, job, numbered, now=now.timestamp()),  # type: ignore[misc]
                keeps_records=bool(self.undo_period),
                now=now,
            )
            number += len(batch)
            size = self._next_size(size, written, started)
        self.imports.end(job, lease, undo_period=self.undo_period, now=self.clock())
        return True

    def _rows(self, job: ImportJob, number: int) -> Iterator[CsvRow]:
        assert job.facts is not None and job.mapping is not None  # noqa: S101, PT018 - by the state of the import
        return rows_from(self.imports, job, header_of(job.facts, job.mapping), number)

    def _in_batches(self, run_batch: Callable[..., Batch]) -> bool:
        size = first_size(self.batch)
        while not self.stopping():
            started = self.monotonic()
            batch = run_batch(size=size, now=self.clock())
            if batch.done:
                return True
            size = self._next_size(size, batch, started)
        return False

    def _next_size(self, size: int, batch: Batch, started: float) -> int:
        """Pause while others write, and size the next batch."""
        if batch.contended:
            self.sleep(THROTTLE * (self.monotonic() - started))
        return next_size(size, batch, most=self.batch)
