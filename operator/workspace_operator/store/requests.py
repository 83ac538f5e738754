"""What the operator may ask of an identifier change: to start, to pause, to be tried again, to be taken back."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from workspace_operator.errors import Moved
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import ViolationCounts
from workspace_operator.migrations.stages import BEFORE_SWITCH, ENDED, Stage
from workspace_operator.reconcile.plan import (
    CancelMigration,
    PauseMigration,
    RequestMigration,
    RetryMigration,
)
from workspace_operator.store.fences import close_fence
from workspace_operator.store.rows import Row, violation_values
from workspace_operator.store.tables import migration, workspace


def request(connection: sa.Connection, action: RequestMigration, now: datetime) -> None:
    """Start a change; it takes over clearing what earlier ones left behind."""
    row = connection.execute(
        sa.select(workspace).where(workspace.c.workspace_id == action.workspace_id).with_for_update()
    ).one_or_none()
    newest = _newest(connection, action.workspace_id)
    if row is None or Mode(row.mode) != action.from_mode or (newest and Stage(newest.stage) not in ENDED):
        raise Moved(f"workspace number {action.workspace_id} cannot start an identifier change just now")
    # The leases end, too: whoever still clears after an earlier change must not meet what this one prepares. And from
    # now on it is this one that resources tell of, so that nobody waits for a report of an earlier one.
    ended = {
        "leftovers": False,
        "due_at": None,
        "lease_owner": "",
        "lease_expires_at": None,
        "reported_revision": migration.c.revision,
    }
    connection.execute(sa.update(migration).where(migration.c.workspace_id == action.workspace_id).values(ended))
    connection.execute(sa.insert(migration).values(_fresh(action, newest, now)))


def _fresh(action: RequestMigration, newest: Row | None, now: datetime) -> Mapping[str, object]:
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


def cancel(connection: sa.Connection, action: CancelMigration, now: datetime) -> None:
    """Take a change back: writers go on, the old rules stay, prepared rows are cleared by the worker."""
    close_fence(connection, action.workspace_id)
    row = _open(connection, action.workspace_id, action.number)
    if Stage(row.stage) not in BEFORE_SWITCH:
        raise Moved(f"identifier change {action.number} has switched already")
    let_writers_go(connection, action.workspace_id)
    left = row.leftovers or _prepares_identifiers(row)
    _set(
        connection,
        row,
        stage=Stage.CANCELLED.value,
        completed_at=now,
        leftovers=left,
        due_at=now if left else None,
    )


def pause(connection: sa.Connection, action: PauseMigration, now: datetime) -> None:
    """Pause a change, which lets its writers go, or let it go on from its check."""
    close_fence(connection, action.workspace_id)
    row = _open(connection, action.workspace_id, action.number)
    if not action.paused:
        _set(connection, row, paused=False, due_at=now if Stage(row.stage) is not Stage.BLOCKED else row.due_at)
    elif Stage(row.stage) is Stage.PREPARING:
        let_writers_go(connection, action.workspace_id)
        left = row.leftovers or _prepares_identifiers(row)
        _set(connection, row, paused=True, stage=Stage.CHECKING.value, cursor="", leftovers=left, due_at=None)
    else:
        _set(connection, row, paused=True)


def retry(connection: sa.Connection, action: RetryMigration, now: datetime) -> None:
    """Have a blocked change looked at again now."""
    row = _open(connection, action.workspace_id, action.number)
    _set(connection, row, retry_token=action.token, due_at=now)


def let_writers_go(connection: sa.Connection, workspace_id: int) -> None:
    """End the hold and the watch for mended people; the fence is closed."""
    statement = sa.update(workspace).where(workspace.c.workspace_id == workspace_id)
    connection.execute(statement.values(writers_held=False, blocked_export=None))


def _newest(connection: sa.Connection, workspace_id: int) -> Row | None:
    query = sa.select(migration).where(migration.c.workspace_id == workspace_id)
    return connection.execute(query.order_by(migration.c.number.desc()).limit(1)).one_or_none()


def _prepares_identifiers(row: Row) -> bool:
    """Whether there may be identifiers of the future; those that are in force already must stay."""
    return Stage(row.stage) is Stage.PREPARING and Mode(row.from_mode) is Mode.ID_ONLY


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
