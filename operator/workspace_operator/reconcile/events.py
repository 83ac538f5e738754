"""The events that belong to a change of status: only transitions are told (kubernetes.md §1)."""

from workspace_operator.identity.rules import Mode
from workspace_operator.reconcile import messages
from workspace_operator.reconcile.plan import Event
from workspace_operator.reconcile.verdicts import WARNINGS
from workspace_operator.resources.statuses import Condition, ConditionType, WorkspaceStatus


def events_of(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    """One event when Ready's status or reason changed, one when other identifiers came in force."""
    return (*_of_switch(previous, status), *_of_ready(previous, status))


def _of_ready(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    before, ready = _ready(previous), _ready(status)
    if ready is None or (before is not None and _stance(before) == _stance(ready)):
        return ()
    return (Event(reason=ready.reason, message=ready.message, warning=ready.reason in WARNINGS),)


def _of_switch(previous: WorkspaceStatus, status: WorkspaceStatus) -> tuple[Event, ...]:
    before, now = _mode(previous), _mode(status)
    if before is None or now is None or before is now or previous.workspace_id != status.workspace_id:
        return ()
    return (Event(reason="IdentifiersChanged", message=messages.identifiers_changed(before, now), warning=False),)


def _ready(status: WorkspaceStatus) -> Condition | None:
    return next((each for each in status.conditions if each.type == ConditionType.READY), None)


def _stance(condition: Condition) -> tuple[str, str]:
    return condition.status, condition.reason


def _mode(status: WorkspaceStatus) -> Mode | None:
    return status.identifiers.mode if status.identifiers else None
