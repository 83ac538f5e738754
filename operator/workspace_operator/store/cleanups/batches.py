"""What the worker does with a cleanup, a batch in a transaction, depending on its state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import ExecuteDecisions, Lease
from workspace_operator.cleanups.model import Cleanup, CleanupState
from workspace_operator.errors import StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.cleanups import drafts
from workspace_operator.store.cleanups.apply import apply_batch
from workspace_operator.store.cleanups.rows import LockedCleanup, lock_cleanup
from workspace_operator.store.cleanups.rules.batches import run_rule_batch
from workspace_operator.store.cleanups.rules.rows import count_rules_again, next_unfinished_rule
from workspace_operator.store.cleanups.states import blocked_migration, end_draft, withdraw_undo_requests
from workspace_operator.store.cleanups.undo import undo_batch
from workspace_operator.store.engine.row_batches import first_batch
from workspace_operator.store.schema.cleanup_tables import (
    cleanup,
    cleanup_decision,
    cleanup_group,
    cleanup_record,
    cleanup_rule,
)
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import migration, workspace
from workspace_operator.store.unit_of_work.sql_unit_of_work import SQLUnitOfWork
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive, read_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """A batch of a leased cleanup, in a transaction.

    Attributes:
        open_unit: opens a unit of work in this transaction.
        size: maximum number of decisions or rows.
        undo_period: how long the cleanup can be undone after it was applied.
    """

    connection: sa.Connection
    cleanup: Cleanup
    lease: Lease
    execute: ExecuteDecisions
    open_unit: Callable[[], SQLUnitOfWork]
    size: int
    undo_period: timedelta
    now: datetime

    def read(self) -> Row:
        """The row of the cleanup, without a lock. Raises StaleRevision if it was given to another worker."""
        key = {"workspace_id": self.cleanup.workspace_id, "number": self.cleanup.number}
        return self._leased(self.connection.execute(sa.select(cleanup).filter_by(**key)).one_or_none())

    def lock(self) -> LockedCleanup:
        """Lock the cleanup, and renew the lease. Raises as `read`."""
        locked = lock_cleanup(self.connection, self.cleanup.workspace_id, self.cleanup.number)
        self._leased(locked.row)
        locked.update(lease_expires_at=self.now + self.lease.duration)
        return locked

    def _leased(self, row: Row | None) -> Row:
        if row is None or row.lease_owner != self.lease.worker or row.state != self.cleanup.state.value:
            raise StaleRevision(f"cleanup {self.cleanup.number} has changed since it was read")
        return row


def run_batch(request: BatchRequest) -> bool:
    """Run a batch; returns whether nothing is left to do for now."""
    return _BATCHES[request.cleanup.state](request)


def _refresh_draft(request: BatchRequest) -> bool:
    """Count the decisions again if the migration has a new export; end the draft if the migration went through."""
    connection, workspace_id = request.connection, request.cleanup.workspace_id
    locked = request.lock()  # first: a new export that this does not see makes the cleanup due again afterwards
    mode = connection.execute(sa.select(workspace.c.mode).where(workspace.c.workspace_id == workspace_id)).scalar_one()
    blocked = blocked_migration(connection, workspace_id)
    if mode != Mode.ID_ONLY.value:
        end_draft(locked, request.now)
        return True
    if _count_if_new(locked, blocked, request.now):
        return True
    is_old = sa.and_(locked.of_cleanup(cleanup_group), cleanup_group.c.round < locked.row.round)
    if _delete(connection, cleanup_group, is_old, size=request.size) == request.size:
        return False
    rule = next_unfinished_rule(locked)
    if rule is not None:
        run_rule_batch(locked, rule, request.now, size=request.size)
        return False
    locked.update(due_at=None, lease_owner="", lease_expires_at=None)
    return True


def _count(request: BatchRequest) -> bool:
    locked = request.lock()
    blocked = blocked_migration(request.connection, request.cleanup.workspace_id)
    if _count_if_new(locked, blocked, request.now):
        return False
    return drafts.count_batch(locked, size=request.size)


def _count_if_new(locked: LockedCleanup, blocked: Row | None, now: datetime) -> bool:
    """Have decisions and rules counted again if the migration has a new export; returns whether it has."""
    if blocked is None or blocked.export == locked.row.export_number:
        return False
    drafts.count_again(locked, blocked.export, now, migration_number=blocked.number)
    count_rules_again(locked)
    return True


def _apply(request: BatchRequest) -> bool:
    row = request.read()
    keeps = bool(request.undo_period)
    values = {}
    if not row.stop_requested:
        values = apply_batch(request.open_unit(), row, request.execute, size=request.size, keeps_records=keeps)
    if values:
        request.lock().update(**values)
        return False
    _check_again(request)
    until = request.now + request.undo_period if keeps else None
    _end(request.lock(), CleanupState.APPLIED, due_at=until or request.now, ended_at=request.now, undo_until=until)
    return True


def _undo(request: BatchRequest) -> bool:
    workspace_id = request.cleanup.workspace_id
    lock_exclusive(request.connection, workspace_id)
    settings = read_settings(request.connection, workspace_id)
    row = request.read()
    values: dict[str, object] = {}
    if not row.stop_requested:
        new_id = request.open_unit().new_cio_id
        values = undo_batch(request.connection, settings, row, size=request.size, now=request.now, new_id=new_id)
    if values:
        request.lock().update(**values)
        return False
    _check_again(request)
    locked = request.lock()
    if row.stop_requested:
        withdraw_undo_requests(locked)
    is_all = locked.row.undone + locked.row.undone_in_part == locked.row.applied
    # What could not be undone can be tried again, as long as the records are kept.
    _end(locked, CleanupState.UNDONE if is_all else CleanupState.APPLIED, due_at=row.undo_until)
    return True


def _forget(request: BatchRequest) -> bool:
    """Delete the decisions and records of a cleanup that cannot be undone any more."""
    locked = request.lock()
    until = locked.row.undo_until
    if until is not None and until > request.now:
        locked.update(due_at=until, lease_owner="", lease_expires_at=None)
        return True
    for table in _DETAILS:
        if _delete(request.connection, table, locked.of_cleanup(table), size=request.size) == request.size:
            return False
    locked.update(due_at=None, undo_until=None, lease_owner="", lease_expires_at=None)
    return True


_DETAILS: Final = (cleanup_record, cleanup_decision, cleanup_group, cleanup_rule)

_BATCHES: Final[Mapping[CleanupState, Callable[[BatchRequest], bool]]] = {
    CleanupState.DRAFT: _refresh_draft,
    CleanupState.COUNTING: _count,
    CleanupState.APPLYING: _apply,
    CleanupState.APPLIED: _forget,
    CleanupState.UNDOING: _undo,
    CleanupState.UNDONE: _forget,
    CleanupState.DISCARDED: _forget,
}


def _end(locked: LockedCleanup, state: CleanupState, **values: object) -> None:
    released = {"lease_owner": "", "lease_expires_at": None}
    locked.update(state=state.value, cursor="", stop_requested=False, **released, **values)


def _check_again(request: BatchRequest) -> None:
    """Have a blocked migration checked now, which waited meanwhile; its row is locked before the cleanup's."""
    blocked = sa.update(migration).filter_by(workspace_id=request.cleanup.workspace_id, stage=Stage.BLOCKED.value)
    request.connection.execute(blocked.values(due_at=request.now))


def _delete(connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool], *, size: int) -> int:
    """Delete up to ``size`` rows, in the order of the primary key; returns how many."""
    _, _, *key = table.primary_key
    return connection.execute(sa.delete(table).where(first_batch(connection, condition, key, size=size))).rowcount
