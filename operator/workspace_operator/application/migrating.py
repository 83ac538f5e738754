"""Carrying an identifier change out: which step comes next, until it waits for somebody or has ended.

Each step is one call of the port and one transaction, so that a worker that dies anywhere leaves a change that the
next one takes up where it was. Moved, at any step, says that somebody paused, cancelled or took the change over.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from workspace_operator.application.ports import Batch, Lease, Migrations
from workspace_operator.errors import Moved, Unavailable
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.observed import PeopleCounts

BATCH = 50_000
"""Most addresses that are prepared in a transaction."""

ENTRIES = 5000
"""Most entries of writers that are settled in a transaction: each is looked up, which takes ten times as long."""

LEFTOVERS = 20_000
"""Most rows of each kind that are cleared in a transaction."""

GROUPS = 1200
"""Most groups of people that are folded between two looks at whether to go on."""

FIRST_PART = 8
GROWTH = 4
LEAST_PART = 32
"""A batch is at first an eighth of the most, grows fourfold at most, and shrinks to a thirty-second at least."""

LEASE = timedelta(seconds=20)
"""Renewed by every step; when a worker dies, another one takes over after that."""

FAILED_RESTS = timedelta(seconds=30)
"""How long a change whose step failed for no known reason is left alone."""

SHARE = 0.7
"""How long to rest after a batch while others write, as a part of the time that it took."""

FIRST_PATIENCE = timedelta(milliseconds=40)
LONGEST_PATIENCE = timedelta(seconds=5)
"""How long a switch may keep calls out while it waits for those under way; longer each time that it was in vain."""


class BatchWork(Protocol):
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
    batch: int = BATCH
    rest: Callable[[float], object] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def work_once(self) -> bool:
        """Take one change that is due as far as it goes; False if there was none."""
        lease = Lease(worker=self.worker, duration=LEASE)
        claimed = self.migrations.claim(lease, now=self.clock())
        if claimed is None:
            return False
        with suppress(Moved):  # whoever moved it has made it due again, if there is anything left to do
            self._carry_on(claimed, lease)
        return True

    def _carry_on(self, change: Migration, lease: Lease) -> None:
        """Take steps until there is nothing more to do now, or this worker must stop."""
        following: Migration | None = change
        while following is not None and not self.stopping():
            change = following
            try:
                following = self._step(change, lease)
            except (Moved, Unavailable):
                raise
            except Exception:
                # Something that trying again at once would not mend; meanwhile others have their turn.
                with suppress(Moved):
                    self.migrations.release(change, lease, due_at=self.clock() + FAILED_RESTS)
                raise
        if following is not None:
            self.migrations.release(following, lease, due_at=self.clock())

    def _step(self, change: Migration, lease: Lease) -> Migration | None:
        """Take one step; None when there is nothing more to do now."""
        match change.stage:
            case Stage.REQUESTED:
                return self.migrations.start_checking(change, lease, now=self.clock())
            case Stage.CHECKING:
                return self._check(change, lease)
            case Stage.PREPARING:
                return self._prepare(change, lease)
            case Stage.SWITCHED | Stage.FOLDING:
                return self._finish(change, lease)
            case Stage.BLOCKED:
                return self._look_again(change, lease)
            case Stage.CANCELLED | Stage.COMPLETED:
                return self._tidy(change, lease)
            case _ as never:
                assert_never(never)

    def _check(self, change: Migration, lease: Lease) -> Migration | None:
        people, found = self.migrations.check(change.workspace_id)
        if change.enables_email:
            if found.stand_in_the_way(change.on_conflict):
                return self._block(change, lease, people)
            if not self._clear(change, lease):
                return change
        return self.migrations.start_preparing(change, lease, people=people, now=self.clock())

    def _prepare(self, change: Migration, lease: Lease) -> Migration | None:
        """Add the identifiers, bring them up to date with what was written meanwhile, switch or block."""
        patience = FIRST_PATIENCE
        while True:
            if change.enables_email:
                if not (
                    self._in_batches(self.migrations.prepare_batch, change, lease, size=self.batch)
                    and self._settle(change, lease)
                ):
                    return change
                if self.migrations.is_obstructed(change):
                    people, _ = self.migrations.check(change.workspace_id)
                    return self._block(change, lease, people)
            following = self.migrations.switch(change, lease, patience=patience, now=self.clock())
            if following.stage is not change.stage or self.stopping():
                return following
            self.rest(patience.total_seconds())
            patience = min(2 * patience, LONGEST_PATIENCE)

    def _settle(self, change: Migration, lease: Lease) -> bool:
        return self._in_batches(self.migrations.settle_batch, change, lease, size=min(self.batch, ENTRIES))

    def _finish(self, change: Migration, lease: Lease) -> Migration | None:
        if change.stage is Stage.SWITCHED and change.merges:
            return self.migrations.start_folding(change, lease, now=self.clock())
        if change.stage is Stage.FOLDING and not self._in_batches(
            self.migrations.fold_batch, change, lease, size=GROUPS
        ):
            return change
        if (change.to_mode is Mode.ID_ONLY or change.merges) and not self._clear(change, lease):
            return change
        self.migrations.complete(change, lease, now=self.clock())
        return None

    def _look_again(self, change: Migration, lease: Lease) -> Migration | None:
        """Count again without leaving Blocked, so that nothing flaps while people are still in the way."""
        people, found = self.migrations.check(change.workspace_id)
        if found.stand_in_the_way(change.on_conflict):
            return self._block(change, lease, people)
        return self.migrations.start_checking(change, lease, now=self.clock())

    def _block(self, change: Migration, lease: Lease, people: PeopleCounts) -> Migration | None:
        """Block and rest; if the last violation was mended just before, go on instead."""
        change = self.migrations.block(change, lease, people=people, now=self.clock())
        return None if change.stage is Stage.BLOCKED else change

    def _tidy(self, change: Migration, lease: Lease) -> Migration | None:
        if change.stage is Stage.CANCELLED and not self._clear(change, lease):
            return change
        self.migrations.release(change, lease, due_at=None)
        return None

    def _clear(self, change: Migration, lease: Lease) -> bool:
        """Remove what no rule in force reads; False if this worker must stop before it is through."""
        return self._in_batches(self.migrations.clear_batch, change, lease, size=min(self.batch, LEFTOVERS))

    def _in_batches(self, work: BatchWork, change: Migration, lease: Lease, *, size: int) -> bool:
        """Work until all is done; False if this worker must stop before. Others who write get their share."""
        most, size = size, max(size // FIRST_PART, 1)
        while True:
            started = self.monotonic()
            batch = work(change, lease, size=size, now=self.clock())
            if batch.done:
                return True
            if self.stopping():
                return False
            if batch.crowded:
                self.rest(SHARE * (self.monotonic() - started))
            size = next_size(size, batch, most=most)


def next_size(size: int, batch: Batch, *, most: int) -> int:
    """How large the batch after this one may be: beside others no larger than they can wait for."""
    growth = min(1 / batch.hold, GROWTH) if batch.crowded and batch.hold > 0 else GROWTH
    return min(max(int(size * growth), most // LEAST_PART, 1), most)
