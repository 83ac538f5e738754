"""Ports of deliveries: accepting them, reading them, and what their recipients do with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.references import Reference
from workspace_operator.sending.deliveries import ArchivedContent, Attempt, Delivery, DeliveryState, Metric
from workspace_operator.sending.messages import Message
from workspace_operator.sending.rules import SendingRules, SendMode


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A message to accept, parsed and checked.

    Attributes:
        reference: the person; their identifiers are looked up in the transaction that accepts.
        send_at: when it is to be sent; a time that has passed is now.
        is_draft: keep it until somebody sends it.
        to: the recipients as sent, which the record shows; ``cc`` and ``bcc`` likewise, empty without any.
        fake_bcc: each address of Bcc gets a copy of its own instead.
        request: overrides of the template and ``message_data``, as JSON that `Deliveries` stores and gives back.
        subject: of the record, not rendered; a hand-over replaces it by the rendered one.
        idempotency_key: at most 255 characters; None without one.
        request_digest: of the whole request, which an idempotency key must repeat.
        repeats: a marked repeat of a client: the same digest within two minutes is the same message.
        attachments: name, media type and content, in order.
    """

    reference: Reference
    template: int | None
    content_version: int | None
    language: str
    send_at: datetime
    is_draft: bool
    to: str
    cc: str
    bcc: str
    fake_bcc: bool
    subject: str
    tracked: bool
    open_tracking: bool
    link_tracking: bool
    send_to_unsubscribed: bool
    keep_content: bool
    request: Mapping[str, Any]
    request_digest: str
    idempotency_key: str | None = None
    repeats: bool = False
    attachments: Sequence[tuple[str, str, bytes]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A message that is stored durably.

    Attributes:
        mode: the send mode in force; None if this version does not know it.
        replayed: an earlier request with the same idempotency key was accepted; this one stored nothing.
    """

    delivery_id: str
    queued_at: datetime
    mode: SendMode | None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class PersonMissing:
    """The message was not accepted: the workspace has no person of the reference."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The message was not accepted: the idempotency key was used for another request within 24 hours."""

    key: str


AcceptResult = Accepted | PersonMissing | KeyReused | InvalidInput
"""The result for one message; InvalidInput if its reference is of a kind that names nobody in the mode in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery:
    """A filter of deliveries, newest first; None and empty filter nothing.

    Attributes:
        before: only deliveries with a lower id, from the end of the page before.
        since: accepted at or after; ``until``: before.
    """

    limit: int
    before: str | None = None
    cio_id: str | None = None
    template: int | None = None
    states: frozenset[DeliveryState] = frozenset()
    metric: Metric | None = None
    drafts: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """A delivery with the identifiers that its person has now; all None without one."""

    delivery: Delivery
    id: str | None
    email: str | None

    @property
    def cio_id(self) -> str | None:
        """The cio_id of the person."""
        return self.delivery.cio_id


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCounts:
    """Messages of a workspace that wait, and that are being handed over.

    Attributes:
        by_accepted_mode: waiting messages by the mode in which they were accepted.
        next_due_at: when the first of them is due.
    """

    waiting: int
    in_flight: int
    by_accepted_mode: Mapping[SendMode, int] = field(default_factory=dict)
    next_due_at: datetime | None = None


class Deliveries(Protocol):
    """The deliveries of workspaces. Methods raise NotFound if there is no such workspace."""

    def accept(self, workspace_id: int, messages: Sequence[NewDelivery], *, now: datetime) -> Sequence[AcceptResult]:
        """Store messages durably in one transaction, under the rules that are in force in it.

        A reference to a suppressed identifier is accepted as a delivery that is dropped, without a person. The results
        are in the order of the messages, each independent of the others.
        """
        ...

    def rules(self, workspace_id: int) -> SendingRules:
        """The sending rules in force."""
        ...

    def list(self, workspace_id: int, query: DeliveryQuery) -> Sequence[DeliveryRecord]:
        """List deliveries, newest first."""
        ...

    def get(self, workspace_id: int, delivery_id: str) -> DeliveryRecord:
        """Get one delivery. Raises NotFound."""
        ...

    def message(self, workspace_id: int, delivery_id: str) -> Message:
        """The message of a delivery, as the gate sees it. Raises NotFound, also if its content was forgotten."""
        ...

    def attempts(self, workspace_id: int, delivery_id: str) -> Sequence[Attempt]:
        """The attempts of a delivery, in order. Raises NotFound."""
        ...

    def archived(self, workspace_id: int, delivery_id: str) -> ArchivedContent:
        """The content of a delivery as it was handed over. Raises NotFound."""
        ...

    def cancel(self, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
        """Cancel a delivery that is waiting or drafted. Raises NotFound, or Conflict with its state."""
        ...

    def send_draft(self, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
        """Accept a draft now, under the mode in force now. Raises NotFound, or Conflict if it is no draft."""
        ...

    def record_open(
        self, workspace_id: int, delivery_id: str, *, by_machine: bool, is_test: bool, now: datetime
    ) -> None:
        """Count an open; nothing while open tracking is off.

        An open by a person is logged as their activity unless ``is_test``. An unknown delivery is ignored.
        """
        ...

    def record_click(self, workspace_id: int, delivery_id: str, *, url: str, is_test: bool, now: datetime) -> None:
        """Count a click, and log it as the person's activity unless ``is_test``. An unknown delivery is ignored."""
        ...

    def unsubscribe(self, workspace_id: int, delivery_id: str, *, now: datetime) -> str | None:
        """Record that the person of a delivery unsubscribes; their cio_id, None if there is no such person.

        It sets no attribute: the caller does that with a command.
        """
        ...

    def counts(self, workspace_id: int, *, now: datetime) -> WaitingCounts:
        """Count what waits and what is being handed over, from the indexes."""
        ...

    def purge(self, *, content_before: datetime, deliveries_before: datetime, now: datetime, limit: int) -> bool:
        """Delete old content and deliveries of all workspaces, one batch of each; whether more may be left.

        Content is deleted once its delivery is in a final state and was to be sent before ``content_before``. An
        idempotency key that has expired is released when it is used again, so that no index by time is needed.
        """
        ...
