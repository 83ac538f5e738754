"""Reads of activities, devices and memberships. `event_writer` writes them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import Activity
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.devices import Device
from workspace_operator.store.engine.row_batches import stream_rows
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.pending_merges.view import (
    has_pending_merges,
    merged_members,
    raise_if_people_pending,
    survivors_of,
)
from workspace_operator.store.queries.record_readers import TYPE_NUMBERS, devices_of, last_changes, segments_of
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import activity, membership, person, workspace
from workspace_operator.store.unit_of_work.id_generator import first_id_at

_TYPES: Final = {number: type_ for type_, number in TYPE_NUMBERS.items()}

MEMBER_BATCH_SIZE = 2000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SQLPersonRecords(MergeOnTouchRepository):
    """Implements the port ``PersonRecords``."""

    def activities(
        self,
        workspace_id: int,
        *,
        type: ActivityType | None = None,  # noqa: A002 - the API's name
        cio_id: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[Activity]:
        """List activities, newest first, optionally only those before an ``activity_id``."""
        conditions = [activity.c.workspace_id == workspace_id]
        conditions += [] if cio_id is None else [activity.c.cio_id == cio_id]
        conditions += [] if before is None else [activity.c.activity_id < before]
        query = _newest(workspace_id, conditions, TYPE_NUMBERS if type is None else (type,), limit)

        def find(connection: sa.Connection) -> Sequence[Activity]:
            found = [_activity_of(row) for row in connection.execute(query)]
            return found if cio_id is not None else _merged_view(connection, workspace_id, found)

        return self._read_merged(workspace_id, [] if cio_id is None else [cio_id], find)

    def last_changes(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, int]:
        """When people last changed, in Unix seconds by cio_id, as far as their activities are kept."""
        return self._read_merged(
            workspace_id, cio_ids, lambda connection: last_changes(connection, workspace_id, cio_ids)
        )

    def devices(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Sequence[Device]]:
        """The devices of people by cio_id, sorted by token; people without devices are left out."""
        return self._read_merged(
            workspace_id, cio_ids, lambda connection: devices_of(connection, workspace_id, cio_ids)
        )

    def members(self, workspace_id: int, segment: int, *, after: str = "", limit: int | None = None) -> Iterator[str]:
        """Stream the sorted cio_ids of a manual segment, after one of them."""
        of_segment = sa.and_(
            membership.c.workspace_id == workspace_id, membership.c.segment == segment, membership.c.cio_id > after
        )
        plain = sa.select(membership.c.cio_id).where(of_segment).order_by(membership.c.cio_id)
        with self.database.reading_one_snapshot() as connection:
            query = plain
            if has_pending_merges(connection, workspace_id):
                merged = merged_members(workspace_id, segment).subquery("merged")
                query = sa.select(merged.c.member).where(merged.c.member > after).order_by(merged.c.member)
            with stream_rows(connection, query.limit(limit), size=MEMBER_BATCH_SIZE) as result:
                yield from result.scalars()

    def segments(self, workspace_id: int, cio_id: str) -> Sequence[int]:
        """The sorted manual segments of a person."""
        return self._read_merged(
            workspace_id,
            [cio_id],
            lambda connection: segments_of(connection, workspace_id, [cio_id]).get(cio_id, ()),
        )

    def purge_activities(self, *, before: datetime, size: int) -> int:
        """Delete up to ``size`` activities of all workspaces before a time; return their number."""
        first = first_id_at(before)
        with self.database.reading() as connection:
            numbers = connection.execute(sa.select(workspace.c.workspace_id)).scalars().all()
            # Only write to workspaces with old activities: usually, most have none.
            concerned = [number for number in numbers if _has_older(connection, number, first)]
        deleted = 0
        for number in concerned:
            if deleted < size:
                deleted += self._delete_old(number, first, size - deleted)
        return deleted

    def _read_merged(self, workspace_id: int, cio_ids: Collection[str], read: Callable[[sa.Connection], T]) -> T:
        """Read in one snapshot, after the pending merges of these people are done."""

        def work() -> T:
            with self.database.reading_one_snapshot() as connection:
                if has_pending_merges(connection, workspace_id):
                    raise_if_people_pending(connection, workspace_id, cio_ids)
                return read(connection)

        return self.merge_on_touch.run(workspace_id, work)

    def _delete_old(self, workspace_id: int, before: str, size: int) -> int:
        parameters = {"of_workspace": workspace_id, "before": before, "size": size}
        return self.database.writing(lambda connection: connection.execute(_DELETE_OLD, parameters).rowcount)


def _merged_view(connection: sa.Connection, workspace_id: int, activities: Sequence[Activity]) -> Sequence[Activity]:
    """Replace the people of activities by their survivors."""
    if not has_pending_merges(connection, workspace_id):
        return activities
    owners = {entry.cio_id for entry in activities if entry.cio_id is not None}
    survivors = survivors_of(connection, workspace_id, owners)
    return [_with_owner(entry, survivors.get(entry.cio_id or "")) for entry in activities]


def _with_owner(entry: Activity, owner: Person | None) -> Activity:
    return entry if owner is None else replace(entry, cio_id=owner.cio_id, id=owner.id, email=owner.email)


def _newest(
    workspace_id: int, conditions: Sequence[sa.ColumnElement[bool]], types: Collection[ActivityType], limit: int
) -> sa.Select[Any]:
    """The newest activities with their people, from the end of each type's index range."""
    newest_first = activity.c.activity_id.desc()
    by_type = [
        sa.select(sa.select(activity).where(*conditions, of_type).order_by(newest_first).limit(limit).subquery())
        for of_type in (activity.c.type == TYPE_NUMBERS[type_] for type_ in types)
    ]
    found = sa.union_all(*by_type).subquery("found")
    is_owner = sa.and_(person.c.workspace_id == workspace_id, person.c.cio_id == found.c.cio_id)
    # A look-up per person: the plan of a join would depend on the number of people.
    of_person = [sa.select(column).where(is_owner).scalar_subquery().label(column.name) for column in _PERSON_COLUMNS]
    return sa.select(found, *of_person).order_by(found.c.activity_id.desc()).limit(limit)


_PERSON_COLUMNS = (person.c.id, person.c.email)

_IS_OLD = sa.and_(
    activity.c.workspace_id == sa.bindparam("of_workspace"),
    # All types are listed, so that each type's range of the key is looked up.
    activity.c.type.in_([sa.literal_column(str(number)) for number in sorted(_TYPES)]),
    activity.c.activity_id < sa.bindparam("before"),
)

_ANY_OLD = sa.select(activity.c.activity_id).where(_IS_OLD).limit(sa.literal_column("1"))

_DELETE_OLD = sa.delete(activity).where(
    activity.c.workspace_id == sa.bindparam("of_workspace"),
    sa.tuple_(activity.c.type, activity.c.activity_id).in_(
        sa.select(activity.c.type, activity.c.activity_id).where(_IS_OLD).limit(sa.bindparam("size"))
    ),
)


def _has_older(connection: sa.Connection, workspace_id: int, before: str) -> bool:
    return connection.execute(_ANY_OLD, {"of_workspace": workspace_id, "before": before}).first() is not None


def _activity_of(row: Row) -> Activity:
    return Activity(
        activity_id=row.activity_id,
        type=_TYPES[row.type],
        at=row.at,
        cio_id=row.cio_id,
        id=row.id,
        email=row.email,
        name=row.name,
        anonymous_id=row.anonymous_id,
        data=row.data,
    )
