"""The events of an action or a status change: only transitions emit one (kubernetes.md §1)."""

from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.account_resources import AccountChange, CreateFirstWorkspace
from workspace_operator.reconcile.model.actions import Action, DeleteWorkspace, Event, RotateCredentials, SecretAction
from workspace_operator.reconcile.model.credentials import RotationReason
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.outcomes import WARNING_REASONS, Reason
from workspace_operator.reconcile.status import credential_messages, messages, migration_messages
from workspace_operator.resources.statuses import Condition, ConditionType, WorkspaceStatus

UNEXPECTED_ROTATIONS = frozenset({RotationReason.SECRET_ABSENT, RotationReason.SECRET_DIFFERS})
"""Rotations after a crash, or after someone changed the Secret."""


def status_events(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    """Events for a changed status or reason of Ready, for a cut-over, and for a pause or its end."""
    return (
        *_cutover_events(previous, status),
        *ready_events(previous.ready, status.ready),
        *_suspension_events(previous, status),
    )


def action_events(action: Action | SecretAction, resource: Resource) -> tuple[Event, ...]:
    """The events of a completed action; most actions have none, since the status reports them."""
    if isinstance(action, DeleteWorkspace):
        message = messages.workspace_deleted(action.workspace_id)
        return (Event(reason="WorkspaceDestroyed", message=message, warning=False),)
    if not isinstance(action, RotateCredentials):
        return ()
    is_first = action.reason is RotationReason.NONE_IN_FORCE
    if is_first and resource.previous.workspace_id is None:
        return ()  # a new workspace: the event InForce is enough
    event = Event(
        reason="CredentialsCreated" if is_first else "CredentialsRotated",
        message=credential_messages.rotated(action.reason, resource),
        warning=action.reason in UNEXPECTED_ROTATIONS,
    )
    return (event,)


def account_action_events(action: AccountChange) -> tuple[Event, ...]:
    """The event of a completed action on an account: the first workspace is a resource that nobody has written."""
    if not isinstance(action, CreateFirstWorkspace):
        return ()
    message = (
        f"The Workspace {action.name} was created, since the account had none. status.firstWorkspaceTime is the time."
    )
    return (Event(reason="FirstWorkspaceCreated", message=message, warning=False),)


def ready_events(before: Condition | None, ready: Condition | None) -> tuple[Event, ...]:
    """The event for a changed status or reason of Ready."""
    if ready is None or (before is not None and (before.status, before.reason) == (ready.status, ready.reason)):
        return ()
    return (Event(reason=ready.reason, message=ready.message, warning=ready.reason in WARNING_REASONS),)


def _cutover_events(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    before, now = _mode(previous), _mode(status)
    if before is None or now is None or before is now or previous.workspace_id != status.workspace_id:
        return ()
    message = migration_messages.identifiers_changed(before, now, status.migration)
    return (Event(reason="IdentifiersChanged", message=message, warning=False),)


def _suspension_events(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    """The event of a pause or its end, unless the transition of Ready already reports it."""
    is_paused = _is_paused(status)
    if is_paused is _is_paused(previous):
        return ()
    if not is_paused:
        return (Event(reason="Resumed", message=messages.RESUMED, warning=False),)
    if status.ready is not None and status.ready.reason == Reason.SUSPENDED:
        return ()
    return (Event(reason=Reason.SUSPENDED, message=messages.PAUSED, warning=False),)


def _is_paused(status: WorkspaceStatus) -> bool:
    return any(condition.type == ConditionType.SUSPENDED for condition in status.conditions)


def _mode(status: WorkspaceStatus) -> Mode | None:
    return status.identifiers.mode if status.identifiers else None
