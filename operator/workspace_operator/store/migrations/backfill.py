"""The future e-mail identifiers of a workspace, prepared while writers go on (trials §2).

The worker alone writes them. It goes through the addresses in the order of their keys, once; whatever writers change
meanwhile they say (`change_log`), and when everything is prepared, the worker looks again at what they said. An address
that one person has becomes an identifier; one that several have, or that is suppressed, is noted as shared.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from workspace_operator.migrations.model import Migration
from workspace_operator.store.engine.keyset import first_batch
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
"""After every address: whoever comes with one from here on is looked at by what they say of it."""

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Addresses next to each other: up to which, and how many people have them."""

    last: str
    people: int

    @property
    def is_last(self) -> bool:
        """Whether no address is left after them."""
        return self.last == END_OF_KEYS


def backfill_range(connection: sa.Connection, migration: Migration, *, after: str, size: int) -> KeyRange:
    """Prepare the addresses of up to ``size`` people after the one given, or of more who share the last of them.

    A writer who comes between the statements makes the transaction begin anew, or has said so in an entry.
    """
    beyond = sa.and_(person.c.workspace_id == migration.workspace_id, person.c.email_key > after)
    last, people = _range_end(connection, beyond, size=size)
    within = sa.and_(beyond, person.c.email_key <= last)
    keys = _insert_identifiers(connection, migration, within)
    # What was counted and what was inserted is of one moment on SQLite only, where nobody else writes meanwhile.
    if connection.dialect.name != "sqlite" or keys < people:
        groups = sa.select(person.c.email_key).where(within).group_by(person.c.email_key)
        shared = connection.execute(groups.having(sa.func.count() > 1)).scalars().all()
        _insert_shared(connection, migration, shared, sa.func.count() > 1)
        _assign_to_oldest(connection, migration, shared)
    blocked = sa.and_(_suppressions(migration), suppression.c.value_key > after, suppression.c.value_key <= last)
    owned = sa.select(suppression.c.value_key).where(blocked, _people_with_key(migration, suppression.c.value_key) == 1)
    suppressed = connection.execute(owned.distinct()).scalars().all()
    _insert_shared(connection, migration, suppressed, sa.func.count() == 1)
    return KeyRange(last=last, people=people)


def _range_end(connection: sa.Connection, beyond: Condition, *, size: int) -> tuple[str, int]:
    """Up to which address ``size`` people have one, or more who share that one; and how many they are."""
    order = (person.c.email_key, person.c.cio_id)
    nth = connection.execute(sa.select(*order).where(beyond).order_by(*order).offset(size - 1).limit(1)).one_or_none()
    # To count them all would be one more way through the index.
    rest = [] if nth is None else [person.c.email_key == nth.email_key, person.c.cio_id > nth.cio_id]
    others = connection.execute(sa.select(sa.func.count()).select_from(person).where(beyond, *rest)).scalar_one()
    return (END_OF_KEYS, others) if nth is None else (nth.email_key, size + others)


def apply_change_log(connection: sa.Connection, migration: Migration, *, size: int) -> int:
    """Take up to ``size`` of the writers' entries away, and prepare anew what they are about; tells how many."""
    entries = pop_entries(connection, migration.workspace_id, size=size)
    keys = {key for key, _ in entries if key is not None}
    if keys:
        _rebuild(connection, migration, keys)
    return len(entries)


def pop_entries(connection: sa.Connection, workspace_id: int, *, size: int) -> list[tuple[str | None, str | None]]:
    """Take up to ``size`` of the writers' entries away, the oldest first: e-mail keys and cio_ids."""
    ours = migration_change_log.c.workspace_id == workspace_id
    taken = sa.delete(migration_change_log).where(
        first_batch(connection, ours, [migration_change_log.c.entry_id], size=size)
    )
    rows = connection.execute(taken.returning(migration_change_log.c.email_key, migration_change_log.c.cio_id))
    return [(row.email_key, row.cio_id) for row in rows]


def has_violations(connection: sa.Connection, migration: Migration) -> bool:
    """Whether anybody stands in the way, as far as is prepared; some look-ups, however many people there are."""
    ours = person.c.workspace_id == migration.workspace_id
    blocking = [
        sa.select(person.c.cio_id).where(ours, person.c.email_is_invalid),
        sa.select(person.c.cio_id).where(ours, person.c.id_is_another_email),
        sa.select(shared_email.c.email_key).where(_conflicting(migration)),
    ]
    return any(connection.execute(each.limit(1)).first() is not None for each in blocking)


def _rebuild(connection: sa.Connection, migration: Migration, keys: Collection[str]) -> None:
    of_workspace = identifier.c.workspace_id == migration.workspace_id
    emails = sa.and_(of_workspace, identifier.c.kind == KIND_EMAIL)
    connection.execute(sa.delete(identifier).where(emails, any_of(identifier.c.value_key, keys)))
    shared = sa.and_(shared_email.c.workspace_id == migration.workspace_id, any_of(shared_email.c.email_key, keys))
    connection.execute(sa.delete(shared_email).where(shared))
    named = any_of(person.c.email_key, keys)
    _insert_identifiers(connection, migration, sa.and_(person.c.workspace_id == migration.workspace_id, named))
    _insert_shared(connection, migration, keys, sa.or_(sa.func.count() > 1, _is_suppressed(migration)))
    several = connection.execute(sa.select(shared_email.c.email_key).where(shared, shared_email.c.people > 1))
    _assign_to_oldest(connection, migration, several.scalars().all())


def _insert_identifiers(connection: sa.Connection, migration: Migration, which: Condition) -> int:
    """Each of the addresses as an identifier of somebody who has it; on SQLite tells how many there are.

    Grouping takes SQLite as long as all the rest, ignoring what is there already takes PostgreSQL twice as long.
    """
    emails: tuple[sa.ColumnElement[Any], ...] = (
        sa.literal(migration.workspace_id, sa.BigInteger),
        sa.literal_column(str(KIND_EMAIL)),
        person.c.email_key,
    )
    if connection.dialect.name == "sqlite":
        rows = sa.select(*emails, person.c.cio_id).where(which).order_by(person.c.email_key, person.c.cio_id)
        insert = sa.insert(identifier).prefix_with("OR IGNORE").from_select(_IDENTIFIER_COLUMNS, rows)
    else:
        grouped = sa.select(*emails, sa.func.min(person.c.cio_id)).where(which).group_by(person.c.email_key)
        insert = sa.insert(identifier).from_select(_IDENTIFIER_COLUMNS, grouped.order_by(person.c.email_key))
    return connection.execute(insert).rowcount


def _assign_to_oldest(connection: sa.Connection, migration: Migration, keys: Collection[str]) -> None:
    """If people who share one of these addresses become one, it is the oldest's, who remains (identity-rules §5)."""
    if not migration.merges or not keys:
        return
    # A look-up for each: a join would be planned by the number of people, of which no statistics know.
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
    """Note those of these addresses as shared of which this is so.

    They are given one by one, and not by a subquery: a join could be planned to read the whole workspace for each.
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
    ours = sa.and_(person.c.workspace_id == migration.workspace_id, person.c.email_key == key)
    return sa.select(sa.func.count()).select_from(person).where(ours).correlate(key.table).scalar_subquery()


def _is_suppressed(migration: Migration) -> Condition:
    ours = sa.and_(_suppressions(migration), suppression.c.value_key == person.c.email_key)
    return exists_per_row(sa.select(suppression.c.value_key).where(ours).correlate(person))


def _suppressions(migration: Migration) -> Condition:
    return sa.and_(suppression.c.workspace_id == migration.workspace_id, suppression.c.kind == KIND_EMAIL)


def _conflicting(migration: Migration) -> Condition:
    """With Merge, people who share an address become one; only what else is wrong with it stands in the way."""
    ours = shared_email.c.workspace_id == migration.workspace_id
    return sa.and_(ours, shared_email.c.suppressed) if migration.merges else ours
