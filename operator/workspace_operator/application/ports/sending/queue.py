"""Ports of the sender: its queue, the renderer of messages, and the transports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from workspace_operator.application.ports.sending.rooms import RoomLease, RoomStatus
from workspace_operator.reconcile.model.sending import SENDER_DEAD_AFTER
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState, GateRecord
from workspace_operator.sending.gate import Recipient
from workspace_operator.sending.messages import (
    Message,
    MessageContent,
    OutgoingMail,
    RenderedMessage,
    RenderFailure,
    RenderJob,
)
from workspace_operator.sending.outcomes import HandoverResult
from workspace_operator.sending.rules import SendingRules, SendMode
from workspace_operator.sending.transports import TransportOffer

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedDelivery:
    """A delivery whose turn it is.

    Attributes:
        next_attempt: the number of the attempt that would begin.
        unknowns: attempts whose outcome is unknown; ``tries`` those that failed and count.
        first_tried_at: when its first attempt began; None before it.
        customer: the person's attributes and identifiers, as Liquid sees them; empty without a person.
        keep_content: archive the rendered message.
    """

    message: Message
    next_attempt: int
    tries: int
    unknowns: int
    first_tried_at: datetime | None
    cio_id: str | None
    customer: Mapping[str, Any]
    keep_content: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """An attempt that begins, with the deadline after which nothing of it leaves.

    Attributes:
        subject: as rendered, for the record of the delivery; None if its content is not to be kept.
    """

    delivery_id: str
    number: int
    begun_at: datetime
    deadline: datetime
    mode: SendMode
    transport: str
    recipients: int
    gate: GateRecord
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedAttempt:
    """An attempt that has ended, and what follows for its delivery.

    Attributes:
        due_at: of the next try, if ``state`` is waiting.
        counts_as_try: whether it uses up a try.
        invalid_addresses: e-mail keys of recipients that the server does not know: they become address blocks.
        rendered: the content for the archive; None to keep none.
    """

    delivery_id: str
    number: int
    outcome: AttemptOutcome
    code: int | None
    reply: str | None
    state: DeliveryState
    failure: str | None = None
    due_at: datetime | None = None
    counts_as_try: bool = False
    invalid_addresses: frozenset[str] = frozenset()
    rendered: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMessages:
    """Messages that a server refused for good with one SMTP code, in the hour that begins at ``hour`` (UTC)."""

    transport: str
    hour: datetime
    code: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSender:
    """A sender that wrote a heartbeat, with the transports that it offers.

    Attributes:
        has_database_key: whether its root key is that of the database; if not, it hands over nothing.
        refusals: the messages of the 24 hours before the heartbeat that were refused.
    """

    worker: str
    offers: tuple[TransportOffer, ...]
    has_database_key: bool
    beat_at: datetime
    refusals: tuple[RefusedMessages, ...] = ()

    def is_alive(self, now: datetime) -> bool:
        """Whether its heartbeat is recent enough to count."""
        return now - self.beat_at < SENDER_DEAD_AFTER


class SendingTransaction(Protocol):
    """One transaction of a sender on the room that it leases: it ends attempts, begins some, and claims deliveries."""

    @property
    def rules(self) -> SendingRules:
        """The sending rules in force until the transaction ends."""
        ...

    @property
    def namespace(self) -> str:
        """The namespace of the workspace's owner, to which transports are offered, until the transaction ends."""
        ...

    @property
    def root_key_fingerprint(self) -> str | None:
        """The fingerprint of the root key whose installation sends from this database; None before the first one."""
        ...

    def end_attempts(self, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:
        """Record the outcomes of attempts. A delivery that is gone, because its person is, records nothing."""
        ...

    def lock_due(self, deliveries: Sequence[QueuedDelivery], *, now: datetime) -> frozenset[str]:
        """Lock deliveries, and tell which are still waiting and due, with the same person and next attempt."""
        ...

    def recipients(self, cio_ids: Sequence[str]) -> Mapping[str, Recipient]:
        """The people of deliveries; one that does not exist is missing."""
        ...

    def blocked(self, keys: Sequence[str]) -> frozenset[str]:
        """Which addresses, by e-mail key, are suppressed or have an address block."""
        ...

    def begin_attempts(self, attempts: Sequence[NewAttempt], *, now: datetime) -> None:
        """Begin attempts: only after this transaction's commit may their messages leave."""
        ...

    def hold(
        self, delivery_id: str, state: DeliveryState, reason: str, gate: GateRecord | None, *, now: datetime
    ) -> None:
        """End a delivery that is never sent, in a final state."""
        ...

    def postpone(self, delivery_id: str, until: datetime | None, *, now: datetime) -> None:
        """Ask the gate about a delivery again at a time; None: only a person continues it."""
        ...

    def claim(self, limit: int, *, exclude: frozenset[str], now: datetime) -> Sequence[QueuedDelivery]:
        """Read the deliveries that are due, first due first, except those that the sender has in hand.

        An attempt without an end whose deadline has passed is ended as unknown first. A delivery that cannot be read
        is ended as failed. Attachments are limited to 8 MiB together, but the first delivery is always among them.
        """
        ...


class SendingQueue(Protocol):
    """The queues of all workspaces, as a sender works on them."""

    def lease_room(
        self, worker: str, duration: timedelta, *, exclude: frozenset[int] = frozenset(), now: datetime
    ) -> RoomLease | None:
        """Lease the room that is due first and that no other sender leases, except some; None if there is none."""
        ...

    def run(self, lease: RoomLease, work: Callable[[SendingTransaction], T], *, now: datetime) -> T:
        """Run ``work`` in one transaction and renew the lease; it may run several times, and the last run counts.

        Raises:
            StaleRevision: the lease was lost, or the workspace is gone.
        """
        ...

    def end_attempts(self, lease: RoomLease, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:
        """Record the outcomes of attempts that this sender began, although it has lost the lease meanwhile.

        Raises:
            StaleRevision: the workspace is gone.
        """
        ...

    def release_room(self, lease: RoomLease, *, not_before: datetime | None, now: datetime) -> RoomStatus:
        """Give the room back, due when its next delivery is, but not before a time. Raises StaleRevision.

        ``not_before`` is ignored if the sending rules have changed since the lease began.
        """
        ...

    def oldest_due_at(self) -> datetime | None:
        """The earliest due time of the messages that wait in any workspace; None without any."""
        ...

    def register_sender(
        self,
        worker: str,
        offers: Sequence[TransportOffer],
        key_fingerprint: str,
        *,
        refusals: Sequence[RefusedMessages] = (),
        now: datetime,
    ) -> bool:
        """Write the heartbeat of a sender, what it offers, and what servers refused of it lately.

        The first sender of a database leaves its fingerprint there. Returns whether the fingerprints agree: a sender
        with another root key begins no hand-over (sending §4.2).
        """
        ...

    def senders(self) -> Sequence[RegisteredSender]:
        """The senders of the installation, also those whose heartbeat is old, by name."""
        ...

    def adopt_database(self, key_fingerprint: str, *, discard_waiting: bool, now: datetime) -> int:
        """Make the root key of a fingerprint that of the database; the number of waiting messages it cancelled."""
        ...


class Renderer(Protocol):
    """Renders messages under limits of time and memory."""

    def render(self, jobs: Sequence[RenderJob]) -> Sequence[RenderedMessage | RenderFailure]:
        """Render messages, in order. A message that exceeds a limit is a failure, and does not affect the others."""
        ...


class Handover(Protocol):
    """Messages that are being handed over by the connections of a transport."""

    def wait(self, seconds: float) -> bool:
        """Wait until all have ended, at most for a time; whether they have."""
        ...

    def take_ended(self) -> Sequence[HandoverResult]:
        """The results since the last call, each once."""
        ...


class TransportPool(Protocol):
    """The transports of this process, with their connections."""

    @property
    def offers(self) -> Sequence[TransportOffer]:
        """What this process offers."""
        ...

    def states(self) -> Sequence[tuple[str, bool]]:
        """The transports by name, each with whether it is used now; False while it is paused after a failure."""
        ...

    def offer(self, name: str, namespace: str) -> TransportOffer | None:
        """The transport that workspaces of a namespace may name; None if it is not offered to them."""
        ...

    def envelope_sender(self, name: str, sender: str, delivery_id: str) -> str:
        """MAIL FROM of a message: the transport's bounce address with the delivery in it, or the sender's address."""
        ...

    def capacity(self, name: str, workspace_id: int) -> tuple[int, float]:
        """How many messages may begin now, by the rates and pauses; and in how many seconds one more may."""
        ...

    def monotonic(self) -> float:
        """The clock of deadlines: seconds since an arbitrary moment, which go on while the system sleeps."""
        ...

    def hand_over(self, name: str, workspace_id: int, mails: Sequence[OutgoingMail], *, deadline: float) -> Handover:
        """Begin to hand over messages; whatever is not sent at the deadline, by `monotonic`, ends as not sent.

        The deadline is a moment, not a time: a process that is stopped before the call must not get it anew.
        """
        ...


class TemplateParser(Protocol):
    """Checks Liquid when it is accepted, so that a broken template is the caller's error."""

    def check(self, content: MessageContent, *, field: str = "") -> None:
        """Parse all parts of a message; ``field`` is a prefix of the parts' names in errors.

        Raises:
            InvalidInput: a part is not valid Liquid, with line and column, or larger than 100 000 bytes.
        """
        ...
