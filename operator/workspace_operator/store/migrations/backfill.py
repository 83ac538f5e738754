"""Online backfill of the future e-mail identifiers of a workspace (trials §2).

The worker reads every address once, in key order. It writes an `identifier` row for each address, and also a
`shared_email` row for an address that several people have or that is suppressed. Commands that run meanwhile log the
addresses that they change in `migration_change_log`. After the last address, the worker rebuilds the rows of the logged
addresses. No command writes these rows before the cut-over.
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from workspace_operator.migrations.model import Migration
from workspace_operator.store.engine.row_batches import first_batch
from workspace_operator.store.engine.sql import any_of, exists_per_row
from workspace_operator.store.schema.tables import (
    KIND_EMAIL,
    identifier,
    migration_change_log,
    person,
    shared_email,
    suppression,
)

_IDENTIFIER_COLUMNS = ["workspace_id", "kind", "value_key", "cio_id"]
_SHARED_EMAIL_COLUMNS = ["workspace_id", "email_key", "people", "ids", "suppressed", "merged"]

END_OF_KEYS = "\U0010ffff"
"""Cursor value after the last key. Later writes are picked up from the change log."""

Condition = sa.ColumnElement[bool]


def backfill_range(connection: sa.Connection, migration: Migration, *, after: str, size: int) -> tuple[str, int]:
    """Backfill the addresses of the next ``size`` people after a key, and of all others who have the last address.

    If a command changes a person between these statements, either the change log has an entry, or the transaction is
    retried.

    Returns:
        The last key, or `END_OF_KEYS` if no address is left, and the number of people.
    """
    beyond = sa.and_(person.c.workspace_id == migration.workspace_id, person.c.email_key > after)
    last, people = _range_end(connection, beyond, size=size)
    within = sa.and_(beyond, person.c.email_key <= last)
    keys = _insert_identifiers(connection, migration, within)
    # With as many addresses as people, no address is shared. On PostgreSQL the two counts prove nothing, since a
    # concurrent command can change people between them.
    if connection.dialect.name != "sqlite" or keys < people:
        groups = sa.select(person.c.email_key).where(within).group_by(person.c.email_key)
        shared = connection.execute(groups.having(sa.func.count() > 1)).scalars().all()
        _insert_shared(connection, migration, shared, sa.func.count() > 1)
        _assign_to_oldest(connection, migration, shared)
    in_range = sa.and_(_suppressions(migration), suppression.c.value_key > after, suppression.c.value_key <= last)
    has_one_person = _people_with_key(migration, suppression.c.value_key) == 1
    owned = sa.select(suppression.c.value_key).where(in_range, has_one_person)
    suppressed = connection.execute(owned.distinct()).scalars().all()
    _insert_shared(connection, migration, suppressed, sa.func.count() == 1)
    return last, people


def _range_end(connection: sa.Connection, beyond: Condition, *, size: int) -> tuple[str, int]:
    """Find the last key of a range of ``size`` people, and count the range with all people who have that key."""
    order = (person.c.email_key, person.c.cio_id)
    nth = connection.execute(sa.select(*order).where(beyond).order_by(*order).offset(size - 1).limit(1)).one_or_none()
    # Count only the rest, since a count of the whole range would scan the index once more.
    rest = [] if nth is None else [person.c.email_key == nth.email_key, person.c.cio_id > nth.cio_id]
    others = connection.execute(sa.select(sa.func.count()).select_from(person).where(beyond, *rest)).scalar_one()
    return (END_OF_KEYS, others) if nth is None else (nth.email_key, size + others)


def apply_change_log(connection: sa.Connection, migration: Migration, *, size: int) -> int:
    """Remove up to ``size`` entries and rebuild their addresses; return their number."""
    entries = pop_entries(connection, migration.workspace_id, size=size)
    keys = {key for key, _ in entries if key is not None}
    if keys:
        _rebuild(connection, migration, keys)
    return len(entries)


def pop_entries(connection: sa.Connection, workspace_id: int, *, size: int) -> list[tuple[str | None, str | None]]:
    """Remove and return up to ``size`` of the oldest entries: e-mail keys and cio_ids."""
    of_workspace = migration_change_log.c.workspace_id == workspace_id
    delete = sa.delete(migration_change_log).where(
        first_batch(connection, of_workspace, [migration_change_log.c.entry_id], size=size)
    )
    rows = connection.execute(delete.returning(migration_change_log.c.email_key, migration_change_log.c.cio_id))
    return [(row.email_key, row.cio_id) for row in rows]


def has_violations(connection: sa.Connection, migration: Migration) -> bool:
    """Whether the prepared part has violations; takes a few look-ups for any number of people."""
    of_workspace = person.c.workspace_id == migration.workspace_id
    queries = [
        sa.select(person.c.cio_id).where(of_workspace, person.c.email_is_invalid),
        sa.select(person.c.cio_id).where(of_workspace, person.c.id_is_another_email),
        sa.select(shared_email.c.email_key).where(_conflicting(migration)),
    ]
    return any(connection.execute(query.limit(1)).first() is not None for query in queries)


def _rebuild(connection: sa.Connection, migration: Migration, keys: Collection[str]) -> None:
    of_workspace = identifier.c.workspace_id == migration.workspace_id
    emails = sa.and_(of_workspace, identifier.c.kind == KIND_EMAIL)
    connection.execute(sa.delete(identifier).where(emails, any_of(identifier.c.value_key, keys)))
    shared = sa.and_(shared_email.c.workspace_id == migration.workspace_id, any_of(shared_email.c.email_key, keys))
    connection.execute(sa.delete(shared_email).where(shared))
    has_key = any_of(person.c.email_key, keys)
    _insert_identifiers(connection, migration, sa.and_(person.c.workspace_id == migration.workspace_id, has_key))
    _insert_shared(connection, migration, keys, sa.or_(sa.func.count() > 1, _is_suppressed(migration)))
    several = connection.execute(sa.select(shared_email.c.email_key).where(shared, shared_email.c.people > 1))
    _assign_to_oldest(connection, migration, several.scalars().all())


def _insert_identifiers(connection: sa.Connection, migration: Migration, condition: Condition) -> int:
    """Insert each address as an identifier; on SQLite, return the number of addresses.

    On SQLite, GROUP BY takes as long as the rest of the batch; on PostgreSQL, ON CONFLICT takes twice as long.
    """
    emails: tuple[sa.ColumnElement[Any], ...] = (
        sa.literal(migration.workspace_id, sa.BigInteger),
        sa.literal_column(str(KIND_EMAIL)),
        person.c.email_key,
    )
    if connection.dialect.name == "sqlite":
        rows = sa.select(*emails, person.c.cio_id).where(condition).order_by(person.c.email_key, person.c.cio_id)
        insert = sa.insert(identifier).prefix_with("OR IGNORE").from_select(_IDENTIFIER_COLUMNS, rows)
    else:
        grouped = sa.select(*emails, sa.func.min(person.c.cio_id)).where(condition).group_by(person.c.email_key)
        insert = sa.insert(identifier).from_select(_IDENTIFIER_COLUMNS, grouped.order_by(person.c.email_key))
    return connection.execute(insert).rowcount


def _assign_to_oldest(connection: sa.Connection, migration: Migration, keys: Collection[str]) -> None:
    """With Merge, assign shared addresses to the oldest, who survives (identity-rules §5)."""
    if not migration.merges or not keys:
        return
    # A look-up per address: the plan of a join depends on statistics, which do not cover these people.
    oldest = (
        sa.select(person.c.cio_id)
        .where(person.c.workspace_id == migration.workspace_id, person.c.email_key == identifier.c.value_key)
        .order_by(person.c.created_at, person.c.inserted_at, person.c.cio_id)
        .limit(1)
        .correlate(identifier)
        .scalar_subquery()
    )
    owned = sa.and_(identifier.c.workspace_id == migration.workspace_id, identifier.c.kind == KIND_EMAIL)
    connection.execute(sa.update(identifier).where(owned, any_of(identifier.c.value_key, keys)).values(cio_id=oldest))


def _insert_shared(connection: sa.Connection, migration: Migration, keys: Collection[str], having: Condition) -> None:
    """Insert `shared_email` rows for those of the addresses that satisfy ``having``.

    The keys are passed as values, not as a subquery: the plan of a join could read the whole workspace for each.
    """
    if not keys:
        return
    groups = (
        sa.select(
            sa.literal(migration.workspace_id, sa.BigInteger),
            person.c.email_key,
            sa.func.count(),
            sa.func.count(person.c.id),
            _is_suppressed(migration),
            sa.false(),
        )
        .where(person.c.workspace_id == migration.workspace_id, any_of(person.c.email_key, keys))
        .group_by(person.c.email_key)
        .having(having)
    )
    connection.execute(sa.insert(shared_email).from_select(_SHARED_EMAIL_COLUMNS, groups))


def _people_with_key(migration: Migration, key: sa.Column[str]) -> sa.ColumnElement[int]:
    has_key = sa.and_(person.c.workspace_id == migration.workspace_id, person.c.email_key == key)
    return sa.select(sa.func.count()).select_from(person).where(has_key).correlate(key.table).scalar_subquery()


def _is_suppressed(migration: Migration) -> Condition:
    of_person = sa.and_(_suppressions(migration), suppression.c.value_key == person.c.email_key)
    return exists_per_row(sa.select(suppression.c.value_key).where(of_person).correlate(person))


def _suppressions(migration: Migration) -> Condition:
    return sa.and_(suppression.c.workspace_id == migration.workspace_id, suppression.c.kind == KIND_EMAIL)


def _conflicting(migration: Migration) -> Condition:
    """Shared addresses that block the migration: all, or with Merge only suppressed ones."""
    of_workspace = shared_email.c.workspace_id == migration.workspace_id
    return sa.and_(of_workspace, shared_email.c.suppressed) if migration.merges else of_workspace
