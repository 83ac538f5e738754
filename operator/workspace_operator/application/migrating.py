"""Carrying an identifier change out: which step comes next, until it waits for somebody or has ended.

Each step is one call of the port and one transaction, so that a worker that dies anywhere leaves a change that the
next one takes up where it was. Moved, at any step, says that somebody paused, cancelled or took the change over.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from workspace_operator.application.ports import Lease, Migrations
from workspace_operator.errors import Moved, Unavailable
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration, ViolationCounts
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.observed import PeopleCounts

BATCH = 10_000
"""Identifier rows a transaction: a batch is how long pausing may have to wait."""

LEASE = timedelta(seconds=20)
"""Renewed by every step; writers may be held for as long when a worker dies, until another one takes over."""

FAILED_RESTS = timedelta(seconds=30)
"""How long a change whose step failed for no known reason is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationWorker:
    """Carries identifier changes out. ``worker`` names this worker among all of the database."""

    migrations: Migrations
    worker: str
    clock: Callable[[], datetime]
    stopping: Callable[[], bool] = lambda: False
    batch: int = BATCH

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
        if not enables_email_for_people(change):
            return self.migrations.hold(change, lease, people=people, now=self.clock())
        if violated(found):
            return self._block(change, lease, people)
        if not self._clear(change, lease):
            return change
        return self.migrations.hold(change, lease, people=people, now=self.clock())

    def _prepare(self, change: Migration, lease: Lease) -> Migration | None:
        """Under the hold: check what was written since, add the identifiers, switch.

        What was prepared before a restart is gone on with, since nobody could write in between.
        """
        if enables_email_for_people(change):
            people, found = self.migrations.check(change.workspace_id)
            if violated(found):
                return self._block(change, lease, people)
            while not self.migrations.prepare_batch(change, lease, size=self.batch, now=self.clock()):
                if self.stopping():
                    return change
        return self.migrations.switch(change, lease, now=self.clock())

    def _finish(self, change: Migration, lease: Lease) -> Migration | None:
        if change.to_mode is Mode.ID_ONLY and not self._clear(change, lease):
            return change
        self.migrations.complete(change, lease, now=self.clock())
        return None

    def _look_again(self, change: Migration, lease: Lease) -> Migration | None:
        """Count again without leaving Blocked, so that nothing flaps while people are still in the way."""
        people, found = self.migrations.check(change.workspace_id)
        if violated(found):
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
        """Remove identifiers that no rule in force reads; False if this worker must stop before it is through."""
        while not self.migrations.clear_batch(change, lease, size=self.batch, now=self.clock()):
            if self.stopping():
                return False
        return True


def enables_email_for_people(change: Migration) -> bool:
    """Whether addresses become identifiers that were not: only then people are validated (identity-rules §7)."""
    return change.from_mode is Mode.ID_ONLY and change.to_mode is Mode.EMAIL_OR_ID


def violated(counts: ViolationCounts) -> bool:
    """Whether anybody stands in the way."""
    return bool(counts.duplicate_email or counts.invalid_email or counts.suppressed_email or counts.id_is_another_email)
