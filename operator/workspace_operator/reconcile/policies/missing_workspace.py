"""Outcomes for a resource whose workspace is missing in the database.

Nothing is written, neither to the database nor to Secrets, and the status stays as it is: once the right database is
back, the reconcile continues without further action.
"""

from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.missing_workspace import stays_missing
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.status import ownership_messages
from workspace_operator.resources.workspaces import CONFIRM_DELETE
from workspace_operator.workspaces.model import Owner


def missing_workspace_outcome(resource: Resource, observed: ObservedState, owner: Owner) -> Outcome | None:
    """Report a missing workspace; None if it exists, or if it was given up on purpose."""
    if not stays_missing(resource, observed, owner):
        return None
    if resource.deleting:
        return _missing_at_deletion(resource, observed)
    return Outcome(reason=Reason.WORKSPACE_MISSING, message=ownership_messages.workspace_missing(resource, observed))


def _missing_at_deletion(resource: Resource, observed: ObservedState) -> Outcome | None:
    """Hold a deletion with policy Delete, unless the workspace may be absent because it was destroyed.

    That is so if the deletion was confirmed and the database is not known to be another one.
    """
    is_same_store = resource.previous.store_id in (None, observed.store_id)
    if is_same_store and observed.workspace is None and CONFIRM_DELETE in resource.annotations:
        return None
    return Outcome(reason=Reason.WORKSPACE_MISSING, message=ownership_messages.missing_at_deletion(resource, observed))
