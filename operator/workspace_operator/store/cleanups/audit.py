"""Entries of the audit log about cleanups, in the transactions that change them (cleanups §8)."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import Actor, AuditAction, AuditEntry, Detail
from workspace_operator.store.cleanups.rows import LockedCleanup
from workspace_operator.store.schema.cleanup_tables import audit_entry
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

SUMMARY_PERIOD: Final = timedelta(minutes=1)
"""Decisions of one actor in this time are one entry, with their number."""

MAX_RECENT: Final = 20
"""Newest entries among which the one to add to is looked for."""

_RECENT: Final = (
    sa.select(audit_entry)
    .where(audit_entry.c.workspace_id == sa.bindparam("of_workspace"))
    .order_by(audit_entry.c.entry_id.desc())
    .limit(sa.literal_column(str(MAX_RECENT)))
)
_SET_DETAIL: Final = (
    sa.update(audit_entry)
    .where(
        audit_entry.c.workspace_id == sa.bindparam("of_workspace"), audit_entry.c.entry_id == sa.bindparam("of_entry")
    )
    .values(detail=sa.bindparam("added", type_=audit_entry.c.detail.type))
)


def record(
    locked: LockedCleanup, action: AuditAction, actor: Actor, detail: Detail, *, now: datetime, new_id: CioIDGenerator
) -> None:
    """Record an action on a cleanup."""
    entry = AuditEntry(
        workspace_id=locked.workspace_id,
        at=now,
        actor=actor,
        action=action,
        subject=f"cleanup {locked.row.number}",
        detail=detail,
    )
    write_audit_entry(locked.connection, entry, new_id=new_id)


def record_decisions(
    locked: LockedCleanup, actor: Actor, *, made: int, removed: int, now: datetime, new_id: CioIDGenerator
) -> None:
    """Record decisions, or add them to the entry of the same actor of this minute."""
    own = (AuditAction.DECIDED.value, actor.name, actor.via.value, f"cleanup {locked.row.number}")
    for row in locked.connection.execute(_RECENT, {"of_workspace": locked.workspace_id}):
        if (row.action, row.actor, row.via, row.subject) == own and row.at > now - SUMMARY_PERIOD:
            added = {"made": row.detail["made"] + made, "removed": row.detail.get("removed", 0) + removed}
            key = {"of_workspace": locked.workspace_id, "of_entry": row.entry_id}
            locked.connection.execute(_SET_DETAIL, {**key, "added": added})
            return
    detail = {"made": made, "removed": removed}
    record(locked, AuditAction.DECIDED, actor, detail, now=now, new_id=new_id)
