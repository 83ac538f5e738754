"""The audit log, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.database import InMemoryDatabase
from workspace_operator.application.ports import AuditEntry, RecordedEntry


@dataclass(frozen=True, slots=True)
class FakeAuditLog:
    """Implements the port ``AuditLog``."""

    memory: InMemoryDatabase

    def record(self, entry: AuditEntry) -> None:
        record(self.memory, entry)

    def entries(self, workspace_id: int, *, before: str | None = None, limit: int) -> Sequence[RecordedEntry]:
        found = [
            each
            for each in reversed(self.memory.audit_entries)
            if each.workspace_id == workspace_id and (before is None or each.entry_id < before)
        ]
        return found[:limit]

    def purge(self, *, before: datetime, size: int) -> int:
        first = f"{int(before.timestamp() * 1000):012x}"
        old = [each for each in self.memory.audit_entries if each.entry_id < first][:size]
        self.memory.audit_entries = [each for each in self.memory.audit_entries if each not in old]
        return len(old)


def record(memory: InMemoryDatabase, entry: AuditEntry) -> None:
    """Append an entry, as the transaction does that it is about."""
    memory.last_entry += 1
    recorded = RecordedEntry(
        workspace_id=entry.workspace_id,
        entry_id=f"{int(memory.clock().timestamp() * 1000):012x}{memory.last_entry:012x}",
        at=entry.at,
        actor=entry.actor.name,
        via=entry.actor.via,
        action=entry.action,
        subject=entry.subject,
        detail=dict(entry.detail),
    )
    memory.audit_entries.append(recorded)
