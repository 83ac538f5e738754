"""Actions on a migration: those of the operator (request, cancel, pause, retry), and a retry that clients ask for."""

from datetime import datetime

import sqlalchemy as sa

from workspace_operator.errors import Conflict, NotFound, StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import ViolationCounts
from workspace_operator.migrations.state_machine import TERMINAL, Stage, Trigger
from workspace_operator.reconcile.model.actions import (
    CancelMigration,
    PauseMigration,
    RequestMigration,
    RetryMigration,
)
from workspace_operator.store.schema.mappers import Row, migration_of, newest_migration, violation_values
from workspace_operator.store.schema.tables import migration, workspace
from workspace_operator.store.unit_of_work.spec_generations import lock_and_record_generation
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive
from workspace_operator.workspaces.spec_versions import SpecVersion


def request(connection: sa.Connection, action: RequestMigration, now: datetime, spec: SpecVersion | None) -> None:
    """Start a migration, which also takes over the unused rows of earlier migrations."""
    lock_and_record_generation(connection, action.workspace_id, spec)
    mode = connection.execute(sa.select(workspace.c.mode).where(workspace.c.workspace_id == action.workspace_id))
    newest = newest_migration(connection, action.workspace_id)
    if Mode(mode.scalar_one()) != action.from_mode or (newest and Stage(newest.stage) not in TERMINAL):
        raise StaleRevision(f"workspace number {action.workspace_id} has another mode or an unfinished migration")
    # Revoke the leases, so that the worker of an earlier migration does not delete rows that this one prepares. Mark
    # the statuses as written, since resources report only the newest migration.
    ended = {
        "needs_cleanup": False,
        "due_at": None,
        "lease_owner": "",
        "lease_expires_at": None,
        "status_revision": migration.c.revision,
        "status_progress": migration.c.progress,
    }
    connection.execute(sa.update(migration).where(migration.c.workspace_id == action.workspace_id).values(ended))
    values = _new_values(action, newest, now)
    if spec is not None:
        values |= {"spec_uid": spec.uid, "spec_generation": spec.generation}
    connection.execute(sa.insert(migration).values(values))


def _new_values(action: RequestMigration, newest: Row | None, now: datetime) -> dict[str, object]:
    return {
        "workspace_id": action.workspace_id,
        "number": newest.number + 1 if newest else 1,
        "from_mode": action.from_mode.value,
        "to_mode": action.to_mode.value,
        "on_conflict": action.on_conflict.value,
        "stage": Stage.REQUESTED.value,
        "paused": False,
        "requested_at": now,
        "people_total": 0,
        "people_checked": 0,
        **violation_values(ViolationCounts()),
        "retry_token": "",
        "revision": 1,
        "status_revision": 1,  # the caller writes the status
        "due_at": now,
        "lease_owner": "",
        "cursor": "",
        "needs_cleanup": bool(newest and newest.needs_cleanup),
    }


def cancel(connection: sa.Connection, action: CancelMigration, now: datetime, spec: SpecVersion | None) -> None:
    """Cancel a migration: the old mode stays, and the worker deletes prepared rows."""
    lock_exclusive(connection, action.workspace_id)
    lock_and_record_generation(connection, action.workspace_id, spec)
    row = _lock_open(connection, action.workspace_id, action.number)
    transition = migration_of(row).transitions.get(Trigger.CANCEL)
    if transition is None:
        raise StaleRevision(f"migration {action.number} is already cut over")
    were_recorded = _stop_recording_calls(connection, action.workspace_id)
    needs_cleanup = stop_change_log(connection, action.workspace_id) or were_recorded or row.needs_cleanup
    due_at = now if needs_cleanup else None
    stage = transition.target.value
    _update(connection, row, stage=stage, completed_at=now, needs_cleanup=needs_cleanup, due_at=due_at)


def pause(connection: sa.Connection, action: PauseMigration, now: datetime, spec: SpecVersion | None) -> None:
    """Pause a migration, or resume it where it stopped.

    While preparation is paused, writers keep appending to the change log, so that it can continue; an unfinished export
    is started again.
    """
    lock_exclusive(connection, action.workspace_id)
    lock_and_record_generation(connection, action.workspace_id, spec)
    row = _lock_open(connection, action.workspace_id, action.number)
    if not action.paused:
        _update(connection, row, paused=False, due_at=now if Stage(row.stage) is not Stage.BLOCKED else row.due_at)
        return
    if Stage(row.stage) is Stage.PREPARING or not _has_change_log(connection, action.workspace_id):
        _update(connection, row, paused=True)
        return
    stop_change_log(connection, action.workspace_id)
    _update(connection, row, paused=True, needs_cleanup=True, due_at=now)


def retry(connection: sa.Connection, action: RetryMigration, now: datetime, spec: SpecVersion | None) -> None:
    """Have a blocked migration checked again now."""
    lock_and_record_generation(connection, action.workspace_id, spec)
    row = _lock_open(connection, action.workspace_id, action.number)
    _update(connection, row, retry_token=action.token, due_at=now)


def retry_for_client(connection: sa.Connection, workspace_id: int, number: int, now: datetime) -> None:
    """Have a blocked migration checked again now. Raises as `Migrations.retry`.

    Unlike `retry` it leaves the lease, since a check of many people that every request starts anew would never end. And
    it leaves the token, which says up to which request the operator has retried.
    """
    about = {"workspace_id": workspace_id, "number": number}
    row = connection.execute(sa.select(migration).filter_by(**about).with_for_update()).one_or_none()
    if row is None:
        raise no_such_migration(number)
    if Stage(row.stage) is not Stage.BLOCKED:
        raise Conflict(f"identifier change {number} is {row.stage}: only one that people block can be tried again")
    if row.paused:
        raise Conflict("this workspace is suspended (spec.suspend): its identifier change is not tried again")
    connection.execute(sa.update(migration).filter_by(**about).values(due_at=now))


def no_such_migration(number: int) -> NotFound:
    """The error that the workspace has no migration of a number."""
    return NotFound(f"there is no identifier change {number}")


def stop_change_log(connection: sa.Connection, workspace_id: int) -> bool:
    """Under the exclusive lock, disable the change log and wake-ups; True if it was enabled."""
    was_enabled = _has_change_log(connection, workspace_id)
    statement = sa.update(workspace).where(workspace.c.workspace_id == workspace_id)
    connection.execute(statement.values(change_log_enabled=False, blocked_export=None))
    return was_enabled


def _stop_recording_calls(connection: sa.Connection, workspace_id: int) -> bool:
    """Under the exclusive lock; True if calls were recorded."""
    is_recorded = sa.and_(workspace.c.workspace_id == workspace_id, workspace.c.calls_recorded_since.is_not(None))
    return connection.execute(sa.update(workspace).where(is_recorded).values(calls_recorded_since=None)).rowcount > 0


def _has_change_log(connection: sa.Connection, workspace_id: int) -> bool:
    query = sa.select(workspace.c.change_log_enabled).where(workspace.c.workspace_id == workspace_id)
    return bool(connection.execute(query).scalar_one())


def _lock_open(connection: sa.Connection, workspace_id: int, number: int) -> Row:
    query = sa.select(migration).filter_by(workspace_id=workspace_id, number=number).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None or Stage(row.stage) in TERMINAL:
        raise StaleRevision(f"migration {number} of workspace number {workspace_id} has ended")
    return row


def _update(connection: sa.Connection, row: Row, **values: object) -> None:
    # Every action revokes the lease, so that a worker in the middle of a step notices at its next transaction.
    statement = sa.update(migration).filter_by(workspace_id=row.workspace_id, number=row.number)
    connection.execute(statement.values(revision=row.revision + 1, lease_owner="", lease_expires_at=None, **values))
