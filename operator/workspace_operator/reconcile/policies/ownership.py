"""Policies that acquire a workspace: create, take over, adopt, or report a conflict (design §4, Ownership).

A message reveals nothing about workspaces outside the resource's cluster and namespace. The one exception is a
workspace of the same namespace and name in a cluster without heartbeat, since a new, empty one would be created.
"""

from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.actions import ChangeOwner, CreateWorkspace
from workspace_operator.reconcile.model.context import ReconcileContext
from workspace_operator.reconcile.model.missing_workspace import is_new_workspace_requested, is_replacement_requested
from workspace_operator.reconcile.model.observed import Candidate, Liveness
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.model.policy_results import PolicyResult, first_result
from workspace_operator.reconcile.policies.generations import is_older_owner, on_hold_outcome
from workspace_operator.reconcile.policies.spec_validation import invalid_spec_outcome, new_value_problems
from workspace_operator.reconcile.status import account_messages, ownership_messages
from workspace_operator.workspaces.model import Owner, Workspace


def reject_second_adoption(context: ReconcileContext) -> PolicyResult | None:
    """Reject an adoption by a resource that already has another workspace."""
    own, wanted = context.observed.workspace, context.resource.adopt_annotation
    if own is None or not wanted or wanted == str(own.workspace_id):
        return None
    return _ownership_conflict(ownership_messages.second_adoption(wanted, own))


def take_over_recreated(context: ReconcileContext) -> PolicyResult | None:
    """Take over from an owner of the same cluster, namespace and name: with another UID, it is gone."""
    own = context.observed.workspace
    return None if own is None else _change_owner(own, context.owner)


def hold_take_over(context: ReconcileContext) -> PolicyResult | None:
    """Hold a take-over from a younger owner, as after a restore of etcd, until a person confirms it."""
    own = context.observed.workspace
    if own is None or not is_older_owner(context.resource, context.owner, own):
        return None
    return on_hold_outcome(f"workspace {own.workspace_id} is not taken over", context.resource)


def adopt_workspace(context: ReconcileContext) -> PolicyResult | None:
    """Adopt the workspace that the annotation names, if its owner is gone."""
    wanted, candidate = context.resource.adopt_annotation, context.observed.from_annotation
    if not wanted:
        return None
    if candidate is None or not candidate.is_in_namespace_of(context.owner):
        return _ownership_conflict(ownership_messages.adoption_target_missing(wanted))
    if not can_be_adopted(candidate, context.owner):
        return _ownership_conflict(ownership_messages.adoption_target_owned(candidate))
    return _change_owner(candidate.workspace, context.owner)


def reject_reassigned(context: ReconcileContext) -> PolicyResult | None:
    """Report that the workspace of the status was reassigned; creating another would hide that."""
    from_status = context.observed.from_status
    if from_status is None or not from_status.is_in_namespace_of(context.owner):
        return None
    if is_replacement_requested(context.resource, context.observed):
        return None
    return _ownership_conflict(ownership_messages.workspace_reassigned(from_status.workspace))


def reject_invalid_new_values(context: ReconcileContext) -> PolicyResult | None:
    """Reject values that must not be set newly."""
    problems = new_value_problems(context.desired.settings, None)
    return invalid_spec_outcome(problems) if problems else None


def reject_name_conflict_on_create(context: ReconcileContext) -> PolicyResult | None:
    """Reject a display name that another workspace of the account has."""
    holder = context.observed.name_holder
    if holder is None:
        return None
    name, adoptable = context.desired.settings.display_name, can_be_adopted(holder, context.owner)
    message = ownership_messages.name_taken(name, holder, context.owner, from_annotation=adoptable)
    return Outcome(reason=Reason.NAME_CONFLICT, message=message)


def await_cluster_liveness(context: ReconcileContext) -> PolicyResult | None:
    """Wait while it is unknown whether another cluster with a workspace of this name is alive."""
    is_known = all(namesake.liveness is not Liveness.UNKNOWN for namesake in context.observed.namesakes)
    if is_known or is_new_workspace_requested(context.resource):
        return None
    return Outcome(reason=Reason.PROGRESSING, message=ownership_messages.BEING_CREATED)


def reject_silent_namesake(context: ReconcileContext) -> PolicyResult | None:
    """Report a workspace of this name in a cluster without heartbeat: the resource may stand for it."""
    is_silent = any(namesake.liveness is Liveness.SILENT for namesake in context.observed.namesakes)
    if not is_silent or is_new_workspace_requested(context.resource):
        return None
    return _ownership_conflict(ownership_messages.silent_namesake(context.resource))


def reject_over_limit(context: ReconcileContext) -> PolicyResult | None:
    """Create no workspace while the account has as many as its plan allows; the store decides again."""
    places = context.observed.places
    if places is None or not places.is_full:
        return None
    message = account_messages.plan_limit_reached(context.desired.account, places, context.resource)
    return Outcome(reason=Reason.PLAN_LIMIT_REACHED, message=message)


POLICIES = (
    hold_take_over,
    take_over_recreated,
    adopt_workspace,
    reject_reassigned,
    reject_invalid_new_values,
    reject_name_conflict_on_create,
    await_cluster_liveness,
    reject_silent_namesake,
    reject_over_limit,
)


def acquire_workspace(context: ReconcileContext) -> PolicyResult:
    """Decide how a resource gets its workspace; a new one has mode EmailOrID by default."""
    return first_result(POLICIES, context) or CreateWorkspace(
        owner=context.owner,
        account=context.desired.account,
        mode=context.desired.mode or Mode.EMAIL_OR_ID,
        settings=context.desired.settings,
        replaces=context.resource.previous.workspace_id,
    )


def can_be_adopted(candidate: Candidate, owner: Owner) -> bool:
    """Whether the candidate's owner is gone, and was in the same namespace of the same cluster."""
    return candidate.owner_is_gone and candidate.is_in_namespace_of(owner)


def _ownership_conflict(message: str) -> Outcome:
    return Outcome(reason=Reason.OWNERSHIP_CONFLICT, message=message)


def _change_owner(workspace: Workspace, owner: Owner) -> ChangeOwner:
    return ChangeOwner(workspace_id=workspace.workspace_id, row_version=workspace.row_version, owner=owner)
