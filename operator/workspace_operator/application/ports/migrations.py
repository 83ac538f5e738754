"""Identifier changes, as the worker carries them out and as commands look at them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.workspaces.model import Owner, PeopleCounts

MAX_DUE_DELAY = timedelta(minutes=2)
"""No lease ends later than this, and no change is due later: what says so was written before a clock was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A claim on one identifier change: who works on it, and until when nobody else may."""

    worker: str
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What came of a piece of work.

    Attributes:
        done: nothing of this kind is left to do.
        crowded: others write to the database just now, and want their share of it.
        hold: how long its longest transaction kept locks that others wait for, as a part of how long it may while
            others write; 2.0 is twice too long.
    """

    done: bool
    contended: bool = False
    lock_time_ratio: float = 0.0


class Migrations(Protocol):
    """Identifier changes, as the worker carries them out.

    Every method that writes checks that the change still stands as ``migration`` says and is still leased to
    ``lease.worker``, and raises StaleRevision otherwise: whoever paused, cancelled or took it over was first. Methods
    that work in batches remember how far they came, so that whoever goes on does so from there.
    """

    def claim(self, lease: Lease, *, now: datetime) -> Migration | None:
        """Lease a change that is due and that nobody else is working on, if there is one.

        Times that are too far ahead to have been written by the present clock do not count.
        """
        ...

    def newest(self, workspace_id: int) -> Migration | None:
        """The newest change of a workspace, ended or not."""
        ...

    def unfinished(self) -> Sequence[tuple[Owner, Migration]]:
        """Every change that has not ended, with whose workspace it changes."""
        ...

    def check(self, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
        """Count people and violations from the indexes, without a lock."""
        ...

    def start_checking(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Requested or Blocked → Checking."""
        ...

    def start_preparing(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Checking → Preparing: where email becomes an identifier, writers say from here on what they change."""
        ...

    def prepare_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Add up to ``size`` of the future e-mail identifiers; done when all are there."""
        ...

    def apply_change_log(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Bring what was prepared up to date with up to ``size`` changes of writers; done when few are left."""
        ...

    def has_violations(self, migration: Migration) -> bool:
        """Whether somebody stands in the way, as far as is prepared."""
        ...

    def cut_over(self, migration: Migration, lease: Lease, *, lock_timeout: timedelta, now: datetime) -> Migration:
        """Preparing → Switched, in one transaction: the new rules are in force.

        Unchanged if somebody has come to stand in the way, or if writers could not be held within ``patience``.
        """
        ...

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Write the violations of one moment down as an export, while writers go on, and rest as Blocked.

        If there is none any more, the change is Checking, or Preparing if it was, and still leased.
        """
        ...

    def release_lease(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        """Give the change back: to whoever claims from then on; None: until somebody asks for it."""
        ...

    def purge_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Remove up to ``size`` rows that were prepared and that no rule in force reads; done when none is left."""
        ...

    def start_merging(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Switched → Merging: people who became one are put together, a group at a time."""
        ...

    def merge_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Fold up to ``size`` groups of people; done when none is left."""
        ...

    def complete(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Switched or Merging → Completed."""
        ...
