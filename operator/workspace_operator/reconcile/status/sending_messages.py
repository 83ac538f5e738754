"""Messages about sending: the barrier, transports and root keys (sending §3.4, §4.3).

Only the message of a barrier has numbers, those of the moment when it is written; it lasts half a minute at most.
"""

from datetime import UTC, datetime

from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.sending import LiveSenders, ObservedSending
from workspace_operator.resources.statuses import SendingInForce, WorkspaceStatus
from workspace_operator.sending.rules import DEFAULT_TRANSPORT, SendMode
from workspace_operator.workspaces.model import Workspace

MODES_IN_FORCE = {
    SendMode.NORMAL: "Normal is in force: messages go to their recipients.",
    SendMode.TEST: "Test is in force: all e-mail goes to the test address only.",
    SendMode.NEVER: "Never is in force: no message leaves, on any channel.",
}

KEY_MISMATCH = (
    "No message leaves, because every running sender has another root key than this database, as after a copy of the "
    "database. If this is the original, give the senders its root key (--root-key-file). To send from this database "
    "with the key that they have, an administrator runs `workspacectl sending adopt-database`."
)

NO_WORKER = (
    "No sender of this installation has reported within a minute, so messages wait. The rules of this generation are "
    "stored and hold for every message once one runs: `workspacectl run worker` or `workspacectl run sender`."
)

UNKNOWN_SEND_BEHAVIOR = (
    "The database has a send behavior that this version does not know, as after a downgrade, so messages wait. The "
    "value of the spec is put in force once nothing else holds the spec back: see the message of condition Ready."
)


def draining(previous: WorkspaceStatus, workspace: Workspace, sending: ObservedSending) -> str:
    """Messages are being handed over under earlier rules; which change they precede, and until when."""
    messages = "1 message was" if sending.draining == 1 else f"{sending.draining} messages were"
    change = _change(previous.sending, workspace)
    return f"{messages} being handed over when {change}; the last of them ends by {_time(sending.drained_by)}."


def draining_beside(sending: ObservedSending) -> str:
    """The same while Ready has another reason; without the number, which moves all the time."""
    return f"Messages are being handed over under earlier rules; the last of them ends by {_time(sending.drained_by)}."


def draining_before_deletion(workspace: Workspace, sending: ObservedSending) -> str:
    """Messages are being handed over from a workspace that is to be destroyed."""
    messages = "1 message is" if sending.in_flight == 1 else f"{sending.in_flight} messages are"
    return (
        f"{messages} being handed over. Workspace {workspace.workspace_id} sends no others and is destroyed when they "
        "have ended, within 30 seconds."
    )


def transport_unknown(named: str, resource: Resource, senders: LiveSenders) -> str:
    """The spec names a transport that no running sender offers to the namespace; which ones are offered."""
    what = not_offered(named, resource.namespace, senders, field="spec.sending.transport", effect="messages wait")
    return f"{what} All settings are applied. The operator checks again within a minute."


def not_offered(named: str, namespace: str, senders: LiveSenders, *, field: str, effect: str) -> str:
    """No running sender offers the transport of a field to the namespace, with the effect of that; what helps."""
    offered = ", ".join(sorted(senders.offered_to(namespace))) or "none"
    return (
        f"No running sender offers the transport {named} to the namespace {namespace}, so {effect}. Offered are: "
        f"{offered}. Correct {field}, or have that transport offered to this namespace."
    )


def messages_wait_for_default(namespace: str) -> str:
    """Messages wait for the transport called default, which no running sender offers."""
    return (
        f"Messages wait, because no running sender offers a transport called {DEFAULT_TRANSPORT} to the namespace "
        f"{namespace}. Name another one in spec.sending.transport, or have that one offered to this namespace."
    )


def _change(before: SendingInForce | None, workspace: Workspace) -> str:
    settings = workspace.settings
    if before is None or before.mode is None or before.mode is not settings.send_mode:
        return f"{settings.send_mode} was put in force"
    if before.test_address != settings.test_address:
        return "another test address was put in force"
    return "other rules for sending were put in force"


def _time(moment: datetime | None) -> str:
    return "now" if moment is None else f"{moment.astimezone(UTC):%H:%M:%S} UTC"
