"""Writing down who stands in the way of an identifier change: the people of one moment, while writers go on.

A snapshot is streamed and written in batches, each a transaction, so that neither memory nor anybody's wait grows with
the number of violations. Writers say meanwhile what they change: whoever is gone by the end is taken out, and if one of
those who stand in the way was changed, the change is looked at again soon.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import Lease
from workspace_operator.migrations.records import Migration, ViolationCounts
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.observed import PeopleCounts
from workspace_operator.store.clearing import remove_violations
from workspace_operator.store.counting import BLOCKED_KEYS, IS_SUPPRESSED
from workspace_operator.store.dialects import among, insert_rows, join_whole_tables
from workspace_operator.store.engines import Database
from workspace_operator.store.fences import lock_workspace
from workspace_operator.store.leases import Held, clock_from, hold
from workspace_operator.store.preparing import take_entries
from workspace_operator.store.rows import violation_values
from workspace_operator.store.streams import streamed
from workspace_operator.store.tables import export, listed_person, person, violation
from workspace_operator.store.violating import MENDING_SETTLES, listed_in, take_out

T = TypeVar("T")

KEPT_EXPORTS = 3
ROWS_AT_A_TIME = 2000
FEW_ENTRIES = 200
"""So many of the writers' entries are looked through in one go after the last batch."""

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_OURS = person.c.workspace_id == _WORKSPACE


@dataclass(slots=True, kw_only=True)
class Report:
    """One report of one change, while it is written."""

    database: Database
    change: Migration
    lease: Lease
    people: PeopleCounts
    started: datetime
    number: int = 0
    listed: int = 0
    mended: bool = False
    left_before: bool = False
    _clock: Callable[[], datetime] = field(init=False)

    def write(self) -> Migration:
        """Write it, and rest as Blocked; if nobody stands in the way any more, go on instead."""
        self._clock = clock_from(self.started)
        self._in_step(self._begin, fenced=True)
        self._forget(above=self.number - 1)
        self._list()
        if self.listed == 0:  # mended just before, and what writers said since is still to be settled
            return self._in_step(lambda held: held.move(self._stage_of_the_mended))
        self._note_places()
        self._look_through_entries(until=FEW_ENTRIES)
        self._forget(up_to=self.number - KEPT_EXPORTS)
        self._in_step(self._watch, fenced=True)
        self._look_through_entries(until=0)
        return self.database.writing(self._end)

    def _in_step(self, work: Callable[[Held], T], *, fenced: bool = False) -> T:
        """Do something in a transaction of its own that holds the change, and keep the lease."""

        def step(connection: sa.Connection) -> T:
            held = hold(connection, self.change, self.lease, self._clock(), fenced=fenced)
            held.renew()
            return work(held)

        return self.database.writing(step)

    def _list(self) -> None:
        """Write down everybody who stands in the way."""
        with closing(self._violations()) as violations:  # its snapshot ends here, also when the database is lost
            for rows in violations:
                if self.listed == 0:
                    self._give_up_preparation()
                self._in_step(lambda held, rows=rows: insert_rows(held.connection, violation, rows))  # type: ignore[misc]
                self.listed += len(rows)

    def _note_places(self) -> None:
        """Note who is listed where; in the order of the key, or each row would be written to a page of its own."""
        rows_of_this = sa.select(*(violation.c[column.name] for column in listed_person.columns)).where(self._of_this)
        with (
            self.database.reading_one_snapshot(sorts=True) as connection,
            streamed(connection, rows_of_this.order_by(violation.c.cio_id), size=ROWS_AT_A_TIME) as found,
        ):
            for partition in found.partitions():
                rows = [tuple(row) for row in partition]
                self._in_step(lambda held, rows=rows: insert_rows(held.connection, listed_person, rows))  # type: ignore[misc]

    def _begin(self, held: Held) -> None:
        held.update_workspace(tracks_changes=True, blocked_export=None)
        self.left_before = held.row.leftovers
        held.update(leftovers=True)  # until it ends: whoever takes the change back has this report cleared
        newest = sa.select(sa.func.max(export.c.number)).where(export.c.workspace_id == held.workspace_id)
        self.number = (held.connection.execute(newest).scalar_one() or 0) + 1

    def _give_up_preparation(self) -> None:
        """What writers say is for the report from here on: who takes over must not settle what was prepared by it."""
        if self.change.stage is Stage.PREPARING:
            self.change = self._in_step(lambda held: held.move(Stage.CHECKING, cursor=""))

    def _violations(self) -> Generator[Sequence[tuple[Any, ...]], None, None]:
        parameters = {"workspace_id": self.change.workspace_id, "export_number": self.number}
        with self.database.reading_one_snapshot() as connection:
            join_whole_tables(connection)
            for query in _MERGING if self.change.merges else _BLOCKING:
                with streamed(connection, query, parameters, size=ROWS_AT_A_TIME) as found:
                    for rows in found.partitions():
                        yield [tuple(row) for row in rows]

    def _watch(self, held: Held) -> None:
        """From here on writers say when they mend, and no longer what they change."""
        held.update_workspace(tracks_changes=False, blocked_export=self.number)

    @property
    def _stage_of_the_mended(self) -> Stage:
        return self.change.stage if self.change.stage is Stage.PREPARING else Stage.CHECKING

    @property
    def _of_this(self) -> sa.ColumnElement[bool]:
        return sa.and_(violation.c.workspace_id == self.change.workspace_id, violation.c.export_number == self.number)

    def _look_through_entries(self, *, until: int) -> None:
        while self._in_step(self._look_through) > until:
            pass

    def _look_through(self, held: Held) -> int:
        """Take out who is gone, and see whether somebody who is listed was changed."""
        entries = take_entries(held.connection, held.workspace_id, size=ROWS_AT_A_TIME)
        cio_ids = {cio_id for _, cio_id in entries if cio_id is not None}
        listed = sa.and_(listed_in(held.workspace_id, self.number), among(listed_person.c.cio_id, cio_ids))
        there = sa.exists().where(
            person.c.workspace_id == listed_person.c.workspace_id, person.c.cio_id == listed_person.c.cio_id
        )
        changed = held.connection.execute(sa.select(listed_person.c.cio_id).where(listed).limit(1)).first()
        self.mended |= changed is not None or any(cio_id is None for _, cio_id in entries)
        take_out(held.connection, sa.and_(listed, ~there))
        return len(entries)

    def _end(self, connection: sa.Connection) -> Migration:
        counts = _counts(connection, self._of_this)
        # A writer who has just noted a mend, and could not wake a change that is not Blocked yet, is waited for.
        lock_workspace(connection, self.change.workspace_id)
        held = hold(connection, self.change, self.lease, self._clock())
        total: dict[str, object] = {"people_total": self.people.total, "people_checked": self.people.total}
        if counts.people_concerned == 0:
            held.update_workspace(blocked_export=None)
            return held.move(Stage.CHECKING, **total)
        connection.execute(sa.insert(export).values(self._row(counts)))
        # Who is missing was deleted, or became part of somebody else: others may be in nobody's way by that.
        is_smaller = counts.people_concerned < self.listed
        mended = self.mended or is_smaller or held.workspace().blocked_export is None
        # The lease ends here: from the commit on it is the writers who make the change due again.
        resting = {
            "lease_owner": "",
            "lease_expires_at": None,
            "due_at": self._clock() + MENDING_SETTLES if mended else None,
        }
        values = violation_values(counts) | total | resting
        return held.move(Stage.BLOCKED, export=self.number, leftovers=self.left_before, **values)

    def _row(self, counts: ViolationCounts) -> dict[str, object]:
        return {
            "workspace_id": self.change.workspace_id,
            "number": self.number,
            "migration_number": self.change.number,
            "created_at": self.started,
            "description": f"people who stand in the way of {self.change.from_mode} to {self.change.to_mode}",
            "total": counts.people_concerned,
        }

    def _forget(self, *, above: int | None = None, up_to: int | None = None) -> None:
        """Remove exports, a batch a transaction: older ones, or what a report that was never ended has left."""

        def which(number: sa.Column[int]) -> sa.ColumnElement[bool]:
            return number > above if above is not None else number <= up_to

        while self._in_step(lambda held: remove_violations(held, which, size=ROWS_AT_A_TIME)) == ROWS_AT_A_TIME:
            pass
        if up_to is not None:
            old = sa.delete(export).where(export.c.workspace_id == self.change.workspace_id, export.c.number <= up_to)
            self._in_step(lambda held: held.connection.execute(old))


def _counts(connection: sa.Connection, which: sa.ColumnElement[bool]) -> ViolationCounts:
    def people(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

    query = sa.select(
        people(violation.c.sharing > 1),
        people(violation.c.invalid_email),
        people(violation.c.suppressed_email),
        people(violation.c.id_is_another_email),
        sa.func.count(),
    ).where(which)
    duplicate, invalid, suppressed, another, concerned = connection.execute(query).one()
    return ViolationCounts(
        duplicate_email=int(duplicate),
        invalid_email=int(invalid),
        suppressed_email=int(suppressed),
        id_is_another_email=int(another),
        people_concerned=concerned,
    )


def _columns(*, sharing: sa.ColumnElement[Any], suppressed: sa.ColumnElement[Any]) -> list[sa.ColumnElement[Any]]:
    """In the order of the table's columns."""
    return [
        person.c.workspace_id,
        sa.bindparam("export_number", type_=sa.BigInteger),
        person.c.cio_id,
        person.c.id,
        person.c.email,
        sa.func.coalesce(person.c.email_key, ""),
        person.c.created_at,
        sharing,
        person.c.email_is_invalid,
        suppressed,
        person.c.id_is_another_email,
    ]


_other = person.alias("other")
_SHARING = (
    sa.select(sa.func.count())
    .select_from(_other)
    .where(_other.c.workspace_id == _WORKSPACE, _other.c.email_key == person.c.email_key)
    .correlate(person)
    .scalar_subquery()
)
_SHARED = (
    sa.select(_other.c.email_key, sa.func.count().label("sharing"))
    .where(_other.c.workspace_id == _WORKSPACE, _other.c.email_key.is_not(None))
    .group_by(_other.c.email_key)
    .having(sa.func.count() > 1)
    .subquery("shared")
)
_ONE: sa.ColumnElement[int] = sa.literal_column("1", sa.BigInteger)

# There is somebody with each; an outer join has SQLite go through the addresses one by one, without a copy of them all.
SHARERS = sa.select(*_columns(sharing=_SHARED.c.sharing, suppressed=IS_SUPPRESSED)).select_from(
    _SHARED.outerjoin(person, sa.and_(_OURS, person.c.email_key == _SHARED.c.email_key))
)
"""Everybody who shares an address."""
_SUPPRESSED = sa.select(*_columns(sharing=_ONE, suppressed=sa.true())).select_from(
    BLOCKED_KEYS.join(person, sa.and_(_OURS, person.c.email_key == BLOCKED_KEYS.c.value_key))
)
_INVALID = sa.select(*_columns(sharing=_ONE, suppressed=sa.false())).where(_OURS, person.c.email_is_invalid)
_ANOTHER = sa.select(*_columns(sharing=_ONE, suppressed=sa.false())).where(
    _OURS,
    person.c.id_is_another_email,
    person.c.email_is_invalid.is_(False),
    sa.or_(person.c.email_key.is_(None), ~IS_SUPPRESSED),
)
_ALONE = sa.or_(person.c.email_key.is_(None), _SHARING == 1)

_BLOCKING = (SHARERS, _SUPPRESSED.where(_SHARING == 1), _INVALID, _ANOTHER.where(_ALONE))
_MERGING = (_SUPPRESSED, _INVALID, _ANOTHER)
"""Everybody who stands in the way, each in one of the queries. With Merge, nobody does for sharing an address."""
