"""What a workspace holds of messages, in memory."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from workspace_operator.application.ports import AddressBlock, BlockKind, NewDelivery, Template
from workspace_operator.sending.addresses import parse_mailboxes
from workspace_operator.sending.deliveries import (
    FINAL_STATES,
    ArchivedContent,
    Attempt,
    Delivery,
    DeliveryState,
    Metric,
)
from workspace_operator.sending.messages import Attachment, Message, MessageContent
from workspace_operator.sending.requests.overrides import StoredRequest
from workspace_operator.workspaces.usage import Month

METRICS: Mapping[str, Metric] = {metric.value: metric for metric in Metric}
FORGOTTEN = ArchivedContent(forgotten=True)


@dataclass(slots=True, kw_only=True)
class StoredDelivery:
    """A delivery with all that belongs to it.

    ``origin`` is the person for whom it was accepted, ``send_at`` when it was to be sent first.
    """

    delivery: Delivery
    message: NewDelivery
    origin: str | None
    send_at: datetime
    is_copy: bool = False
    has_content: bool = True
    key: str | None = None
    unknowns: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    archived: ArchivedContent = FORGOTTEN

    def update(self, **values: Any) -> None:
        self.delivery = replace(self.delivery, **values)

    def record(self, metric: Metric, now: datetime) -> None:
        """Set the time of a metric that has none."""
        self.update(metrics={metric: now, **self.delivery.metrics})

    def enter(self, state: DeliveryState, now: datetime, **values: Any) -> None:
        """Enter a state, whose metric gets a time; a final one forgets what is not kept."""
        self.update(state=state, **values)
        if state.value in METRICS:
            self.record(METRICS[state.value], now)
        if state in FINAL_STATES and not self.message.keep_content:
            self.has_content = False

    def as_message(self, template_content: Callable[[int, int, str], MessageContent | None]) -> Message:
        """The message, with the content that its template had when it was accepted."""
        message, stored = self.message, StoredRequest.from_document(self.message.request)
        template = None
        if message.template is not None and message.content_version is not None:
            template = template_content(message.template, message.content_version, message.language)
        files = (Attachment(name=name, media_type=kind, content=data) for name, kind, data in message.attachments)
        return Message(
            delivery_id=self.delivery.delivery_id,
            channel=self.delivery.channel,
            accepted_mode=self.delivery.accepted_mode,
            is_draft=self.delivery.state is DeliveryState.DRAFTED,
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
            attachments=tuple(files),
        )

    def _content(self, content: MessageContent) -> MessageContent:
        if not self.is_copy:
            return content
        address = parse_mailboxes(self.message.to, field="to")[0].address
        return replace(content, subject=f"{content.subject} (bcc: {address})")


@dataclass(slots=True, kw_only=True)
class SendingState:
    """Deliveries by id, templates by number, blocks by kind and address, and the mailroom."""

    deliveries: dict[str, StoredDelivery] = field(default_factory=dict)
    templates: dict[int, Template] = field(default_factory=dict)
    contents: dict[tuple[int, int, str], MessageContent] = field(default_factory=dict)
    blocks: dict[tuple[BlockKind, str], AddressBlock] = field(default_factory=dict)
    next_due_at: datetime | None = None
    ownerless: dict[tuple[str, int], datetime] = field(default_factory=dict)
    sent: Counter[Month] = field(default_factory=Counter)
    lease_owner: str = ""
    lease_expires_at: datetime | None = None

    def content(self, template: int, version: int, language: str) -> MessageContent | None:
        """The content of a template in a language, or the default one."""
        key = (template, version)
        return self.contents.get((*key, language)) or self.contents.get((*key, ""))

    def wake(self, due_at: datetime) -> None:
        """Have the mailroom be due at a time, unless it is due earlier."""
        if self.next_due_at is None or due_at < self.next_due_at:
            self.next_due_at = due_at

    @property
    def first_due_at(self) -> datetime | None:
        """When the first delivery is due."""
        due = [stored.delivery.due_at for stored in self.deliveries.values()]
        return min((at for at in due if at is not None), default=None)

    def remove_of(self, cio_id: str) -> None:
        """Delete the deliveries of a person; attempts without an end stay until then."""
        for each in self.deliveries.values():
            if each.delivery.cio_id == cio_id:
                self.keep_unended(each)
        self.deliveries = {key: each for key, each in self.deliveries.items() if each.delivery.cio_id != cio_id}

    def keep_unended(self, stored: StoredDelivery) -> None:
        """Keep the attempts without an end of a delivery that is to be deleted."""
        for attempt in stored.attempts:
            if attempt.ended_at is None:
                self.ownerless[stored.delivery.delivery_id, attempt.number] = attempt.deadline

    def move(self, secondary: str, primary: str) -> None:
        """Give the deliveries of a secondary to its primary."""
        for stored in self.deliveries.values():
            if stored.delivery.cio_id == secondary:
                stored.update(cio_id=primary)

    def restore(self, survivor: str, origins: Collection[str], restored: str) -> None:
        """Give the deliveries of some people back, after an unmerge."""
        for stored in self.deliveries.values():
            if stored.delivery.cio_id == survivor and stored.origin in origins:
                stored.update(cio_id=restored)
