"""Readers of the devices and segments of people, for queries and for merges."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.devices import Device
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    any_of,
    decode_json,
    encode_json,
    workspace_any_of,
)
from workspace_operator.store.schema.tables import activity, device, membership, person

T = TypeVar("T")

TYPE_NUMBERS: Final[Mapping[ActivityType, int]] = {
    ActivityType.ATTRIBUTE_CHANGE: 1,
    ActivityType.FAILED_ATTRIBUTE_CHANGE: 2,
    ActivityType.PROFILE_CREATE: 3,
    ActivityType.PROFILE_DELETE: 4,
    ActivityType.PROFILE_MERGE: 5,
    ActivityType.SKIPPED_UPDATE: 6,
    ActivityType.EVENT: 7,
    ActivityType.PAGE: 8,
    ActivityType.SCREEN: 9,
    ActivityType.OPENED_EMAIL: 10,
    ActivityType.CLICKED_EMAIL: 11,
}

CHANGES: Final = (ActivityType.ATTRIBUTE_CHANGE, ActivityType.PROFILE_CREATE, ActivityType.PROFILE_MERGE)
"""Activities that say that a person is not as before."""


def devices_of(
    connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]
) -> Mapping[str, Sequence[Device]]:
    """The devices of people by cio_id, sorted by token; people without devices are left out."""
    return _by_person(connection, workspace_id, cio_ids, _DEVICES, _device_of)


def segments_of(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Sequence[int]]:
    """The manual segments of people by cio_id, sorted; people without segments are left out."""
    return _by_person(connection, workspace_id, cio_ids, _SEGMENTS, itemgetter(1))


def last_changes(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, int]:
    """When people were last created, changed or merged, as far as their activities are kept: Unix seconds by cio_id."""
    newest = [
        sa.select(activity.c.at)
        .where(
            activity.c.workspace_id == workspace_id,
            activity.c.cio_id == person.c.cio_id,
            activity.c.type == sa.literal_column(str(TYPE_NUMBERS[type_])),
        )
        .order_by(activity.c.activity_id.desc())
        .limit(1)
        .correlate(person)
        .scalar_subquery()
        .label(type_)
        for type_ in CHANGES
    ]
    named = sa.and_(person.c.workspace_id == workspace_id, any_of(person.c.cio_id, cio_ids))
    rows = connection.execute(sa.select(person.c.cio_id, *newest).where(named))
    found = {cio_id: [at for at in times if at is not None] for cio_id, *times in rows}
    return {cio_id: max(times) for cio_id, times in found.items() if times}


def _by_person(
    connection: sa.Connection,
    workspace_id: int,
    cio_ids: Collection[str],
    statement: CompiledStatement,
    read: Callable[[tuple[Any, ...]], T],
) -> Mapping[str, Sequence[T]]:
    rows = statement.run(connection, {"of_workspace": workspace_id, "cio_ids": encode_json(list(cio_ids))})
    return {cio_id: tuple(map(read, group)) for cio_id, group in groupby(rows, itemgetter(0))}


def _device_of(row: tuple[Any, ...]) -> Device:
    _, token, platform, last_used, attributes = row
    return Device(token=token, platform=platform, last_used=last_used, attributes=decode_json(attributes))


def _records_query(owner: sa.Column[Any], key: sa.Column[Any], *others: sa.Column[Any]) -> CompiledStatement:
    """A query for the records of people, by owner and key."""
    return CompiledStatement(
        lambda _: sa.select(owner, key, *others).where(workspace_any_of(owner, "cio_ids")).order_by(owner, key)
    )


_DEVICES = _records_query(device.c.cio_id, device.c.token, device.c.platform, device.c.last_used, device.c.attributes)
_SEGMENTS = _records_query(membership.c.cio_id, membership.c.segment)
