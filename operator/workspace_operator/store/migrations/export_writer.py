"""Writer of an export: the people who block a migration, from one snapshot.

The snapshot is streamed and written in batches, each a transaction, so that neither memory nor lock times grow with the
number of violations. Concurrent writers append to the change log: people who were deleted in the meantime are removed,
and if a person of the export was changed, the migration is checked again soon.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import Lease
from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.migrations.state_machine import Trigger
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.row_batches import stream_rows
from workspace_operator.store.engine.sql import any_of, disable_nested_loops, insert_rows
from workspace_operator.store.migrations.backfill import pop_entries
from workspace_operator.store.migrations.leases import LockedMigration, lock_migration, running_clock
from workspace_operator.store.migrations.unused_rows import delete_export_rows
from workspace_operator.store.queries.counts import IS_SUPPRESSED, SUPPRESSED_KEYS
from workspace_operator.store.schema.mappers import violation_values
from workspace_operator.store.schema.tables import export, export_person, person, violation, workspace
from workspace_operator.store.schema.types import UTCTime
from workspace_operator.store.unit_of_work.violation_rows import FIX_SETTLE_TIME, in_exports, remove_from_exports
from workspace_operator.store.unit_of_work.workspace_lock import lock_workspace_row
from workspace_operator.workspaces.model import PeopleCounts

T = TypeVar("T")

MAX_EXPORTS = 3
ROW_BATCH_SIZE = 2000
MAX_ENTRIES_LEFT = 200
"""Number of change log entries that may be left for the transaction after the exclusive lock."""

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_OF_WORKSPACE = person.c.workspace_id == _WORKSPACE


@dataclass(slots=True, kw_only=True)
class ExportWriter:
    """Writes one export of one migration."""

    database: Database
    migration: Migration
    lease: Lease
    people: PeopleCounts
    started: datetime
    number: int = 0
    rows_written: int = 0
    fixed_meanwhile: bool = False
    needed_cleanup: bool = False
    _clock: Callable[[], datetime] = field(init=False)

    def write(self) -> Migration:
        """Write the export and block the migration; without violations, continue it instead."""
        self._clock = running_clock(self.started)
        self._in_transaction(self._start, exclusive=True)
        self._delete_exports(above=self.number - 1)
        self._write_violations()
        if self.rows_written == 0:  # fixed just before; the change log is still to be applied
            return self._in_transaction(lambda locked: locked.transition(Trigger.FIX))
        self._index_people()
        self._drain_change_log(until=MAX_ENTRIES_LEFT)
        self._delete_exports(up_to=self.number - MAX_EXPORTS)
        self._in_transaction(self._start_watching, exclusive=True)
        self._drain_change_log(until=0)
        return self.database.writing(self._finish)

    def _in_transaction(self, work: Callable[[LockedMigration], T], *, exclusive: bool = False) -> T:
        """Run ``work`` in a transaction that locks the migration and renews the lease."""

        def step(connection: sa.Connection) -> T:
            locked = lock_migration(connection, self.migration, self.lease, self._clock(), exclusive=exclusive)
            locked.renew()
            return work(locked)

        return self.database.writing(step)

    def _write_violations(self) -> None:
        """Write the violations of all people."""
        with closing(self._violations()) as violations:  # ends its snapshot, also when the connection is lost
            for rows in violations:
                if self.rows_written == 0:
                    self._abandon_backfill()
                self._in_transaction(lambda locked, rows=rows: insert_rows(locked.connection, violation, rows))  # type: ignore[misc]
                self.rows_written += len(rows)

    def _index_people(self) -> None:
        """Write `export_person` in key order, since a random order would touch a page per row."""
        columns = (violation.c[column.name] for column in export_person.columns)
        query = sa.select(*columns).where(self._is_of_export).order_by(violation.c.cio_id)
        with (
            self.database.reading_one_snapshot(sorts=True) as connection,
            stream_rows(connection, query, size=ROW_BATCH_SIZE) as result,
        ):
            for partition in result.partitions():
                rows = [tuple(row) for row in partition]
                self._in_transaction(lambda locked, rows=rows: insert_rows(locked.connection, export_person, rows))  # type: ignore[misc]

    def _start(self, locked: LockedMigration) -> None:
        locked.update_workspace(change_log_enabled=True, blocked_export=None)
        self.needed_cleanup = locked.row.needs_cleanup
        locked.update(needs_cleanup=True)  # until the end: a cancellation must delete this export
        newest = sa.select(sa.func.max(export.c.number)).where(export.c.workspace_id == locked.workspace_id)
        self.number = (locked.connection.execute(newest).scalar_one() or 0) + 1

    def _abandon_backfill(self) -> None:
        """Go back to Checking, since the change log is now applied to the export."""
        discard = Trigger.DISCARD_BACKFILL
        if discard in self.migration.transitions:
            self.migration = self._in_transaction(lambda locked: locked.transition(discard, cursor=""))

    def _violations(self) -> Generator[Sequence[tuple[Any, ...]], None, None]:
        parameters = {"workspace_id": self.migration.workspace_id, "export_number": self.number}
        with self.database.reading_one_snapshot() as connection:
            disable_nested_loops(connection)
            for query in _MERGING if self.migration.merges else _BLOCKING:
                with stream_rows(connection, query, parameters, size=ROW_BATCH_SIZE) as result:
                    for rows in result.partitions():
                        yield [tuple(row) for row in rows]

    def _start_watching(self, locked: LockedMigration) -> None:
        """Disable the change log; from now on, a writer that fixes a violation wakes the migration.

        Calls are recorded from now on, too, unless an earlier check began that.
        """
        since = sa.func.coalesce(workspace.c.calls_recorded_since, sa.literal(self._clock(), UTCTime))
        locked.update_workspace(change_log_enabled=False, blocked_export=self.number, calls_recorded_since=since)

    @property
    def _is_of_export(self) -> sa.ColumnElement[bool]:
        of_workspace = violation.c.workspace_id == self.migration.workspace_id
        return sa.and_(of_workspace, violation.c.export_number == self.number)

    def _drain_change_log(self, *, until: int) -> None:
        while self._in_transaction(self._apply_change_log) > until:
            pass

    def _apply_change_log(self, locked: LockedMigration) -> int:
        """Remove deleted people from the export, and record whether another one was changed."""
        entries = pop_entries(locked.connection, locked.workspace_id, size=ROW_BATCH_SIZE)
        cio_ids = {cio_id for _, cio_id in entries if cio_id is not None}
        is_listed = sa.and_(in_exports(locked.workspace_id, self.number), any_of(export_person.c.cio_id, cio_ids))
        person_exists = sa.exists().where(
            person.c.workspace_id == export_person.c.workspace_id, person.c.cio_id == export_person.c.cio_id
        )
        changed = locked.connection.execute(sa.select(export_person.c.cio_id).where(is_listed).limit(1)).first()
        self.fixed_meanwhile |= changed is not None or any(cio_id is None for _, cio_id in entries)
        remove_from_exports(locked.connection, sa.and_(is_listed, ~person_exists))
        return len(entries)

    def _finish(self, connection: sa.Connection) -> Migration:
        counts = _counts(connection, self._is_of_export)
        # Wait for a writer that has just fixed a violation and could not wake the migration, which is not Blocked yet.
        lock_workspace_row(connection, self.migration.workspace_id)
        locked = lock_migration(connection, self.migration, self.lease, self._clock())
        total: dict[str, object] = {"people_total": self.people.total, "people_checked": self.people.total}
        if counts.people_concerned == 0:
            locked.update_workspace(blocked_export=None)
            return locked.transition(Trigger.FIX, **total)
        connection.execute(sa.insert(export).values(self._export_row(counts)))
        # Missing people were deleted or merged, which can fix the violations of other people.
        is_smaller = counts.people_concerned < self.rows_written
        fixed = self.fixed_meanwhile or is_smaller or locked.workspace().blocked_export is None
        # Release the lease: after the commit, only writers make the migration due again.
        due_at = self._clock() + FIX_SETTLE_TIME if fixed else None
        released = {"lease_owner": "", "lease_expires_at": None, "due_at": due_at}
        values = violation_values(counts) | total | released
        return locked.transition(Trigger.BLOCK, export=self.number, needs_cleanup=self.needed_cleanup, **values)

    def _export_row(self, counts: ViolationCounts) -> dict[str, object]:
        return {
            "workspace_id": self.migration.workspace_id,
            "number": self.number,
            "migration_number": self.migration.number,
            "created_at": self.started,
            "description": f"people who block the change from {self.migration.from_mode} to {self.migration.to_mode}",
            "total": counts.people_concerned,
        }

    def _delete_exports(self, *, above: int | None = None, up_to: int | None = None) -> None:
        """Delete exports, one batch per transaction: old ones, or the rows of an unfinished export."""

        def in_range(number: sa.Column[int]) -> sa.ColumnElement[bool]:
            return number > above if above is not None else number <= up_to

        deleted = ROW_BATCH_SIZE
        while deleted == ROW_BATCH_SIZE:
            deleted = self._in_transaction(lambda locked: delete_export_rows(locked, in_range, size=ROW_BATCH_SIZE))
        if up_to is not None:
            old = sa.delete(export).filter_by(workspace_id=self.migration.workspace_id).where(export.c.number <= up_to)
            self._in_transaction(lambda locked: locked.connection.execute(old))


def _counts(connection: sa.Connection, is_of_export: sa.ColumnElement[bool]) -> ViolationCounts:
    columns = (violation.c.invalid_email, violation.c.suppressed_email, violation.c.id_is_another_email)
    conditions = {"duplicate_email": violation.c.sharing > 1} | {column.name: column for column in columns}
    people = [
        sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0).label(name)
        for name, condition in conditions.items()
    ]
    query = sa.select(*people, sa.func.count().label("people_concerned")).where(is_of_export)
    counts = connection.execute(query).one()._asdict()
    return ViolationCounts(**{name: int(count) for name, count in counts.items()})


def _columns(*, sharing: sa.ColumnElement[Any], suppressed: sa.ColumnElement[Any]) -> list[sa.ColumnElement[Any]]:
    """The columns of a violation, in the order of the table."""
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

# Each address has people, but an outer join makes SQLite iterate over the addresses without a copy of them.
DUPLICATES = sa.select(*_columns(sharing=_SHARED.c.sharing, suppressed=IS_SUPPRESSED)).select_from(
    _SHARED.outerjoin(person, sa.and_(_OF_WORKSPACE, person.c.email_key == _SHARED.c.email_key))
)
"""All people who share an address."""
_SUPPRESSED = sa.select(*_columns(sharing=_ONE, suppressed=sa.true())).select_from(
    SUPPRESSED_KEYS.join(person, sa.and_(_OF_WORKSPACE, person.c.email_key == SUPPRESSED_KEYS.c.value_key))
)
_INVALID = sa.select(*_columns(sharing=_ONE, suppressed=sa.false())).where(_OF_WORKSPACE, person.c.email_is_invalid)
_ANOTHER = sa.select(*_columns(sharing=_ONE, suppressed=sa.false())).where(
    _OF_WORKSPACE,
    person.c.id_is_another_email,
    person.c.email_is_invalid.is_(False),
    sa.or_(person.c.email_key.is_(None), ~IS_SUPPRESSED),
)
_ALONE = sa.or_(person.c.email_key.is_(None), _SHARING == 1)

_BLOCKING = (DUPLICATES, _SUPPRESSED.where(_SHARING == 1), _INVALID, _ANOTHER.where(_ALONE))
_MERGING = (_SUPPRESSED, _INVALID, _ANOTHER)
"""All people with violations, each in exactly one query. With Merge, a shared address is not a violation."""
