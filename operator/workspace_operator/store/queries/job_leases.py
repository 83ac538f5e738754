"""Leases on jobs that the worker finds without a workspace: cleanups and imports."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from workspace_operator.application.ports import MAX_DUE_DELAY, Lease
from workspace_operator.store.engine.databases import Database


class JobKey(NamedTuple):
    """The key of a job."""

    workspace_id: int
    number: int


def claim_job(
    database: Database,
    job: sa.Table,
    lease: Lease,
    *,
    now: datetime,
    waiting_states: Collection[str],
    workspace_id: int | None,
) -> JobKey | None:
    """Lease a job that is due, and return its key; None if none is due.

    A time too far in the future was written before the clock was set back, unless the job is in a state in which it
    waits that long.
    """
    is_free = sa.or_(
        job.c.lease_expires_at.is_(None),
        job.c.lease_expires_at <= now,
        job.c.lease_expires_at > now + MAX_DUE_DELAY,
        job.c.lease_owner == lease.worker,
    )
    is_late = sa.and_(job.c.due_at > now + MAX_DUE_DELAY, job.c.state.not_in(sorted(waiting_states)))
    is_due = sa.and_(job.c.due_at.is_not(None), sa.or_(job.c.due_at <= now, is_late))
    due = sa.select(job.c.workspace_id, job.c.number).where(is_due, is_free)
    if workspace_id is not None:
        due = due.where(job.c.workspace_id == workspace_id)
    with database.reading() as connection:  # without a lock, since usually nothing is due
        first = connection.execute(due.order_by(job.c.due_at).limit(1)).one_or_none()
    if first is None:
        return None
    is_first = sa.and_(job.c.workspace_id == first.workspace_id, job.c.number == first.number)

    def work(connection: sa.Connection) -> JobKey | None:
        if connection.execute(due.where(is_first).with_for_update(skip_locked=True)).one_or_none() is None:
            return None  # another worker was first; the next call finds another job
        values = {"lease_owner": lease.worker, "lease_expires_at": now + lease.duration}
        connection.execute(sa.update(job).where(is_first).values(values))
        return JobKey(first.workspace_id, first.number)

    return database.writing(work)
