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


class KStatus(StrEnum):
    """What condition stands beside Ready."""

    SETTLED = "Settled"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


KSTATUSES: dict[Reason, KStatus] = {
    Reason.PENDING: KStatus.RECONCILING,
    Reason.PROGRESSING: KStatus.RECONCILING,
    Reason.IN_FORCE: KStatus.SETTLED,
    Reason.MIGRATION_RUNNING: KStatus.RECONCILING,
    Reason.STORE_UNAVAILABLE: KStatus.RECONCILING,
    Reason.MIGRATION_BLOCKED: KStatus.STALLED,
    Reason.NAME_CONFLICT: KStatus.STALLED,
    Reason.OWNERSHIP_CONFLICT: KStatus.STALLED,
    Reason.WORKSPACE_MISSING: KStatus.STALLED,
    Reason.GENERATION_WENT_BACK: KStatus.STALLED,
    Reason.CREDENTIALS_CONFLICT: KStatus.STALLED,
    Reason.CREDENTIALS_REFUSED: KStatus.STALLED,
    Reason.SUSPENDED: KStatus.STALLED,
    Reason.INVALID_SPEC: KStatus.STALLED,
    Reason.DELETION_NOT_CONFIRMED: KStatus.STALLED,
}
"""Stalled says that a person must act; Reconciling that waiting is enough."""

WARNING_REASONS = frozenset(reason for reason, kstatus in KSTATUSES.items() if kstatus is KStatus.STALLED) | {
    Reason.STORE_UNAVAILABLE
}
"""Reasons whose event is a Warning."""

UNKNOWN_REASONS = frozenset({Reason.PENDING, Reason.PROGRESSING})
"""Reasons with which Ready is Unknown."""

REQUEUE_REASONS = frozenset(
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

REQUEST_NOT_HANDLED = frozenset(
    {Reason.PROGRESSING, Reason.STORE_UNAVAILABLE, Reason.SUSPENDED, Reason.WORKSPACE_MISSING}
)
"""A request to reconcile now still stands after these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome, with a message that stands alone: what, how many, what to do next."""

    reason: Reason
    message: str

    @property
    def kstatus(self) -> KStatus:
        """What condition stands beside Ready."""
        return KSTATUSES[self.reason]
