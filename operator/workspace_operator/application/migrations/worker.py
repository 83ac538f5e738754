"""Worker of migrations: runs the steps of a migration until it is blocked or has ended.

Each step is one method of the port and one transaction, so that another worker can continue after a worker dies at any
point. StaleRevision, in any step, means that the migration was paused, cancelled or taken over.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from workspace_operator.application.ports import Batch, Lease, Migrations
from workspace_operator.errors import StaleRevision, Unavailable
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.workspaces.model import PeopleCounts

BACKFILL_BATCH = 50_000
"""Maximum number of addresses to backfill in a transaction."""

CHANGE_LOG_BATCH = 5000
"""Maximum number of change log entries in a transaction: each needs a look-up, which takes ten times as long."""

PURGE_BATCH = 20_000
"""Maximum number of rows of each kind to purge in a transaction."""

MERGE_BATCH = 1200
"""Maximum number of groups of people to merge before the worker checks whether to stop."""

INITIAL_DIVISOR = 8
MAX_GROWTH = 4
MAX_DIVISOR = 32
"""The first batch is an eighth of the maximum; a batch grows up to fourfold, and shrinks down to a thirty-second."""

LEASE_DURATION = timedelta(seconds=20)
"""Every step renews the lease; after a worker dies, another worker takes over when the lease ends."""

RETRY_DELAY = timedelta(seconds=30)
"""Delay before a step that failed for an unknown reason is retried."""

THROTTLE = 0.7
"""Pause after a batch while other writers are active, as a fraction of the duration of the batch."""

LOCK_TIMEOUT = timedelta(milliseconds=40)
MAX_LOCK_TIMEOUT = timedelta(seconds=5)
"""First and longest time that a cut-over blocks writers while it waits for the workspace lock; doubled each time."""


class BatchStep(Protocol):
    """A method of the port that works in batches."""

    def __call__(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Process up to ``size`` rows or groups."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationWorker:
    """Runs migrations.

    Attributes:
        worker: unique name of this worker.
        sleep: waits for that many seconds.
        monotonic: seconds that only grow.
    """

    migrations: Migrations
    worker: str
    clock: Callable[[], datetime]
    stopping: Callable[[], bool] = lambda: False
    batch: int = BACKFILL_BATCH
    sleep: Callable[[float], object] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def work_once(self) -> bool:
        """Run one due migration as far as possible; False if none is due."""
        lease = Lease(worker=self.worker, duration=LEASE_DURATION)
        claimed = self.migrations.claim(lease, now=self.clock())
        if claimed is None:
            return False
        with suppress(StaleRevision):  # the concurrent transition has set a new due time if work is left
            self._run(claimed, lease)
        return True

    def _run(self, migration: Migration, lease: Lease) -> None:
        """Run steps until nothing is left to do now, or this worker must stop."""
        successor: Migration | None = migration
        while successor is not None and not self.stopping():
            migration = successor
            try:
                successor = self._step(migration, lease)
            except (StaleRevision, Unavailable):
                raise
            except Exception:
                # An immediate retry would not help; meanwhile, other migrations can run.
                with suppress(StaleRevision):
                    self.migrations.release_lease(migration, lease, due_at=self.clock() + RETRY_DELAY)
                raise
        if successor is not None:
            self.migrations.release_lease(successor, lease, due_at=self.clock())

    def _step(self, migration: Migration, lease: Lease) -> Migration | None:
        """Run one step; None when nothing is left to do now."""
        match migration.stage:
            case Stage.REQUESTED:
                return self.migrations.start_checking(migration, lease, now=self.clock())
            case Stage.CHECKING:
                return self._check(migration, lease)
            case Stage.PREPARING:
                return self._prepare(migration, lease)
            case Stage.SWITCHED | Stage.MERGING:
                return self._finish(migration, lease)
            case Stage.BLOCKED:
                return self._recheck(migration, lease)
            case Stage.CANCELLED | Stage.COMPLETED:
                return self._clean_up(migration, lease)
            case _ as never:
                assert_never(never)

    def _check(self, migration: Migration, lease: Lease) -> Migration | None:
        people, found = self.migrations.check(migration.workspace_id)
        if migration.enables_email:
            if found.blocks(migration.on_conflict):
                return self._block(migration, lease, people)
            if not self._purge(migration, lease):
                return migration
        return self.migrations.start_preparing(migration, lease, people=people, now=self.clock())

    def _prepare(self, migration: Migration, lease: Lease) -> Migration | None:
        """Backfill the identifiers, apply the change log, then cut over or block."""
        lock_timeout = LOCK_TIMEOUT
        while True:
            if migration.enables_email:
                if not (
                    self._run_batches(self.migrations.prepare_batch, migration, lease, size=self.batch)
                    and self._apply_change_log(migration, lease)
                ):
                    return migration
                if self.migrations.has_violations(migration):
                    people, _ = self.migrations.check(migration.workspace_id)
                    return self._block(migration, lease, people)
            successor = self.migrations.cut_over(migration, lease, lock_timeout=lock_timeout, now=self.clock())
            if successor.stage is not migration.stage or self.stopping():
                return successor
            self.sleep(lock_timeout.total_seconds())
            lock_timeout = min(2 * lock_timeout, MAX_LOCK_TIMEOUT)

    def _apply_change_log(self, migration: Migration, lease: Lease) -> bool:
        return self._run_batches(
            self.migrations.apply_change_log, migration, lease, size=min(self.batch, CHANGE_LOG_BATCH)
        )

    def _finish(self, migration: Migration, lease: Lease) -> Migration | None:
        if migration.stage is Stage.SWITCHED and migration.merges:
            return self.migrations.start_merging(migration, lease, now=self.clock())
        if migration.stage is Stage.MERGING and not self._run_batches(
            self.migrations.merge_batch, migration, lease, size=MERGE_BATCH
        ):
            return migration
        if (migration.to_mode is Mode.ID_ONLY or migration.merges) and not self._purge(migration, lease):
            return migration
        self.migrations.complete(migration, lease, now=self.clock())
        return None

    def _recheck(self, migration: Migration, lease: Lease) -> Migration | None:
        """Check again without leaving Blocked, so that the status does not flap while people block the migration."""
        people, found = self.migrations.check(migration.workspace_id)
        if found.blocks(migration.on_conflict):
            return self._block(migration, lease, people)
        return self.migrations.start_checking(migration, lease, now=self.clock())

    def _block(self, migration: Migration, lease: Lease, people: PeopleCounts) -> Migration | None:
        """Enter Blocked; if the last violation was fixed just before, continue instead."""
        migration = self.migrations.block(migration, lease, people=people, now=self.clock())
        return None if migration.stage is Stage.BLOCKED else migration

    def _clean_up(self, migration: Migration, lease: Lease) -> Migration | None:
        if migration.stage is Stage.CANCELLED and not self._purge(migration, lease):
            return migration
        self.migrations.release_lease(migration, lease, due_at=None)
        return None

    def _purge(self, migration: Migration, lease: Lease) -> bool:
        """Delete rows that no rule in force reads; False if this worker must stop before it is done."""
        return self._run_batches(self.migrations.purge_batch, migration, lease, size=min(self.batch, PURGE_BATCH))

    def _run_batches(self, work: BatchStep, migration: Migration, lease: Lease, *, size: int) -> bool:
        """Run batches until all is done; False if this worker must stop before. Pauses while others write."""
        most, size = size, max(size // INITIAL_DIVISOR, 1)
        while True:
            started = self.monotonic()
            batch = work(migration, lease, size=size, now=self.clock())
            if batch.done:
                return True
            if self.stopping():
                return False
            if batch.contended:
                self.sleep(THROTTLE * (self.monotonic() - started))
            size = next_size(size, batch, most=most)


def next_size(size: int, batch: Batch, *, most: int) -> int:
    """Size of the next batch; while others write, limited so that its locks are held no longer than allowed."""
    growth = min(1 / batch.lock_time_ratio, MAX_GROWTH) if batch.contended and batch.lock_time_ratio > 0 else MAX_GROWTH
    return min(max(int(size * growth), most // MAX_DIVISOR, 1), most)
