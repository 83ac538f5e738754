"""Entries of the audit log about sessions; they concern no single workspace (cleanups §7)."""

from datetime import datetime
from typing import Final

from workspace_operator.application.ports import ACCOUNT_WIDE, Actor, AuditAction, AuditEntry, Detail, Via

UNKNOWN: Final = "unknown"
"""The actor of an attempt to sign in that tells nobody's identity, such as one by a link that was used."""


def session_entry(
    action: AuditAction, actor: str, *, at: datetime, subject: str = "", detail: Detail | None = None
) -> AuditEntry:
    """The entry of an action of somebody in the console."""
    return AuditEntry(
        workspace_id=ACCOUNT_WIDE,
        at=at,
        actor=Actor(name=actor, via=Via.CONSOLE),
        action=action,
        subject=subject,
        detail=detail or {},
    )
