"""The migration of a workspace's identifiers: its modes, violations, counts and progress (identity-rules §7)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage, Step, Transition, Trigger, steps_of, transitions_of

ALLOWED_MODES: dict[Mode, frozenset[Mode]] = {
    Mode.ID_ONLY: frozenset({Mode.EMAIL_OR_ID}),
    Mode.EMAIL_ONLY: frozenset({Mode.EMAIL_OR_ID}),
    Mode.EMAIL_OR_ID: frozenset({Mode.ID_ONLY}),
}
"""The target modes of each mode in force. EmailOnly can be chosen only when a workspace is created."""


def enables_email(before: Mode, after: Mode) -> bool:
    """Whether emails become identifiers. Only then are people checked, and perhaps merged."""
    return before is Mode.ID_ONLY and after is Mode.EMAIL_OR_ID


def disables_email(before: Mode, after: Mode) -> bool:
    """Whether emails become plain attributes. People without an id stay, and only a cio_id names them."""
    return before is Mode.EMAIL_OR_ID and after is Mode.ID_ONLY


def is_mode_allowed(in_force: Mode, desired: Mode) -> bool:
    """Whether the desired mode is the mode in force, or one of its target modes."""
    return desired is in_force or desired in ALLOWED_MODES[in_force]


class Violation(StrEnum):
    """Why a person blocks a migration that enables email (identity-rules §7); values as in the export."""

    DUPLICATE_EMAIL = "duplicateEmail"
    INVALID_EMAIL = "invalidEmail"
    SUPPRESSED_EMAIL = "suppressedEmail"
    ID_IS_ANOTHER_EMAIL = "idIsAnotherEmail"


class OnConflict(StrEnum):
    """What a migration does with people who share an email (identity-rules §7: Block, Merge)."""

    BLOCK = "Block"
    MERGE = "Merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationCounts:
    """People per violation, and people in all: a person can have several violations (identity-rules §7)."""

    duplicate_email: int = 0
    invalid_email: int = 0
    suppressed_email: int = 0
    id_is_another_email: int = 0
    people_concerned: int = 0

    def by_violation(self) -> dict[Violation, int]:
        """People per violation, in the order of messages and exports."""
        return {
            Violation.DUPLICATE_EMAIL: self.duplicate_email,
            Violation.INVALID_EMAIL: self.invalid_email,
            Violation.SUPPRESSED_EMAIL: self.suppressed_email,
            Violation.ID_IS_ANOTHER_EMAIL: self.id_is_another_email,
        }

    def blocks(self, on_conflict: OnConflict) -> bool:
        """Whether a violation blocks the migration. With Merge, duplicate emails do not."""
        others = self.invalid_email or self.suppressed_email or self.id_is_another_email
        return bool(others or (self.duplicate_email and on_conflict is OnConflict.BLOCK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration of a workspace's identifiers, as stored. Every time is UTC.

    Attributes:
        workspace_id: the workspace; identifies the migration together with ``number``.
        number: the migration's number within its workspace.
        stage_since: when the present stage was entered; None in the first one, which ``requested_at`` begins.
        paused: mirrors ``spec.suspend``.
        people_total: people in the workspace, counted by the last check.
        people_checked: people that the last check has read; later, people whose future identifiers are prepared.
        people_without_id: people that have no id; an email or a cio_id names them.
        people_without_identifier: people that have neither an id nor an email; only a cio_id names them.
        people_to_merge: with Merge, people that are merged into another person at the cut-over.
        people_merged: how many of them are merged so far.
        ids_given_up: with Merge, ids that become free, since a survivor keeps one.
        export: the number of the newest violations export.
        retry_token: the last reconcile request that retried a blocked migration.
        estimated_completion: when the current stage ends at the pace so far; None while that is unknown.
        revision: grows with each step that requires a reconcile.
        progress: grows when the counts have moved since they were last reported.
    """

    workspace_id: int
    number: int
    from_mode: Mode
    to_mode: Mode
    on_conflict: OnConflict = OnConflict.BLOCK
    stage: Stage = Stage.REQUESTED
    stage_since: datetime | None = None
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
        """Whether emails become identifiers. Only then are people checked (identity-rules §7)."""
        return enables_email(self.from_mode, self.to_mode)

    @property
    def merges(self) -> bool:
        """Whether people who share an email are merged at the cut-over."""
        return self.enables_email and self.on_conflict is OnConflict.MERGE

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that the present stage needs before its next transition, in order."""
        disables = disables_email(self.from_mode, self.to_mode)
        return steps_of(self.stage, enables_email=self.enables_email, disables_email=disables, merges=self.merges)

    @property
    def transitions(self) -> Mapping[Trigger, Transition]:
        """The transitions that the present stage allows, by trigger."""
        return transitions_of(self.stage, merges=self.merges)


def estimated_completion(*, since: datetime | None, now: datetime, done: int, total: int) -> datetime | None:
    """Estimate when a stage that began at ``since`` ends at the pace so far, in whole seconds.

    ``done`` of ``total`` people are processed. None if none is processed, or the clock has not moved forward.
    """
    if since is None or done <= 0 or now <= since:
        return None
    return (now + (now - since) * max(total - done, 0) / done).replace(microsecond=0)
