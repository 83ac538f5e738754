"""Removing what an identifier change prepared or left, in batches: rows that no rule in force reads."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.rules import Mode
from workspace_operator.store.leases import Held
from workspace_operator.store.stretches import first_rows
from workspace_operator.store.tables import (
    KIND_EMAIL,
    changed_key,
    export,
    identifier,
    listed_person,
    shared_email,
    violation,
)


def clear(held: Held, *, size: int) -> bool:
    """Remove up to ``size`` rows of each kind; whether none is left."""
    row = held.workspace()
    gone = [
        # Where email is an identifier, these are in force.
        _remove(held, [identifier.c.value_key], identifier.c.kind == KIND_EMAIL, size=size)
        if row.mode == Mode.ID_ONLY.value
        else 0,
        _remove(held, [shared_email.c.email_key], *([shared_email.c.folded] if row.folds else []), size=size),
        _remove(held, [changed_key.c.entry_id], size=size),
        _remove_unlisted(held, size=size),
    ]
    return max(gone) < size


def _remove(held: Held, key: Sequence[sa.Column[Any]], *conditions: sa.ColumnElement[bool], size: int) -> int:
    """Remove up to ``size`` rows of the workspace, in the order of a key; tells how many."""
    table = key[0].table
    ours = sa.and_(table.c.workspace_id == held.workspace_id, *conditions)
    return held.connection.execute(sa.delete(table).where(first_rows(held.connection, ours, key, size=size))).rowcount


def _remove_unlisted(held: Held, *, size: int) -> int:
    """Remove what a report that was never ended has written."""
    newest = sa.select(sa.func.coalesce(sa.func.max(export.c.number), 0)).where(
        export.c.workspace_id == held.workspace_id
    )
    number = held.connection.execute(newest).scalar_one()
    return remove_violations(held, lambda numbers: numbers > number, size=size)


def remove_violations(held: Held, which: Callable[[sa.Column[int]], sa.ColumnElement[bool]], *, size: int) -> int:
    """Remove up to ``size`` rows of exports, which by their numbers; tells how many.

    Places go when no row is left: by them whoever is deleted meanwhile is found and taken out.
    """
    gone = 0
    for table in (violation, listed_person):
        _, *key = table.primary_key
        gone = _remove(held, key, which(table.c.export_number), size=size)
        if gone == size:
            break
    return gone
