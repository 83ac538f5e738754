"""Policies for a resource that is being deleted: whether its people are deleted (design §4, Deletion)."""

from dataclasses import replace

from workspace_operator.reconcile.model.actions import DeleteSecret, DeleteWorkspace, Event, UpdateSettings
from workspace_operator.reconcile.model.context import DeletionContext
from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import Observation, StoreUnreachable
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.model.policy_results import Ignore, PolicyResult, RemoveFinalizer, first_result
from workspace_operator.reconcile.policies.generations import is_on_hold, on_hold_outcome
from workspace_operator.reconcile.status import messages, ownership_messages, sending_messages
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.resources.workspaces import CONFIRM_DELETE, DeletionPolicy
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.model import Owner, Workspace


def finalize(resource: Resource, observed: Observation, owner: Owner) -> PolicyResult:
    """Decide for a resource that is being deleted; neither suspend nor an invalid spec delays it."""
    if not resource.has_finalizer:
        return Ignore()
    if resource.deletion_policy is DeletionPolicy.RETAIN:
        return RemoveFinalizer()
    if isinstance(observed, StoreUnreachable):
        return Outcome(reason=Reason.STORE_UNAVAILABLE, message=messages.store_unavailable(resource))
    context = DeletionContext(resource=resource, observed=observed, owner=owner)
    return first_result(POLICIES, context) or RemoveFinalizer()


def keep_foreign_workspace(context: DeletionContext) -> PolicyResult | None:
    """Keep a workspace that belongs to another resource, even if the deletion is confirmed."""
    from_status = context.observed.from_status
    in_namespace = from_status.workspace if from_status and from_status.is_in_namespace_of(context.owner) else None
    workspace = context.observed.workspace or in_namespace
    if workspace is None or workspace == context.owned_workspace:
        return None
    kept = Event(reason="WorkspaceKept", message=ownership_messages.workspace_not_deleted(workspace), warning=True)
    return RemoveFinalizer(events=(kept,))


def require_confirmation(context: DeletionContext) -> PolicyResult | None:
    """Require that the annotation has the display name in force, in any Unicode form."""
    workspace, confirmation = context.owned_workspace, context.resource.annotations.get(CONFIRM_DELETE)
    if workspace is None or _matches_display_name(confirmation, workspace):
        return None
    message = messages.deletion_not_confirmed(workspace, confirmation)
    return Outcome(reason=Reason.DELETION_NOT_CONFIRMED, message=message)


def hold_deletion(context: DeletionContext) -> PolicyResult | None:
    """Hold the deletion of an older document, as after a restore of etcd, until a person confirms it."""
    workspace = context.owned_workspace
    if workspace is None or not is_on_hold(context.resource, workspace):
        return None
    return on_hold_outcome("the people are not destroyed", context.resource)


def stop_sending(context: DeletionContext) -> PolicyResult | None:
    """Put Never in force first, so that no hand-over begins any more."""
    workspace = context.owned_workspace
    if workspace is None or (workspace.settings.send_mode is SendMode.NEVER and workspace.knows_send_mode):
        return None
    never = replace(workspace.settings, send_mode=SendMode.NEVER, test_address=None)
    return UpdateSettings(workspace_id=workspace.workspace_id, row_version=workspace.row_version, settings=never)


def await_hand_overs(context: DeletionContext) -> PolicyResult | None:
    """Wait until the hand-overs that have begun are over."""
    workspace, sending = context.owned_workspace, context.observed.sending
    if workspace is None or sending is None or not sending.in_flight:
        return None
    return Outcome(reason=Reason.DRAINING, message=sending_messages.draining_before_deletion(workspace, sending))


def delete_workspace(context: DeletionContext) -> PolicyResult | None:
    """Delete the workspace; the earlier policies made sure that this is confirmed."""
    workspace = context.owned_workspace
    if workspace is None:
        return None
    return DeleteWorkspace(workspace_id=workspace.workspace_id, row_version=workspace.row_version)


def delete_secret(context: DeletionContext) -> PolicyResult | None:
    """Delete our Secret once the workspace and its credentials are deleted; any other Secret stays."""
    credentials = context.observed.credentials
    return DeleteSecret() if credentials is not None and credentials.secret is SecretState.OWN else None


def _matches_display_name(confirmation: str | None, workspace: Workspace) -> bool:
    return confirmation is not None and comparison_key(confirmation) == comparison_key(workspace.settings.display_name)


POLICIES = (
    keep_foreign_workspace,
    require_confirmation,
    hold_deletion,
    stop_sending,
    await_hand_overs,
    delete_workspace,
    delete_secret,
)
