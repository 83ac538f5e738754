"""The entries of use cases that are not one transaction: imports, bulk deletions and downloads (cleanups §8)."""

from datetime import datetime
from typing import TYPE_CHECKING

from workspace_operator.application.ports import Actor, AuditAction, AuditEntry, Export

if TYPE_CHECKING:  # the API needs neither of them
    from workspace_operator.application.people.bulk_delete import DeletionResult
    from workspace_operator.application.people.import_summary import ImportSummary
    from workspace_operator.imports.model import ImportJob


def import_entry(
    workspace_id: int, summary: "ImportSummary", *, is_undo: bool, actor: Actor, at: datetime
) -> AuditEntry | None:
    """The entry of an import, or of the import of an undo file; None if it changed nobody."""
    if not summary.taken:
        return None
    return AuditEntry(
        workspace_id=workspace_id,
        at=at,
        actor=actor,
        action=AuditAction.IMPORT_UNDONE if is_undo else AuditAction.IMPORTED,
        detail={
            "created": summary.created,
            "updated": summary.updated,
            "unchanged": summary.unchanged,
            "in_part": summary.in_part,
            "skipped": summary.skipped,
            "rejected": summary.rejected,
        },
    )


def rejects_download_entry(job: "ImportJob", *, actor: Actor, at: datetime) -> AuditEntry:
    """The entry of the download of the rows that an import rejects; written before the first one leaves the product."""
    counts = job.counts
    return AuditEntry(
        workspace_id=job.workspace_id,
        at=at,
        actor=actor,
        action=AuditAction.DOWNLOADED,
        subject=f"import {job.number}",
        detail={"rows": counts.rejected + counts.skipped + counts.in_part},
    )


def bulk_deletion_entry(
    workspace_id: int, result: "DeletionResult", *, subject: str, actor: Actor, at: datetime
) -> AuditEntry | None:
    """The entry of a bulk deletion, whose selection is ``subject``; None if nobody was deleted."""
    if not result.deleted:
        return None
    return AuditEntry(
        workspace_id=workspace_id,
        at=at,
        actor=actor,
        action=AuditAction.DELETED,
        subject=subject,
        detail={"people": result.deleted, "missing": result.missing, "skipped": result.skipped},
    )


def download_entry(workspace_id: int, export: Export, *, actor: Actor, at: datetime) -> AuditEntry:
    """The entry of the download of an export; written before its first row leaves the product."""
    return list_download_entry(workspace_id, f"export {export.number}", rows=export.total, actor=actor, at=at)


def list_download_entry(workspace_id: int, subject: str, *, rows: int, actor: Actor, at: datetime) -> AuditEntry:
    """The entry of the download of a list, such as ``segment 3``."""
    return AuditEntry(
        workspace_id=workspace_id,
        at=at,
        actor=actor,
        action=AuditAction.DOWNLOADED,
        subject=subject,
        detail={"rows": rows},
    )
