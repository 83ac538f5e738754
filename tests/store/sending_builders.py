"""Messages and senders of a workspace, with short functions for the steps of a sender."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any, Final, TypeVar

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import (
    Accepted,
    AcceptResult,
    DeliveryQuery,
    EndedAttempt,
    NewAttempt,
    NewDelivery,
    QueuedDelivery,
    RoomLease,
    SendingTransaction,
)
from workspace_operator.identity.values.references import Reference
from workspace_operator.sending.deliveries import (
    Attempt,
    AttemptOutcome,
    Delivery,
    DeliveryState,
    GateRecord,
    Metric,
)
from workspace_operator.sending.requests.overrides import Overrides, StoredRequest
from workspace_operator.sending.rules import SendMode

T = TypeVar("T")

HANDOVER: Final = timedelta(seconds=30)
ROOM_LEASE: Final = timedelta(seconds=20)

_digests = count(1)


def message(env: WorkspaceEnv, *, reference: Reference | None = None, **changed: Any) -> NewDelivery:
    """A message to the person with the id 1, due now; each has a digest of its own."""
    request = StoredRequest(overrides=Overrides(subject="Hello", body="<p>Hello</p>"), message_data={"total": 7})
    plain = NewDelivery(
        reference=reference or env.reference(id="1"),
        template=None,
        content_version=None,
        language="",
        send_at=env.store.clock(),
        is_draft=False,
        to="Ann <ann@shop.example>",
        cc="",
        bcc="",
        fake_bcc=False,
        subject="Hello",
        tracked=True,
        open_tracking=True,
        link_tracking=True,
        send_to_unsubscribed=True,
        keep_content=True,
        request=request.document(),
        request_digest=f"digest {next(_digests)}",
    )
    return replace(plain, **changed)


def accept_all(env: WorkspaceEnv, *messages: NewDelivery) -> Sequence[AcceptResult]:
    return env.store.deliveries.accept(env.workspace_id, messages, now=env.store.clock())


def accept(env: WorkspaceEnv, **changed: Any) -> str:
    """Accept one message; its id."""
    [result] = accept_all(env, message(env, **changed))
    assert isinstance(result, Accepted)
    return result.delivery_id


def delivery(env: WorkspaceEnv, delivery_id: str) -> Delivery:
    return env.store.deliveries.get(env.workspace_id, delivery_id).delivery


def states(env: WorkspaceEnv) -> list[DeliveryState]:
    """The states of all deliveries, newest first."""
    records = env.store.deliveries.list(env.workspace_id, DeliveryQuery(limit=1000))
    return [record.delivery.state for record in records]


def attempts(env: WorkspaceEnv, delivery_id: str) -> Sequence[Attempt]:
    return env.store.deliveries.attempts(env.workspace_id, delivery_id)


@dataclass(slots=True)
class Sender:
    """A sender that does one step per call; ``lease`` is None while it has no room."""

    env: WorkspaceEnv
    worker: str = "sender-1"
    lease: RoomLease | None = None
    in_hand: dict[str, QueuedDelivery] = field(default_factory=dict)

    def take_room(self) -> bool:
        """Lease the room that is due first; whether there is one."""
        queue = self.env.store.sending_queue
        self.lease = queue.lease_room(self.worker, ROOM_LEASE, now=self.env.store.clock())
        return self.lease is not None

    def release(self, not_before: Any = None) -> Any:
        """Give the room back; when it is due."""
        now = self.env.store.clock()
        status = self.env.store.sending_queue.release_room(self._lease, not_before=not_before, now=now)
        self.lease = None
        return status.next_due_at

    def run(self, work: Callable[[SendingTransaction], T]) -> T:
        return self.env.store.sending_queue.run(self._lease, work, now=self.env.store.clock())

    def claim(self, limit: int = 64) -> list[QueuedDelivery]:
        """Claim what is due and not in hand."""
        now = self.env.store.clock()
        exclude = frozenset(self.in_hand)
        claimed = self.run(lambda transaction: transaction.claim(limit, exclude=exclude, now=now))
        self.in_hand |= {queued.message.delivery_id: queued for queued in claimed}
        return list(claimed)

    def begin(self, *queued: QueuedDelivery) -> frozenset[str]:
        """Begin what is still due; which that is."""
        now = self.env.store.clock()

        def work(transaction: SendingTransaction) -> frozenset[str]:
            due = transaction.lock_due(queued, now=now)
            begun = [new_attempt(self.env, each) for each in queued if each.message.delivery_id in due]
            transaction.begin_attempts(begun, now=now)
            return due

        return self.run(work)

    def end(self, *ended: EndedAttempt) -> None:
        self.run(lambda transaction: transaction.end_attempts(ended, now=self.env.store.clock()))
        for each in ended:
            self.in_hand.pop(each.delivery_id, None)

    def begin_all(self) -> list[str]:
        """Take the room if needed, claim all that is due, and begin it; the deliveries."""
        assert self.lease or self.take_room()
        return sorted(self.begin(*self.claim()))

    @property
    def _lease(self) -> RoomLease:
        assert self.lease is not None
        return self.lease


def gate_record(mode: SendMode = SendMode.NORMAL, **changed: Any) -> GateRecord:
    return replace(GateRecord(mode=mode, accepted_mode=SendMode.NORMAL, send_version=1, rule=14), **changed)


def new_attempt(env: WorkspaceEnv, queued: QueuedDelivery, **changed: Any) -> NewAttempt:
    begun = NewAttempt(
        delivery_id=queued.message.delivery_id,
        number=queued.next_attempt,
        begun_at=env.store.clock(),
        deadline=env.store.clock() + HANDOVER,
        mode=SendMode.NORMAL,
        transport="default",
        recipients=1,
        gate=gate_record(),
    )
    return replace(begun, **changed)


def ended(delivery_id: str, number: int = 1, **changed: Any) -> EndedAttempt:
    """An attempt that was sent, unless it is changed."""
    sent = EndedAttempt(
        delivery_id=delivery_id,
        number=number,
        outcome=AttemptOutcome.SENT,
        code=250,
        reply="2.0.0 queued",
        state=DeliveryState.SENT,
    )
    return replace(sent, **changed)


def deferred(env: WorkspaceEnv, delivery_id: str, number: int = 1, *, seconds: float = 60) -> EndedAttempt:
    """An attempt that is tried again after some seconds."""
    return ended(
        delivery_id,
        number,
        outcome=AttemptOutcome.DEFERRED,
        code=451,
        reply="try later",
        state=DeliveryState.WAITING,
        failure="the server refused it for now",
        due_at=env.store.clock() + timedelta(seconds=seconds),
        counts_as_try=True,
    )


def times(found: Delivery) -> Mapping[Metric, Any]:
    return found.metrics
