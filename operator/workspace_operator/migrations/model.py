"""What is known of one identifier change, as a value."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.modes import enables_email
from workspace_operator.migrations.state_machine import Stage


class Violation(StrEnum):
    """Why a person stands in the way of enabling email (identity-rules §7); values as in the export."""

    DUPLICATE_EMAIL = "duplicateEmail"
    INVALID_EMAIL = "invalidEmail"
    SUPPRESSED_EMAIL = "suppressedEmail"
    ID_IS_ANOTHER_EMAIL = "idIsAnotherEmail"


class OnConflict(StrEnum):
    """What an identifier change does with people who share an address (identity-rules §7: Block, Merge)."""

    BLOCK = "Block"
    MERGE = "Merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationCounts:
    """People per violation, and people in all: somebody may have several (identity-rules §7)."""

    duplicate_email: int = 0
    invalid_email: int = 0
    suppressed_email: int = 0
    id_is_another_email: int = 0
    people_concerned: int = 0

    def by_violation(self) -> dict[Violation, int]:
        """People per violation, in the order in which they are told."""
        return {
            Violation.DUPLICATE_EMAIL: self.duplicate_email,
            Violation.INVALID_EMAIL: self.invalid_email,
            Violation.SUPPRESSED_EMAIL: self.suppressed_email,
            Violation.ID_IS_ANOTHER_EMAIL: self.id_is_another_email,
        }

    def blocks(self, on_conflict: OnConflict) -> bool:
        """Whether anybody does; with Merge, people who share an address do not."""
        others = self.invalid_email or self.suppressed_email or self.id_is_another_email
        return bool(others or (self.duplicate_email and on_conflict is OnConflict.BLOCK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One identifier change as the store knows it; every time is UTC.

    ``workspace_id`` and ``number`` name it; ``revision`` grows with each step that is worth a look, ``progress``
    whenever the numbers have moved since they were last worth one. ``paused`` mirrors ``spec.suspend``.
    ``retry_token`` is the last reconcile request that asked for a blocked change to be tried again. ``export`` is the
    number of its newest violations export.

    Attributes:
        people_total: as counted by the last check.
        people_checked: those of them that were checked, and since then: whose future identifiers are prepared.
        people_without_id: those who have no id; they are reached by email or cio_id.
        people_without_identifier: those who have neither an id nor an address, and are reached by cio_id only.
        people_to_merge: with Merge, who becomes part of somebody else at the switch.
        people_merged: how many of these have been put together since.
        ids_given_up: with Merge, ids that become free, since a survivor keeps one.
        estimated_completion: when the present stage should be through; None while nobody can say.
    """

    workspace_id: int
    number: int
    from_mode: Mode
    to_mode: Mode
    on_conflict: OnConflict = OnConflict.BLOCK
    stage: Stage = Stage.REQUESTED
    paused: bool = False
    requested_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    people_total: int = 0
    people_checked: int = 0
    people_without_id: int = 0
    people_without_identifier: int = 0
    people_to_merge: int = 0
    people_merged: int = 0
    ids_given_up: int = 0
    violations: ViolationCounts = field(default_factory=ViolationCounts)
    export: int | None = None
    retry_token: str = ""
    estimated_completion: datetime | None = None
    revision: int = 0
    progress: int = 0

    @property
    def enables_email(self) -> bool:
        """Whether addresses become identifiers that were none: only then people are validated (identity-rules §7)."""
        return enables_email(self.from_mode, self.to_mode)

    @property
    def merges(self) -> bool:
        """Whether people who share an address become one at the switch."""
        return self.enables_email and self.on_conflict is OnConflict.MERGE
