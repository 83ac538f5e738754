"""Manual segments: names, numbers and counts. `event_writer` writes the memberships."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice

import sqlalchemy as sa

from workspace_operator.application.ports import Segment
from workspace_operator.errors import NameTaken, NotFound
from workspace_operator.identity.values.segments import MAX_SEGMENT
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.pending_merges.view import has_pending_merges, merged_members
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import membership, segment
from workspace_operator.store.unit_of_work.workspace_lock import lock_shared, read_settings


@dataclass(frozen=True, slots=True)
class SQLSegments:
    """Implements the port ``Segments``."""

    database: Database

    def create(self, workspace_id: int, name: str, *, now: datetime) -> int:
        """Create an empty segment, numbered above all used numbers. Raises NotFound and NameTaken."""

        def work(connection: sa.Connection) -> int:
            # Locked against a concurrent deletion of the workspace.
            lock_shared(connection, read_settings(connection, workspace_id))
            _raise_if_name_taken(connection, workspace_id, name)
            number = _free_number(connection, workspace_id)
            values = {"workspace_id": workspace_id, "number": number, "name": name, "created_at": now}
            connection.execute(sa.insert(segment).values(values))
            return number

        return self.database.writing(work)

    def all(self, workspace_id: int) -> Sequence[Segment]:
        """List segments that have a name or members, by number."""
        with self.database.reading_one_snapshot() as connection:
            people = _counts(connection, workspace_id)
            rows = connection.execute(sa.select(segment).where(segment.c.workspace_id == workspace_id))
            named = {row.number: row for row in rows}
        return [_segment(number, named.get(number), people.get(number, 0)) for number in sorted({*people, *named})]

    def page(self, workspace_id: int, *, after: int, limit: int, count_limit: int) -> Sequence[Segment]:
        """List the next segments by number, and count at most ``count_limit`` members of each."""
        query = sa.select(segment).where(segment.c.workspace_id == workspace_id, segment.c.number > after)
        with self.database.reading_one_snapshot() as connection:
            rows = connection.execute(query.order_by(segment.c.number).limit(limit))
            named = {row.number: row for row in rows}
            with_members = islice(_numbers_with_members(connection, workspace_id, after), limit)
            return [
                _segment(number, named.get(number), _count_one(connection, workspace_id, number, limit=count_limit))
                for number in sorted({*named, *with_members})[:limit]
            ]

    def get(self, workspace_id: int, number: int) -> Segment:
        """Find a segment. Raises NotFound if it has neither a name nor members."""
        query = sa.select(segment).where(segment.c.workspace_id == workspace_id, segment.c.number == number)
        with self.database.reading_one_snapshot() as connection:
            row = connection.execute(query).one_or_none()
            people = _count_one(connection, workspace_id, number)
        if row is None and not people:
            raise NotFound(f"there is no segment {number}: it has no name and no members")
        return _segment(number, row, people)

    def names(self, workspace_id: int, numbers: Collection[int]) -> Mapping[int, str]:
        """The names of segments by number; those without a name are left out."""
        named = sa.and_(segment.c.workspace_id == workspace_id, segment.c.number.in_(sorted(numbers)))
        with self.database.reading() as connection:
            return {row.number: row.name for row in connection.execute(sa.select(segment).where(named))}

    def find_by_name(self, workspace_id: int, name: str) -> int:
        """Find the number of the segment with a name. Raises NotFound."""
        with self.database.reading() as connection:
            number = _number_named(connection, workspace_id, name)
        if number is None:
            raise NotFound(f"there is no segment {name!r}: `workspacectl segments list` lists them")
        return number

    def remove(self, workspace_id: int, number: int) -> None:
        """Delete the name of a segment, if it has one; its members stay in the numbered segment."""
        statement = sa.delete(segment).where(segment.c.workspace_id == workspace_id, segment.c.number == number)
        self.database.writing(lambda connection: connection.execute(statement))


def _raise_if_name_taken(connection: sa.Connection, workspace_id: int, name: str) -> None:
    # Names are unique, so that a command that is run twice does not create a second segment.
    holder = _number_named(connection, workspace_id, name)
    if holder is not None:
        raise NameTaken(f"segment {holder} already has the name {name!r}: choose another one, or delete that segment")


def _number_named(connection: sa.Connection, workspace_id: int, name: str) -> int | None:
    query = sa.select(segment.c.number).where(segment.c.workspace_id == workspace_id, segment.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def _free_number(connection: sa.Connection, workspace_id: int) -> int:
    highest = 0
    for column in (segment.c.number, membership.c.segment):
        query = sa.select(sa.func.max(column)).where(column.table.c.workspace_id == workspace_id)
        highest = max(highest, connection.execute(query).scalar_one() or 0)
    if highest < MAX_SEGMENT:
        return highest + 1
    used = _used_numbers(connection, workspace_id)  # callers have taken the highest possible number
    return next(number for number in count(1) if number not in used)


def _used_numbers(connection: sa.Connection, workspace_id: int) -> Collection[int]:
    numbers = [
        sa.select(number).where(number.table.c.workspace_id == workspace_id)
        for number in (segment.c.number, membership.c.segment)
    ]
    return set(connection.execute(sa.union(*numbers)).scalars())


def _counts(connection: sa.Connection, workspace_id: int) -> Mapping[int, int]:
    of_workspace = membership.c.workspace_id == workspace_id
    query = sa.select(membership.c.segment, sa.func.count()).where(of_workspace).group_by(membership.c.segment)
    counts: dict[int, int] = dict(connection.execute(query).all())
    if not has_pending_merges(connection, workspace_id):
        return counts
    return {number: _count_one(connection, workspace_id, number) for number in counts}


def _numbers_with_members(connection: sa.Connection, workspace_id: int, after: int) -> Iterator[int]:
    """The numbers of segments with members, after one of them: each by one step through the index."""
    number: int | None = after
    while True:
        condition = sa.and_(membership.c.workspace_id == workspace_id, membership.c.segment > number)
        number = connection.execute(sa.select(sa.func.min(membership.c.segment)).where(condition)).scalar_one()
        if number is None:
            return
        yield number


def _count_one(connection: sa.Connection, workspace_id: int, number: int, *, limit: int | None = None) -> int:
    members = sa.select(membership.c.cio_id).filter_by(workspace_id=workspace_id, segment=number)
    if has_pending_merges(connection, workspace_id):
        members = merged_members(workspace_id, number).order_by(None)
    return connection.execute(sa.select(sa.func.count()).select_from(members.limit(limit).subquery())).scalar_one()


def _segment(number: int, row: Row | None, people: int) -> Segment:
    return Segment(
        number=number,
        name=None if row is None else row.name,
        created_at=None if row is None else row.created_at,
        people=people,
    )
