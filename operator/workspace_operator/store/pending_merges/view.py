"""Groups of rows that are one person since the switch of a change that merges: finding them, and seeing the survivors.

What reads at one moment either refuses them, so that `merge_on_touch.MergeOnTouch` puts them together first, or looks
at everybody, and sees survivors in their places.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa

from workspace_operator.identity.merges.bulk_merge import survivor_of
from workspace_operator.identity.model.person import Person
from workspace_operator.store.engine.sql import CompiledStatement, any_of, encode_json, workspace_any_of
from workspace_operator.store.schema.mappers import IS_PENDING_MERGE
from workspace_operator.store.schema.tables import (
    KIND_EMAIL,
    identifier,
    membership,
    migration,
    person,
    shared_email,
    workspace,
)
from workspace_operator.store.unit_of_work.loader import (
    PERSON_COLUMNS,
    PendingMerge,
    pending_keys,
    pending_keys_of,
    person_of,
)


def raise_if_keys_pending(connection: sa.Connection, workspace_id: int, keys: Collection[str]) -> None:
    """Raise Unfolded if one of these addresses stands for a group of rows; only where groups are left to fold."""
    found = pending_keys(connection, workspace_id, keys)
    if found:
        raise PendingMerge(found)


def survivors_by_member(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> Mapping[str, Person]:
    """Who those of these people are who are part of somebody by now, by the cio_ids of all members of their groups."""
    keys = pending_keys_of(connection, workspace_id, people)
    if not keys:
        return {}
    now = int(switched_at_of(connection, workspace_id).timestamp())
    members: dict[str, Person] = {}
    for group in group_by_email_key(people_with_keys(connection, workspace_id, keys)):
        members |= dict.fromkeys((each.cio_id for each in group), survivor_of(group, now=now))
    return members


def has_pending_merges(connection: sa.Connection, workspace_id: int) -> bool:
    """Whether groups are left to fold, as far as anybody needs to look for them."""
    query = sa.select(workspace.c.merges_pending).where(workspace.c.workspace_id == workspace_id)
    return bool(connection.execute(query).scalar_one_or_none())


def merged_view(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> Iterator[Person]:
    """These people as everybody sees them: a survivor in the place of the oldest, nobody in those of the others."""
    members = survivors_by_member(connection, workspace_id, people)
    for each in people:
        seen = members.get(each.cio_id, each)
        if seen.cio_id == each.cio_id:
            yield seen


def survivors_of(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Person]:
    """Who the unfolded ones of these people are by now, by cio_id."""
    ours = sa.and_(person.c.workspace_id == workspace_id, any_of(person.c.cio_id, cio_ids))
    people = [person_of(row) for row in connection.execute(sa.select(*PERSON_COLUMNS).where(ours))]
    return survivors_by_member(connection, workspace_id, people)


def raise_if_people_pending(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> None:
    """Raise Unfolded if one of these people is part of a group of rows."""
    ours = sa.and_(person.c.workspace_id == workspace_id, any_of(person.c.cio_id, cio_ids))
    keys = connection.execute(sa.select(person.c.email_key).where(ours, person.c.email_key.is_not(None))).scalars()
    raise_if_keys_pending(connection, workspace_id, keys.all())


def merged_members(workspace_id: int, segment: int) -> sa.Select[str]:
    """The cio_ids in a segment, in order: the survivor's for all who are part of one, once.

    The survivor is looked up for each member by whole primary keys, so that statistics do not matter. A third subquery
    within these two lost: on partitions PostgreSQL 18 evaluated it for the first member only.
    """
    ours = sa.and_(membership.c.workspace_id == workspace_id, membership.c.segment == segment)
    them = sa.and_(person.c.workspace_id == workspace_id, person.c.cio_id == membership.c.cio_id)
    group = sa.and_(shared_email.c.workspace_id == workspace_id, shared_email.c.email_key == person.c.email_key)
    oldest = sa.and_(
        identifier.c.workspace_id == workspace_id,
        identifier.c.kind == KIND_EMAIL,
        identifier.c.value_key
        == sa.select(shared_email.c.email_key)
        .select_from(person.join(shared_email, group))
        .where(them, IS_PENDING_MERGE)
        .correlate(membership)
        .scalar_subquery(),
    )
    survivor = sa.select(identifier.c.cio_id).where(oldest).correlate(membership).scalar_subquery()
    seen = sa.func.coalesce(survivor, membership.c.cio_id).label("seen")
    return sa.select(seen).where(ours).distinct().order_by(seen)


def people_with_keys(connection: sa.Connection, workspace_id: int, keys: Collection[str]) -> Sequence[Person]:
    """Everybody with one of these addresses, without a lock, as their rows are."""
    values = {"of_workspace": workspace_id, "keys": encode_json(list(keys))}
    return list(map(person_of, _PEOPLE.run(connection, values)))


_PEOPLE = CompiledStatement(lambda _: sa.select(*PERSON_COLUMNS).where(workspace_any_of(person.c.email_key, "keys")))


def next_pending_groups(connection: sa.Connection, workspace_id: int, *, after: str, size: int) -> Sequence[str]:
    """The addresses of groups that are to be folded, in the order of the key."""
    ours = sa.and_(
        shared_email.c.workspace_id == workspace_id,
        shared_email.c.email_key > after,
        IS_PENDING_MERGE,
    )
    query = sa.select(shared_email.c.email_key).where(ours).order_by(shared_email.c.email_key).limit(size)
    return connection.execute(query).scalars().all()


def switched_at_of(connection: sa.Connection, workspace_id: int) -> datetime:
    """When the workspace's people became one; there was such a switch."""
    query = sa.select(migration.c.switched_at).where(
        migration.c.workspace_id == workspace_id, migration.c.switched_at.is_not(None)
    )
    switched_at: datetime = connection.execute(query.order_by(migration.c.number.desc()).limit(1)).scalar_one()
    return switched_at


def group_by_email_key(people: Iterable[Person]) -> Iterator[list[Person]]:
    """People by their addresses."""
    ordered = sorted(people, key=lambda each: each.email_key or "")
    for _, group in groupby(ordered, key=lambda each: each.email_key):
        yield list(group)
