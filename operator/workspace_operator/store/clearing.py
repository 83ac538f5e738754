"""Removing what an identifier change prepared or left, in batches: rows that no rule in force reads."""

from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.rules import Mode
from workspace_operator.store.leases import Held
from workspace_operator.store.stretches import first_rows
from workspace_operator.store.tables import KIND_EMAIL, changed_key, export, identifier, shared_email, violation


def clear(held: Held, *, size: int) -> bool:
    """Remove up to ``size`` rows of each kind; whether none is left."""
    row = held.workspace()
    gone = [
        # Where email is an identifier, these are in force.
        _remove(held, identifier.c.value_key, identifier.c.kind == KIND_EMAIL, size=size)
        if row.mode == Mode.ID_ONLY.value
        else 0,
        _remove(held, shared_email.c.email_key, *([shared_email.c.folded] if row.folds else []), size=size),
        _remove(held, changed_key.c.entry_id, size=size),
        _remove_unlisted(held, size=size),
    ]
    return max(gone) < size


def _remove(held: Held, column: sa.Column[Any], *conditions: sa.ColumnElement[bool], size: int) -> int:
    """Remove up to ``size`` rows of the workspace, in the order of a column; tells how many."""
    ours = sa.and_(column.table.c.workspace_id == held.workspace_id, *conditions)
    first = first_rows(held.connection, ours, [column], size=size)
    return held.connection.execute(sa.delete(column.table).where(first)).rowcount


def _remove_unlisted(held: Held, *, size: int) -> int:
    """Remove what a report that was never ended has written."""
    newest = sa.select(sa.func.coalesce(sa.func.max(export.c.number), 0)).where(
        export.c.workspace_id == held.workspace_id
    )
    number = held.connection.execute(newest).scalar_one()
    return remove_violations(held, violation.c.export_number > number, size=size)


def remove_violations(held: Held, which: sa.ColumnElement[bool], *, size: int) -> int:
    """Remove up to ``size`` rows of exports; tells how many."""
    ours = sa.and_(violation.c.workspace_id == held.workspace_id, which)
    _, *key = violation.primary_key
    first = first_rows(held.connection, ours, key, size=size)
    return held.connection.execute(sa.delete(violation).where(first)).rowcount
