"""Violation rows: wake-up on a fix, and removal. `export_writer` writes them."""

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.sql import any_of, delete_by_primary_key
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import export, export_person, migration, violation, workspace

_EXPORT_KEY = [export_person.c[column.name] for column in violation.primary_key]
FIX_SETTLE_TIME = timedelta(seconds=5)
"""Delay between a fix and the next check of a blocked migration: people are rarely fixed one at a time."""


def wake_blocked_migration(
    connection: sa.Connection, row: Row, cio_ids: Collection[str], *, freed: bool, now: datetime
) -> None:
    """Wake a blocked migration after a change of a listed person, or an unsuppression.

    Only the first such writer updates the workspace's row, so that writers do not queue here. ``row`` may be cached, so
    the update checks that the migration still waits for a fix.
    """
    if row.blocked_export is None:
        return
    is_listed = in_exports(row.workspace_id, row.blocked_export)
    fixed = sa.select(export_person.c.cio_id).where(is_listed, any_of(export_person.c.cio_id, cio_ids))
    if not freed and connection.execute(fixed.limit(1)).first() is None:
        return
    update = sa.update(workspace).filter_by(workspace_id=row.workspace_id, blocked_export=row.blocked_export)
    if connection.execute(update.values(blocked_export=None)).rowcount == 0:
        return  # another writer has woken it already
    blocked = sa.update(migration).filter_by(workspace_id=row.workspace_id, stage=Stage.BLOCKED.value)
    connection.execute(blocked.values(due_at=now + FIX_SETTLE_TIME))


def purge_violations(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> None:
    """Remove deleted or merged people from all exports, also unfinished (identity-rules §5).

    From an unfinished export, only people with an `export_person` row are deleted; `export_writer` deletes the others
    when it finishes, and corrects the total.
    """
    listed = connection.execute(sa.select(export.c.number).where(export.c.workspace_id == workspace_id)).scalars().all()
    numbers = [*listed, max(listed, default=0) + 1]
    condition = sa.and_(in_exports(workspace_id, *numbers), any_of(export_person.c.cio_id, cio_ids))
    remove_from_exports(connection, condition)


def in_exports(workspace_id: int, *numbers: int) -> sa.ColumnElement[bool]:
    """Condition that a row of `export_person` belongs to one of these exports."""
    return sa.and_(export_person.c.workspace_id == workspace_id, export_person.c.export_number.in_(numbers))


def remove_from_exports(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> None:
    """Delete people from exports: those whose `export_person` rows satisfy a condition.

    First delete violations, then `export_person` rows, in the order in which exports are deleted. Delete exactly the
    rows that were read: a row that is added between the statements has a violation that could not be found again.
    """
    rows = connection.execute(sa.select(*_EXPORT_KEY).where(condition)).all()
    delete_by_primary_key(connection, violation, [tuple(row) for row in rows])
    keys = [(row.workspace_id, row.export_number, row.cio_id) for row in rows]
    delete_by_primary_key(connection, export_person, keys)
