"""What a workspace holds of messages, in memory."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from workspace_operator.application.ports import AddressBlock, BlockKind, NewDelivery, Template
from workspace_operator.sending.addresses import parse_mailboxes
from workspace_operator.sending.deliveries import (
    FINAL_STATES,
    Attempt,
    Channel,
    Delivery,
    DeliveryState,
    GateRecord,
    Metric,
)
from workspace_operator.sending.messages import Attachment, Message, MessageContent
from workspace_operator.sending.overrides import StoredRequest
from workspace_operator.sending.rules import SendMode

METRICS: Mapping[DeliveryState, Metric] = {
    state: Metric(state.value) for state in DeliveryState if state.value in {metric.value for metric in Metric}
}


@dataclass(slots=True, kw_only=True)
class StoredDelivery:
    """A delivery with all that belongs to it: whose it is now, and whose it was when it was accepted."""

    delivery_id: str
    message: NewDelivery
    cio_id: str | None
    origin: str | None
    state: DeliveryState
    accepted_mode: SendMode
    accepted_at: datetime
    send_at: datetime
    due_at: datetime | None
    metrics: dict[Metric, datetime]
    is_copy: bool = False
    has_content: bool = True
    idempotency_key: str | None = None
    failure: str | None = None
    gate: GateRecord | None = None
    tries: int = 0
    unknowns: int = 0
    opens: int = 0
    clicks: int = 0
    machine_opens: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    rendered: Mapping[str, Any] | None = None

    def enter(self, state: DeliveryState, now: datetime) -> None:
        """Enter a state; a final one forgets what is not kept."""
        self.state = state
        if state in METRICS:
            self.metrics.setdefault(METRICS[state], now)
        if state in FINAL_STATES and not self.message.keep_content:
            self.has_content = False

    @property
    def delivery(self) -> Delivery:
        return Delivery(
            delivery_id=self.delivery_id,
            cio_id=self.cio_id,
            template=self.message.template,
            channel=Channel.EMAIL,
            state=self.state,
            accepted_mode=self.accepted_mode,
            accepted_at=self.accepted_at,
            due_at=self.due_at,
            tries=self.tries,
            recipient=self.message.to,
            subject=self.message.subject,
            gate=self.gate,
            failure=self.failure,
            metrics=dict(self.metrics),
            opens=self.opens,
            clicks=self.clicks,
            machine_opens=self.machine_opens,
        )

    def as_message(self, content: Callable[[int, int, str], MessageContent | None]) -> Message:
        """The message, with the content that a template had in a version and a language."""
        message, stored = self.message, StoredRequest.from_document(self.message.request)
        template = None
        if message.template is not None and message.content_version is not None:
            template = content(message.template, message.content_version, message.language)
        return Message(
            delivery_id=self.delivery_id,
            channel=Channel.EMAIL,
            accepted_mode=self.accepted_mode,
            is_draft=self.state is DeliveryState.DRAFTED,
            due_at=self.send_at,
            to=parse_mailboxes(message.to, field="to"),
            cc=parse_mailboxes(message.cc, field="cc"),
            bcc=() if message.fake_bcc else parse_mailboxes(message.bcc, field="bcc"),
            is_copy=self.is_copy,
            tracked=message.tracked,
            open_tracking=message.open_tracking,
            link_tracking=message.link_tracking,
            send_to_unsubscribed=message.send_to_unsubscribed,
            content=self._content(stored.overrides.apply(template)),
            data=stored.message_data,
            attachments=tuple(
                Attachment(name=name, media_type=kind, content=data) for name, kind, data in message.attachments
            ),
        )

    def _content(self, content: MessageContent) -> MessageContent:
        if not self.is_copy:
            return content
        address = parse_mailboxes(self.message.to, field="to")[0].address
        return replace(content, subject=f"{content.subject} (bcc: {address})")


@dataclass(slots=True, kw_only=True)
class Mail:
    """The messages of a workspace, its templates, and its mailroom."""

    deliveries: dict[str, StoredDelivery] = field(default_factory=dict)
    templates: dict[int, Template] = field(default_factory=dict)
    contents: dict[tuple[int, int, str], MessageContent] = field(default_factory=dict)
    blocks: dict[tuple[BlockKind, str], AddressBlock] = field(default_factory=dict)
    next_due_at: datetime | None = None
    lease_owner: str = ""
    lease_expires_at: datetime | None = None

    def content(self, template: int, version: int, language: str) -> MessageContent | None:
        """The content of a template in a language, or the default one."""
        key = (template, version)
        return self.contents.get((*key, language)) or self.contents.get((*key, ""))

    def wake(self, due_at: datetime) -> None:
        if self.next_due_at is None or due_at < self.next_due_at:
            self.next_due_at = due_at

    @property
    def first_due_at(self) -> datetime | None:
        return min((each.due_at for each in self.deliveries.values() if each.due_at is not None), default=None)

    def remove_of(self, cio_id: str) -> None:
        """Delete the deliveries of a person."""
        self.deliveries = {name: each for name, each in self.deliveries.items() if each.cio_id != cio_id}

    def restore(self, survivor: str, origins: Collection[str], restored: str) -> None:
        """Give the deliveries of some people back, after an unmerge."""
        for each in self.deliveries.values():
            if each.cio_id == survivor and each.origin in origins:
                each.cio_id = restored

    def move(self, secondary: str, primary: str) -> None:
        """Give the deliveries of a secondary to its primary."""
        for each in self.deliveries.values():
            each.cio_id = primary if each.cio_id == secondary else each.cio_id
