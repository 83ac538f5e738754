"""The one decision of a reconcile: from what was seen to what shall be done, or to what shall be said.

A decision is level-based. While the distance to the wish can be shortened, the plan holds one action, perhaps
with an event that tells of it; it is carried out, all is observed again, and the next decision is made of that. An
action is only asked for if the observation shows that it was not done yet, so this ends. Then the plan says what
status, finalizers and events the resource shall have.
"""

from datetime import datetime

from workspace_operator.reconcile import changes, messages, ownership
from workspace_operator.reconcile.departures import step_of_departure
from workspace_operator.reconcile.events import events_of, events_of_action
from workspace_operator.reconcile.missing import missing_workspace
from workspace_operator.reconcile.observed import Observed, Owner, StoreAway
from workspace_operator.reconcile.plan import PauseMigration, Plan
from workspace_operator.reconcile.situations import Holding, Situation, open_migration
from workspace_operator.reconcile.spec_versions import lower_generation, unrecorded_spec
from workspace_operator.reconcile.statuses import status_of
from workspace_operator.reconcile.steps import LeaveAlone, LetGo, Step, first_of
from workspace_operator.reconcile.validity import invalid, problems_of
from workspace_operator.reconcile.verdicts import LOOKED_AT_AGAIN, Reason, Verdict
from workspace_operator.reconcile.wishes import InvalidWish, Resource
from workspace_operator.resources.workspaces import FINALIZER, DeletionPolicy


def decide(resource: Resource, observed: Observed | StoreAway, *, cluster_id: str, now: datetime) -> Plan:
    """Decide what a resource needs next.

    Args:
        resource: the resource as it is now, with the status that was written last.
        observed: the store's side of it, or that the store does not answer.
        cluster_id: names the cluster in the store (design §4, Ownership).
        now: aware; becomes the time of transitions, in whole seconds.
    """
    owner = resource.owner(cluster_id)
    missing = _missing(resource, observed, owner)
    if missing is not None:
        return _told(resource, observed, owner, missing, now)
    step = _next_step(resource, observed, owner)
    if isinstance(step, Verdict) and isinstance(observed, Observed):
        step = unrecorded_spec(resource, observed, owner, step) or step
    if isinstance(step, Verdict):
        return _told(resource, observed, owner, step, now)
    if isinstance(step, LetGo):
        return Plan(finalizers=_without_ours(resource), events=step.events)
    if isinstance(step, LeaveAlone):
        return Plan()
    return Plan(actions=(step,), events=events_of_action(step, resource))


def _missing(resource: Resource, observed: Observed | StoreAway, owner: Owner) -> Verdict | None:
    """A database that lacks the resource's workspace; nothing else of it counts, and nothing is written to it."""
    is_released = resource.deleting and (not resource.holds_people or resource.deletion_policy is DeletionPolicy.RETAIN)
    if isinstance(observed, StoreAway) or is_released:
        return None
    return missing_workspace(resource, observed, owner)


def _next_step(resource: Resource, observed: Observed | StoreAway, owner: Owner) -> Step:
    if isinstance(observed, Observed) and (lower := lower_generation(resource, observed, owner)):
        return lower
    stop = running_change_is_to_stop(resource, observed, owner) if isinstance(observed, Observed) else None
    if resource.deleting:
        step = step_of_departure(resource, observed, owner)
        return stop or step if isinstance(step, Verdict) else step
    if stop is not None:
        return stop
    problems = problems_of(resource)
    if problems or isinstance(resource.wish, InvalidWish):
        return invalid(problems)
    if isinstance(observed, StoreAway):
        return Verdict(reason=Reason.STORE_UNAVAILABLE, message=messages.store_away(resource))
    situation = Situation(resource=resource, wish=resource.wish, observed=observed, owner=owner)
    return first_of(BEFORE_ALL, situation) or _step_towards_wish(situation)


def running_change_is_to_stop(resource: Resource, observed: Observed, owner: Owner) -> Step | None:
    """Pause the running change of a suspended resource; end one that the spec does not ask for.

    An error elsewhere in the spec does not prevent that. The change of an earlier owner is left alone.
    """
    workspace, change = observed.workspace, open_migration(observed)
    if workspace is None or workspace.owner != owner or change is None:
        return None
    if resource.suspended:
        pause = PauseMigration(workspace_id=change.workspace_id, number=change.number, paused=True)
        return None if change.paused else pause
    if isinstance(resource.wish, InvalidWish):
        return None
    holding = Holding(resource=resource, wish=resource.wish, observed=observed, workspace=workspace)
    return first_of(changes.STOPPING, holding)


def reconciliation_is_suspended(situation: Situation) -> Step | None:
    """Nothing is done; what is in force already still counts."""
    if not situation.resource.suspended:
        return None
    holding = situation.holding
    if holding is not None and holding.everything_is_in_force:
        return _in_force(holding)
    return Verdict(reason=Reason.SUSPENDED, message=messages.NOT_IN_FORCE_WHILE_PAUSED)


BEFORE_ALL = (reconciliation_is_suspended, ownership.another_workspace_is_to_be_adopted)


def _step_towards_wish(situation: Situation) -> Step:
    holding = situation.holding
    if holding is None:
        return ownership.step_of_claim(situation)
    return first_of(changes.RULES, holding) or _in_force(holding)


def _in_force(holding: Holding) -> Verdict:
    return Verdict(reason=Reason.IN_FORCE, message=messages.in_force(holding.resource, holding.observed.credentials))


def _told(resource: Resource, observed: Observed | StoreAway, owner: Owner, verdict: Verdict, now: datetime) -> Plan:
    previous = resource.previous
    status = status_of(resource, observed, owner, verdict, now=now)
    return Plan(
        status=None if status == previous else status.as_document(),
        finalizers=_finalizers_due(resource),
        events=events_of(previous, status),
        retry=verdict.reason in LOOKED_AT_AGAIN,
    )


def _finalizers_due(resource: Resource) -> tuple[str, ...] | None:
    """All finalizers that the resource shall have, or None if it has them."""
    wanted = resource.deletion_policy is DeletionPolicy.DELETE
    if isinstance(resource.wish, InvalidWish) or wanted == resource.holds_people:
        return None
    return (*resource.finalizers, FINALIZER) if wanted else _without_ours(resource)


def _without_ours(resource: Resource) -> tuple[str, ...]:
    return tuple(finalizer for finalizer in resource.finalizers if finalizer != FINALIZER)
