"""Fencing by the generation of a spec: a document older than the one carried out is refused.

The store keeps the newest generation of its owner's spec that was carried out (design §4, Newest only). A document with
a lower generation is stale, unless the API server has no newer one: then etcd was restored. The settings of such a
document are applied, but irreversible actions are held until a person confirms them.
"""

from workspace_operator.reconcile.model.actions import AcceptLowerGeneration, RecordGeneration
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.status import messages
from workspace_operator.workspaces.model import Owner, Workspace


def accept_lower_generation(resource: Resource, workspace: Workspace | None) -> AcceptLowerGeneration | None:
    """Accept a generation below the recorded one; the caller has checked that no newer document exists."""
    if workspace is None or workspace.spec_generation <= resource.generation:
        return None
    return AcceptLowerGeneration(
        workspace_id=workspace.workspace_id,
        row_version=workspace.row_version,
        recorded=workspace.spec_generation,
        generation=resource.generation,
        request=resource.reconcile_request,
    )


def record_generation(resource: Resource, workspace: Workspace | None, outcome: Outcome) -> RecordGeneration | None:
    """Record a generation that needs no other write, so that a late operator is refused.

    For a converged workspace the row's version is recorded as well, so that a restart can skip it.
    """
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
    """Whether this generation was accepted after a restore of etcd and is not confirmed yet."""
    request = workspace.accepted_request or ""
    return workspace.accepted_generation == resource.generation and request == resource.reconcile_request


def is_older_owner(resource: Resource, owner: Owner, workspace: Workspace) -> bool:
    """Whether the store's owner was created after this resource, which no person has confirmed yet.

    A recreated resource is younger than the one before. An older one can only come from a restored etcd.
    """
    if not owner.created_at or owner.created_at >= workspace.owner.created_at:
        return False
    previous = resource.previous
    if previous.ready is None or previous.ready.reason != Reason.GENERATION_WENT_BACK:
        return True
    is_edited = resource.generation != previous.observed_generation
    is_confirmed = resource.reconcile_request != (previous.last_handled_reconcile_at or "")
    return not (is_edited or is_confirmed)


def on_hold_outcome(what: str, resource: Resource) -> Outcome:
    """The outcome of a held action; ``what`` is a clause such as "the people are not destroyed"."""
    return Outcome(reason=Reason.GENERATION_WENT_BACK, message=messages.generation_went_back(what, resource))
