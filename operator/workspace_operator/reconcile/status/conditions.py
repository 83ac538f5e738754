"""The conditions of a status (design §4; how tools read them: kubernetes.md §2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from workspace_operator.migrations.state_machine import BEFORE_CUTOVER, Stage
from workspace_operator.reconcile.model.desired import DesiredState, InvalidSpec, Resource
from workspace_operator.reconcile.model.observed import Observation, ObservedState, StoreUnreachable
from workspace_operator.reconcile.model.outcomes import UNKNOWN_REASONS, KStatus, Outcome, Reason, SendingReason
from workspace_operator.reconcile.status import messages, migration_messages
from workspace_operator.reconcile.status.sending_condition import ConditionValue, sending_applied
from workspace_operator.resources.statuses import NOT_OBSERVED, Condition, ConditionStatus, ConditionType
from workspace_operator.workspaces.model import Workspace


@dataclass(frozen=True, slots=True)
class ConditionDraft:
    """A condition without its transition time."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason | SendingReason
    message: str


def conditions_of(
    resource: Resource, observed: Observation, outcome: Outcome, *, now: datetime
) -> tuple[Condition, ...]:
    """All conditions, Ready first."""
    identifiers, sending = _of_workspace(resource, observed, outcome)
    drafts = (
        *summary(outcome),
        ConditionDraft(ConditionType.IDENTIFIERS_APPLIED, *identifiers),
        ConditionDraft(ConditionType.SENDING_APPLIED, *sending),
        *_suspended(resource),
    )
    return dated(drafts, resource.previous.conditions, generation=resource.generation, now=now)


def summary(outcome: Outcome) -> tuple[ConditionDraft, ...]:
    """Ready, and the condition beside it that tools read."""
    return (
        ConditionDraft(ConditionType.READY, _readiness(outcome), outcome.reason, outcome.message),
        *(
            ConditionDraft(condition_type, ConditionStatus.TRUE, outcome.reason, outcome.message)
            for condition_type in CONDITIONS_BESIDE_READY[outcome.kstatus]
        ),
    )


def dated(
    drafts: Iterable[ConditionDraft], previous: Iterable[Condition], *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Conditions with their times; a condition keeps its transition time unless its status changed."""
    since = {
        (before.type, before.status): before.last_transition_time
        for before in previous
        if before.observed_generation != NOT_OBSERVED  # the time of a default is meaningless
    }
    whole_now = now.astimezone(UTC).replace(microsecond=0)
    return tuple(
        Condition(
            type=draft.type,
            status=draft.status,
            observed_generation=generation,
            last_transition_time=since.get((draft.type, draft.status), whole_now),
            reason=draft.reason,
            message=messages.truncated(draft.message),
        )
        for draft in drafts
    )


def _readiness(outcome: Outcome) -> ConditionStatus:
    if outcome.reason in UNKNOWN_REASONS:
        return ConditionStatus.UNKNOWN
    return ConditionStatus.TRUE if outcome.kstatus is KStatus.SETTLED else ConditionStatus.FALSE


CONDITIONS_BESIDE_READY: dict[KStatus, tuple[ConditionType, ...]] = {
    KStatus.SETTLED: (),
    KStatus.RECONCILING: (ConditionType.RECONCILING,),
    KStatus.STALLED: (ConditionType.STALLED,),
}


def _suspended(resource: Resource) -> tuple[ConditionDraft, ...]:
    paused = ConditionDraft(ConditionType.SUSPENDED, ConditionStatus.TRUE, Reason.SUSPENDED, messages.PAUSED)
    return (paused,) if resource.suspended else ()


def _of_workspace(resource: Resource, observed: Observation, outcome: Outcome) -> tuple[ConditionValue, ConditionValue]:
    """IdentifiersApplied and SendingApplied; Unknown while nothing is known of the stored workspace."""
    desired = resource.desired
    if isinstance(observed, StoreUnreachable):
        is_in_ready = outcome.reason is Reason.STORE_UNAVAILABLE
        message = messages.SEE_READY if is_in_ready else messages.store_unavailable(resource)
        unknown: ConditionValue = (ConditionStatus.UNKNOWN, Reason.STORE_UNAVAILABLE, message)
        return unknown, unknown
    is_missing = outcome.reason is Reason.WORKSPACE_MISSING
    if isinstance(desired, InvalidSpec) or is_missing or observed.workspace is None:
        unknown = (ConditionStatus.UNKNOWN, outcome.reason, messages.SEE_READY)
        return unknown, unknown
    inputs = (resource, desired, observed, observed.workspace, outcome)
    return _identifiers(*inputs), sending_applied(*inputs)


def _identifiers(
    resource: Resource, desired: DesiredState, observed: ObservedState, workspace: Workspace, outcome: Outcome
) -> ConditionValue:
    migration = observed.open_migration
    if migration is not None and migration.stage is Stage.BLOCKED:
        return ConditionStatus.FALSE, Reason.MIGRATION_BLOCKED, migration_messages.blocked_details(migration, resource)
    # After the cut-over the new identifiers hold for every request, whatever is left to do for the migration.
    if (migration is None or migration.stage not in BEFORE_CUTOVER) and _are_in_force(desired, workspace):
        message = migration_messages.identifiers_in_force(workspace.mode, migration)
        return ConditionStatus.TRUE, Reason.IN_FORCE, message
    if migration is not None and not resource.suspended:
        return ConditionStatus.FALSE, Reason.MIGRATION_RUNNING, migration_messages.running_details(migration)
    return ConditionStatus.FALSE, outcome.reason, messages.SEE_READY


def _are_in_force(desired: DesiredState, workspace: Workspace) -> bool:
    wanted, stored = desired.settings, workspace.settings
    return (
        desired.mode in (None, workspace.mode)
        and wanted.email_updates is stored.email_updates
        and wanted.id_updates is stored.id_updates
    )
