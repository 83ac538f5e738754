"""The future e-mail identifiers of a workspace, prepared while writers go on (trials.md, Online change).

The worker alone writes them. It goes through the addresses in the order of their keys, once; whatever writers change
meanwhile they say (`tracking`), and when everything is prepared, the worker looks again at what they said. An address
that one person has becomes an identifier; one that several have, or that is suppressed, is noted as shared.
"""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from workspace_operator.migrations.records import Migration, OnConflict
from workspace_operator.store.dialects import among
from workspace_operator.store.tables import KIND_EMAIL, changed_key, identifier, person, shared_email, suppression

_OWNED = ["workspace_id", "kind", "value_key", "cio_id"]
_SHARED = ["workspace_id", "email_key", "people", "ids", "suppressed", "folded"]

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Addresses next to each other: how many, up to which, and how many people have them."""

    keys: int
    last: str
    people: int


def prepare_stretch(connection: sa.Connection, change: Migration, *, after: str, size: int) -> Stretch:
    """Prepare up to ``size`` addresses after the one given; a writer who comes between makes this begin anew."""
    ours = person.c.workspace_id == change.workspace_id
    groups = (
        sa.select(person.c.email_key, sa.func.count().label("people"))
        .where(ours, person.c.email_key > after)
        .group_by(person.c.email_key)
        .order_by(person.c.email_key)
        .limit(size)
        .subquery()
    )
    found = sa.select(
        sa.func.count(),
        sa.func.max(groups.c.email_key),
        sa.func.coalesce(sa.func.sum(groups.c.people), 0),
        sa.func.coalesce(sa.func.max(groups.c.people), 0),
    )
    keys, last, people, most = connection.execute(found).one()
    if keys == 0:
        return Stretch(keys=0, last=after, people=0)
    within = sa.and_(person.c.email_key > after, person.c.email_key <= last)
    _insert_owned(connection, change, within)
    if most > 1:
        shared = sa.select(person.c.email_key).where(ours, within).group_by(person.c.email_key)
        in_groups = person.c.email_key.in_(shared.having(sa.func.count() > 1))
        _insert_eldest(connection, change, in_groups)
        _insert_shared(connection, change, in_groups, sa.func.count() > 1)
    blocked = sa.and_(suppression.c.value_key > after, suppression.c.value_key <= last)
    keys_blocked = sa.select(suppression.c.value_key).where(_suppressions(change), blocked)
    _insert_shared(connection, change, person.c.email_key.in_(keys_blocked), sa.func.count() == 1)
    return Stretch(keys=keys, last=last, people=int(people))


def settle(connection: sa.Connection, change: Migration, *, size: int) -> int:
    """Take up to ``size`` of the writers' entries away, and prepare anew what they are about; tells how many."""
    entries = take_entries(connection, change.workspace_id, size=size)
    keys = {key for key, _ in entries if key is not None}
    if keys:
        _prepare_anew(connection, change, keys)
    return len(entries)


def take_entries(connection: sa.Connection, workspace_id: int, *, size: int) -> list[tuple[str | None, str | None]]:
    """Take up to ``size`` of the writers' entries away, the oldest first: e-mail keys and cio_ids."""
    ours = changed_key.c.workspace_id == workspace_id
    oldest = sa.select(changed_key.c.entry_id).where(ours).order_by(changed_key.c.entry_id).limit(size)
    taken = sa.delete(changed_key).where(ours, changed_key.c.entry_id.in_(oldest))
    rows = connection.execute(taken.returning(changed_key.c.email_key, changed_key.c.cio_id))
    return [(row.email_key, row.cio_id) for row in rows]


def is_obstructed(connection: sa.Connection, change: Migration) -> bool:
    """Whether anybody stands in the way, as far as is prepared; some look-ups, however many people there are."""
    ours = person.c.workspace_id == change.workspace_id
    in_the_way = [
        sa.select(person.c.cio_id).where(ours, person.c.email_is_invalid),
        sa.select(person.c.cio_id).where(ours, person.c.id_is_another_email),
        sa.select(shared_email.c.email_key).where(_obstructing(change)),
    ]
    return any(connection.execute(each.limit(1)).first() is not None for each in in_the_way)


def _prepare_anew(connection: sa.Connection, change: Migration, keys: Collection[str]) -> None:
    of_workspace = identifier.c.workspace_id == change.workspace_id
    emails = sa.and_(of_workspace, identifier.c.kind == KIND_EMAIL)
    connection.execute(sa.delete(identifier).where(emails, among(identifier.c.value_key, keys)))
    shared = sa.and_(shared_email.c.workspace_id == change.workspace_id, among(shared_email.c.email_key, keys))
    connection.execute(sa.delete(shared_email).where(shared))
    named = among(person.c.email_key, keys)
    _insert_owned(connection, change, named)
    _insert_eldest(connection, change, named)
    _insert_shared(connection, change, named, sa.or_(sa.func.count() > 1, _is_suppressed(change)))


def _insert_owned(connection: sa.Connection, change: Migration, which: Condition) -> None:
    """Addresses that one person has."""
    owners = (
        sa.select(
            sa.literal(change.workspace_id, sa.BigInteger),
            sa.literal_column(str(KIND_EMAIL)),
            person.c.email_key,
            sa.func.min(person.c.cio_id),
        )
        .where(person.c.workspace_id == change.workspace_id, which)
        .group_by(person.c.email_key)
        .having(sa.func.count() == 1)
        .order_by(person.c.email_key)
    )
    connection.execute(sa.insert(identifier).from_select(_OWNED, owners))


def _insert_eldest(connection: sa.Connection, change: Migration, which: Condition) -> None:
    """Addresses that several people have, if these become one: the oldest is who remains (identity-rules §5)."""
    if change.on_conflict is not OnConflict.MERGE:
        return
    seniority = (person.c.created_at, person.c.stored_at, person.c.cio_id)
    ranked = (
        sa.select(
            person.c.email_key,
            person.c.cio_id,
            sa.func.row_number().over(partition_by=person.c.email_key, order_by=seniority).label("place"),
            sa.func.count().over(partition_by=person.c.email_key).label("people"),
        )
        .where(person.c.workspace_id == change.workspace_id, which)
        .subquery()
    )
    eldest = sa.select(
        sa.literal(change.workspace_id, sa.BigInteger),
        sa.literal_column(str(KIND_EMAIL)),
        ranked.c.email_key,
        ranked.c.cio_id,
    ).where(ranked.c.place == 1, ranked.c.people > 1)
    connection.execute(sa.insert(identifier).from_select(_OWNED, eldest))


def _insert_shared(connection: sa.Connection, change: Migration, which: Condition, having: Condition) -> None:
    groups = (
        sa.select(
            sa.literal(change.workspace_id, sa.BigInteger),
            person.c.email_key,
            sa.func.count(),
            sa.func.count(person.c.id),
            _is_suppressed(change),
            sa.false(),
        )
        .where(person.c.workspace_id == change.workspace_id, which)
        .group_by(person.c.email_key)
        .having(having)
    )
    connection.execute(sa.insert(shared_email).from_select(_SHARED, groups))


def _is_suppressed(change: Migration) -> Condition:
    ours = sa.and_(_suppressions(change), suppression.c.value_key == person.c.email_key)
    return sa.exists(sa.select(suppression.c.value_key).where(ours).correlate(person))


def _suppressions(change: Migration) -> Condition:
    return sa.and_(suppression.c.workspace_id == change.workspace_id, suppression.c.kind == KIND_EMAIL)


def _obstructing(change: Migration) -> Condition:
    """With Merge, people who share an address become one; only what else is wrong with it stands in the way."""
    ours = shared_email.c.workspace_id == change.workspace_id
    return sa.and_(ours, shared_email.c.suppressed) if change.on_conflict is OnConflict.MERGE else ours
