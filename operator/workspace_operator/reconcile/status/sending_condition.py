"""Condition SendingApplied: whether this generation's sending rules hold for all that leaves (sending §4.3)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.reconcile.model.outcomes import Outcome, Reason, SendingReason
from workspace_operator.reconcile.model.sending import ObservedSending
from workspace_operator.reconcile.status import sending_messages
from workspace_operator.reconcile.status.messages import SEE_READY
from workspace_operator.resources.statuses import ConditionStatus
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.model import Workspace

ConditionValue: TypeAlias = tuple[ConditionStatus, Reason | SendingReason, str]
"""Status, reason and message of a condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingContext:
    """The inputs of the rules; ``outcome`` is that of Ready, whose message is not repeated."""

    resource: Resource
    desired: DesiredState
    workspace: Workspace
    sending: ObservedSending
    outcome: Outcome

    def false(self, reason: Reason, message: str) -> ConditionValue:
        """The condition is False; the message is in Ready if that has the same reason."""
        return ConditionStatus.FALSE, reason, SEE_READY if self.outcome.reason is reason else message


def sending_applied(
    resource: Resource, desired: DesiredState, observed: ObservedState, workspace: Workspace, outcome: Outcome
) -> ConditionValue:
    """The condition for a workspace: the first rule that holds."""
    context = SendingContext(
        resource=resource,
        desired=desired,
        workspace=workspace,
        sending=observed.sending or ObservedSending(),
        outcome=outcome,
    )
    values = (value for rule in RULES if (value := rule(context)) is not None)
    return next(values, _in_force(context))


def has_unknown_behavior(context: SendingContext) -> ConditionValue | None:
    """The stored mode is unknown to this version, and the spec's value could not be put in force."""
    if context.workspace.knows_send_mode:
        return None
    return ConditionStatus.FALSE, SendingReason.UNKNOWN_SEND_BEHAVIOR, sending_messages.UNKNOWN_SEND_BEHAVIOR


def rules_are_not_in_force(context: SendingContext) -> ConditionValue | None:
    """The spec's rules are not stored yet: Ready says why."""
    if not context.desired.settings.changes_sending(context.workspace.settings):
        return None
    return ConditionStatus.FALSE, context.outcome.reason, SEE_READY


def is_draining(context: SendingContext) -> ConditionValue | None:
    """Messages are being handed over under earlier rules."""
    if not context.sending.draining:
        return None
    return context.false(Reason.DRAINING, sending_messages.draining_beside(context.sending))


def names_unknown_transport(context: SendingContext) -> ConditionValue | None:
    """The spec names a transport that no running sender offers to the namespace."""
    named, sending = context.workspace.settings.transport, context.sending
    if named is None or not sending.senders.with_key or sending.is_offered(named, context.resource.namespace):
        return None
    message = sending_messages.transport_unknown(named, context.resource, sending.senders)
    return context.false(Reason.TRANSPORT_UNKNOWN, message)


def sends_nothing(context: SendingContext) -> ConditionValue | None:
    """Never holds without any sender."""
    return _in_force(context) if context.workspace.settings.send_mode is SendMode.NEVER else None


def senders_have_other_key(context: SendingContext) -> ConditionValue | None:
    """Every running sender has another root key than the database."""
    if not context.sending.senders.have_other_key_only:
        return None
    return context.false(Reason.ROOT_KEY_MISMATCH, sending_messages.KEY_MISMATCH)


def no_sender_runs(context: SendingContext) -> ConditionValue | None:
    """No sender has reported for a minute."""
    if context.sending.senders.with_key:
        return None
    return ConditionStatus.UNKNOWN, SendingReason.NO_WORKER, sending_messages.NO_WORKER


def messages_wait_for_default(context: SendingContext) -> ConditionValue | None:
    """Messages wait, and no running sender offers the transport called default; without messages that is no fault."""
    sending, namespace = context.sending, context.resource.namespace
    if not sending.has_waiting or sending.is_offered(context.workspace.settings.transport, namespace):
        return None
    return context.false(Reason.TRANSPORT_UNKNOWN, sending_messages.messages_wait_for_default(namespace))


RULES: tuple[Callable[[SendingContext], ConditionValue | None], ...] = (
    has_unknown_behavior,
    rules_are_not_in_force,
    is_draining,
    names_unknown_transport,
    sends_nothing,
    senders_have_other_key,
    no_sender_runs,
    messages_wait_for_default,
)


def _in_force(context: SendingContext) -> ConditionValue:
    mode = context.workspace.settings.send_mode
    return ConditionStatus.TRUE, Reason.IN_FORCE, sending_messages.MODES_IN_FORCE[mode]


def awaits_sender(observed: ObservedState, namespace: str) -> bool:
    """Whether a sender that starts would change the condition of a workspace that depends on it.

    A workspace depends on senders if it names a transport, or if messages wait.
    """
    sending, workspace = observed.sending, observed.workspace
    if sending is None or workspace is None or workspace.settings.send_mode is SendMode.NEVER:
        return False
    is_served = sending.is_offered(workspace.settings.transport, namespace)
    return not is_served and (workspace.settings.transport is not None or sending.has_waiting)
