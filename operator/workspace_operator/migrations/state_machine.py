"""The stages of a migration, and the transitions between them (design §6)."""

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


TRANSITIONS: dict[Stage, frozenset[Stage]] = {
    Stage.REQUESTED: frozenset({Stage.CHECKING, Stage.BLOCKED, Stage.CANCELLED}),
    Stage.CHECKING: frozenset({Stage.PREPARING, Stage.BLOCKED, Stage.CANCELLED}),
    # Back to Checking: an export of violations discards the prepared identifiers.
    Stage.PREPARING: frozenset({Stage.SWITCHED, Stage.CHECKING, Stage.BLOCKED, Stage.CANCELLED}),
    Stage.SWITCHED: frozenset({Stage.MERGING, Stage.COMPLETED}),
    Stage.MERGING: frozenset({Stage.COMPLETED}),
    Stage.BLOCKED: frozenset({Stage.CHECKING, Stage.CANCELLED}),
    Stage.COMPLETED: frozenset(),
    Stage.CANCELLED: frozenset(),
}

TERMINAL = frozenset({Stage.COMPLETED, Stage.CANCELLED})
"""A workspace has at most one migration in any other stage."""

BEFORE_CUTOVER = frozenset({Stage.REQUESTED, Stage.CHECKING, Stage.PREPARING, Stage.BLOCKED})
"""The stages in which a migration can be cancelled; nothing of it remains."""
