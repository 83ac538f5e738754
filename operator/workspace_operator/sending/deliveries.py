"""Deliveries: one message for one person, their states, and their attempts (sending §2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from workspace_operator.sending.rules import SendMode

HANDOVER_SECONDS = 30.0
"""Deadline of an attempt: after that no byte of its message leaves, and nothing waits for it."""

TOO_LATE = timedelta(hours=24)
"""A delivery that is due for longer is not sent any more (`--too-late`)."""


class Channel(StrEnum):
    """The channel of a delivery. Only email is sent; the gate knows the others (sending §3.6)."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SLACK = "slack"
    PUSH = "push"
    SMS = "sms"


class DeliveryState(StrEnum):
    """The state of a delivery; the values are the vendor's metrics, except the first three (sending §2.2)."""

    DRAFTED = "drafted"
    WAITING = "waiting"
    HANDING_OVER = "handing over"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    UNDELIVERABLE = "undeliverable"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATES = frozenset(DeliveryState) - {DeliveryState.DRAFTED, DeliveryState.WAITING, DeliveryState.HANDING_OVER}
"""States after which nothing is sent any more."""


class Metric(StrEnum):
    """Times that a delivery keeps, by the vendor's names."""

    CREATED = "created"
    DRAFTED = "drafted"
    ATTEMPTED = "attempted"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    UNDELIVERABLE = "undeliverable"
    FAILED = "failed"
    UNSUBSCRIBED = "unsubscribed"


class AttemptOutcome(StrEnum):
    """How a hand-over ended (sending §3.5, §6.2)."""

    SENT = "sent"
    """The server took the message after the final dot."""
    DEFERRED = "deferred"
    """Refused for now (4xx); a try is used up."""
    BOUNCED = "bounced"
    """Every recipient was refused for good (5xx)."""
    REFUSED = "refused"
    """The message or its sender was refused for good (5xx)."""
    NOT_SENT = "not sent"
    """The connection ended, or the deadline passed, before the final dot; no try is used up."""
    UNKNOWN = "unknown"
    """The connection ended after the final dot without an answer: the server may have taken the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRecord:
    """What the gate decided last about a delivery, for its record (`explain`, ``send_behavior`` on the wire).

    Attributes:
        mode: the mode in force at that time; None if it was unknown.
        accepted_mode: the mode in force when the message was accepted.
        send_version: the version of the rules.
        rule: the line of the decision table, sending §3.2.
        diverted_to: the test address that the message was sent to.
    """

    mode: SendMode | None
    accepted_mode: SendMode | None
    send_version: int
    rule: int
    diverted_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A hand-over of a delivery.

    Attributes:
        number: from 1 within the delivery.
        send_version: of the rules under which it began.
        recipients: number of addresses in the envelope.
        ended_at: None while it is in flight, or its worker died.
        code: the server's SMTP code; None without one.
        reply: the server's reply, printable, at most 300 characters; it may contain an address.
    """

    number: int
    begun_at: datetime
    deadline: datetime
    send_version: int
    mode: SendMode
    transport: str
    worker: str
    recipients: int
    ended_at: datetime | None = None
    outcome: AttemptOutcome | None = None
    code: int | None = None
    reply: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The record of a delivery, without its content.

    Attributes:
        delivery_id: 24 hexadecimal digits, sorted by time.
        cio_id: None for a recipient who is suppressed, and so is no person.
        template: the number of the template; None without one.
        accepted_mode: None if the mode is unknown to this version.
        due_at: of the next try; None if it is not waiting.
        tries: failed hand-overs that count.
        recipient: the To line as sent.
        failure: why it was not sent, in words.
        metrics: the first time of each metric.
        opens: opened by a person; ``machine_opens`` by a program.
    """

    delivery_id: str
    cio_id: str | None
    template: int | None
    channel: Channel
    state: DeliveryState
    accepted_mode: SendMode | None
    accepted_at: datetime
    due_at: datetime | None
    tries: int
    recipient: str
    subject: str
    gate: GateRecord | None = None
    failure: str | None = None
    metrics: Mapping[Metric, datetime] = field(default_factory=dict)
    opens: int = 0
    clicks: int = 0
    machine_opens: int = 0

    @property
    def is_final(self) -> bool:
        """Whether nothing is sent any more."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedContent:
    """A message as it was rendered; ``forgotten`` if its content was deleted or never kept."""

    forgotten: bool
    fields: Mapping[str, Any] = field(default_factory=dict)
