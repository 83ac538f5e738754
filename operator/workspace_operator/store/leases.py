"""A worker's hold on one identifier change: locked, checked to be as it was left, moved on, renewed.

Locks are taken in the order fence, workspace, change.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from workspace_operator.application.ports import Lease
from workspace_operator.errors import Moved
from workspace_operator.migrations.progress import completion
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import ENDED, FOLLOWERS, Stage
from workspace_operator.store.dialects import plan_anew
from workspace_operator.store.fences import close_fence, lock_workspace
from workspace_operator.store.rows import Row, migration_of
from workspace_operator.store.tables import migration, workspace

PROGRESS_EVERY = timedelta(seconds=5)
"""How often resources are told of numbers that move all the time."""


def clock_from(now: datetime) -> Callable[[], datetime]:
    """A clock that shows this time now: what waits for others is not to be dated from before it waited."""
    begun = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A change in a transaction that has locked its row."""

    connection: sa.Connection
    change: Migration
    lease: Lease
    row: Row
    now: datetime

    @property
    def workspace_id(self) -> int:
        """Whose identifiers change."""
        return self.change.workspace_id

    @property
    def is_time_to_tell(self) -> bool:
        """Whether resources have not been told of the numbers for a while."""
        told_at = self.row.progressed_at
        return told_at is None or bool(abs(self.now - told_at) >= PROGRESS_EVERY)  # clocks are set back, too

    def move(self, stage: Stage, **values: object) -> Migration:
        """Go on to a stage, which may be the present one."""
        if stage is not self.change.stage and stage not in FOLLOWERS[self.change.stage]:
            raise AssertionError(f"{stage} does not follow {self.change.stage}")
        lasting = {} if stage in ENDED else self._lasting() | {"due_at": self.now}
        if stage is not self.change.stage:
            lasting |= {"stage_since": self.now, "progressed_at": self.now, "estimated_completion": None}
        self.update(**{"stage": stage.value, "revision": self.change.revision + 1, **lasting, **values})
        query = sa.select(migration).filter_by(workspace_id=self.workspace_id, number=self.change.number)
        return migration_of(self.connection.execute(query).one())

    def renew(self, **values: object) -> None:
        """Keep the lease, and note how far this came."""
        self.update(**self._lasting(), **values)

    def advance(self, *, done: int, total: int, **values: object) -> None:
        """The same, with a forecast; every now and then worth telling resources of."""
        told: dict[str, object] = {}
        if self.is_time_to_tell:
            forecast = completion(since=self.row.stage_since, now=self.now, done=done, total=total)
            told = {"progress": self.row.progress + 1, "progressed_at": self.now, "estimated_completion": forecast}
        self.renew(**told, **values)

    def update(self, **values: object) -> None:
        """Write columns of the change."""
        statement = sa.update(migration).filter_by(workspace_id=self.workspace_id, number=self.change.number)
        self.connection.execute(statement.values(values))

    def update_workspace(self, **values: object) -> None:
        """Write columns of the workspace."""
        statement = sa.update(workspace).where(workspace.c.workspace_id == self.workspace_id)
        self.connection.execute(statement.values(values))

    def workspace(self) -> Row:
        """The workspace's row."""
        return self.connection.execute(sa.select(workspace).filter_by(workspace_id=self.workspace_id)).one()

    def _lasting(self) -> dict[str, object]:
        return {"lease_expires_at": self.now + self.lease.duration}


def hold(
    connection: sa.Connection,
    change: Migration,
    lease: Lease,
    now: datetime,
    *,
    fenced: bool = False,
    patience: timedelta | None = None,
) -> Held:
    """Lock a change; ``fenced``: with all calls kept out. Raises Moved if it is not as it was, or not ours.

    Raises NotGranted if calls could not be kept out within ``patience``.
    """
    plan_anew(connection)  # a plan for any cursor and any keys is mostly a bad one for these
    if fenced:
        close_fence(connection, change.workspace_id, patience=patience)
        lock_workspace(connection, change.workspace_id)
    query = sa.select(migration).filter_by(workspace_id=change.workspace_id, number=change.number)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None or row.lease_owner != lease.worker or row.revision != change.revision:
        raise Moved(f"identifier change {change.number} of workspace number {change.workspace_id} has moved on")
    return Held(connection=connection, change=change, lease=lease, row=row, now=now)
