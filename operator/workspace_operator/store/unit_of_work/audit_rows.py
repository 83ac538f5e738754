"""Writes entries of the audit log, in the transaction that does what they say, and as lines of the process log."""

import logging

import sqlalchemy as sa

from workspace_operator.application.ports import AuditEntry
from workspace_operator.log_lines import LogLine, fields_text
from workspace_operator.store.schema.cleanup_tables import audit_entry
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

logger = logging.getLogger(__name__)

_INSERT = sa.insert(audit_entry)


def write_audit_entry(connection: sa.Connection, entry: AuditEntry, *, new_id: CioIDGenerator) -> None:
    """Write an entry; its line is logged when the transaction commits, and not if it is rolled back."""
    values = {
        "workspace_id": entry.workspace_id,
        "entry_id": new_id(),
        "at": entry.at,
        "actor": entry.actor.name,
        "via": entry.actor.via.value,
        "action": entry.action.value,
        "subject": entry.subject,
        "detail": dict(entry.detail),
    }
    connection.execute(_INSERT, values)
    line = LogLine(
        "audit",
        workspace=entry.workspace_id,
        actor=entry.actor.name,
        via=entry.actor.via.value,
        action=entry.action.value,
        subject=entry.subject,
        detail=fields_text(entry.detail),
    )
    # The connection object lives as long as this attempt of the transaction.
    sa.event.listen(connection, "commit", lambda _: logger.info(line), once=True)
