"""The events that belong to an action or a change of status: only transitions are told (kubernetes.md §1)."""

from workspace_operator.identity.rules import Mode
from workspace_operator.reconcile import messages
from workspace_operator.reconcile.credentials import RotationCause
from workspace_operator.reconcile.plan import Action, DestroyWorkspace, Event, RotateCredentials, SecretAction
from workspace_operator.reconcile.verdicts import WARNINGS, Reason
from workspace_operator.reconcile.wishes import Resource
from workspace_operator.resources.statuses import Condition, ConditionType, WorkspaceStatus

UNEXPECTED = frozenset({RotationCause.SECRET_ABSENT, RotationCause.SECRET_DIFFERS})
"""Somebody, or a crash, had a hand in it."""


def events_of(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    """One event when Ready's status or reason changed, one when other identifiers came in force, one of a pause."""
    return (*_of_switch(previous, status), *_of_ready(previous, status), *_of_suspension(previous, status))


def events_of_action(action: Action | SecretAction, resource: Resource) -> tuple[Event, ...]:
    """What is told once an action is carried out; of most, the status tells."""
    if isinstance(action, DestroyWorkspace):
        destroyed = messages.destroyed(action.workspace_id)
        return (Event(reason="WorkspaceDestroyed", message=destroyed, warning=False),)
    if not isinstance(action, RotateCredentials):
        return ()
    is_first = action.cause is RotationCause.NONE_IN_FORCE
    if is_first and resource.previous.workspace_id is None:
        return ()  # a new workspace: that it is in force is news enough
    told = Event(
        reason="CredentialsCreated" if is_first else "CredentialsRotated",
        message=messages.rotated(action.cause, resource),
        warning=action.cause in UNEXPECTED,
    )
    return (told,)


def _of_ready(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    before, ready = _ready(previous), _ready(status)
    if ready is None or (before is not None and _stance(before) == _stance(ready)):
        return ()
    return (Event(reason=ready.reason, message=ready.message, warning=ready.reason in WARNINGS),)


def _of_switch(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    before, now = _mode(previous), _mode(status)
    if before is None or now is None or before is now or previous.workspace_id != status.workspace_id:
        return ()
    message = messages.identifiers_changed(before, now, status.migration)
    return (Event(reason="IdentifiersChanged", message=message, warning=False),)


def _of_suspension(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    """Ready stays as it is when everything is in force, so its transition does not tell of a pause."""
    is_paused = _is_paused(status)
    if is_paused is _is_paused(previous):
        return ()
    if not is_paused:
        return (Event(reason="Resumed", message=messages.RESUMED, warning=False),)
    ready = _ready(status)
    if ready is not None and ready.reason == Reason.SUSPENDED:
        return ()
    return (Event(reason=Reason.SUSPENDED, message=messages.PAUSED, warning=False),)


def _is_paused(status: WorkspaceStatus) -> bool:
    return any(each.type == ConditionType.SUSPENDED for each in status.conditions)


def _ready(status: WorkspaceStatus) -> Condition | None:
    return next((each for each in status.conditions if each.type == ConditionType.READY), None)


def _stance(condition: Condition) -> tuple[str, str]:
    return condition.status, condition.reason


def _mode(status: WorkspaceStatus) -> Mode | None:
    return status.identifiers.mode if status.identifiers else None
