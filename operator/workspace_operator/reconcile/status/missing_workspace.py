"""The workspace that a resource has had is not in this database: it was lost, restored too early, or it is another one.

Nothing is written then, neither to the database nor to Secrets, and the status keeps what it says: with the right
database everything goes on by itself. The annotation ``recreate`` gives the workspace up on purpose. Each of its values
counts once, so that an annotation that stays in a manifest does not give up the next workspace, too.
"""

from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.status import messages
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.resources.workspaces import CONFIRM_DELETE, RECREATE_NEW
from workspace_operator.workspaces.model import Owner


def missing_workspace_outcome(resource: Resource, observed: ObservedState, owner: Owner) -> Outcome | None:
    """Say that the workspace is missing; None if it is not, or if it was given up on purpose."""
    if not stays_missing(resource, observed, owner):
        return None
    if resource.deleting:
        return _missing_at_deletion(resource, observed)
    message = messages.workspace_missing(resource, observed)
    return Outcome(reason=Reason.WORKSPACE_MISSING, message=message)


def stays_missing(resource: Resource, observed: ObservedState, owner: Owner) -> bool:
    """Whether the workspace is missing and nobody has given it up."""
    return is_missing(resource.previous, observed, owner) and not is_replacement_requested(resource, observed)


def is_missing(previous: WorkspaceStatus, observed: ObservedState, owner: Owner) -> bool:
    """Whether the database is another one than the status names, or lacks the workspace that the status names.

    A workspace of our name and of another number counts if an administrator has just assigned it to us, or if this
    very resource has it in the very database that the status names.
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
    """Whether the annotation ``recreate`` asks to go on without the workspace of the status."""
    request, number = resource.recreation_request, resource.previous.workspace_id
    if request == RECREATE_NEW:
        return observed.namesakes != ()
    return number is not None and request == str(number)


def is_new_workspace_requested(resource: Resource) -> bool:
    """Whether the annotation ``recreate`` asks for a new workspace beside the one of another cluster."""
    return resource.recreation_request == RECREATE_NEW


def _missing_at_deletion(resource: Resource, observed: ObservedState) -> Outcome | None:
    """Deletion with policy Delete waits, except where the workspace may be gone because it was destroyed.

    Then the deletion was confirmed, and the database is not known to be another one.
    """
    is_same_store = resource.previous.store_id in (None, observed.store_id)
    if is_same_store and observed.workspace is None and CONFIRM_DELETE in resource.annotations:
        return None
    message = messages.missing_at_deletion(resource, observed)
    return Outcome(reason=Reason.WORKSPACE_MISSING, message=message)
