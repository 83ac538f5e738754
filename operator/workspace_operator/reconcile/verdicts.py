"""How a reconcile ends when there is nothing more to do: the reasons of condition Ready (design §4)."""

from dataclasses import dataclass
from enum import StrEnum

from workspace_operator.resources import statuses


class Reason(StrEnum):
    """Why Ready has its status; also the reason of the event that tells of it."""

    PENDING = statuses.PENDING
    PROGRESSING = "Progressing"
    IN_FORCE = "InForce"
    MIGRATION_RUNNING = "MigrationRunning"
    MIGRATION_BLOCKED = "MigrationBlocked"
    NAME_CONFLICT = "NameConflict"
    OWNERSHIP_CONFLICT = "OwnershipConflict"
    WORKSPACE_MISSING = "WorkspaceMissing"
    GENERATION_WENT_BACK = "GenerationWentBack"
    CREDENTIALS_CONFLICT = "CredentialsConflict"
    CREDENTIALS_REFUSED = "CredentialsRefused"
    STORE_UNAVAILABLE = "StoreUnavailable"
    SUSPENDED = "Suspended"
    INVALID_SPEC = "InvalidSpec"
    DELETION_NOT_CONFIRMED = "DeletionNotConfirmed"


class Footing(StrEnum):
    """What condition stands beside Ready."""

    SETTLED = "Settled"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


FOOTINGS: dict[Reason, Footing] = {
    Reason.PENDING: Footing.RECONCILING,
    Reason.PROGRESSING: Footing.RECONCILING,
    Reason.IN_FORCE: Footing.SETTLED,
    Reason.MIGRATION_RUNNING: Footing.RECONCILING,
    Reason.STORE_UNAVAILABLE: Footing.RECONCILING,
    Reason.MIGRATION_BLOCKED: Footing.STALLED,
    Reason.NAME_CONFLICT: Footing.STALLED,
    Reason.OWNERSHIP_CONFLICT: Footing.STALLED,
    Reason.WORKSPACE_MISSING: Footing.STALLED,
    Reason.GENERATION_WENT_BACK: Footing.STALLED,
    Reason.CREDENTIALS_CONFLICT: Footing.STALLED,
    Reason.CREDENTIALS_REFUSED: Footing.STALLED,
    Reason.SUSPENDED: Footing.STALLED,
    Reason.INVALID_SPEC: Footing.STALLED,
    Reason.DELETION_NOT_CONFIRMED: Footing.STALLED,
}
"""Stalled says that a person must act; Reconciling that waiting is enough."""

WARNINGS = frozenset(reason for reason, footing in FOOTINGS.items() if footing is Footing.STALLED) | {
    Reason.STORE_UNAVAILABLE
}
"""Reasons whose event is a Warning."""

UNDECIDED = frozenset({Reason.PENDING, Reason.PROGRESSING})
"""Reasons with which Ready is Unknown."""

LOOKED_AT_AGAIN = frozenset(
    {
        Reason.NAME_CONFLICT,
        Reason.OWNERSHIP_CONFLICT,
        Reason.PROGRESSING,
        Reason.WORKSPACE_MISSING,
        Reason.CREDENTIALS_CONFLICT,
        Reason.CREDENTIALS_REFUSED,
        Reason.STORE_UNAVAILABLE,
    }
)
"""What may pass without any change of the resource or of its identifier change, so nothing would tell us."""

UNHANDLED = frozenset({Reason.PROGRESSING, Reason.STORE_UNAVAILABLE, Reason.SUSPENDED, Reason.WORKSPACE_MISSING})
"""A request to reconcile now still stands after these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome, with a message that stands alone: what, how many, what to do next."""

    reason: Reason
    message: str

    @property
    def footing(self) -> Footing:
        """What condition stands beside Ready."""
        return FOOTINGS[self.reason]
