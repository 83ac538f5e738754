"""Identifier changes as the worker carries them out, each step one transaction (design §6).

The fence is closed where writers begin or cease to say what they change, and at the switch itself, so that every call
is wholly before or wholly after. `preparing`, `reporting` and `folding` do what takes long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import LONGEST_REST, Batch, Lease
from workspace_operator.errors import Moved, NotFound
from workspace_operator.migrations.records import Migration, ViolationCounts
from workspace_operator.migrations.stages import ENDED, Stage
from workspace_operator.reconcile.observed import Owner, PeopleCounts
from workspace_operator.store import preparing
from workspace_operator.store.clearing import clear
from workspace_operator.store.counting import count_violations, merges_of
from workspace_operator.store.crowding import Crowding
from workspace_operator.store.dialects import plan_anew
from workspace_operator.store.fences import NotGranted
from workspace_operator.store.folding import FoldingStore
from workspace_operator.store.leases import Held, clock_from, hold
from workspace_operator.store.plan_statistics import keep_pinned
from workspace_operator.store.reporting import Report
from workspace_operator.store.rows import WITH_OWNER, migration_of, newest_migration, owner_of, violation_values
from workspace_operator.store.tables import migration, workspace
from workspace_operator.store.unfolded import next_groups

T = TypeVar("T")

FEW_CHANGES = 100
"""So many changes of writers are settled while they are held."""

LONGEST_HOLD_OF_ALL = 0.05
LONGEST_HOLD_OF_GROUPS = 0.15
"""How many seconds a transaction may keep everybody waiting, and those who touch the groups that it folds."""


@dataclass(frozen=True, slots=True)
class SQLMigrations(FoldingStore):
    """Implements the port ``Migrations``."""

    _crowding: Crowding = field(default_factory=Crowding, init=False)

    def claim(self, lease: Lease, *, now: datetime) -> Migration | None:
        """Lease a change that is due and that nobody else is working on, if there is one.

        A lease or a due time that is too far ahead was written before the clock was set back, and does not count.
        """
        due = sa.select(migration).where(
            sa.or_(migration.c.due_at <= now, migration.c.due_at > now + LONGEST_REST),
            # What a change that was taken back has left is cleared even if it was paused before.
            sa.or_(migration.c.paused.is_(False), migration.c.stage == Stage.CANCELLED.value),
            sa.or_(
                migration.c.lease_expires_at.is_(None),
                migration.c.lease_expires_at <= now,
                migration.c.lease_expires_at > now + LONGEST_REST,
                migration.c.lease_owner == lease.worker,  # it failed in the middle of a step, and tries again
            ),
        )
        with self.database.reading() as connection:  # looking takes no lock, and there is mostly nothing
            first = connection.execute(due.order_by(migration.c.due_at).limit(1)).first()
        if first is None:
            return None
        ours = due.where(migration.c.workspace_id == first.workspace_id, migration.c.number == first.number)

        def work(connection: sa.Connection) -> Migration | None:
            row = connection.execute(ours.with_for_update(skip_locked=True)).one_or_none()
            if row is None:  # another worker was first; the next call looks for something else
                return None
            leased = sa.update(migration).filter_by(workspace_id=row.workspace_id, number=row.number)
            values = {"lease_owner": lease.worker, "lease_expires_at": now + lease.duration}
            connection.execute(leased.values(values))
            return migration_of(row)

        return self.database.writing(work)

    def newest(self, workspace_id: int) -> Migration | None:
        """The newest change of a workspace, ended or not."""
        with self.database.reading() as connection:
            row = newest_migration(connection, workspace_id)
        return None if row is None else migration_of(row)

    def unfinished(self) -> Sequence[tuple[Owner, Migration]]:
        """Every change that has not ended, with whose workspace it changes."""
        query = WITH_OWNER.where(migration.c.stage.not_in(sorted(ENDED))).order_by(migration.c.workspace_id)
        with self.database.reading() as connection:
            return [(owner_of(row), migration_of(row)) for row in connection.execute(query)]

    def check(self, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
        """Count people and violations from the indexes, without a lock."""
        with self.database.reading_one_snapshot() as connection:
            return count_violations(connection, workspace_id)

    def start_checking(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Requested or Blocked → Checking."""
        keep_pinned(self.database)  # what somebody counted since this process started would spoil the plans of the rest
        return self._step(
            migration,
            lease,
            now,
            lambda held: held.move(Stage.CHECKING, started_at=migration.started_at or now),
        )

    def start_preparing(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Checking → Preparing: where email becomes an identifier, writers say from here on what they change."""

        def work(held: Held) -> Migration:
            held.update_workspace(tracks_changes=migration.enables_email, blocked_export=None)
            counts = {
                "people_total": people.total,
                "people_checked": 0 if migration.enables_email else people.total,
                "people_without_id": people.without_id,
                "people_without_identifier": people.without_identifier
                if migration.enables_email
                else people.without_id,
            }
            return held.move(Stage.PREPARING, cursor="", **counts)

        return self._step(migration, lease, now, work, fenced=True)

    def prepare_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Add up to ``size`` of the future e-mail identifiers; done when all are there."""

        def work(held: Held) -> Batch:
            row = held.row
            stretch = preparing.prepare_stretch(held.connection, migration, after=row.cursor, size=size)
            done = stretch.is_last
            checked = row.people_total if done else min(row.people_checked + stretch.people, row.people_total)
            held.advance(
                done=checked, total=row.people_total, people_checked=checked, cursor=stretch.last, leftovers=True
            )
            return Batch(done=done, crowded=self._crowding.is_crowded(held.connection))

        return self._batch(migration, lease, now, work)

    def settle_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Bring what was prepared up to date with up to ``size`` changes of writers; done when few are left."""

        def work(held: Held) -> Batch:
            done = preparing.settle(held.connection, migration, size=size) < min(size, FEW_CHANGES + 1)
            held.renew(leftovers=True, **(_merge_values(held) if done and migration.merges else {}))
            return Batch(done=done, crowded=self._crowding.is_crowded(held.connection))

        return self._batch(migration, lease, now, work)

    def is_obstructed(self, migration: Migration) -> bool:
        """Whether somebody stands in the way, as far as is prepared."""
        with self.database.reading() as connection:
            return preparing.is_obstructed(connection, migration)

    def switch(self, migration: Migration, lease: Lease, *, patience: timedelta, now: datetime) -> Migration:
        """Preparing → Switched, in one transaction: the new rules are in force.

        Unchanged if somebody has come to stand in the way, or if writers could not be held within ``patience``.
        """
        clock = clock_from(now)
        try:
            return self._step(migration, lease, now, lambda held: _switch(held, clock), fenced=True, patience=patience)
        except NotGranted:
            return migration

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Write the violations of one moment down as an export, while writers go on, and rest as Blocked.

        If there is none any more, the change is Checking, or Preparing if it was, and still leased.
        """
        return Report(database=self.database, change=migration, lease=lease, people=people, started=now).write()

    def release(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        """Give the change back: to whoever claims from then on; None: until somebody asks for it."""
        self._step(
            migration,
            lease,
            due_at or migration.requested_at,
            lambda held: held.update(lease_owner="", lease_expires_at=None, due_at=due_at),
        )

    def clear_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Remove up to ``size`` rows that were prepared and that no rule in force reads; done when none is left."""

        def work(held: Held) -> Batch:
            done = clear(held, size=size)
            held.renew(leftovers=not done)
            return Batch(done=done, crowded=self._crowding.is_crowded(held.connection))

        return self._batch(migration, lease, now, work)

    def start_folding(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Switched → Folding: people who became one are put together, a group at a time."""

        def work(held: Held) -> Migration:
            return held.move(Stage.FOLDING, cursor="", **_merge_values(held))

        return self._step(migration, lease, now, work)

    def fold_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Fold up to ``size`` groups of people; done when none is left."""

        def work(held: Held) -> Batch:
            merged = held.row.people_merged
            folded = held.row.people_folded if keys else merged
            if keys and held.is_time_to_tell:
                folded = merges_of(held.connection, held.workspace_id).folded
            cursor = keys[-1] if keys else held.row.cursor
            held.advance(done=folded, total=merged, people_folded=folded, cursor=cursor)
            crowded = self._crowding.is_crowded(held.connection, own=1 + folds.transactions)
            longest = LONGEST_HOLD_OF_ALL if self.database.is_sqlite else LONGEST_HOLD_OF_GROUPS
            return Batch(done=not keys, crowded=crowded, hold=folds.longest / longest)

        keys = self._next_groups(migration, size=size)
        try:
            folds = self.folder.fold(migration.workspace_id, keys)
        except NotFound as gone:  # with its workspace
            raise Moved(str(gone)) from gone
        return self._step(migration, lease, now, work)

    def complete(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Switched or Folding → Completed."""

        def work(held: Held) -> Migration:
            if folded:
                held.update_workspace(folds=False)
            return held.move(Stage.COMPLETED, completed_at=now, due_at=None, leftovers=False)

        folded = migration.stage is Stage.FOLDING
        return self._step(migration, lease, now, work, fenced=folded)

    def _next_groups(self, change: Migration, *, size: int) -> Sequence[str]:
        """Find groups to fold, without a lock: anybody may fold any of them, and each is folded once."""
        row = sa.select(migration.c.cursor).filter_by(workspace_id=change.workspace_id, number=change.number)
        with self.database.reading() as connection:
            plan_anew(connection)
            cursor = connection.execute(row).scalar_one_or_none()
            return () if cursor is None else next_groups(connection, change.workspace_id, after=cursor, size=size)

    def _batch(self, change: Migration, lease: Lease, now: datetime, work: Callable[[Held], Batch]) -> Batch:
        batch, seconds = self.database.writing_timed(lambda connection: work(hold(connection, change, lease, now)))
        # On PostgreSQL only the worker itself writes these rows.
        return replace(batch, hold=seconds / LONGEST_HOLD_OF_ALL) if self.database.is_sqlite else batch

    def _step(
        self,
        change: Migration,
        lease: Lease,
        now: datetime,
        work: Callable[[Held], T],
        *,
        fenced: bool = False,
        patience: timedelta | None = None,
    ) -> T:
        return self.database.writing(
            lambda connection: work(hold(connection, change, lease, now, fenced=fenced, patience=patience))
        )


def _merge_values(held: Held) -> dict[str, object]:
    merges = merges_of(held.connection, held.workspace_id)
    return {"people_merged": merges.people, "people_folded": merges.folded, "ids_given_up": merges.ids}


def _switch(held: Held, clock: Callable[[], datetime]) -> Migration:
    change = held.change
    if change.enables_email:
        while preparing.settle(held.connection, change, size=10 * FEW_CHANGES):
            pass
        if preparing.is_obstructed(held.connection, change):
            return change
    moved = {"mode": change.to_mode.value, "row_version": workspace.c.row_version + 1}
    held.update_workspace(**moved, tracks_changes=False, blocked_export=None, folds=change.merges)
    clean = violation_values(ViolationCounts())
    return held.move(Stage.SWITCHED, switched_at=clock(), export=None, people_checked=held.row.people_total, **clean)
