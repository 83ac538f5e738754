"""The state machine of a migration: stages, transitions between them, steps of each stage (design §6).

`Migration.transitions` and `Migration.steps` are those of its stage. The worker and the operator choose a transition;
the store makes no other one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The stage of a migration."""

    REQUESTED = "Requested"
    CHECKING = "Checking"
    PREPARING = "Preparing"
    SWITCHED = "Switched"
    MERGING = "Merging"
    COMPLETED = "Completed"
    BLOCKED = "Blocked"
    CANCELLED = "Cancelled"


class Trigger(StrEnum):
    """What causes a transition."""

    ADVANCE = "advance"  # the worker has run the steps of the stage
    CUT_OVER = "cut over"  # the worker puts the new rules in force, since no person blocks the migration
    BLOCK = "block"  # the worker has written an export of the people who block the migration
    DISCARD_BACKFILL = "discard backfill"  # the worker starts an export, and reuses the change log for it
    FIX = "fix"  # the export is empty, since the last violation was fixed meanwhile
    CANCEL = "cancel"  # the operator cancels the migration, since the spec has changed


class Step(StrEnum):
    """Work of a stage that the worker runs in batches."""

    BACKFILL = "backfill"
    APPLY_CHANGE_LOG = "apply change log"
    MERGE = "merge"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class Transition:
    """An allowed transition.

    Attributes:
        source: the stage before.
        trigger: what causes the transition.
        target: the stage after; the same as before if only the counts or the export change.
        exclusive: whether it needs the exclusive workspace lock, so that every command runs entirely before or after.
        merges: the guard: whether the migration merges people; None allows both.
    """

    source: Stage
    trigger: Trigger
    target: Stage
    exclusive: bool = False
    merges: bool | None = None


TRANSITIONS = (
    Transition(Stage.REQUESTED, Trigger.ADVANCE, Stage.CHECKING),
    Transition(Stage.REQUESTED, Trigger.BLOCK, Stage.BLOCKED),  # `plan` skips the stages in between
    Transition(Stage.REQUESTED, Trigger.CANCEL, Stage.CANCELLED, exclusive=True),
    Transition(Stage.CHECKING, Trigger.ADVANCE, Stage.PREPARING, exclusive=True),
    Transition(Stage.CHECKING, Trigger.BLOCK, Stage.BLOCKED),
    Transition(Stage.CHECKING, Trigger.FIX, Stage.CHECKING),
    Transition(Stage.CHECKING, Trigger.CANCEL, Stage.CANCELLED, exclusive=True),
    Transition(Stage.PREPARING, Trigger.CUT_OVER, Stage.SWITCHED, exclusive=True),
    Transition(Stage.PREPARING, Trigger.BLOCK, Stage.BLOCKED),
    Transition(Stage.PREPARING, Trigger.DISCARD_BACKFILL, Stage.CHECKING),
    Transition(Stage.PREPARING, Trigger.FIX, Stage.PREPARING),
    Transition(Stage.PREPARING, Trigger.CANCEL, Stage.CANCELLED, exclusive=True),
    Transition(Stage.SWITCHED, Trigger.ADVANCE, Stage.MERGING, merges=True),
    Transition(Stage.SWITCHED, Trigger.ADVANCE, Stage.COMPLETED, merges=False),
    Transition(Stage.MERGING, Trigger.ADVANCE, Stage.COMPLETED, exclusive=True),
    Transition(Stage.BLOCKED, Trigger.ADVANCE, Stage.CHECKING),
    Transition(Stage.BLOCKED, Trigger.BLOCK, Stage.BLOCKED),
    Transition(Stage.BLOCKED, Trigger.FIX, Stage.CHECKING),
    Transition(Stage.BLOCKED, Trigger.CANCEL, Stage.CANCELLED, exclusive=True),
)

TERMINAL = frozenset(Stage) - {transition.source for transition in TRANSITIONS}
"""The final stages. A workspace has at most one migration in another stage."""

BEFORE_CUTOVER = frozenset(row.source for row in TRANSITIONS if row.trigger is Trigger.CANCEL)
"""The stages in which a migration can be cancelled."""

COUNTING = frozenset({Stage.CHECKING, Stage.BLOCKED})
"""The stages in which the worker counts people and violations before any step."""


def transitions_of(stage: Stage, *, merges: bool) -> Mapping[Trigger, Transition]:
    """The transitions that a stage allows, by trigger."""
    return {row.trigger: row for row in TRANSITIONS if row.source is stage and row.merges in (None, merges)}


def steps_of(stage: Stage, *, enables_email: bool, disables_email: bool, merges: bool) -> tuple[Step, ...]:
    """The steps that a stage needs before its next transition, in order."""
    match stage:
        case Stage.CHECKING if enables_email:
            return (Step.PURGE,)  # rows of an earlier migration
        case Stage.PREPARING if enables_email:
            return (Step.BACKFILL, Step.APPLY_CHANGE_LOG)
        case Stage.SWITCHED if disables_email or (enables_email and not merges):
            return (Step.PURGE,)
        case Stage.MERGING:
            return (Step.MERGE, Step.PURGE)
        case Stage.CANCELLED:
            return (Step.PURGE,)
        case _:
            return ()
