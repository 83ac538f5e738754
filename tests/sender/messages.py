"""Messages, rules and rendered content for tests of the sender."""

from datetime import UTC, datetime
from typing import Any

from workspace_operator.application.ports import QueuedDelivery
from workspace_operator.application.sending.handover.transaction import Prepared
from workspace_operator.sending.addresses import parse_mailbox, parse_mailboxes
from workspace_operator.sending.deliveries import Channel
from workspace_operator.sending.messages import Message, MessageContent, RenderedMessage, RenderFailure
from workspace_operator.sending.rules import SendingRules, SendMode
from workspace_operator.sending.transports import ANY, TransportOffer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

OFFER = TransportOffer(name="default", sender_domains=frozenset({"shop.example"}), namespaces=frozenset({ANY}))

RENDERED = RenderedMessage(
    subject="Receipt",
    sender=parse_mailbox("Shop <hello@shop.example>", field="from"),
    reply_to=(),
    headers=(),
    entity=b"Content-Type: text/plain\r\n\r\nThanks\r\n",
    html=None,
    plain="Thanks",
)


def rules(mode: SendMode | None = SendMode.NORMAL, **changes: Any) -> SendingRules:
    """Sending rules of version 1."""
    test_address = "qa@shop.example" if mode is SendMode.TEST else None
    values = {"test_address": test_address, "open_tracking": True, "transport": None, "sender": None, "send_version": 1}
    return SendingRules(mode=mode, **(values | changes))


def message(delivery_id: str, *, to: str = "ann@example.com", **changes: Any) -> Message:
    """An email that was accepted in Normal and is due."""
    values: dict[str, Any] = {
        "channel": Channel.EMAIL,
        "accepted_mode": SendMode.NORMAL,
        "is_draft": False,
        "due_at": NOW,
        "to": parse_mailboxes(to, field="to"),
        "content": MessageContent(subject="Receipt", body_plain="Thanks"),
    }
    return Message(delivery_id=delivery_id, **(values | changes))


def queued(delivery_id: str, **changes: Any) -> QueuedDelivery:
    """A delivery before its first attempt."""
    return QueuedDelivery(
        message=message(delivery_id, **changes),
        next_attempt=1,
        tries=0,
        unknowns=0,
        first_tried_at=None,
        cio_id=f"person-{delivery_id}",
        customer={},
        keep_content=False,
    )


def prepared(
    delivery_id: str,
    *,
    content: RenderedMessage | RenderFailure | None = RENDERED,
    send_version: int = 1,
    **changes: Any,
) -> Prepared:
    """A delivery that was rendered under version 1 of the rules."""
    return Prepared(queued=queued(delivery_id, **changes), content=content, send_version=send_version)
