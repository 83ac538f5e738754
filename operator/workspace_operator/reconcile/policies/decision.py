"""The decision of a reconcile: from the observed state to one action, or to the final status.

Decisions are level-based. While the store differs from the desired state, the plan holds one action, which is carried
out before the state is observed again for the next decision. An action is planned only if the observed state shows
that it is not done yet, so the loop ends. The final plan holds the status, finalizers and events of the resource.
"""

from datetime import datetime

from workspace_operator.reconcile.model.actions import PauseMigration, Plan, WorkspacePlan
from workspace_operator.reconcile.model.context import OwnedContext, ReconcileContext
from workspace_operator.reconcile.model.desired import InvalidSpec, Resource
from workspace_operator.reconcile.model.observed import Observation, ObservedState, StoreUnreachable
from workspace_operator.reconcile.model.outcomes import REQUEUE_REASONS, Outcome, Reason
from workspace_operator.reconcile.model.policy_results import Ignore, PolicyResult, RemoveFinalizer, first_result
from workspace_operator.reconcile.policies import owned_workspace, ownership, sending
from workspace_operator.reconcile.policies.deletion import finalize
from workspace_operator.reconcile.policies.generations import accept_lower_generation, record_generation
from workspace_operator.reconcile.policies.missing_workspace import missing_workspace_outcome
from workspace_operator.reconcile.policies.spec_validation import invalid_spec_outcome, spec_problems
from workspace_operator.reconcile.status import credential_messages, messages
from workspace_operator.reconcile.status.events import action_events, status_events
from workspace_operator.reconcile.status.sending_condition import awaits_sender
from workspace_operator.reconcile.status.workspace_status import status_of
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.resources.workspaces import FINALIZER, DeletionPolicy
from workspace_operator.workspaces.model import Owner


def decide(resource: Resource, observed: Observation, *, cluster_id: str, now: datetime) -> WorkspacePlan:
    """Decide the next step for a resource.

    Args:
        resource: as it is now, with the status that was written last.
        observed: the state of the store, or that it does not respond.
        cluster_id: identifies the cluster in the store (design §4, Ownership).
        now: with time zone; the transition time of conditions, in whole seconds.
    """
    owner = resource.owner(cluster_id)
    result = _missing_workspace(resource, observed, owner) or _next_result(resource, observed, owner)
    if isinstance(result, Outcome):
        return _final_plan(resource, observed, owner, result, now)
    if isinstance(result, RemoveFinalizer):
        return Plan(finalizers=_without_our_finalizer(resource), events=result.events)
    if isinstance(result, Ignore):
        return Plan()
    return Plan(actions=(result,), events=action_events(result, resource))


def _missing_workspace(resource: Resource, observed: Observation, owner: Owner) -> Outcome | None:
    """The outcome if the store lacks the workspace, unless the resource is being deleted and the people are kept."""
    keeps_people = not resource.has_finalizer or resource.deletion_policy is DeletionPolicy.RETAIN
    if isinstance(observed, StoreUnreachable) or (resource.deleting and keeps_people):
        return None
    return missing_workspace_outcome(resource, observed, owner)


def _next_result(resource: Resource, observed: Observation, owner: Owner) -> PolicyResult:
    """The first result in the order of docs/decisions/0002."""
    if isinstance(observed, StoreUnreachable):
        return _policy_result(resource, observed, owner)
    workspace = observed.owned_by(owner)
    result = accept_lower_generation(resource, workspace) or _policy_result(resource, observed, owner)
    if not isinstance(result, Outcome):
        return result
    # No action is left, so this is the last write before the status.
    return record_generation(resource, workspace, result) or result


def _policy_result(resource: Resource, observed: Observation, owner: Owner) -> PolicyResult:
    stop = None if isinstance(observed, StoreUnreachable) else pause_or_cancel_migration(resource, observed, owner)
    if resource.deleting:
        deletion = finalize(resource, observed, owner)
        return stop if stop is not None and isinstance(deletion, Outcome) else deletion
    if stop is not None:
        return stop
    problems = spec_problems(resource)
    if problems or isinstance(resource.desired, InvalidSpec):
        return invalid_spec_outcome(problems)
    if isinstance(observed, StoreUnreachable):
        return Outcome(reason=Reason.STORE_UNAVAILABLE, message=messages.store_unavailable(resource))
    context = ReconcileContext(resource=resource, desired=resource.desired, observed=observed, owner=owner)
    result = first_result(GUARDS, context)
    if result is not None:
        return result
    owned = context.owned
    if owned is None:
        return ownership.acquire_workspace(context)
    return first_result(owned_workspace.POLICIES, owned) or _in_force(owned)


def pause_or_cancel_migration(resource: Resource, observed: ObservedState, owner: Owner) -> PolicyResult | None:
    """Pause the migration of a suspended resource; cancel one that the spec does not request.

    Only a spec that cannot be parsed cancels nothing, since it requests nothing. The migration of an earlier owner is
    not touched.
    """
    workspace, migration = observed.owned_by(owner), observed.open_migration
    if workspace is None or migration is None:
        return None
    if resource.suspended:
        pause = PauseMigration(workspace_id=migration.workspace_id, number=migration.number, paused=True)
        return None if migration.paused else pause
    if isinstance(resource.desired, InvalidSpec):
        return None
    owned = OwnedContext(resource=resource, desired=resource.desired, observed=observed, workspace=workspace)
    return owned_workspace.cancel_unwanted_migration(owned)


def skip_suspended(context: ReconcileContext) -> PolicyResult | None:
    """Do nothing for a suspended resource; it is still Ready if everything is in force."""
    if not context.resource.suspended:
        return None
    owned = context.owned
    if owned is not None and owned.is_converged:
        return first_result((sending.await_hand_overs, *sending.FAULTS), owned) or _in_force(owned)
    return Outcome(reason=Reason.SUSPENDED, message=messages.NOT_IN_FORCE_WHILE_PAUSED)


GUARDS = (skip_suspended, ownership.reject_second_adoption)


def _in_force(owned: OwnedContext) -> Outcome:
    message = credential_messages.in_force(owned.resource, owned.observed.credentials)
    return Outcome(reason=Reason.IN_FORCE, message=message)


def _final_plan(
    resource: Resource, observed: Observation, owner: Owner, outcome: Outcome, now: datetime
) -> WorkspacePlan:
    previous, is_draining = resource.previous, outcome.reason is Reason.DRAINING
    status = status_of(resource, observed, owner, outcome, now=now)
    if is_draining and _is_reported(previous, resource):
        status = previous  # one report per barrier: its numbers move all the time
    return Plan(
        status=None if status == previous else status.as_document(),
        finalizers=_finalizer_update(resource),
        events=status_events(previous, status),
        requeue=not is_draining and (outcome.reason in REQUEUE_REASONS or _can_resolve(resource, observed)),
        is_draining=is_draining,
    )


def _is_reported(previous: WorkspaceStatus, resource: Resource) -> bool:
    """Whether the status already reports the barrier of this generation."""
    is_of_generation = previous.observed_generation == resource.generation
    return is_of_generation and previous.ready is not None and previous.ready.reason == Reason.DRAINING


def _can_resolve(resource: Resource, observed: Observation) -> bool:
    """Whether condition SendingApplied can change without an event, whatever Ready is."""
    if isinstance(observed, StoreUnreachable):
        return False
    return observed.is_draining or awaits_sender(observed, resource.namespace)


def _finalizer_update(resource: Resource) -> tuple[str, ...] | None:
    """All desired finalizers; None to leave them as they are."""
    is_needed = resource.deletion_policy is DeletionPolicy.DELETE
    if isinstance(resource.desired, InvalidSpec) or is_needed == resource.has_finalizer:
        return None
    return (*resource.finalizers, FINALIZER) if is_needed else _without_our_finalizer(resource)


def _without_our_finalizer(resource: Resource) -> tuple[str, ...]:
    return tuple(finalizer for finalizer in resource.finalizers if finalizer != FINALIZER)
