"""The journal of merges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import PeopleMerged
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.references import IdentifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge as the journal has it (identity-rules §5).

    Attributes:
        merge_id: names it; later ones sort after earlier ones.
        primary: the survivor before.
        secondary: who ceased to exist.
        survivor: what the merge made of both.
        holder: the cio_id of whoever has the data now: the survivor, or who absorbed the survivor since.
        devices: the secondary's at that moment.
        segments: the manual segments that the secondary was in.
        undone_at: None as long as it stands.
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

    @property
    def event(self) -> PeopleMerged:
        """The merge as the trail had it."""
        return PeopleMerged(
            primary=self.primary,
            secondary=self.secondary,
            survivor=self.survivor,
            automatic=self.automatic,
            at=int(self.at.timestamp()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """What an undo brought back: the person, and which of their identifiers are somebody else's or blocked now."""

    merge: Merge
    restored: Person
    survivor: Person
    unavailable: Sequence[IdentifierKey]


class MergeJournal(Protocol):
    """The journal of merges. Deleting or suppressing whoever holds the data purges it."""

    def merges(
        self, workspace_id: int, *, cio_id: str | None = None, before: str | None = None, limit: int
    ) -> Sequence[Merge]:
        """List merges, newest first; of one person on either side."""
        ...

    def get(self, workspace_id: int, merge_id: str) -> Merge:
        """Find a merge. Raises NotFound."""
        ...

    def undo(self, workspace_id: int, merge_id: str, *, now: int) -> UndoResult:
        """Bring the secondary back. Raises NotFound; Conflict if it is undone, or a later one is first."""
        ...
