"""The conditions of a status (design §4; what tools make of them: kubernetes.md §2)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from workspace_operator.migrations.stages import BEFORE_SWITCH, Stage
from workspace_operator.reconcile import messages
from workspace_operator.reconcile.observed import Observed, StoreAway, StoredWorkspace
from workspace_operator.reconcile.situations import open_migration
from workspace_operator.reconcile.verdicts import UNDECIDED, Footing, Reason, Verdict
from workspace_operator.reconcile.wishes import InvalidWish, Resource, Wish
from workspace_operator.resources.statuses import NOT_OBSERVED, Condition, ConditionStatus, ConditionType


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """What one condition says, before it is known since when."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str


def conditions_of(
    resource: Resource, observed: Observed | StoreAway, verdict: Verdict, *, now: datetime
) -> tuple[Condition, ...]:
    """All conditions, Ready first. Those of before keep their time unless their status flipped."""
    since = {
        before.type: (before.status, before.last_transition_time)
        for before in resource.previous.conditions
        if before.observed_generation != NOT_OBSERVED  # a default's time is nobody's
    }
    stances = (
        _ready(verdict),
        *_beside_ready(verdict),
        _identifiers_applied(resource, observed, verdict),
        *_suspended(resource),
    )
    return tuple(_condition(stance, resource.generation, since.get(stance.type), now) for stance in stances)


def _condition(
    stance: Stance, generation: int, before: tuple[ConditionStatus, datetime] | None, now: datetime
) -> Condition:
    kept = before is not None and before[0] is stance.status
    return Condition(
        type=stance.type,
        status=stance.status,
        observed_generation=generation,
        last_transition_time=before[1] if before is not None and kept else now.astimezone(UTC).replace(microsecond=0),
        reason=stance.reason,
        message=messages.bounded(stance.message),
    )


def _ready(verdict: Verdict) -> Stance:
    return Stance(
        type=ConditionType.READY,
        status=_readiness(verdict),
        reason=verdict.reason,
        message=verdict.message,
    )


def _readiness(verdict: Verdict) -> ConditionStatus:
    if verdict.reason in UNDECIDED:
        return ConditionStatus.UNKNOWN
    return ConditionStatus.TRUE if verdict.footing is Footing.SETTLED else ConditionStatus.FALSE


COMPANIONS: dict[Footing, tuple[ConditionType, ...]] = {
    Footing.SETTLED: (),
    Footing.RECONCILING: (ConditionType.RECONCILING,),
    Footing.STALLED: (ConditionType.STALLED,),
}


def _beside_ready(verdict: Verdict) -> tuple[Stance, ...]:
    return tuple(
        Stance(type=companion, status=ConditionStatus.TRUE, reason=verdict.reason, message=verdict.message)
        for companion in COMPANIONS[verdict.footing]
    )


def _suspended(resource: Resource) -> tuple[Stance, ...]:
    if not resource.suspended:
        return ()
    paused = Stance(
        type=ConditionType.SUSPENDED,
        status=ConditionStatus.TRUE,
        reason=Reason.SUSPENDED,
        message=messages.PAUSED,
    )
    return (paused,)


def _identifiers_applied(resource: Resource, observed: Observed | StoreAway, verdict: Verdict) -> Stance:
    status, reason, message = _identifiers(resource, observed, verdict)
    return Stance(type=ConditionType.IDENTIFIERS_APPLIED, status=status, reason=reason, message=message)


def _identifiers(
    resource: Resource, observed: Observed | StoreAway, verdict: Verdict
) -> tuple[ConditionStatus, Reason, str]:
    wish = resource.wish
    if isinstance(observed, StoreAway):
        return ConditionStatus.UNKNOWN, Reason.STORE_UNAVAILABLE, messages.store_away(resource)
    is_unknown = verdict.reason is Reason.WORKSPACE_MISSING or observed.workspace is None
    if isinstance(wish, InvalidWish) or is_unknown or observed.workspace is None:
        return ConditionStatus.UNKNOWN, verdict.reason, verdict.message
    change = open_migration(observed)
    if change is not None and change.stage is Stage.BLOCKED:
        return ConditionStatus.FALSE, Reason.MIGRATION_BLOCKED, messages.migration_blocked(change, resource)
    # From the switch on the new identifiers hold for every call, whatever is left to do for the change.
    if (change is None or change.stage not in BEFORE_SWITCH) and _are_in_force(wish, observed.workspace):
        return ConditionStatus.TRUE, Reason.IN_FORCE, messages.identifiers_in_force(observed.workspace.mode)
    if change is not None and not resource.suspended:
        return ConditionStatus.FALSE, Reason.MIGRATION_RUNNING, messages.migration_running(change)
    return ConditionStatus.FALSE, verdict.reason, verdict.message


def _are_in_force(wish: Wish, workspace: StoredWorkspace) -> bool:
    wanted, stored = wish.settings, workspace.settings
    return (
        wish.mode in (None, workspace.mode)
        and wanted.email_updates is stored.email_updates
        and wanted.id_updates is stored.id_updates
    )
