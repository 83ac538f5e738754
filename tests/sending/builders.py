"""Messages and circumstances for these tests: a message that passes, and what a row of a table changes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from workspace_operator.sending.addresses import Mailbox, parse_mailboxes
from workspace_operator.sending.deliveries import Channel
from workspace_operator.sending.gate import Circumstances, Recipient
from workspace_operator.sending.messages import Message, MessageContent
from workspace_operator.sending.rules import SendingRules, SendMode
from workspace_operator.sending.transports import ANY, TransportOffer

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

TEST_ADDRESS = "qa@example.com"
ANN, BOB, CLEO = "ann@shop.example", "bob@shop.example", "cleo@shop.example"

PERSON = Recipient(is_suppressed=False, is_unsubscribed=False)
SUPPRESSED = Recipient(is_suppressed=True, is_unsubscribed=False)
UNSUBSCRIBED = Recipient(is_suppressed=False, is_unsubscribed=True)
OFFER = TransportOffer(name="default", sender_domains=frozenset({"shop.example"}), namespaces=frozenset({ANY}))


def mailboxes(text: str) -> tuple[Mailbox, ...]:
    return parse_mailboxes(text, field="to")


def keys(found: tuple[Mailbox, ...]) -> tuple[str, ...]:
    return tuple(mailbox.key for mailbox in found)


def rules(mode: SendMode | None = SendMode.NORMAL, **changes: Any) -> SendingRules:
    """Rules in force; in Test with a test address, as every spec that is admitted has one."""
    fields: dict[str, Any] = {
        "test_address": TEST_ADDRESS if mode is SendMode.TEST else None,
        "open_tracking": True,
        "transport": None,
        "sender": None,
        "send_version": 7,
    }
    return SendingRules(mode=mode, **fields | changes)


def message(accepted_mode: SendMode | None = SendMode.NORMAL, **changes: Any) -> Message:
    """A message to Ann that is due."""
    fields: dict[str, Any] = {
        "delivery_id": "0" * 24,
        "channel": Channel.EMAIL,
        "is_draft": False,
        "due_at": NOW,
        "to": mailboxes(ANN),
        "content": MessageContent(subject="Receipt"),
    }
    return Message(accepted_mode=accepted_mode, **fields | changes)


def circumstances(in_force: SendMode | SendingRules | None = SendMode.NORMAL, **changes: Any) -> Circumstances:
    """Circumstances in which a message passes, under rules or a mode."""
    fields: dict[str, Any] = {
        "now": NOW,
        "rules": in_force if isinstance(in_force, SendingRules) else rules(in_force),
        "recipient": PERSON,
        "blocked": frozenset(),
        "transport": OFFER,
        "rate_free_at": None,
        "sender": mailboxes("Shop <hello@shop.example>")[0],
    }
    return Circumstances(**fields | changes)
