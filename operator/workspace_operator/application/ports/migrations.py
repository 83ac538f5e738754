"""Port of the migrations: the identifier changes of workspaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from workspace_operator.application.ports.accounts.audit import Actor
from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.migrations.state_machine import Step
from workspace_operator.workspaces.model import Owner, PeopleCounts

MAX_DUE_DELAY = timedelta(minutes=2)
"""Maximum delay of a lease or due time; a later one was written before a clock was set back, and is ignored."""

PAUSE_RATIO = 0.7
"""Pause after a batch beside other writers, as a multiple of its duration, unless its kind of work needs another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease on one migration: the worker that holds it, and for how long it excludes other workers."""

    worker: str
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Result of one batch.

    Attributes:
        done: no work of this kind is left.
        contended: other writers are active on the database.
        lock_time_ratio: how long the longest transaction held locks, as a multiple of the time allowed while other
            writers are active; 2.0 is twice too long.
        pause_ratio: how long to pause after it while other writers are active, as a multiple of its duration.
    """

    done: bool
    contended: bool = False
    lock_time_ratio: float = 0.0
    pause_ratio: float = PAUSE_RATIO


class Migrations(Protocol):
    """Migrations, as the worker runs them and as clients read them.

    Every method with a lease checks that the migration is unchanged since ``migration`` was read and is still leased to
    ``lease.worker``. Otherwise it raises StaleRevision: the migration was paused, cancelled or taken over. Methods that
    work in batches store their progress, so that another worker can continue.
    """

    def claim(self, lease: Lease, *, now: datetime, workspace_id: int | None = None) -> Migration | None:
        """Lease a migration, of one workspace if given, that is due and not leased by another worker; None: no such.

        Times further ahead than `MAX_DUE_DELAY` are ignored.
        """
        ...

    def newest(self, workspace_id: int) -> Migration | None:
        """The newest migration of a workspace, ended or not."""
        ...

    def recent(self, workspace_id: int, *, limit: int) -> Sequence[Migration]:
        """The newest migrations of a workspace, ended or not, newest first."""
        ...

    def get(self, workspace_id: int, number: int) -> Migration:
        """A migration. Raises NotFound."""
        ...

    def retry(self, workspace_id: int, number: int, *, actor: Actor, now: datetime) -> Migration:
        """Have the worker check a blocked migration again now, and record that in the audit log.

        A check that is running already goes on.

        Raises:
            NotFound: there is no migration of that number.
            Conflict: it is not blocked, or it is paused.
        """
        ...

    def unfinished(self) -> Sequence[tuple[Owner, Migration]]:
        """List the migrations that have not ended, with the owners of their workspaces."""
        ...

    def check(self, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
        """Count people and violations from the indexes, without a lock."""
        ...

    def run_batch(self, migration: Migration, lease: Lease, step: Step, *, size: int, now: datetime) -> Batch:
        """Process up to ``size`` rows or groups of a step; done when none is left, or few that the cut-over applies."""
        ...

    def advance(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Make the transition of `Trigger.ADVANCE`; ``people`` are recorded when Preparing begins."""
        ...

    def has_violations(self, migration: Migration) -> bool:
        """Whether people block the migration, according to the backfill so far."""
        ...

    def cut_over(self, migration: Migration, lease: Lease, *, lock_timeout: timedelta, now: datetime) -> Migration:
        """Make the transition of `Trigger.CUT_OVER`, in one transaction: the new rules are in force.

        The migration is unchanged if people block it now, or if the workspace lock was not granted in ``lock_timeout``.
        """
        ...

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Write a snapshot of the violations to an export, without blocking writers, and enter Blocked.

        If there are no violations any more, make the transition of `Trigger.FIX` and keep the lease.
        """
        ...

    def release_lease(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        """Release the lease; the migration can be claimed from ``due_at``, or after a new request if that is None."""
        ...
