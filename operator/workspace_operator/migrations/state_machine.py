"""The stages of an identifier change, and which may follow which (design §6)."""

from enum import StrEnum


class Stage(StrEnum):
    """Where an identifier change stands."""

    REQUESTED = "Requested"
    CHECKING = "Checking"
    PREPARING = "Preparing"
    SWITCHED = "Switched"
    MERGING = "Merging"
    COMPLETED = "Completed"
    BLOCKED = "Blocked"
    CANCELLED = "Cancelled"


TRANSITIONS: dict[Stage, frozenset[Stage]] = {
    Stage.REQUESTED: frozenset({Stage.CHECKING, Stage.BLOCKED, Stage.CANCELLED}),
    Stage.CHECKING: frozenset({Stage.PREPARING, Stage.BLOCKED, Stage.CANCELLED}),
    # Back to Checking: a report of violations gives up what was prepared.
    Stage.PREPARING: frozenset({Stage.SWITCHED, Stage.CHECKING, Stage.BLOCKED, Stage.CANCELLED}),
    Stage.SWITCHED: frozenset({Stage.MERGING, Stage.COMPLETED}),
    Stage.MERGING: frozenset({Stage.COMPLETED}),
    Stage.BLOCKED: frozenset({Stage.CHECKING, Stage.CANCELLED}),
    Stage.COMPLETED: frozenset(),
    Stage.CANCELLED: frozenset(),
}

TERMINAL = frozenset({Stage.COMPLETED, Stage.CANCELLED})
"""A workspace has at most one identifier change that has not ended."""

BEFORE_CUTOVER = frozenset({Stage.REQUESTED, Stage.CHECKING, Stage.PREPARING, Stage.BLOCKED})
"""May still be taken back without a trace."""
