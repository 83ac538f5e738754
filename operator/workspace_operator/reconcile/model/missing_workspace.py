"""Tests whether the database lacks the workspace of a resource: lost, restored too early, or another database.

The annotation ``recreate`` gives the workspace up on purpose. Each value counts once, so that an annotation that stays
in a manifest does not give up the next workspace, too.
"""

from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.resources.workspaces import RECREATE_NEW
from workspace_operator.workspaces.model import Owner


def stays_missing(resource: Resource, observed: ObservedState, owner: Owner) -> bool:
    """Whether the workspace is missing and no request gives it up."""
    return is_missing(resource.previous, observed, owner) and not is_replacement_requested(resource, observed)


def is_missing(previous: WorkspaceStatus, observed: ObservedState, owner: Owner) -> bool:
    """Whether the database is another one than the status names, or lacks the workspace that the status names.

    A workspace of the same name and another number counts if an administrator has just assigned it to the resource, or
    if the resource (same UID) owns it in the database that the status names.
    """
    number, store_id, workspace = previous.workspace_id, previous.store_id, observed.workspace
    if number is None:
        return False
    if store_id not in (None, observed.store_id):
        return True
    if workspace is None:
        return observed.from_status is None or not observed.from_status.is_in_namespace_of(owner)
    is_assigned = not workspace.owner.uid
    is_ours = store_id is not None and workspace.owner.uid == owner.uid
    return not (workspace.workspace_id == number or is_assigned or is_ours)


def is_replacement_requested(resource: Resource, observed: ObservedState) -> bool:
    """Whether the annotation ``recreate`` requests to continue without the workspace of the status."""
    request, number = resource.recreation_request, resource.previous.workspace_id
    if request == RECREATE_NEW:
        return observed.namesakes != ()
    return number is not None and request == str(number)


def is_new_workspace_requested(resource: Resource) -> bool:
    """Whether the annotation ``recreate`` requests a new workspace beside the one of another cluster."""
    return resource.recreation_request == RECREATE_NEW
