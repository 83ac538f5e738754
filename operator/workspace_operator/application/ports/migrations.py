"""Identifier changes, as the worker carries them out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from workspace_operator.migrations.records import Migration, ViolationCounts
from workspace_operator.reconcile.observed import PeopleCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A claim on one identifier change: who works on it, and until when nobody else may."""

    worker: str
    duration: timedelta


class Migrations(Protocol):
    """Identifier changes, as the worker carries them out.

    Every method that writes checks that the change still stands as ``migration`` says and is still leased to
    ``lease.worker``, and raises Moved otherwise: whoever paused, cancelled or took it over was first.
    """

    def claim(self, lease: Lease, *, now: datetime) -> Migration | None:
        """Lease a change that is due and that nobody else is working on, if there is one."""
        ...

    def check(self, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
        """Count people and violations from the indexes, without a lock."""
        ...

    def start_checking(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Requested or Blocked → Checking."""
        ...

    def hold(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Checking → Preparing: from here on writers wait."""
        ...

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Let writers go, write the violations of this moment down as an export, and rest as Blocked.

        If there is none any more, the change is Checking and still leased.
        """
        ...

    def release(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        """Give the change back: to whoever claims from then on; None: until somebody asks for it."""
        ...

    def clear_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> bool:
        """Remove up to ``size`` e-mail identifiers that no rule in force reads; True when none is left."""
        ...

    def prepare_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> bool:
        """Add up to ``size`` of the future e-mail identifiers; True when all are there. Remembers how far it came."""
        ...

    def switch(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Preparing → Switched: the new rules are in force and writers go on, in one transaction."""
        ...

    def complete(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Switched → Completed."""
        ...
