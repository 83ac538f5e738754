"""A cleanup with its numbers, and a decision as it is kept (cleanups §1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from workspace_operator.cleanups.decisions import Decision, DecisionKind


class CleanupState(StrEnum):
    """Where a cleanup is; values as in the API."""

    DRAFT = "Draft"
    COUNTING = "Counting"
    """A draft whose decisions are counted anew, since the list of people that block the migration is a new one."""
    APPLYING = "Applying"
    APPLIED = "Applied"
    UNDOING = "Undoing"
    UNDONE = "Undone"
    DISCARDED = "Discarded"


DRAFTS: Final = frozenset({CleanupState.DRAFT, CleanupState.COUNTING})
"""States in which decisions can be made."""

AT_WORK: Final = frozenset({CleanupState.APPLYING, CleanupState.UNDOING})
"""States in which a worker applies or undoes decisions."""

CARRIED_OUT: Final = frozenset({CleanupState.APPLIED, CleanupState.UNDONE})
"""States after a cleanup was applied, as a whole or in part, whether it was undone or not."""

OPEN: Final = DRAFTS | AT_WORK
"""States in which a cleanup has not ended; a workspace has at most one such cleanup."""


class Outcome(StrEnum):
    """What became of a decision; values as in the API."""

    APPLIED = "applied"
    SKIPPED = "skipped"
    UNDO_REQUESTED = "undoRequested"
    UNDONE = "undone"
    UNDONE_IN_PART = "undoneInPart"
    NOT_UNDONE = "notUndone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleanup:
    """A cleanup of a workspace.

    Attributes:
        number: unique in the workspace, from 1.
        version: grows with every change of the draft.
        decisions: number of decisions by kind, also those without effect.
        refused: number of decisions without effect (cleanups §3).
        deletions: number of people that applying would delete.
        people_blocking: people that block the migration now; None if they are not counted.
        people_blocking_after: people that would block it after the decisions; None while they are counted.
        applied: decisions that were carried out, also those that were undone since.
        undo_until: until when it can be undone; None: not at all.
        undoes_all: whether the last undo was one of all decisions.
    """

    workspace_id: int
    number: int
    migration_number: int
    state: CleanupState
    version: int
    decisions: Mapping[DecisionKind, int]
    refused: int
    deletions: int
    people_blocking: int | None
    people_blocking_after: int | None
    applied: int
    skipped: int
    undone: int
    undone_in_part: int
    not_undone: int
    created_at: datetime
    created_by: str
    applied_at: datetime | None
    applied_by: str | None
    ended_at: datetime | None
    undo_until: datetime | None
    undoes_all: bool = False

    @property
    def total(self) -> int:
        """Number of decisions."""
        return sum(self.decisions.values())

    @property
    def left(self) -> int:
        """Number of decisions that were not tried: of a cleanup that was applied, those that a stop has left."""
        return self.total - self.applied - self.skipped

    @property
    def tried_to_undo(self) -> int:
        """Number of decisions that were undone, in part or as a whole, or could not be undone."""
        return self.undone + self.undone_in_part + self.not_undone

    @property
    def has_stopped_undo(self) -> bool:
        """Whether an undo of all decisions was stopped before it came to all."""
        return self.state is CleanupState.APPLIED and self.undoes_all and self.tried_to_undo < self.applied

    def can_be_continued(self, now: datetime) -> bool:
        """Whether decisions that a stop has left can be carried out: as long as nothing was undone, and could be."""
        return self.can_be_undone(now) and self.left > 0 and not (self.undone or self.undone_in_part)

    def can_be_undone(self, now: datetime) -> bool:
        """Whether decisions that were carried out can be undone."""
        return self.state is CleanupState.APPLIED and self.undo_until is not None and now < self.undo_until


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """A decision of a cleanup.

    Attributes:
        seen_email_key: the person's e-mail key when the decision was made; None without one.
        seen_survivor_key: the same of the person to merge into; None if the decision is no merge.
        rule_position: the rule that made the decision; None if somebody made it.
        refusal: why it has no effect; None if it has one.
        reason: why it was skipped, or not undone as a whole.
        merge_id: of a merge that was carried out.
    """

    cio_id: str
    decision: Decision
    seen_email_key: str | None
    decided_at: datetime
    decided_by: str
    seen_survivor_key: str | None = None
    rule_position: int | None = None
    refusal: str | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    merge_id: str | None = None
