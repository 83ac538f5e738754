"""What the worker does with an import, a batch in a transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import ChangedPerson, ImportedRows, Lease, ProcessRows, UnitOfWork
from workspace_operator.errors import StaleRevision
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.imports.model import PREPARED, ImportJob, ImportState
from workspace_operator.store.engine.row_batches import first_batch
from workspace_operator.store.engine.sql import any_of, insert_rows
from workspace_operator.store.imports.records import last_records, write_records
from workspace_operator.store.imports.rows import (
    COUNTERS,
    LockedImport,
    change_documents,
    compressed_rejects,
    facts_without_values,
    lock_import,
    read_import,
)
from workspace_operator.store.imports.states import FILE_PERIOD, IDLE, delete_upload, end_prepared, forget_results
from workspace_operator.store.imports.undo import undo_batch
from workspace_operator.store.schema.import_tables import import_chunk, import_job, import_record, import_reject
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import export_person, workspace
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.sql_unit_of_work import SQLUnitOfWork
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive, read_settings

T = TypeVar("T")

MAX_CHANGES: Final = 20
"""Examples of changes that an import keeps."""

MAX_FILE_BATCH: Final = 50
"""Chunks, or batches of rejected rows, that a transaction deletes."""


@dataclass(frozen=True, slots=True)
class UnitsInTransaction:
    """Implements the port ``UnitsOfWork`` in one transaction; each unit of work is the only one."""

    open_unit: Callable[[], SQLUnitOfWork]

    def rules(self, workspace_id: int) -> IdentityRules:  # noqa: ARG002 - the transaction is about one workspace
        """The identity rules in force."""
        return self.open_unit().rules

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:  # noqa: ARG002 - rows of files need no exclusive lock
        """Run ``work`` in the transaction."""
        return work(self.open_unit())


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBatch:
    """A batch of a leased import, in a transaction."""

    connection: sa.Connection
    job: ImportJob
    lease: Lease
    now: datetime

    def read(self) -> Row:
        """The row of the import, without a lock. Raises as `lock`."""
        return self._leased(read_import(self.connection, self.job.workspace_id, self.job.number))

    def lock(self) -> LockedImport:
        """Lock the import, and renew the lease. Raises StaleRevision if it was given to another worker."""
        locked = lock_import(self.connection, self.job.workspace_id, self.job.number)
        self._leased(locked.row)
        locked.update(lease_expires_at=self.now + self.lease.duration)
        return locked

    def _leased(self, row: Row) -> Row:
        if row.lease_owner != self.lease.worker or row.state != self.job.state.value:
            raise StaleRevision(f"import {self.job.number} has changed since it was read")
        return row

    def restart_check(self) -> None:
        """Forget what an earlier dry run found."""
        forget_results(self.lock())

    def record_checked(self, checked: ImportedRows) -> None:
        """Record what a dry run found about rows."""
        locked = self.lock()
        _record(locked, checked)
        if checked.changes and len(locked.row.changes) < MAX_CHANGES:
            documents = [*locked.row.changes, *change_documents(checked.changes)]
            locked.update(changes=documents[:MAX_CHANGES])
        if blocking := _count_blocking(locked, checked.people):
            locked.update(blocking=import_job.c.blocking + blocking)

    def run(self, units: UnitsInTransaction, process: ProcessRows, *, keeps_records: bool) -> ImportedRows:
        """Import rows."""
        row = self.read()
        imported = process(units)
        new = write_records(self.connection, row, imported.people) if keeps_records else 0
        locked = self.lock()
        _record(locked, imported)
        if new:
            locked.update(people=import_job.c.people + new)
        return imported

    def end(self, undo_period: timedelta) -> LockedImport:
        """End the dry run, or the import."""
        locked = self.lock()
        if locked.state is ImportState.CHECKING:
            state = ImportState.MAPPED if locked.row.stop_requested else ImportState.CHECKED
            _end(locked, state, due_at=self.now + IDLE)
            return locked
        until = self.now + undo_period if undo_period else None
        file_until = self.now + FILE_PERIOD
        times = {"ended_at": self.now, "undo_until": until, "file_until": file_until}
        _end(locked, ImportState.DONE, due_at=min(file_until, until or file_until), **times)
        return locked

    def undo(self, *, size: int, new_id: CioIDGenerator) -> bool:
        """Undo the changes of people; True if nothing is left."""
        workspace_id = self.job.workspace_id
        lock_exclusive(self.connection, workspace_id)
        settings = read_settings(self.connection, workspace_id)
        row = self.read()
        values: dict[str, object] = {}
        if not row.stop_requested:
            values = undo_batch(self.connection, settings, row, size=size, now=self.now, new_id=new_id)
        locked = self.lock()
        if values:
            locked.update(**values)
            return False
        is_all = not last_records(self.connection, row, before_row=row.facts["rows"] + 1, size=1)
        _end(locked, ImportState.UNDONE if is_all else ImportState.DONE, due_at=self.now)
        return True

    def purge(self, *, size: int) -> bool:
        """End what nobody takes up, and delete what is not kept any longer; True if nothing is left for now."""
        locked = self.lock()
        if locked.state is ImportState.UPLOADING:
            delete_upload(self.connection, locked)
            return True
        if locked.state in PREPARED:
            end_prepared(locked, self.now)
            return True
        return _delete_old(self.connection, locked, self.now, size=size)


def _record(locked: LockedImport, imported: ImportedRows) -> None:
    """Record what became of rows. Raises StaleRevision if another worker was first."""
    row, counts = locked.row, imported.counts
    if row.cursor != imported.first_row - 1:
        raise StaleRevision(f"import {row.number} is at row {row.cursor + 1}, not at {imported.first_row}")
    if imported.rejects:
        rejects = [(row.workspace_id, row.number, imported.first_row, compressed_rejects(imported.rejects))]
        insert_rows(locked.connection, import_reject, rejects)
    numbers = {name: import_job.c[name] + getattr(counts, name) for name in COUNTERS}
    locked.update(cursor=import_job.c.cursor + counts.rows, **numbers)


def _count_blocking(locked: LockedImport, people: Sequence[ChangedPerson]) -> int:
    """How many of the people get another address, and block the migration of the workspace."""
    moved = {each.after.cio_id for each in people if each.before and each.before.email_key != each.after.email_key}
    if not moved:
        return 0
    listed = sa.and_(export_person.c.workspace_id == locked.workspace_id, any_of(export_person.c.cio_id, moved))
    export = sa.select(workspace.c.blocked_export).where(workspace.c.workspace_id == locked.workspace_id)
    query = sa.select(export_person.c.cio_id).where(listed, export_person.c.export_number == export.scalar_subquery())
    return len(locked.connection.execute(query).all())


def _end(locked: LockedImport, state: ImportState, **values: object) -> None:
    released = {"lease_owner": "", "lease_expires_at": None}
    locked.update(state=state.value, stop_requested=False, **released, **values)


def _delete_old(connection: sa.Connection, locked: LockedImport, now: datetime, *, size: int) -> bool:
    """Delete the file of an import that has ended, and later its records."""
    row, due = locked.row, list[datetime]()
    values: dict[str, object] = {}
    for until, tables, most in (
        (row.file_until, (import_chunk, import_reject), MAX_FILE_BATCH),
        (row.undo_until, (import_record,), size),
    ):
        if until is not None and until > now:
            due.append(until)
        elif any(_delete(connection, table, locked, size=most) == most for table in tables):
            return False
    if row.file_until is not None and row.file_until <= now:
        values |= {"changes": [], "facts": facts_without_values(row)}
    locked.update(due_at=min(due, default=None), lease_owner="", lease_expires_at=None, **values)
    return True


def _delete(connection: sa.Connection, table: sa.Table, locked: LockedImport, *, size: int) -> int:
    """Delete up to ``size`` rows, in the order of the primary key; returns how many."""
    _, _, *key = table.primary_key
    of_import = locked.of_import(table)
    return connection.execute(sa.delete(table).where(first_batch(connection, of_import, key, size=size))).rowcount
