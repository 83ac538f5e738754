"""The audit log in the database. `audit_rows` writes entries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from workspace_operator.application.ports import ACCOUNT_WIDE, AuditEntry, RecordedEntry
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.cleanup_tables import audit_entry
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import workspace
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator, first_id_at

_IS_OLD = sa.and_(
    audit_entry.c.workspace_id == sa.bindparam("of_workspace"), audit_entry.c.entry_id < sa.bindparam("before")
)

_ANY_OLD = sa.select(audit_entry.c.entry_id).where(_IS_OLD).limit(sa.literal_column("1"))

_DELETE_OLD = sa.delete(audit_entry).where(
    audit_entry.c.workspace_id == sa.bindparam("of_workspace"),
    audit_entry.c.entry_id.in_(sa.select(audit_entry.c.entry_id).where(_IS_OLD).limit(sa.bindparam("size"))),
)


@dataclass(frozen=True, slots=True)
class SQLAuditLog:
    """Implements the port ``AuditLog``."""

    database: Database
    new_id: CioIDGenerator = field(default_factory=CioIDGenerator)

    def record(self, entry: AuditEntry) -> None:
        """Write an entry in a transaction of its own."""
        self.database.writing(lambda connection: write_audit_entry(connection, entry, new_id=self.new_id))

    def entries(self, workspace_id: int, *, before: str | None = None, limit: int) -> Sequence[RecordedEntry]:
        """List the entries of a workspace, newest first, optionally only those before an ``entry_id``."""
        query = sa.select(audit_entry).where(audit_entry.c.workspace_id == workspace_id)
        if before is not None:
            query = query.where(audit_entry.c.entry_id < before)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(audit_entry.c.entry_id.desc()).limit(limit))
            return [_entry_of(row) for row in rows]

    def purge(self, *, before: datetime, size: int) -> int:
        """Delete up to ``size`` entries of all workspaces before a time; return their number."""
        first = first_id_at(before)
        with self.database.reading() as connection:
            numbers = connection.execute(sa.select(workspace.c.workspace_id)).scalars().all()
            # Only write where old entries are: usually, there are none.
            concerned = [number for number in (ACCOUNT_WIDE, *numbers) if _has_older(connection, number, first)]
        deleted = 0
        for number in concerned:
            if deleted < size:
                deleted += self._delete_old(number, first, size - deleted)
        return deleted

    def _delete_old(self, workspace_id: int, before: str, size: int) -> int:
        parameters = {"of_workspace": workspace_id, "before": before, "size": size}
        return self.database.writing(lambda connection: connection.execute(_DELETE_OLD, parameters).rowcount)


def _has_older(connection: sa.Connection, workspace_id: int, before: str) -> bool:
    return connection.execute(_ANY_OLD, {"of_workspace": workspace_id, "before": before}).first() is not None


def _entry_of(row: Row) -> RecordedEntry:
    return RecordedEntry(
        workspace_id=row.workspace_id,
        entry_id=row.entry_id,
        at=row.at,
        actor=row.actor,
        via=row.via,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
    )
