"""A worker's hold on one identifier change: locked, checked to be as it was left, moved on, renewed.

Locks are taken in the order fence, workspace, change.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from workspace_operator.application.ports import Lease
from workspace_operator.errors import StaleRevision
from workspace_operator.migrations.model import Migration, estimated_completion
from workspace_operator.migrations.state_machine import TERMINAL, TRANSITIONS, Stage
from workspace_operator.store.engine.sql import force_custom_plan
from workspace_operator.store.schema.mappers import Row, migration_of
from workspace_operator.store.schema.tables import migration, workspace
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive, lock_workspace_row

PROGRESS_INTERVAL = timedelta(seconds=5)
"""How often resources are told of numbers that move all the time."""


def running_clock(now: datetime) -> Callable[[], datetime]:
    """A clock that shows this time now: what waits for others is not to be dated from before it waited."""
    begun = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedMigration:
    """A change in a transaction that has locked its row."""

    connection: sa.Connection
    migration: Migration
    lease: Lease
    row: Row
    now: datetime

    @property
    def workspace_id(self) -> int:
        """Whose identifiers change."""
        return self.migration.workspace_id

    @property
    def progress_due(self) -> bool:
        """Whether resources have not been told of the numbers for a while."""
        reported_at = self.row.progressed_at
        return reported_at is None or bool(abs(self.now - reported_at) >= PROGRESS_INTERVAL)  # clocks are set back, too

    def transition_to(self, stage: Stage, **values: object) -> Migration:
        """Go on to a stage, which may be the present one."""
        if stage is not self.migration.stage and stage not in TRANSITIONS[self.migration.stage]:
            raise AssertionError(f"{stage} does not follow {self.migration.stage}")
        lease_values = {} if stage in TERMINAL else self._renewed_lease() | {"due_at": self.now}
        if stage is not self.migration.stage:
            lease_values |= {"stage_since": self.now, "progressed_at": self.now, "estimated_completion": None}
        self.update(**{"stage": stage.value, "revision": self.migration.revision + 1, **lease_values, **values})
        query = sa.select(migration).filter_by(workspace_id=self.workspace_id, number=self.migration.number)
        return migration_of(self.connection.execute(query).one())

    def renew(self, **values: object) -> None:
        """Keep the lease, and note how far this came."""
        self.update(**self._renewed_lease(), **values)

    def report_progress(self, *, done: int, total: int, **values: object) -> None:
        """The same, with a forecast; every now and then worth telling resources of."""
        progress_values: dict[str, object] = {}
        if self.progress_due:
            forecast = estimated_completion(since=self.row.stage_since, now=self.now, done=done, total=total)
            progress_values = {
                "progress": self.row.progress + 1,
                "progressed_at": self.now,
                "estimated_completion": forecast,
            }
        self.renew(**progress_values, **values)

    def update(self, **values: object) -> None:
        """Write columns of the change."""
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
    """Lock a change; ``fenced``: with all calls kept out. Raises StaleRevision if it is not as it was, or not ours.

    Raises WorkspaceLockTimeout if calls could not be kept out within ``patience``.
    """
    force_custom_plan(connection)  # a plan for any cursor and any keys is mostly a bad one for these
    if exclusive:
        lock_exclusive(connection, migration_.workspace_id, lock_timeout=lock_timeout)
        lock_workspace_row(connection, migration_.workspace_id)
    query = sa.select(migration).filter_by(workspace_id=migration_.workspace_id, number=migration_.number)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None or row.lease_owner != lease.worker or row.revision != migration_.revision:
        raise StaleRevision(
            f"identifier change {migration_.number} of workspace number {migration_.workspace_id} has moved on"
        )
    return LockedMigration(connection=connection, migration=migration_, lease=lease, row=row, now=now)
