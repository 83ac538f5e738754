"""A worker's lease on one migration, and its locked row: check, transition, renewal.

The lock order is: workspace lock, workspace row, migration row.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from workspace_operator.application.ports import Lease
from workspace_operator.errors import StaleRevision
from workspace_operator.migrations.model import Migration, estimated_completion
from workspace_operator.migrations.state_machine import TERMINAL, Trigger
from workspace_operator.store.engine.sql import force_custom_plan
from workspace_operator.store.queries.cleanups import wake_draft
from workspace_operator.store.queries.notices import write_migration_notice
from workspace_operator.store.schema.mappers import Row, migration_of
from workspace_operator.store.schema.tables import migration, workspace
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive, lock_workspace_row

PROGRESS_INTERVAL = timedelta(seconds=5)
"""Minimum interval between two status updates of a migration's progress."""


def running_clock(now: datetime) -> Callable[[], datetime]:
    """Make a clock that starts at ``now``, for timestamps of work that first waits for locks."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedMigration:
    """A migration in a transaction that has locked its row."""

    connection: sa.Connection
    migration: Migration
    lease: Lease
    row: Row
    now: datetime

    @property
    def workspace_id(self) -> int:
        """The workspace of the migration."""
        return self.migration.workspace_id

    @property
    def progress_due(self) -> bool:
        """Whether the last report of progress is older than the interval."""
        reported_at = self.row.progressed_at
        return reported_at is None or bool(abs(self.now - reported_at) >= PROGRESS_INTERVAL)  # a clock can go back

    def transition(self, trigger: Trigger, **values: object) -> Migration:
        """Make the transition of a trigger, which must be allowed, and renew the lease; also write columns."""
        stage = self.migration.transitions[trigger].target
        lease_values = {} if stage in TERMINAL else self._renewed_lease() | {"due_at": self.now}
        if stage is not self.migration.stage:
            lease_values |= {"stage_since": self.now, "progressed_at": self.now, "estimated_completion": None}
        self.update(**{"stage": stage.value, "revision": self.migration.revision + 1, **lease_values, **values})
        query = sa.select(migration).filter_by(workspace_id=self.workspace_id, number=self.migration.number)
        after = migration_of(self.connection.execute(query).one())
        write_migration_notice(self.connection, after, now=self.now)
        wake_draft(self.connection, self.workspace_id, self.now)
        return after

    def renew(self, **values: object) -> None:
        """Renew the lease, and write columns of the migration."""
        self.update(**self._renewed_lease(), **values)

    def report_progress(self, *, done: int, total: int, **values: object) -> None:
        """Renew the lease; if due, also update the progress and the estimated completion."""
        if self.progress_due:
            estimate = estimated_completion(since=self.row.stage_since, now=self.now, done=done, total=total)
            values |= {"progress": self.row.progress + 1, "progressed_at": self.now, "estimated_completion": estimate}
        self.renew(**values)

    def update(self, **values: object) -> None:
        """Write columns of the migration."""
        statement = sa.update(migration).filter_by(workspace_id=self.workspace_id, number=self.migration.number)
        self.connection.execute(statement.values(values))

    def update_workspace(self, **values: object) -> None:
        """Write columns of the workspace."""
        statement = sa.update(workspace).where(workspace.c.workspace_id == self.workspace_id)
        self.connection.execute(statement.values(values))

    def workspace(self) -> Row:
        """The workspace's row."""
        return self.connection.execute(sa.select(workspace).filter_by(workspace_id=self.workspace_id)).one()

    def _renewed_lease(self) -> dict[str, object]:
        return {"lease_expires_at": self.now + self.lease.duration}


def lock_migration(
    connection: sa.Connection,
    migration_: Migration,
    lease: Lease,
    now: datetime,
    *,
    exclusive: bool = False,
    lock_timeout: timedelta | None = None,
) -> LockedMigration:
    """Lock a migration; with ``exclusive`` also lock the workspace against all commands.

    Raises:
        StaleRevision: the migration has changed, or another worker has the lease.
        WorkspaceLockTimeout: the exclusive lock was not granted within ``lock_timeout``.
    """
    force_custom_plan(connection)  # a generic plan for any cursor and any keys is usually bad here
    if exclusive:
        lock_exclusive(connection, migration_.workspace_id, lock_timeout=lock_timeout)
        lock_workspace_row(connection, migration_.workspace_id)
    query = sa.select(migration).filter_by(workspace_id=migration_.workspace_id, number=migration_.number)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None or row.lease_owner != lease.worker or row.revision != migration_.revision:
        raise StaleRevision(
            f"migration {migration_.number} of workspace number {migration_.workspace_id} has changed since it was read"
        )
    return LockedMigration(connection=connection, migration=migration_, lease=lease, row=row, now=now)
