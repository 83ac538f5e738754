"""Carrying an identifier change out: which step comes next, until it waits for somebody or has ended.

Each step is one call of the port and one transaction, so that a worker that dies anywhere leaves a change that the
next one takes up where it was. StaleRevision, at any step, says that somebody paused, cancelled or took the change
over.
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
"""Most addresses that are prepared in a transaction."""

CHANGE_LOG_BATCH = 5000
"""Most entries of writers that are settled in a transaction: each is looked up, which takes ten times as long."""

PURGE_BATCH = 20_000
"""Most rows of each kind that are cleared in a transaction."""

MERGE_BATCH = 1200
"""Most groups of people that are folded between two looks at whether to go on."""

INITIAL_DIVISOR = 8
MAX_GROWTH = 4
MAX_DIVISOR = 32
"""A batch is at first an eighth of the most, grows fourfold at most, and shrinks to a thirty-second at least."""

LEASE_DURATION = timedelta(seconds=20)
"""Renewed by every step; when a worker dies, another one takes over after that."""

RETRY_DELAY = timedelta(seconds=30)
"""How long a change whose step failed for no known reason is left alone."""

THROTTLE = 0.7
"""How long to rest after a batch while others write, as a part of the time that it took."""

LOCK_TIMEOUT = timedelta(milliseconds=40)
MAX_LOCK_TIMEOUT = timedelta(seconds=5)
"""How long a switch may keep calls out while it waits for those under way; longer each time that it was in vain."""


class BatchStep(Protocol):
    """A method of the port that does a piece of work at a time."""

    def __call__(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Do up to ``size`` of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationWorker:
    """Carries identifier changes out.

    Attributes:
        worker: names this worker among all of the database.
        rest: waits for so many seconds.
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
        """Take one change that is due as far as it goes; False if there was none."""
        lease = Lease(worker=self.worker, duration=LEASE_DURATION)
        claimed = self.migrations.claim(lease, now=self.clock())
        if claimed is None:
            return False
        with suppress(StaleRevision):  # whoever moved it has made it due again, if there is anything left to do
            self._run(claimed, lease)
        return True

    def _run(self, migration: Migration, lease: Lease) -> None:
        """Take steps until there is nothing more to do now, or this worker must stop."""
        successor: Migration | None = migration
        while successor is not None and not self.stopping():
            migration = successor
            try:
                successor = self._step(migration, lease)
            except (StaleRevision, Unavailable):
                raise
            except Exception:
                # Something that trying again at once would not mend; meanwhile others have their turn.
                with suppress(StaleRevision):
                    self.migrations.release_lease(migration, lease, due_at=self.clock() + RETRY_DELAY)
                raise
        if successor is not None:
            self.migrations.release_lease(successor, lease, due_at=self.clock())

    def _step(self, migration: Migration, lease: Lease) -> Migration | None:
        """Take one step; None when there is nothing more to do now."""
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
        """Add the identifiers, bring them up to date with what was written meanwhile, switch or block."""
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
        """Count again without leaving Blocked, so that nothing flaps while people are still in the way."""
        people, found = self.migrations.check(migration.workspace_id)
        if found.blocks(migration.on_conflict):
            return self._block(migration, lease, people)
        return self.migrations.start_checking(migration, lease, now=self.clock())

    def _block(self, migration: Migration, lease: Lease, people: PeopleCounts) -> Migration | None:
        """Block and rest; if the last violation was mended just before, go on instead."""
        migration = self.migrations.block(migration, lease, people=people, now=self.clock())
        return None if migration.stage is Stage.BLOCKED else migration

    def _clean_up(self, migration: Migration, lease: Lease) -> Migration | None:
        if migration.stage is Stage.CANCELLED and not self._purge(migration, lease):
            return migration
        self.migrations.release_lease(migration, lease, due_at=None)
        return None

    def _purge(self, migration: Migration, lease: Lease) -> bool:
        """Remove what no rule in force reads; False if this worker must stop before it is through."""
        return self._run_batches(self.migrations.purge_batch, migration, lease, size=min(self.batch, PURGE_BATCH))

    def _run_batches(self, work: BatchStep, migration: Migration, lease: Lease, *, size: int) -> bool:
        """Work until all is done; False if this worker must stop before. Others who write get their share."""
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
    """How large the batch after this one may be: beside others no larger than they can wait for."""
    growth = min(1 / batch.lock_time_ratio, MAX_GROWTH) if batch.contended and batch.lock_time_ratio > 0 else MAX_GROWTH
    return min(max(int(size * growth), most // MAX_DIVISOR, 1), most)
