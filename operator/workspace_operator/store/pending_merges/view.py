"""Reads of groups that are one person since a cut-over, as if already merged.

A query either raises PendingMerge, so that `merge_on_touch.MergeOnTouch` merges the groups first, or reads all people
and replaces each group by its survivor.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

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
    """Raise PendingMerge if an address has one; call it only while merges are pending."""
    pending = pending_keys(connection, workspace_id, keys)
    if pending:
        raise PendingMerge(pending)


def survivors_by_member(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> Mapping[str, Person]:
    """The survivors of the groups of these people, by the cio_ids of all members of the groups."""
    keys = pending_keys_of(connection, workspace_id, people)
    if not keys:
        return {}
    now = int(last_cut_over(connection, workspace_id).switched_at.timestamp())
    members: dict[str, Person] = {}
    for group in group_by_email_key(people_with_keys(connection, workspace_id, keys)):
        members |= dict.fromkeys((member.cio_id for member in group), survivor_of(group, now=now))
    return members


def has_pending_merges(connection: sa.Connection, workspace_id: int) -> bool:
    """Whether the workspace can have pending merges."""
    query = sa.select(workspace.c.merges_pending).where(workspace.c.workspace_id == workspace_id)
    return bool(connection.execute(query).scalar_one_or_none())


def merged_view(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> Iterator[Person]:
    """Yield people as if merged: a survivor for a group's oldest member, none for others."""
    survivors = survivors_by_member(connection, workspace_id, people)
    for member in people:
        survivor = survivors.get(member.cio_id, member)
        if survivor.cio_id == member.cio_id:
            yield survivor


def survivors_of(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Person]:
    """The survivors of those of these people that have a pending merge, by cio_id."""
    named = sa.and_(person.c.workspace_id == workspace_id, any_of(person.c.cio_id, cio_ids))
    people = [person_of(row) for row in connection.execute(sa.select(*PERSON_COLUMNS).where(named))]
    return survivors_by_member(connection, workspace_id, people)


def raise_if_people_pending(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> None:
    """Raise PendingMerge if one of these people has a pending merge."""
    named = sa.and_(person.c.workspace_id == workspace_id, any_of(person.c.cio_id, cio_ids))
    keys = connection.execute(sa.select(person.c.email_key).where(named, person.c.email_key.is_not(None))).scalars()
    raise_if_keys_pending(connection, workspace_id, keys.all())


def merged_members(workspace_id: int, segment: int) -> sa.Select[str]:
    """The sorted cio_ids of a segment; the members of a group are replaced by their survivor.

    The survivor is looked up for each member by whole primary keys, so that statistics do not matter. A third nested
    subquery failed: on partitions, PostgreSQL 18 evaluated it for the first member only.
    """
    of_segment = sa.and_(membership.c.workspace_id == workspace_id, membership.c.segment == segment)
    is_person = sa.and_(person.c.workspace_id == workspace_id, person.c.cio_id == membership.c.cio_id)
    is_group = sa.and_(shared_email.c.workspace_id == workspace_id, shared_email.c.email_key == person.c.email_key)
    is_oldest = sa.and_(
        identifier.c.workspace_id == workspace_id,
        identifier.c.kind == KIND_EMAIL,
        identifier.c.value_key
        == sa.select(shared_email.c.email_key)
        .select_from(person.join(shared_email, is_group))
        .where(is_person, IS_PENDING_MERGE)
        .correlate(membership)
        .scalar_subquery(),
    )
    survivor = sa.select(identifier.c.cio_id).where(is_oldest).correlate(membership).scalar_subquery()
    member = sa.func.coalesce(survivor, membership.c.cio_id).label("member")
    return sa.select(member).where(of_segment).distinct().order_by(member)


def people_with_keys(connection: sa.Connection, workspace_id: int, keys: Collection[str]) -> Sequence[Person]:
    """The unmerged rows of the people with these addresses, without a lock."""
    values = {"of_workspace": workspace_id, "keys": encode_json(list(keys))}
    return list(map(person_of, _PEOPLE.run(connection, values)))


_PEOPLE = CompiledStatement(lambda _: sa.select(*PERSON_COLUMNS).where(workspace_any_of(person.c.email_key, "keys")))


def next_pending_groups(connection: sa.Connection, workspace_id: int, *, after: str, size: int) -> Sequence[str]:
    """The e-mail keys of the next groups to merge, in order."""
    key = shared_email.c.email_key
    query = sa.select(key).where(shared_email.c.workspace_id == workspace_id, key > after, IS_PENDING_MERGE)
    return connection.execute(query.order_by(key).limit(size)).scalars().all()


class CutOver(NamedTuple):
    """When a migration put its mode in force, and its number."""

    switched_at: datetime
    migration_number: int


def last_cut_over(connection: sa.Connection, workspace_id: int) -> CutOver:
    """The cut-over that left merges pending; there must be one."""
    columns = (migration.c.switched_at, migration.c.number)
    query = sa.select(*columns).filter_by(workspace_id=workspace_id).order_by(migration.c.number.desc())
    return CutOver(*connection.execute(query.where(migration.c.switched_at.is_not(None)).limit(1)).one())


def group_by_email_key(people: Iterable[Person]) -> Iterator[list[Person]]:
    """Group people by e-mail key."""
    ordered = sorted(people, key=lambda person: person.email_key or "")
    for _, group in groupby(ordered, key=lambda person: person.email_key):
        yield list(group)
