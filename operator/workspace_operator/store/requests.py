"""What the operator may ask of an identifier change: to start, to pause, to be tried again, to be taken back."""

from datetime import datetime

import sqlalchemy as sa

from workspace_operator.errors import Moved
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import ViolationCounts
from workspace_operator.migrations.stages import BEFORE_SWITCH, ENDED, Stage
from workspace_operator.reconcile.observed import SpecVersion
from workspace_operator.reconcile.plan import (
    CancelMigration,
    PauseMigration,
    RequestMigration,
    RetryMigration,
)
from workspace_operator.store.fences import close_fence
from workspace_operator.store.rows import Row, newest_migration, violation_values
from workspace_operator.store.spec_fence import lock_and_compare
from workspace_operator.store.tables import migration, workspace


def request(connection: sa.Connection, action: RequestMigration, now: datetime, spec: SpecVersion | None) -> None:
    """Start a change; it takes over clearing what earlier ones left behind."""
    lock_and_compare(connection, action.workspace_id, spec)
    mode = connection.execute(sa.select(workspace.c.mode).where(workspace.c.workspace_id == action.workspace_id))
    newest = newest_migration(connection, action.workspace_id)
    if Mode(mode.scalar_one()) != action.from_mode or (newest and Stage(newest.stage) not in ENDED):
        raise Moved(f"workspace number {action.workspace_id} cannot start an identifier change just now")
    # The leases end, too: whoever still clears after an earlier change must not meet what this one prepares. And from
    # now on it is this one that resources tell of, so that nobody waits for a report of an earlier one.
    ended = {
        "leftovers": False,
        "due_at": None,
        "lease_owner": "",
        "lease_expires_at": None,
        "reported_revision": migration.c.revision,
        "reported_progress": migration.c.progress,
    }
    connection.execute(sa.update(migration).where(migration.c.workspace_id == action.workspace_id).values(ended))
    values = _fresh(action, newest, now)
    if spec is not None:
        values |= {"spec_uid": spec.uid, "spec_generation": spec.generation}
    connection.execute(sa.insert(migration).values(values))


def _fresh(action: RequestMigration, newest: Row | None, now: datetime) -> dict[str, object]:
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
        "reported_revision": 1,  # whoever asks reports it
        "due_at": now,
        "lease_owner": "",
        "cursor": "",
        "leftovers": bool(newest and newest.leftovers),
    }


def cancel(connection: sa.Connection, action: CancelMigration, now: datetime, spec: SpecVersion | None) -> None:
    """Take a change back: the old rules stay, prepared rows are cleared by the worker."""
    close_fence(connection, action.workspace_id)
    lock_and_compare(connection, action.workspace_id, spec)
    row = _open(connection, action.workspace_id, action.number)
    if Stage(row.stage) not in BEFORE_SWITCH:
        raise Moved(f"identifier change {action.number} has switched already")
    left = stop_tracking(connection, action.workspace_id) or row.leftovers
    _set(
        connection,
        row,
        stage=Stage.CANCELLED.value,
        completed_at=now,
        leftovers=left,
        due_at=now if left else None,
    )


def pause(connection: sa.Connection, action: PauseMigration, now: datetime, spec: SpecVersion | None) -> None:
    """Pause a change, or let it go on where it was.

    Writers go on saying what they change, so that what is prepared can be brought up to date; a report that is being
    written begins anew.
    """
    close_fence(connection, action.workspace_id)
    lock_and_compare(connection, action.workspace_id, spec)
    row = _open(connection, action.workspace_id, action.number)
    if not action.paused:
        _set(connection, row, paused=False, due_at=now if Stage(row.stage) is not Stage.BLOCKED else row.due_at)
        return
    if Stage(row.stage) is Stage.PREPARING or not _is_tracking(connection, action.workspace_id):
        _set(connection, row, paused=True)
        return
    stop_tracking(connection, action.workspace_id)
    _set(connection, row, paused=True, leftovers=True, due_at=now)


def retry(connection: sa.Connection, action: RetryMigration, now: datetime, spec: SpecVersion | None) -> None:
    """Have a blocked change looked at again now."""
    lock_and_compare(connection, action.workspace_id, spec)
    row = _open(connection, action.workspace_id, action.number)
    _set(connection, row, retry_token=action.token, due_at=now)


def stop_tracking(connection: sa.Connection, workspace_id: int) -> bool:
    """Have writers no longer say what they change or mend; whether they did. The fence is closed."""
    tracked = _is_tracking(connection, workspace_id)
    statement = sa.update(workspace).where(workspace.c.workspace_id == workspace_id)
    connection.execute(statement.values(tracks_changes=False, blocked_export=None))
    return tracked


def _is_tracking(connection: sa.Connection, workspace_id: int) -> bool:
    query = sa.select(workspace.c.tracks_changes).where(workspace.c.workspace_id == workspace_id)
    return bool(connection.execute(query).scalar_one())


def _open(connection: sa.Connection, workspace_id: int, number: int) -> Row:
    query = sa.select(migration).filter_by(workspace_id=workspace_id, number=number).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None or Stage(row.stage) in ENDED:
        raise Moved(f"identifier change {number} of workspace number {workspace_id} has ended")
    return row


def _set(connection: sa.Connection, row: Row, **values: object) -> None:
    # The lease ends with every request, so that a worker in the middle of a step finds out at its next one.
    statement = sa.update(migration).filter_by(workspace_id=row.workspace_id, number=row.number)
    connection.execute(statement.values(revision=row.revision + 1, lease_owner="", lease_expires_at=None, **values))
