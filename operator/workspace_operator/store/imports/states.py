"""Transitions of an import that somebody asks for.

The lock order is that of migrations, with the import last: workspace lock, people, workspace row, import.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import Actor
from workspace_operator.errors import Conflict, StaleRevision
from workspace_operator.imports.model import AT_WORK, OPEN, PREPARED, FileFacts, ImportJob, ImportMapping, ImportState
from workspace_operator.store.imports.rows import (
    COUNTERS,
    LockedImport,
    facts_document,
    job_of,
    lock_import,
    mapping_document,
)
from workspace_operator.store.schema.import_tables import import_chunk, import_job, import_reject
from workspace_operator.store.schema.tables import workspace
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive, read_settings

UPLOAD_PAUSE: Final = timedelta(minutes=10)
"""How long nothing may arrive of a file until its upload counts as given up."""

IDLE: Final = timedelta(days=7)
"""How long an import may wait for somebody before it is discarded, since its file has values of people."""

FILE_PERIOD: Final = timedelta(days=1)
"""How long the file of an import that has ended is kept."""

_RELEASED: Final = {"lease_owner": "", "lease_expires_at": None}
_NEXT_STEP: Final = {
    ImportState.UPLOADING: "its file is arriving: wait until it is there",
    ImportState.UPLOADED: "choose its columns, or discard it",
    ImportState.MAPPED: "try it, or discard it",
    ImportState.CHECKING: "wait until it was tried, or stop it",
    ImportState.CHECKED: "run it, or discard it",
    ImportState.RUNNING: "wait until it is done, or stop it",
    ImportState.UNDOING: "wait until it is undone, or stop it",
}


def open_import(connection: sa.Connection, workspace_id: int, *, file_name: str, actor: str, now: datetime) -> int:
    """Begin an import, and return its number. Raises NotFound, and Conflict if another is under way."""
    # The exclusive lock lets no one else begin one, and makes every process read the workspace's settings again.
    lock_exclusive(connection, workspace_id)
    read_settings(connection, workspace_id)
    _raise_if_another_is_open(connection, workspace_id)
    newest = sa.select(sa.func.max(import_job.c.number)).where(import_job.c.workspace_id == workspace_id)
    number = (connection.execute(newest).scalar_one() or 0) + 1
    values: dict[str, object] = {
        "workspace_id": workspace_id,
        "number": number,
        "state": ImportState.UPLOADING.value,
        "file_name": file_name,
        "changes": [],
        **dict.fromkeys((*COUNTERS, "cursor", "people", "blocking", "undone", "undone_in_part", "not_undone"), 0),
        "stop_requested": False,
        "created_at": now,
        "created_by": actor,
        "due_at": now + UPLOAD_PAUSE,
        "lease_owner": "",
    }
    connection.execute(sa.insert(import_job).values(values))
    update = sa.update(workspace).where(workspace.c.workspace_id == workspace_id)
    connection.execute(update.values(keeps_cleanups=True))
    return number


def _raise_if_another_is_open(connection: sa.Connection, workspace_id: int, *, number: int = 0) -> None:
    is_open = import_job.c.state.in_(sorted(state.value for state in OPEN))
    query = sa.select(import_job.c.number, import_job.c.state).where(
        import_job.c.workspace_id == workspace_id, is_open, import_job.c.number != number
    )
    other = connection.execute(query.limit(1)).one_or_none()
    if other is not None:
        step = _NEXT_STEP[ImportState(other.state)]
        raise Conflict(f"import {other.number} is {other.state}, and a workspace has one at a time: {step}")


def lock_upload(connection: sa.Connection, job: ImportJob) -> LockedImport:
    """Lock an import whose file arrives. Raises StaleRevision if it does not any more."""
    locked = lock_import(connection, job.workspace_id, job.number)
    if locked.state is not ImportState.UPLOADING or locked.row.created_at != job.created_at:
        raise StaleRevision(f"the upload of import {job.number} took too long and was given up: upload the file again")
    return locked


def finish_upload(connection: sa.Connection, job: ImportJob, facts: FileFacts, *, now: datetime) -> None:
    """The file is complete. Raises StaleRevision."""
    locked = lock_upload(connection, job)
    locked.update(state=ImportState.UPLOADED.value, facts=facts_document(facts), due_at=now + IDLE)


def set_mapping(
    connection: sa.Connection, workspace_id: int, number: int, mapping: ImportMapping, *, now: datetime
) -> None:
    """Choose the columns. Raises NotFound and Conflict."""
    locked = _lock_prepared(connection, workspace_id, number, "its columns cannot be chosen any more")
    forget_results(locked)
    locked.update(state=ImportState.MAPPED.value, mapping=mapping_document(mapping), due_at=now + IDLE)


def request_check(connection: sa.Connection, workspace_id: int, number: int, *, now: datetime) -> None:
    """Have the worker try the rows. Raises NotFound and Conflict."""
    locked = _lock_prepared(connection, workspace_id, number, "it cannot be tried any more")
    if locked.row.mapping is None:
        raise Conflict(f"import {number} is {locked.state.value}: choose its columns first")
    forget_results(locked)
    locked.update(state=ImportState.CHECKING.value, due_at=now, stop_requested=False, **_RELEASED)


def request_run(
    connection: sa.Connection, workspace_id: int, number: int, *, seen: str | None, actor: Actor, now: datetime
) -> None:
    """Have the worker import the rows. Raises NotFound, Conflict and StaleRevision."""
    locked = lock_import(connection, workspace_id, number)
    if locked.state is not ImportState.CHECKED:
        advice = "try it first" if locked.state in PREPARED else "it cannot be run"
        raise Conflict(f"import {number} is {locked.state.value}: {advice}")
    mapping = job_of(locked.row).mapping
    if seen is not None and (mapping is None or mapping.version != seen):
        raise StaleRevision(
            f"the columns of import {number} were chosen again in the meantime: check what would happen now"
        )
    forget_results(locked)
    locked.update(
        state=ImportState.RUNNING.value,
        run_at=now,
        run_by=actor.name,
        run_via=actor.via.value,
        due_at=now,
        stop_requested=False,
        **_RELEASED,
    )


def request_stop(
    connection: sa.Connection, workspace_id: int, number: int, *, among: Collection[ImportState], now: datetime
) -> LockedImport:
    """Have the worker stop after the present batch. Raises NotFound and Conflict."""
    locked = lock_import(connection, workspace_id, number)
    if locked.state not in AT_WORK:
        raise Conflict(f"import {number} is {locked.state.value}: there is nothing to stop")
    if locked.state not in among:
        raise Conflict(f"import {number} is {locked.state.value}: only somebody who may undo it can stop that")
    locked.update(stop_requested=True, due_at=now)
    return locked


def request_undo(connection: sa.Connection, workspace_id: int, number: int, *, now: datetime) -> LockedImport:
    """Have the worker undo an import. Raises NotFound and Conflict."""
    lock_exclusive(connection, workspace_id)  # lets no one else begin an import
    locked = lock_import(connection, workspace_id, number)
    row = locked.row
    if locked.state is not ImportState.DONE:
        raise Conflict(f"import {number} is {locked.state.value}: only one that is done can be undone")
    if row.undo_until is None or row.undo_until <= now:
        raise Conflict(f"import {number} cannot be undone any more")
    if row.people <= row.undone + row.undone_in_part:
        raise Conflict(f"import {number} changed nobody, or all of it is undone")
    _raise_if_another_is_open(connection, workspace_id, number=number)
    locked.update(
        state=ImportState.UNDOING.value,
        not_undone=0,
        cursor=row.facts["rows"] + 1,
        due_at=now,
        stop_requested=False,
        **_RELEASED,
    )
    return locked


def discard(connection: sa.Connection, workspace_id: int, number: int, *, now: datetime) -> LockedImport:
    """End an import before it runs. Raises NotFound and Conflict."""
    locked = _lock_prepared(connection, workspace_id, number, "it cannot be discarded")
    end_prepared(locked, now)
    return locked


def end_prepared(locked: LockedImport, now: datetime) -> None:
    """Discard a locked import that was not run: its file goes at once."""
    locked.update(state=ImportState.DISCARDED.value, ended_at=now, file_until=now, due_at=now, **_RELEASED)


def _lock_prepared(connection: sa.Connection, workspace_id: int, number: int, refusal: str) -> LockedImport:
    locked = lock_import(connection, workspace_id, number)
    if locked.state not in PREPARED:
        raise Conflict(f"import {number} is {locked.state.value}: {refusal}")
    return locked


def forget_results(locked: LockedImport) -> None:
    """Forget what a dry run found."""
    locked.connection.execute(sa.delete(import_reject).where(locked.of_import(import_reject)))
    locked.update(changes=[], cursor=0, blocking=0, **dict.fromkeys(COUNTERS, 0))


def delete_upload(connection: sa.Connection, locked: LockedImport) -> None:
    """Delete an import whose file did not arrive."""
    connection.execute(sa.delete(import_chunk).where(locked.of_import(import_chunk)))
    key = {"workspace_id": locked.workspace_id, "number": locked.row.number}
    connection.execute(sa.delete(import_job).filter_by(**key))


def release(connection: sa.Connection, job: ImportJob, worker: str, due_at: datetime) -> None:
    """Release a worker's lease on an import, if it still has it."""
    key = {"workspace_id": job.workspace_id, "number": job.number, "lease_owner": worker}
    connection.execute(sa.update(import_job).filter_by(**key).values(due_at=due_at, **_RELEASED))
