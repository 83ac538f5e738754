"""Reading what hangs on people: activities, devices, memberships of manual segments. `event_writer` writes it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import Activity
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.devices import Device
from workspace_operator.store.engine.streaming import stream_rows
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.pending_merges.view import (
    has_pending_merges,
    merged_members,
    raise_if_people_pending,
    survivors_of,
)
from workspace_operator.store.queries.record_readers import TYPE_NUMBERS, devices_of, segments_of
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
        type: ActivityType | None = None,  # noqa: A002 - the wire's word
        cio_id: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[Activity]:
        """List activities, newest first, those before an ``activity_id``."""
        conditions = [activity.c.workspace_id == workspace_id]
        conditions += [] if cio_id is None else [activity.c.cio_id == cio_id]
        conditions += [] if before is None else [activity.c.activity_id < before]
        query = _newest(workspace_id, conditions, TYPE_NUMBERS if type is None else (type,), limit)

        def find(connection: sa.Connection) -> Sequence[Activity]:
            found = [_activity_of(row) for row in connection.execute(query)]
            return found if cio_id is not None else _merged_view(connection, workspace_id, found)

        return self._read_merged(workspace_id, [] if cio_id is None else [cio_id], find)

    def devices(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Sequence[Device]]:
        """Tell the devices of people, by cio_id, each person's by token; who has none is left out."""
        return self._read_merged(
            workspace_id, cio_ids, lambda connection: devices_of(connection, workspace_id, cio_ids)
        )

    def members(self, workspace_id: int, segment: int) -> Iterator[str]:
        """Stream the cio_ids in a manual segment, in order."""
        ours = sa.and_(membership.c.workspace_id == workspace_id, membership.c.segment == segment)
        plain = sa.select(membership.c.cio_id).where(ours).order_by(membership.c.cio_id)
        with self.database.reading_one_snapshot() as connection:
            query = merged_members(workspace_id, segment) if has_pending_merges(connection, workspace_id) else plain
            with stream_rows(connection, query, size=MEMBER_BATCH_SIZE) as found:
                yield from found.scalars()

    def segments(self, workspace_id: int, cio_id: str) -> Sequence[int]:
        """Tell the manual segments that a person is in, in order."""
        return self._read_merged(
            workspace_id,
            [cio_id],
            lambda connection: segments_of(connection, workspace_id, [cio_id]).get(cio_id, ()),
        )

    def purge_activities(self, *, before: datetime, size: int) -> int:
        """Remove up to ``size`` activities that were recorded before then, in any workspace; tells how many."""
        first = first_id_at(before)
        with self.database.reading() as connection:
            numbers = connection.execute(sa.select(workspace.c.workspace_id)).scalars().all()
            # Only a workspace that has some is written to: most have none, most of the time.
            concerned = [number for number in numbers if _has_older(connection, number, first)]
        deleted = 0
        for number in concerned:
            if deleted < size:
                deleted += self._delete_old(number, first, size - deleted)
        return deleted

    def _read_merged(self, workspace_id: int, cio_ids: Collection[str], read: Callable[[sa.Connection], T]) -> T:
        """Read at one moment; groups that these people are part of are folded first."""

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
    """With survivors in the places of those who are part of them, folded or not."""
    if not has_pending_merges(connection, workspace_id):
        return activities
    members = survivors_of(connection, workspace_id, {each.cio_id for each in activities if each.cio_id is not None})
    seen = ((each, members.get(each.cio_id or "")) for each in activities)
    return [each if who is None else replace(each, cio_id=who.cio_id, id=who.id, email=who.email) for each, who in seen]


def _newest(
    workspace_id: int, conditions: Sequence[sa.ColumnElement[bool]], types: Collection[ActivityType], limit: int
) -> sa.Select[Any]:
    """The newest of these types with their people: a short look at the end of each type's part of an index."""
    newest_first = activity.c.activity_id.desc()
    ends = [
        sa.select(sa.select(activity).where(*conditions, of_type).order_by(newest_first).limit(limit).subquery())
        for of_type in (activity.c.type == TYPE_NUMBERS[each] for each in types)
    ]
    found = sa.union_all(*ends).subquery("found")
    theirs = sa.and_(person.c.workspace_id == workspace_id, person.c.cio_id == found.c.cio_id)
    # Each is looked up: a join would be planned by how many people there are.
    of_person = [sa.select(column).where(theirs).scalar_subquery().label(column.name) for column in _PERSON_COLUMNS]
    return sa.select(found, *of_person).order_by(found.c.activity_id.desc()).limit(limit)


_PERSON_COLUMNS = (person.c.id, person.c.email)


_IS_OLD = sa.and_(
    activity.c.workspace_id == sa.bindparam("of_workspace"),
    # Each type's part of the key is looked up.
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
