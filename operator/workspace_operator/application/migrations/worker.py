"""Worker of migrations: drives a migration through its stages until it is blocked or has ended.

The state machine says which steps a stage needs. Each batch and each transition is one method of the port and one
transaction, so that another worker can continue after a worker dies at any point. StaleRevision, in any of them, means
that the migration was paused, cancelled or taken over.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from workspace_operator.application.batch_sizes import first_size, next_size, pause_after
from workspace_operator.application.ports import Lease, Migrations
from workspace_operator.errors import StaleRevision, Unavailable
from workspace_operator.log_lines import LogLine, log_context
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import COUNTING, TERMINAL, Stage, Step
from workspace_operator.workspaces.model import Owner, PeopleCounts

logger = logging.getLogger(__name__)

MAX_BATCH = 50_000
"""Maximum number of addresses or rows in a transaction."""

MAX_STEP_BATCH: Mapping[Step, int] = {Step.APPLY_CHANGE_LOG: 5000, Step.PURGE: 20_000, Step.MERGE: 1200}
"""Lower maximums: a change log entry needs a look-up, which takes ten times as long; a purge counts rows of each kind;
a merge counts groups of people, after which the worker checks whether to stop."""

LEASE_DURATION = timedelta(seconds=20)
"""Every step renews the lease; after a worker dies, another worker takes over when the lease ends."""

RETRY_DELAY = timedelta(seconds=30)
"""Delay before a step that failed for an unknown reason is retried."""

LOCK_TIMEOUT = timedelta(milliseconds=40)
MAX_LOCK_TIMEOUT = timedelta(seconds=5)
"""First and longest time that a cut-over blocks writers while it waits for the workspace lock; doubled each time."""


class Observer(Protocol):
    """Counts what a worker does (`worker_metrics.MigrationWorkerMetrics`)."""

    def claimed(self) -> None:
        """Count a lease that begins."""
        ...

    def entered(self, stage: Stage) -> None:
        """Count a stage that a migration has entered."""
        ...

    def ended(self, *, is_lost: bool) -> None:
        """Count a lease that ended; ``is_lost`` if it ended early, by a concurrent transition."""
        ...


class NoObserver:
    """Counts nothing."""

    def claimed(self) -> None:
        """Do nothing."""

    def entered(self, stage: Stage) -> None:
        """Do nothing."""

    def ended(self, *, is_lost: bool) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationWorker:
    """Runs migrations.

    Attributes:
        worker: the unique name of this worker.
        workspace_id: the only workspace whose migrations it runs; None for all.
        owner_of: reads the owner of a workspace for the log, once for each claim; None: no line names it.
    """

    migrations: Migrations
    worker: str
    clock: Callable[[], datetime]
    owner_of: Callable[[int], Owner | None] = lambda _: None
    workspace_id: int | None = None
    stopping: Callable[[], bool] = lambda: False
    batch: int = MAX_BATCH
    sleep: Callable[[float], object] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    observer: Observer = field(default_factory=NoObserver)

    def work_once(self) -> bool:
        """Run one due migration as far as possible; False if none is due."""
        lease = Lease(worker=self.worker, duration=LEASE_DURATION)
        claimed = self.migrations.claim(lease, now=self.clock(), workspace_id=self.workspace_id)
        if claimed is None:
            return False
        self.observer.claimed()
        is_lost = False
        try:
            owner = self.owner_of(claimed.workspace_id)
            with log_context(**({"namespace": owner.namespace, "name": owner.name} if owner else {})):
                self._run(claimed, lease)
        except StaleRevision:  # the concurrent transition has set a new due time if work is left
            is_lost = True
        finally:
            self.observer.ended(is_lost=is_lost)
        return True

    def _run(self, migration: Migration, lease: Lease) -> None:
        """Run stages until nothing is left to do now, or this worker must stop."""
        successor: Migration | None = migration
        while successor is not None and not self.stopping():
            migration = successor
            try:
                successor = self._run_stage(migration, lease)
            except (StaleRevision, Unavailable):
                raise
            except Exception:
                # An immediate retry would not help; meanwhile, other migrations can run.
                with suppress(StaleRevision):
                    self.migrations.release_lease(migration, lease, due_at=self.clock() + RETRY_DELAY)
                raise
        if successor is not None:
            self.migrations.release_lease(successor, lease, due_at=self.clock())

    def _run_stage(self, migration: Migration, lease: Lease) -> Migration | None:
        """Run the steps of the stage and make the next transition; None when nothing is left to do now."""
        people = PeopleCounts()
        if migration.stage in COUNTING:
            # Blocked counts without leaving the stage, so that the status does not flap while people block.
            people, found = self.migrations.check(migration.workspace_id)
            if migration.enables_email and found.blocks(migration.on_conflict):
                return self._block(migration, lease, people)
        if migration.stage is Stage.PREPARING:
            return self._prepare(migration, lease)
        if not self._run_steps(migration, lease):
            return migration
        if migration.stage in TERMINAL:
            self.migrations.release_lease(migration, lease, due_at=None)
            return None
        migration = self.migrations.advance(migration, lease, people=people, now=self.clock())
        self._entered(migration)
        return None if migration.stage in TERMINAL else migration

    def _prepare(self, migration: Migration, lease: Lease) -> Migration | None:
        """Run the steps, then cut over or block; repeat them with a longer timeout while the lock is not granted."""
        lock_timeout = LOCK_TIMEOUT
        while self._run_steps(migration, lease):
            if migration.enables_email and self.migrations.has_violations(migration):
                people, _ = self.migrations.check(migration.workspace_id)
                return self._block(migration, lease, people)
            successor = self.migrations.cut_over(migration, lease, lock_timeout=lock_timeout, now=self.clock())
            if successor.stage is not migration.stage:
                self._entered(successor)
                return successor
            if self.stopping():
                return successor
            self.sleep(lock_timeout.total_seconds())
            lock_timeout = min(2 * lock_timeout, MAX_LOCK_TIMEOUT)
        return migration

    def _block(self, migration: Migration, lease: Lease, people: PeopleCounts) -> Migration | None:
        """Enter Blocked; if the last violation was fixed just before, continue instead."""
        successor = self.migrations.block(migration, lease, people=people, now=self.clock())
        if successor.stage is not migration.stage:
            self._entered(successor)
        return None if successor.stage is Stage.BLOCKED else successor

    def _entered(self, migration: Migration) -> None:
        """Count and log the stage that a migration has entered."""
        self.observer.entered(migration.stage)
        stage = migration.stage.value
        logger.info(LogLine("", workspace=migration.workspace_id, migration=migration.number, stage=stage))

    def _run_steps(self, migration: Migration, lease: Lease) -> bool:
        """Run the steps of the stage; False if this worker must stop before they are done."""
        return all(self._run_batches(step, migration, lease) for step in migration.steps)

    def _run_batches(self, step: Step, migration: Migration, lease: Lease) -> bool:
        """Run batches until all is done; False if this worker must stop before. Pauses while others write."""
        most = min(self.batch, MAX_STEP_BATCH.get(step, MAX_BATCH))
        size = first_size(most)
        while True:
            started = self.monotonic()
            batch = self.migrations.run_batch(migration, lease, step, size=size, now=self.clock())
            if batch.done:
                return True
            if self.stopping():
                return False
            if pause := pause_after(batch, self.monotonic() - started):
                self.sleep(pause)
            size = next_size(size, batch, most=most)
