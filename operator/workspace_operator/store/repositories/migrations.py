"""Migrations: the batches and transitions that the worker asks for, each in one transaction (design §6).

The state machine says which transition is allowed, and whether it locks the workspace exclusively. `stages` has what
each stage changes; `export_writer` and `merge_on_touch` have transactions of their own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import MAX_DUE_DELAY, Actor, AuditAction, AuditEntry, Batch, Lease
from workspace_operator.cleanups.model import CleanupState
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.migrations.state_machine import TERMINAL, Stage, Step, Trigger
from workspace_operator.store.engine.contention import ContentionProbe
from workspace_operator.store.engine.sql import force_custom_plan
from workspace_operator.store.migrations import actions, backfill, stages
from workspace_operator.store.migrations.export_writer import ExportWriter
from workspace_operator.store.migrations.leases import LockedMigration, lock_migration, running_clock
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.pending_merges.view import next_pending_groups
from workspace_operator.store.queries.counts import count_merges, count_violations
from workspace_operator.store.schema.cleanup_tables import cleanup
from workspace_operator.store.schema.mappers import MIGRATIONS_WITH_OWNER, migration_of, newest_migration, owner_of
from workspace_operator.store.schema.plan_statistics import ensure_pinned
from workspace_operator.store.schema.tables import migration
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.workspace_lock import WorkspaceLockTimeout
from workspace_operator.workspaces.model import Owner, PeopleCounts

T = TypeVar("T")

_IS_CLEANED_UP = (
    sa.exists()
    .where(
        cleanup.c.workspace_id == migration.c.workspace_id,
        cleanup.c.state.in_([CleanupState.APPLYING.value, CleanupState.UNDOING.value]),
    )
    .correlate(migration)
)
"""Whether a cleanup changes the people: the migration is checked once when it is done, and not meanwhile."""

MAX_EXCLUSIVE_HOLD = 0.05
MAX_GROUP_HOLD = 0.15
"""Seconds that a transaction may block all writers, and that a merge may block commands on its groups."""


@dataclass(frozen=True, slots=True)
class SQLMigrations(MergeOnTouchRepository):
    """Implements the port ``Migrations``."""

    new_id: CioIDGenerator = field(default_factory=CioIDGenerator)
    _contention: ContentionProbe = field(default_factory=ContentionProbe, init=False)

    def claim(self, lease: Lease, *, now: datetime, workspace_id: int | None = None) -> Migration | None:
        """Lease a migration that is due and not leased by another worker; None if there is none.

        A lease or due time too far in the future was written before the clock was set back, and is ignored.
        """
        due = sa.select(migration).where(
            sa.or_(migration.c.due_at <= now, migration.c.due_at > now + MAX_DUE_DELAY),
            ~_IS_CLEANED_UP,
            # A cancelled migration is cleaned up even if it was paused before.
            sa.or_(migration.c.paused.is_(False), migration.c.stage == Stage.CANCELLED.value),
            sa.or_(
                migration.c.lease_expires_at.is_(None),
                migration.c.lease_expires_at <= now,
                migration.c.lease_expires_at > now + MAX_DUE_DELAY,
                migration.c.lease_owner == lease.worker,  # it failed in the middle of a step, and retries
            ),
        )
        if workspace_id is not None:
            due = due.where(migration.c.workspace_id == workspace_id)
        with self.database.reading() as connection:  # without a lock, since usually nothing is due
            first = connection.execute(due.order_by(migration.c.due_at).limit(1)).first()
        if first is None:
            return None
        still_due = due.where(migration.c.workspace_id == first.workspace_id, migration.c.number == first.number)

        def work(connection: sa.Connection) -> Migration | None:
            row = connection.execute(still_due.with_for_update(skip_locked=True)).one_or_none()
            if row is None:  # another worker was first; the next call of `claim` finds another migration
                return None
            update = sa.update(migration).filter_by(workspace_id=row.workspace_id, number=row.number)
            values = {"lease_owner": lease.worker, "lease_expires_at": now + lease.duration}
            connection.execute(update.values(values))
            return migration_of(row)

        return self.database.writing(work)

    def newest(self, workspace_id: int) -> Migration | None:
        """The newest migration of a workspace, whether ended or not."""
        with self.database.reading() as connection:
            row = newest_migration(connection, workspace_id)
        return None if row is None else migration_of(row)

    def recent(self, workspace_id: int, *, limit: int) -> Sequence[Migration]:
        """The newest migrations of a workspace, newest first."""
        query = sa.select(migration).filter_by(workspace_id=workspace_id).order_by(migration.c.number.desc())
        with self.database.reading() as connection:
            return [migration_of(row) for row in connection.execute(query.limit(limit))]

    def get(self, workspace_id: int, number: int) -> Migration:
        """A migration. Raises NotFound."""
        with self.database.reading() as connection:
            return _get(connection, workspace_id, number)

    def retry(self, workspace_id: int, number: int, *, actor: Actor, now: datetime) -> Migration:
        """Have a blocked migration checked again now. Raises NotFound and Conflict."""
        entry = AuditEntry(
            workspace_id=workspace_id,
            at=now,
            actor=actor,
            action=AuditAction.RETRIED,
            subject=f"migration {number}",
            detail={},
        )

        def work(connection: sa.Connection) -> Migration:
            actions.retry_for_client(connection, workspace_id, number, now)
            write_audit_entry(connection, entry, new_id=self.new_id)
            return _get(connection, workspace_id, number)

        return self.database.writing(work)

    def unfinished(self) -> Sequence[tuple[Owner, Migration]]:
        """All migrations that have not ended, with the owners of their workspaces."""
        query = MIGRATIONS_WITH_OWNER.where(migration.c.stage.not_in(sorted(TERMINAL)))
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(migration.c.workspace_id))
            return [(owner_of(row), migration_of(row)) for row in rows]

    def check(self, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
        """Count people and violations from the indexes, without a lock."""
        with self.database.reading_one_snapshot(sets=True) as connection:
            return count_violations(connection, workspace_id)

    def run_batch(self, migration: Migration, lease: Lease, step: Step, *, size: int, now: datetime) -> Batch:
        """Run one batch of a step in one transaction; merges run in transactions of their own before it."""
        if step is Step.MERGE:
            return self._merge_batch(migration, lease, size=size, now=now)

        def work(connection: sa.Connection) -> Batch:
            done = stages.STEPS[step](lock_migration(connection, migration, lease, now), size)
            return Batch(done=done, contended=self._contention.others_wrote(connection, migration.workspace_id))

        batch, seconds = self.database.writing_timed(work)
        # On PostgreSQL the locks block no other writer, since only the worker writes these rows.
        return replace(batch, lock_time_ratio=seconds / MAX_EXCLUSIVE_HOLD) if self.database.is_sqlite else batch

    def advance(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Make the transition of `Trigger.ADVANCE`, in one transaction with what the next stage begins with."""
        transition = migration.transitions[Trigger.ADVANCE]
        stage = transition.target
        if stage is Stage.CHECKING:
            ensure_pinned(self.database)  # an ANALYZE since the start of this process would lead to bad plans

        def work(locked: LockedMigration) -> Migration:
            return locked.transition(Trigger.ADVANCE, **stages.begin_stage(locked, stage, people))

        return self._in_transaction(migration, lease, now, work, exclusive=transition.exclusive)

    def has_violations(self, migration: Migration) -> bool:
        """Whether the prepared part has violations."""
        with self.database.reading() as connection:
            return backfill.has_violations(connection, migration)

    def cut_over(self, migration: Migration, lease: Lease, *, lock_timeout: timedelta, now: datetime) -> Migration:
        """Make the transition of `Trigger.CUT_OVER`, in one transaction, which puts the new mode in force.

        The migration stays unchanged if people block it now, or if the exclusive lock takes longer than
        ``lock_timeout``.
        """
        clock = running_clock(now)
        try:
            return self._in_transaction(
                migration,
                lease,
                now,
                lambda locked: stages.cut_over(locked, clock),
                exclusive=migration.transitions[Trigger.CUT_OVER].exclusive,
                lock_timeout=lock_timeout,
            )
        except WorkspaceLockTimeout:
            return migration

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Write the violations of one snapshot to an export and enter Blocked, or continue if there are none."""
        writer = ExportWriter(database=self.database, migration=migration, lease=lease, people=people, started=now)
        return writer.write()

    def release_lease(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        """Release the lease; due at ``due_at``, or with None only after an action."""
        self._in_transaction(
            migration,
            lease,
            due_at or migration.requested_at,
            lambda locked: locked.update(lease_owner="", lease_expires_at=None, due_at=due_at),
        )

    def _merge_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Merge up to ``size`` groups of people; done when none is left."""

        def work(locked: LockedMigration) -> Batch:
            total = locked.row.people_to_merge
            merged = locked.row.people_merged if keys else total
            if keys and locked.progress_due:
                merged = count_merges(locked.connection, locked.workspace_id).merged
            cursor = keys[-1] if keys else locked.row.cursor
            locked.report_progress(done=merged, total=total, people_merged=merged, cursor=cursor)
            contended = self._contention.others_wrote(
                locked.connection, locked.workspace_id, own_transactions=1 + merge_run.transactions
            )
            max_hold = MAX_EXCLUSIVE_HOLD if self.database.is_sqlite else MAX_GROUP_HOLD
            return Batch(done=not keys, contended=contended, lock_time_ratio=merge_run.longest / max_hold)

        keys = self._next_groups(migration, size=size)
        try:
            merge_run = self.merge_on_touch.merge(migration.workspace_id, keys)
        except NotFound as error:  # the workspace was deleted
            raise StaleRevision(str(error)) from error
        return self._in_transaction(migration, lease, now, work)

    def _next_groups(self, migration_: Migration, *, size: int) -> Sequence[str]:
        """Find groups to merge, without a lock, since `merge_on_touch` merges each only once."""
        query = sa.select(migration.c.cursor).filter_by(workspace_id=migration_.workspace_id, number=migration_.number)
        with self.database.reading() as connection:
            force_custom_plan(connection)
            cursor = connection.execute(query).scalar_one_or_none()
            if cursor is None:
                return ()
            return next_pending_groups(connection, migration_.workspace_id, after=cursor, size=size)

    def _in_transaction(
        self,
        migration_: Migration,
        lease: Lease,
        now: datetime,
        work: Callable[[LockedMigration], T],
        *,
        exclusive: bool = False,
        lock_timeout: timedelta | None = None,
    ) -> T:
        return self.database.writing(
            lambda connection: work(
                lock_migration(connection, migration_, lease, now, exclusive=exclusive, lock_timeout=lock_timeout)
            )
        )


def _get(connection: sa.Connection, workspace_id: int, number: int) -> Migration:
    query = sa.select(migration).filter_by(workspace_id=workspace_id, number=number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise actions.no_such_migration(number)
    return migration_of(row)
