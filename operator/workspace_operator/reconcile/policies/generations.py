"""The generation of a spec as a fence: a document that is older than what was carried out is not carried out.

The store keeps the newest generation of its owner's spec that was carried out (design §4, Newest only). A document with
a lower one is late, unless the API server itself has no newer one: then etcd was restored. Its settings are applied,
but what cannot be taken back is held until a person confirms it.
"""

from workspace_operator.reconcile.model.actions import AcceptLowerGeneration, RecordGeneration
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.status import messages
from workspace_operator.resources.statuses import ConditionType
from workspace_operator.workspaces.model import Owner, Workspace


def accept_lower_generation(resource: Resource, observed: ObservedState, owner: Owner) -> AcceptLowerGeneration | None:
    """Accept a generation below the recorded one; the caller first makes sure that there is no newer document."""
    workspace = _owned_workspace(observed, owner)
    if workspace is None or workspace.spec_generation <= resource.generation:
        return None
    return AcceptLowerGeneration(
        workspace_id=workspace.workspace_id,
        row_version=workspace.row_version,
        recorded=workspace.spec_generation,
        generation=resource.generation,
        request=resource.reconcile_request,
    )


def record_generation(
    resource: Resource, observed: ObservedState, owner: Owner, outcome: Outcome
) -> RecordGeneration | None:
    """Record a generation that needs no other write, so that an operator that is late finds it.

    Of a workspace at rest the row's version is recorded, too: after a restart it needs no visit.
    """
    workspace = _owned_workspace(observed, owner)
    if workspace is None:
        return None
    is_recorded = workspace.spec_generation == resource.generation
    if outcome.reason is Reason.IN_FORCE:
        is_recorded = is_recorded and workspace.spec_row_version == workspace.row_version
    if is_recorded:
        return None
    return RecordGeneration(
        workspace_id=workspace.workspace_id, row_version=workspace.row_version, generation=resource.generation
    )


def is_on_hold(resource: Resource, workspace: Workspace) -> bool:
    """Whether this generation was accepted after a restore of etcd, and nobody has confirmed it since."""
    return (
        workspace.accepted_generation == resource.generation
        and (workspace.accepted_request or "") == resource.reconcile_request
    )


def is_older_owner(resource: Resource, owner: Owner, workspace: Workspace) -> bool:
    """Whether the store's owner was created after this resource, and nobody has confirmed the earlier one.

    A resource that is made anew is younger than the one before. An older one can only come from a restored etcd.
    """
    later = workspace.owner.created_at
    if not owner.created_at or owner.created_at >= later:
        return False
    previous = resource.previous
    reason = next((each.reason for each in previous.conditions if each.type == ConditionType.READY), None)
    if reason != Reason.GENERATION_WENT_BACK:
        return True
    is_edited = resource.generation != previous.observed_generation
    is_confirmed = resource.reconcile_request != (previous.last_handled_reconcile_at or "")
    return not (is_edited or is_confirmed)


def on_hold_outcome(what: str, resource: Resource) -> Outcome:
    """Say what is held and how to confirm it; ``what`` is a clause such as "the people are not destroyed"."""
    return Outcome(reason=Reason.GENERATION_WENT_BACK, message=messages.generation_went_back(what, resource))


def _owned_workspace(observed: ObservedState, owner: Owner) -> Workspace | None:
    workspace = observed.workspace
    return workspace if workspace is not None and workspace.owner == owner else None
