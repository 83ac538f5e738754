"""Port of the merge journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workspace_operator.application.ports.accounts.audit import Actor, AuditAction, AuditEntry
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import PeopleMerged
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.references import IdentifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """An entry of the merge journal (identity-rules §5).

    Attributes:
        merge_id: unique; later merges sort after earlier ones.
        primary: the survivor before the merge.
        secondary: the person that the merge removed.
        survivor: the survivor after the merge.
        holder: cio_id of the person that has the data now: the survivor, or a person that absorbed it later.
        devices: the devices of the secondary at the time of the merge.
        segments: the manual segments that contained the secondary.
        undone_at: None while the merge is in effect.
        migration_number: the migration that made the merge; None if a command did.
    """

    merge_id: str
    workspace_id: int
    at: datetime
    automatic: bool
    primary: Person
    secondary: Person
    survivor: Person
    holder: str
    devices: Sequence[Device]
    segments: Sequence[int]
    undone_at: datetime | None
    migration_number: int | None = None

    @property
    def event(self) -> PeopleMerged:
        """The event that recorded the merge."""
        return PeopleMerged(
            primary=self.primary,
            secondary=self.secondary,
            survivor=self.survivor,
            automatic=self.automatic,
            at=int(self.at.timestamp()),
            migration_number=self.migration_number,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """Result of an unmerge: the restored person, and its identifiers that are taken or suppressed now."""

    merge: Merge
    restored: Person
    survivor: Person
    unavailable: Sequence[IdentifierKey]

    def audit_entry(self, actor: Actor) -> AuditEntry:
        """The entry of the audit log, if this was done by itself."""
        return AuditEntry(
            workspace_id=self.merge.workspace_id,
            at=self.merge.undone_at or self.merge.at,
            actor=actor,
            action=AuditAction.MERGE_UNDONE,
            subject=f"merge {self.merge.merge_id}",
            detail={
                "restored": self.restored.cio_id,
                "survivor": self.survivor.cio_id,
                "unavailable": len(self.unavailable),
            },
        )


class MergeJournal(Protocol):
    """The merge journal. Deleting or suppressing the person that holds the data purges the entry."""

    def merges(
        self, workspace_id: int, *, cio_id: str | None = None, before: str | None = None, limit: int
    ) -> Sequence[Merge]:
        """List merges, newest first; with ``cio_id`` only merges of that person, on either side."""
        ...

    def get(self, workspace_id: int, merge_id: str) -> Merge:
        """Find a merge. Raises NotFound."""
        ...

    def undo(self, workspace_id: int, merge_id: str, *, now: int, actor: Actor | None = None) -> UndoResult:
        """Restore the secondary, and record that in the audit log; without an actor, it is part of something else.

        Raises:
            NotFound: there is no such merge.
            Conflict: it is already undone, or a later merge comes first.
        """
        ...
