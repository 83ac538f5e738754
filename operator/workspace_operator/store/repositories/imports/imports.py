"""Imports in the database."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Final, TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import (
    Actor,
    AuditAction,
    AuditEntry,
    Batch,
    Detail,
    FileChunk,
    ImportedRows,
    Lease,
    ProcessRows,
    UndoForecast,
    Via,
)
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.imports.model import AT_WORK, FileFacts, ImportJob, ImportMapping, ImportState
from workspace_operator.store.engine.contention import ContentionProbe
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.engine.sql import force_custom_plan, insert_rows
from workspace_operator.store.imports import states
from workspace_operator.store.imports.batches import ImportBatch, UnitsInTransaction
from workspace_operator.store.imports.rows import (
    LockedImport,
    compressed,
    decompressed,
    job_of,
    of_import,
    read_import,
    rejects_of,
)
from workspace_operator.store.imports.undo import undo_forecast
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.queries.job_leases import claim_job
from workspace_operator.store.schema.import_tables import import_chunk, import_job, import_reject
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.sql_unit_of_work import SQLUnitOfWork, WorkspaceCache, open_unit_of_work
from workspace_operator.store.unit_of_work.workspace_lock import read_settings

T = TypeVar("T")

MAX_HOLD: Final = 0.05
"""Seconds that a batch may block other writers on SQLite, and commands about its people on PostgreSQL."""

REJECTS_BATCH: Final = 20

_WAITING: Final = [state.value for state in ImportState if state not in AT_WORK]


@dataclass(frozen=True, slots=True)
class SQLImports(MergeOnTouchRepository):
    """Implements the port ``Imports``."""

    new_id: CioIDGenerator = field(default_factory=CioIDGenerator)
    _cache: WorkspaceCache = field(default_factory=WorkspaceCache, init=False)
    _contention: ContentionProbe = field(default_factory=ContentionProbe, init=False)

    def open(self, workspace_id: int, *, file_name: str, actor: Actor, now: datetime) -> ImportJob:
        """Begin an import. Raises NotFound and Conflict."""

        def work(connection: sa.Connection) -> ImportJob:
            number = states.open_import(connection, workspace_id, file_name=file_name, actor=actor.name, now=now)
            return job_of(read_import(connection, workspace_id, number))

        return self.database.writing(work)

    def add_chunk(self, job: ImportJob, chunk: FileChunk, *, now: datetime) -> None:
        """Add rows to the file. Raises StaleRevision."""
        content = compressed(chunk.text)
        key = (job.workspace_id, job.number)

        def work(connection: sa.Connection) -> None:
            locked = states.lock_upload(connection, job)
            insert_rows(connection, import_chunk, [(*key, chunk.first_row, chunk.rows, chunk.first_line, content)])
            locked.update(due_at=now + states.UPLOAD_PAUSE)

        self._of_upload(job, work)

    def finish_upload(self, job: ImportJob, facts: FileFacts, *, now: datetime) -> ImportJob:
        """The file is complete. Raises StaleRevision."""
        self._of_upload(job, partial(states.finish_upload, job=job, facts=facts, now=now))
        return self.get(job.workspace_id, job.number)

    def abandon_upload(self, job: ImportJob) -> None:
        """Forget an import whose file did not arrive."""

        def work(connection: sa.Connection) -> None:
            states.delete_upload(connection, states.lock_upload(connection, job))

        try:
            self._of_upload(job, work)
        except StaleRevision:  # the worker was first
            return

    def _of_upload(self, job: ImportJob, work: Callable[[sa.Connection], None]) -> None:
        try:
            self.database.writing(work)
        except NotFound as error:
            message = f"the upload of import {job.number} took too long and was given up: upload the file again"
            raise StaleRevision(message) from error

    def recent(self, workspace_id: int, *, limit: int) -> Sequence[ImportJob]:
        """The newest imports, newest first."""
        query = sa.select(import_job).filter_by(workspace_id=workspace_id).order_by(import_job.c.number.desc())
        with self.database.reading() as connection:
            return [job_of(row) for row in connection.execute(query.limit(limit))]

    def get(self, workspace_id: int, number: int) -> ImportJob:
        """An import. Raises NotFound."""
        with self.database.reading() as connection:
            return job_of(read_import(connection, workspace_id, number))

    def rejects(self, workspace_id: int, number: int) -> Iterator[Sequence[str]]:
        """Stream the rejected rows, in the order of the file."""
        after = 0
        while True:
            position = sa.and_(of_import(import_reject, workspace_id, number), import_reject.c.first_row > after)
            query = sa.select(import_reject.c.first_row, import_reject.c.content).where(position)
            with self.database.reading() as connection:
                found = connection.execute(query.order_by(import_reject.c.first_row).limit(REJECTS_BATCH)).all()
            for row in found:
                yield from rejects_of(row.content)
            if len(found) < REJECTS_BATCH:
                return
            after = found[-1].first_row

    def set_mapping(self, workspace_id: int, number: int, mapping: ImportMapping, *, now: datetime) -> ImportJob:
        """Choose the columns. Raises NotFound and Conflict."""
        change = partial(states.set_mapping, workspace_id=workspace_id, number=number, mapping=mapping, now=now)
        self.database.writing(change)
        return self.get(workspace_id, number)

    def check(self, workspace_id: int, number: int, *, now: datetime) -> ImportJob:
        """Have the worker try the rows. Raises NotFound and Conflict."""
        self.database.writing(partial(states.request_check, workspace_id=workspace_id, number=number, now=now))
        return self.get(workspace_id, number)

    def run(self, workspace_id: int, number: int, *, seen: str | None = None, actor: Actor, now: datetime) -> ImportJob:
        """Have the worker import the rows. Raises NotFound, Conflict and StaleRevision."""
        change = partial(states.request_run, workspace_id=workspace_id, number=number, seen=seen, actor=actor, now=now)
        self.database.writing(change)
        return self.get(workspace_id, number)

    def stop(
        self,
        workspace_id: int,
        number: int,
        *,
        among: Collection[ImportState] = AT_WORK,
        actor: Actor,
        now: datetime,
    ) -> ImportJob:
        """Have the worker stop. Raises NotFound and Conflict."""
        change = partial(states.request_stop, among=among)
        return self._change(workspace_id, number, change, AuditAction.STOPPED, actor, now)

    def undo(self, workspace_id: int, number: int, *, actor: Actor, now: datetime) -> ImportJob:
        """Have the worker undo an import. Raises NotFound and Conflict."""
        return self._change(workspace_id, number, states.request_undo, AuditAction.IMPORT_UNDONE, actor, now)

    def discard(self, workspace_id: int, number: int, *, actor: Actor, now: datetime) -> ImportJob:
        """End an import before it runs. Raises NotFound and Conflict."""
        return self._change(workspace_id, number, states.discard, AuditAction.DISCARDED, actor, now)

    def _change(
        self,
        workspace_id: int,
        number: int,
        change: "Callable[..., LockedImport]",
        action: AuditAction,
        actor: Actor,
        now: datetime,
    ) -> ImportJob:
        def work(connection: sa.Connection) -> None:
            row = change(connection, workspace_id, number, now=now).row
            detail = {"people": row.people - row.undone - row.undone_in_part, "state": row.state}
            self._record(connection, job_of(row), action, actor, detail, now)

        self.database.writing(work)
        return self.get(workspace_id, number)

    def _record(
        self,
        connection: sa.Connection,
        job: ImportJob,
        action: AuditAction,
        actor: Actor,
        detail: Detail,
        now: datetime,
    ) -> None:
        entry = AuditEntry(
            workspace_id=job.workspace_id,
            at=now,
            actor=actor,
            action=action,
            subject=f"import {job.number}",
            detail=detail,
        )
        write_audit_entry(connection, entry, new_id=self.new_id)

    def forecast(self, workspace_id: int, number: int, *, limit: int, now: datetime) -> UndoForecast:
        """What an undo could do now. Raises NotFound."""

        def read() -> UndoForecast:
            with self.database.reading_one_snapshot() as connection:
                row, settings = read_import(connection, workspace_id, number), read_settings(connection, workspace_id)
                seconds = int(now.timestamp())
                return undo_forecast(connection, settings, row, limit=limit, now=seconds)

        return self.merge_on_touch.run(workspace_id, read)

    def claim(self, lease: Lease, *, now: datetime, workspace_id: int | None = None) -> ImportJob | None:
        """Lease an import that is due."""
        first = claim_job(self.database, import_job, lease, now=now, waiting_states=_WAITING, workspace_id=workspace_id)
        return None if first is None else self.get(first.workspace_id, first.number)

    def chunk(self, job: ImportJob, row: int) -> FileChunk | None:
        """The rows of the file among which a row is."""
        before = sa.and_(of_import(import_chunk, job.workspace_id, job.number), import_chunk.c.first_row <= row)
        query = sa.select(import_chunk).where(before).order_by(import_chunk.c.first_row.desc()).limit(1)
        with self.database.reading() as connection:
            found = connection.execute(query).one_or_none()
        if found is None or row >= found.first_row + found.rows:
            return None
        return FileChunk(found.first_row, found.rows, found.first_line, decompressed(found.content))

    def restart_check(self, job: ImportJob, lease: Lease, *, now: datetime) -> None:
        """Forget what an earlier dry run found. Raises StaleRevision."""
        self._in_batch(job, lease, now, lambda batch: batch.restart_check())

    def record_checked(self, job: ImportJob, lease: Lease, checked: ImportedRows, *, now: datetime) -> None:
        """Record what a dry run found about rows. Raises StaleRevision."""
        self._in_batch(job, lease, now, lambda batch: batch.record_checked(checked))

    def run_batch(
        self,
        job: ImportJob,
        lease: Lease,
        process: ProcessRows,
        *,
        keeps_records: bool,
        now: datetime,
    ) -> tuple[ImportedRows, Batch]:
        """Import rows in a transaction. Raises StaleRevision."""
        attempts = count(1)

        def work(batch: ImportBatch) -> ImportedRows:
            connection, attempt = batch.connection, next(attempts)
            units = UnitsInTransaction(lambda: self._open_unit(connection, job.workspace_id, attempt))
            return batch.run(units, process, keeps_records=keeps_records)

        return self._timed(job, lease, now, work)

    def end(self, job: ImportJob, lease: Lease, *, undo_period: timedelta, now: datetime) -> None:
        """End the dry run, or the import, which is audited. Raises StaleRevision."""

        def work(batch: ImportBatch) -> None:
            row = batch.end(undo_period).row
            if job.state is ImportState.RUNNING:
                ended, actor = job_of(row), Actor(name=row.run_by, via=Via(row.run_via))
                detail = {
                    "created": ended.counts.made,
                    "updated": ended.counts.changed + ended.counts.unchanged,
                    "unchanged": ended.counts.unchanged,
                    "in_part": ended.counts.in_part,
                    "skipped": ended.counts.skipped,
                    "rejected": ended.counts.rejected,
                }
                self._record(batch.connection, ended, AuditAction.IMPORTED, actor, detail, now)

        self._in_batch(job, lease, now, work)

    def is_stopped(self, job: ImportJob) -> bool:
        """Whether the worker is to stop."""
        query = sa.select(import_job.c.stop_requested).filter_by(workspace_id=job.workspace_id, number=job.number)
        with self.database.reading() as connection:
            return bool(connection.execute(query).scalar_one_or_none())

    def undo_batch(self, job: ImportJob, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Undo the changes of people. Raises StaleRevision."""

        def work(batch: ImportBatch) -> bool:
            return batch.undo(size=size, new_id=self.new_id)

        done, batch = self._timed(job, lease, now, work, locks_workspace=True)
        return replace(batch, done=done)

    def purge_batch(self, job: ImportJob, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Delete what is not kept any longer. Raises StaleRevision."""
        return Batch(done=self._in_batch(job, lease, now, lambda batch: batch.purge(size=size)))

    def _timed(
        self,
        job: ImportJob,
        lease: Lease,
        now: datetime,
        work: Callable[[ImportBatch], T],
        *,
        locks_workspace: bool = False,
    ) -> tuple[T, Batch]:
        """Run a batch that locks people; how long it did, and whether others write, too."""

        def attempt(connection: sa.Connection) -> tuple[T, bool]:
            force_custom_plan(connection)  # a generic plan for any cursor and any keys is usually bad here
            try:
                result = work(ImportBatch(connection=connection, job=job, lease=lease, now=now))
            except (RetryTransaction, NotFound):
                self._cache.invalidate(job.workspace_id)
                raise
            return result, self._contention.others_wrote(connection, job.workspace_id, kept_others_out=locks_workspace)

        def run() -> tuple[tuple[T, bool], float]:
            return self.database.writing_timed(attempt)

        try:
            (result, contended), seconds = self.merge_on_touch.run(job.workspace_id, run)
        except NotFound as error:  # the workspace was deleted
            raise StaleRevision(str(error)) from error
        return result, Batch(done=False, contended=contended, lock_time_ratio=seconds / MAX_HOLD)

    def _in_batch(self, job: ImportJob, lease: Lease, now: datetime, work: Callable[[ImportBatch], T]) -> T:
        """Run a batch that locks no people."""
        try:
            return self.database.writing(
                lambda connection: work(ImportBatch(connection=connection, job=job, lease=lease, now=now))
            )
        except NotFound as error:  # the workspace was deleted
            raise StaleRevision(str(error)) from error

    def _open_unit(self, connection: sa.Connection, workspace_id: int, attempt: int) -> SQLUnitOfWork:
        return open_unit_of_work(
            connection, workspace_id, attempt=attempt, exclusive=False, cache=self._cache, new_cio_id=self.new_id
        )

    def release_lease(self, job: ImportJob, lease: Lease, *, due_at: datetime) -> None:
        """Release the lease, if this worker still has it."""
        self.database.writing(lambda connection: states.release(connection, job, lease.worker, due_at))
