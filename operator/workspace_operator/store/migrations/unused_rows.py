"""Deletion of rows that the current mode does not use, in batches, after a migration."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.row_batches import first_batch
from workspace_operator.store.migrations.leases import LockedMigration
from workspace_operator.store.schema.cleanup_tables import listed_call
from workspace_operator.store.schema.tables import (
    KIND_EMAIL,
    export,
    export_person,
    identifier,
    migration_change_log,
    shared_email,
    violation,
)


def delete_unused_rows(locked: LockedMigration, *, size: int) -> bool:
    """Delete up to ``size`` rows of each kind; return whether none is left."""
    row = locked.workspace()
    merged = [shared_email.c.merged] if row.merges_pending else []
    deleted = [
        # Where email is an identifier, these rows are in use.
        _delete_batch(locked, [identifier.c.value_key], identifier.c.kind == KIND_EMAIL, size=size)
        if row.mode == Mode.ID_ONLY.value
        else 0,
        _delete_batch(locked, [shared_email.c.email_key], *merged, size=size),
        _delete_batch(locked, [migration_change_log.c.entry_id], size=size),
        _delete_batch(locked, [listed_call.c.cio_id], size=size) if row.calls_recorded_since is None else 0,
        _delete_orphans(locked, size=size),
    ]
    return max(deleted) < size


def _delete_batch(
    locked: LockedMigration, key: Sequence[sa.Column[Any]], *conditions: sa.ColumnElement[bool], size: int
) -> int:
    """Delete up to ``size`` rows of the workspace, in the order of a key; return their number."""
    table = key[0].table
    all_rows = sa.and_(table.c.workspace_id == locked.workspace_id, *conditions)
    batch = first_batch(locked.connection, all_rows, key, size=size)
    return locked.connection.execute(sa.delete(table).where(batch)).rowcount


def _delete_orphans(locked: LockedMigration, *, size: int) -> int:
    """Delete the rows of an export that was never finished."""
    newest = sa.select(sa.func.max(export.c.number)).where(export.c.workspace_id == locked.workspace_id)
    number = locked.connection.execute(newest).scalar_one() or 0
    return delete_export_rows(locked, lambda numbers: numbers > number, size=size)


def delete_export_rows(
    locked: LockedMigration, condition: Callable[[sa.Column[int]], sa.ColumnElement[bool]], *, size: int
) -> int:
    """Delete up to ``size`` rows of exports with certain numbers; return how many.

    Violations are deleted before `export_person` rows, by which the violations of a deleted person are found.
    """
    deleted = 0
    for table in (violation, export_person):
        _, *key = table.primary_key
        deleted = _delete_batch(locked, key, condition(table.c.export_number), size=size)
        if deleted == size:
            break
    return deleted
