"""Policies for sending: the barrier after a change of its rules, and faults that keep messages back (sending §4.3)."""

from workspace_operator.reconcile.model.context import OwnedContext
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.model.policy_results import PolicyResult
from workspace_operator.reconcile.status import sending_messages
from workspace_operator.sending.rules import SendMode


def await_hand_overs(owned: OwnedContext) -> PolicyResult | None:
    """Wait until every hand-over that began under earlier rules has ended or passed its deadline.

    Also after looser rules: then those of this generation are the only ones under which anything is in flight.
    """
    sending = owned.observed.sending
    if sending is None or not sending.draining:
        return None
    message = sending_messages.draining(owned.resource.previous, owned.workspace, sending)
    return Outcome(reason=Reason.DRAINING, message=message)


def report_unknown_transport(owned: OwnedContext) -> PolicyResult | None:
    """Report a transport that the spec names and no live sender offers to the namespace."""
    sending, named = owned.observed.sending, owned.workspace.settings.transport
    if sending is None or named is None or not sending.senders.with_key:
        return None
    if sending.is_offered(named, owned.resource.namespace):
        return None
    message = sending_messages.transport_unknown(named, owned.resource, sending.senders)
    return Outcome(reason=Reason.TRANSPORT_UNKNOWN, message=message)


def report_key_mismatch(owned: OwnedContext) -> PolicyResult | None:
    """Report messages that wait while every live sender has another root key than the database."""
    sending, mode = owned.observed.sending, owned.workspace.settings.send_mode
    if sending is None or not sending.senders.have_other_key_only:
        return None
    if not sending.has_waiting or mode is SendMode.NEVER:
        return None
    return Outcome(reason=Reason.ROOT_KEY_MISMATCH, message=sending_messages.KEY_MISMATCH)


FAULTS = (report_unknown_transport, report_key_mismatch)
"""What a person must fix before messages leave; it does not hold back the other settings."""
