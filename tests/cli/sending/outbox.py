"""Messages in the database of the command line, as the API accepts them and a sender hands them over."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workspace_operator.application.ports import (
    Accepted,
    EndedAttempt,
    NewAttempt,
    NewDelivery,
    RoomLease,
    SendingTransaction,
)
from workspace_operator.bootstrap import Repositories, open_existing_store
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import EMAIL_OR_ID, IdentifierKind
from workspace_operator.sending.deliveries import HANDOVER_SECONDS, AttemptOutcome, DeliveryState, GateRecord
from workspace_operator.sending.requests.overrides import Overrides, StoredRequest
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.transports import TransportOffer

KEY = "0123456789abcdef" * 4
OFFER = TransportOffer(name="default", sender_domains=frozenset("*"), namespaces=frozenset("*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The messages of one workspace."""

    store: Repositories
    workspace_id: int

    @property
    def now(self) -> datetime:
        return self.store.clock()

    def accept(self, email: str = "ada@example.com", **changes: Any) -> str:
        """Accept a message to a person; returns its id."""
        overrides = Overrides(subject="Hello", body="<p>Hello", sender="Shop <shop@example.com>")
        values: dict[str, Any] = {
            "reference": reference_of_kind(email, IdentifierKind.EMAIL, EMAIL_OR_ID, field="email"),
            "template": None,
            "content_version": None,
            "language": "",
            "send_at": self.now,
            "is_draft": False,
            "to": email,
            "cc": "",
            "bcc": "",
            "fake_bcc": False,
            "subject": "Hello",
            "tracked": True,
            "open_tracking": True,
            "link_tracking": True,
            "send_to_unsubscribed": True,
            "keep_content": True,
            "request": StoredRequest(overrides=overrides, message_data={}).document(),
            "request_digest": "",
        }
        message = NewDelivery(**(values | changes))
        (accepted,) = self.store.deliveries.accept(self.workspace_id, [message], now=self.now)
        assert isinstance(accepted, Accepted), accepted
        return accepted.delivery_id

    def begin(self, delivery_id: str, **gate: Any) -> None:
        """Begin a hand-over under the rules in force."""

        def work(transaction: SendingTransaction) -> None:
            attempt = NewAttempt(
                delivery_id=delivery_id,
                number=1,
                begun_at=self.now,
                deadline=self.now + timedelta(seconds=HANDOVER_SECONDS),
                mode=SendMode.NORMAL,
                transport="default",
                recipients=1,
                gate=self._record(transaction, rule=14, **gate),
            )
            transaction.begin_attempts([attempt], now=self.now)

        self._run(work)

    def end(self, delivery_id: str, state: DeliveryState = DeliveryState.SENT, **changes: Any) -> None:
        """End the hand-over that has begun."""
        values: dict[str, Any] = {"outcome": AttemptOutcome.SENT, "code": 250, "reply": "taken"}
        ended = EndedAttempt(delivery_id=delivery_id, number=1, state=state, **(values | changes))
        self._run(lambda transaction: transaction.end_attempts([ended], now=self.now))

    def hold(self, delivery_id: str, state: DeliveryState, reason: str, *, rule: int) -> None:
        """End a message as the gate does that holds it."""
        self._run(
            lambda transaction: transaction.hold(
                delivery_id, state, reason, self._record(transaction, rule=rule), now=self.now
            )
        )

    def register_sender(self, worker: str = "sender-1", fingerprint: str = "f", *, at: datetime | None = None) -> None:
        """Write the heartbeat of a sender that offers the transport ``default``."""
        self.store.sending_queue.register_sender(worker, [OFFER], fingerprint, now=at or self.now)

    def _record(self, transaction: SendingTransaction, *, rule: int, **changes: Any) -> GateRecord:
        rules = transaction.rules
        values = {"mode": rules.mode, "accepted_mode": rules.mode, "send_version": rules.send_version}
        return GateRecord(rule=rule, **(values | changes))

    def _run(self, work: Any) -> None:
        queue = self.store.sending_queue
        lease = queue.lease_room("sender-1", timedelta(minutes=1), now=self.now + timedelta(minutes=1))
        assert isinstance(lease, RoomLease)
        queue.run(lease, work, now=self.now)
        queue.release_room(lease, not_before=None, now=self.now)


@contextmanager
def opened_outbox(database: str = "sqlite:///store.db", workspace_id: int = 1) -> Iterator[Outbox]:
    """Open the database of the command line."""
    with open_existing_store(database) as store:
        yield Outbox(store=store, workspace_id=workspace_id)
