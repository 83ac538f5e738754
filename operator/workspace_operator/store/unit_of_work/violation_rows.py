"""Violations as rows: read back as a stream, and watched for mending. `export_writer` writes them down."""

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.sql import (
    any_of,
    delete_by_primary_key,
)
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import export, export_person, migration, violation, workspace

_EXPORT_KEY = [export_person.c[column.name] for column in violation.primary_key]
FIX_SETTLE_TIME = timedelta(seconds=5)
"""How long after a mend a blocked change is looked at again: people are rarely mended one by one."""


def wake_blocked_migration(
    connection: sa.Connection, workspace_row: Row, cio_ids: Collection[str], *, freed: bool, now: datetime
) -> None:
    """Wake a blocked change if one of those who stand in its way was changed, or an address was freed.

    Only the first of them writes, so that writers do not queue here; the row may be remembered from before, so it is
    asked whether somebody still waits.
    """
    if workspace_row.blocked_export is None:
        return
    listed = in_exports(workspace_row.workspace_id, workspace_row.blocked_export)
    fixed = sa.select(export_person.c.cio_id).where(listed, any_of(export_person.c.cio_id, cio_ids))
    if not freed and connection.execute(fixed.limit(1)).first() is None:
        return
    watching = sa.update(workspace).where(
        workspace.c.workspace_id == workspace_row.workspace_id,
        workspace.c.blocked_export == workspace_row.blocked_export,
    )
    if connection.execute(watching.values(blocked_export=None)).rowcount == 0:
        return  # somebody else has said so already
    connection.execute(
        sa.update(migration)
        .where(migration.c.workspace_id == workspace_row.workspace_id, migration.c.stage == Stage.BLOCKED.value)
        .values(due_at=now + FIX_SETTLE_TIME)
    )


def purge_violations(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> None:
    """Take people who are no more out of every export, also out of one that is being written (identity-rules §5).

    They were deleted, or became part of somebody else. Of one that is being written, those go whose place is noted;
    whoever writes it takes out the others at its end, and sees then that there are fewer.
    """
    listed = connection.execute(sa.select(export.c.number).where(export.c.workspace_id == workspace_id)).scalars().all()
    numbers = [*listed, max(listed, default=0) + 1]
    remove_from_exports(
        connection, sa.and_(in_exports(workspace_id, *numbers), any_of(export_person.c.cio_id, cio_ids))
    )


def in_exports(workspace_id: int, *numbers: int) -> sa.ColumnElement[bool]:
    """Say that people are listed in one of these exports."""
    return sa.and_(export_person.c.workspace_id == workspace_id, export_person.c.export_number.in_(numbers))


def remove_from_exports(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Take people out of exports: those of `export_person` for whom this is so.

    First their rows, then their places: in the order in which exports are removed. Just these: a place that is noted
    between the two statements is somebody's whose row is still there, and who would never be found again.
    """
    places = connection.execute(sa.select(*_EXPORT_KEY).where(which)).all()
    delete_by_primary_key(connection, violation, [tuple(place) for place in places])
    delete_by_primary_key(
        connection, export_person, [(place.workspace_id, place.export_number, place.cio_id) for place in places]
    )
