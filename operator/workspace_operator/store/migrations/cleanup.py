"""Removing what an identifier change prepared or left, in batches: rows that no rule in force reads."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.keyset import first_batch
from workspace_operator.store.migrations.leases import LockedMigration
from workspace_operator.store.schema.tables import (
    KIND_EMAIL,
    export,
    export_person,
    identifier,
    migration_change_log,
    shared_email,
    violation,
)


def clean_up(locked: LockedMigration, *, size: int) -> bool:
    """Remove up to ``size`` rows of each kind; whether none is left."""
    row = locked.workspace()
    gone = [
        # Where email is an identifier, these are in force.
        _delete_batch(locked, [identifier.c.value_key], identifier.c.kind == KIND_EMAIL, size=size)
        if row.mode == Mode.ID_ONLY.value
        else 0,
        _delete_batch(
            locked, [shared_email.c.email_key], *([shared_email.c.merged] if row.merges_pending else []), size=size
        ),
        _delete_batch(locked, [migration_change_log.c.entry_id], size=size),
        _delete_orphans(locked, size=size),
    ]
    return max(gone) < size


def _delete_batch(
    locked: LockedMigration, key: Sequence[sa.Column[Any]], *conditions: sa.ColumnElement[bool], size: int
) -> int:
    """Remove up to ``size`` rows of the workspace, in the order of a key; tells how many."""
    table = key[0].table
    ours = sa.and_(table.c.workspace_id == locked.workspace_id, *conditions)
    return locked.connection.execute(
        sa.delete(table).where(first_batch(locked.connection, ours, key, size=size))
    ).rowcount


def _delete_orphans(locked: LockedMigration, *, size: int) -> int:
    """Remove what a report that was never ended has written."""
    newest = sa.select(sa.func.coalesce(sa.func.max(export.c.number), 0)).where(
        export.c.workspace_id == locked.workspace_id
    )
    number = locked.connection.execute(newest).scalar_one()
    return delete_export_rows(locked, lambda numbers: numbers > number, size=size)


def delete_export_rows(
    locked: LockedMigration, which: Callable[[sa.Column[int]], sa.ColumnElement[bool]], *, size: int
) -> int:
    """Remove up to ``size`` rows of exports, which by their numbers; tells how many.

    Places go when no row is left: by them whoever is deleted meanwhile is found and taken out.
    """
    gone = 0
    for table in (violation, export_person):
        _, *key = table.primary_key
        gone = _delete_batch(locked, key, which(table.c.export_number), size=size)
        if gone == size:
            break
    return gone
