"""Outcomes of a reconcile without further actions: the reasons of condition Ready (design §4)."""

from dataclasses import dataclass
from enum import StrEnum

from workspace_operator.resources import statuses


class Reason(StrEnum):
    """The reason of condition Ready, and of the event for its transition."""

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
    DRAINING = "Draining"
    TRANSPORT_UNKNOWN = "TransportUnknown"
    ROOT_KEY_MISMATCH = "RootKeyMismatch"
    PLAN_LIMIT_REACHED = "PlanLimitReached"
    FIRST_WORKSPACE_REFUSED = "FirstWorkspaceRefused"
    STORE_REPLACED = "StoreReplaced"


class SendingReason(StrEnum):
    """Reasons of condition SendingApplied that are never the reason of Ready."""

    NO_WORKER = "NoWorker"
    UNKNOWN_SEND_BEHAVIOR = "UnknownSendBehavior"


class KStatus(StrEnum):
    """The kstatus class of an outcome, which decides the condition beside Ready."""

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
    Reason.DRAINING: KStatus.RECONCILING,
    Reason.TRANSPORT_UNKNOWN: KStatus.STALLED,
    Reason.ROOT_KEY_MISMATCH: KStatus.STALLED,
    Reason.PLAN_LIMIT_REACHED: KStatus.STALLED,
    Reason.FIRST_WORKSPACE_REFUSED: KStatus.STALLED,
    Reason.STORE_REPLACED: KStatus.STALLED,
}
"""Stalled: a person must act. Reconciling: waiting is enough."""

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
        Reason.TRANSPORT_UNKNOWN,
        Reason.ROOT_KEY_MISMATCH,
        Reason.PLAN_LIMIT_REACHED,
        Reason.FIRST_WORKSPACE_REFUSED,
        Reason.STORE_REPLACED,
    }
)
"""Outcomes that can resolve without an event of the resource or its migration, so that they are retried."""

REQUEST_NOT_HANDLED = frozenset(
    {
        Reason.PROGRESSING,
        Reason.DRAINING,
        Reason.STORE_UNAVAILABLE,
        Reason.SUSPENDED,
        Reason.WORKSPACE_MISSING,
        Reason.STORE_REPLACED,
    }
)
"""Outcomes after which a request to reconcile now stays open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An outcome, with a complete message: what happened, how many, what to do next."""

    reason: Reason
    message: str

    @property
    def kstatus(self) -> KStatus:
        """The kstatus class of the reason."""
        return KSTATUSES[self.reason]
