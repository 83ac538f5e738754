"""The transaction that acts on the gate: what it begins, holds, postpones and claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sender.messages import NOW, OFFER, RENDERED, prepared, queued, rules
from workspace_operator.application.ports import EndedAttempt, NewAttempt, QueuedDelivery
from workspace_operator.application.sending.handover.transaction import Prepared, StepResult, TransportState, run_step
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState, GateRecord
from workspace_operator.sending.gate import Recipient
from workspace_operator.sending.messages import RenderFailure
from workspace_operator.sending.rules import SendingRules, SendMode

HOURS = timedelta(hours=24)
PERSON = Recipient(is_suppressed=False, is_unsubscribed=False)


@dataclass
class FakeTransaction:
    """Records what is written; everything is due unless ``gone`` has it."""

    rules: SendingRules = field(default_factory=rules)
    root_key_fingerprint: str | None = "key"
    namespace: str = "shop"
    gone: frozenset[str] = frozenset()
    people: Mapping[str, Recipient] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    blocks: frozenset[str] = frozenset()
    due: Sequence[QueuedDelivery] = ()
    ended: list[EndedAttempt] = field(default_factory=list)
    begun: list[NewAttempt] = field(default_factory=list)
    held: dict[str, tuple[DeliveryState, str, GateRecord | None]] = field(default_factory=dict)
    postponed: dict[str, datetime | None] = field(default_factory=dict)

    def end_attempts(self, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:  # noqa: ARG002 - the port's signature
        self.ended += attempts

    def lock_due(self, deliveries: Sequence[QueuedDelivery], *, now: datetime) -> frozenset[str]:  # noqa: ARG002 - the port's signature
        return frozenset(delivery.message.delivery_id for delivery in deliveries) - self.gone

    def recipients(self, cio_ids: Sequence[str]) -> Mapping[str, Recipient]:
        return {cio_id: self.people.get(cio_id, PERSON) for cio_id in cio_ids if cio_id not in self.deleted}

    def blocked(self, keys: Sequence[str]) -> frozenset[str]:
        return self.blocks & set(keys)

    def begin_attempts(self, attempts: Sequence[NewAttempt], *, now: datetime) -> None:  # noqa: ARG002 - the port's signature
        self.begun += attempts

    def hold(
        self,
        delivery_id: str,
        state: DeliveryState,
        reason: str,
        gate: GateRecord | None,
        *,
        now: datetime,  # noqa: ARG002 - the port's signature
    ) -> None:
        self.held[delivery_id] = state, reason, gate

    def postpone(self, delivery_id: str, until: datetime | None, *, now: datetime) -> None:  # noqa: ARG002 - the port's signature
        self.postponed[delivery_id] = until

    def claim(self, limit: int, *, exclude: frozenset[str], now: datetime) -> Sequence[QueuedDelivery]:  # noqa: ARG002 - the port's signature
        return [delivery for delivery in self.due if delivery.message.delivery_id not in exclude][:limit]


def step(transaction: FakeTransaction, *items: Prepared, **changes: Any) -> StepResult:
    """One transaction with a transport that is offered and free."""
    values: dict[str, Any] = {
        "ended": (),
        "in_hand": {item.delivery_id for item in items},
        "claim_limit": 0,
        "transport_of": lambda *_: TransportState(offer=OFFER, free_at=None),
        "key_fingerprint": "key",
        "too_late": HOURS,
        "now": NOW,
    }
    return run_step(transaction, prepared=items, **(values | changes))


def test_message_that_passes_begins_with_a_deadline() -> None:
    transaction = FakeTransaction()

    result = step(transaction, prepared("a"))

    assert [attempt.delivery_id for attempt in transaction.begun] == ["a"]
    assert transaction.begun[0].deadline == NOW + timedelta(seconds=30)
    assert [begun.prepared.delivery_id for begun in result.begun] == ["a"]
    assert result.dropped == set()


def test_test_mode_begins_with_the_test_address_alone() -> None:
    transaction = FakeTransaction(rules=rules(SendMode.TEST))

    result = step(transaction, prepared("a", to="ann@example.com, bob@example.com"))

    assert [mailbox.address for mailbox in result.begun[0].decision.envelope] == ["qa@shop.example"]
    assert transaction.begun[0].recipients == 1
    assert transaction.begun[0].gate.diverted_to == "qa@shop.example"


def test_rendered_subject_is_recorded_unless_the_content_is_not_kept() -> None:
    rendered = replace(RENDERED, subject="Receipt 17")
    kept, unkept = prepared("a", content=rendered), prepared("b", content=rendered)
    transaction = FakeTransaction()

    step(transaction, replace(kept, queued=replace(kept.queued, keep_content=True)), unkept)

    assert [(attempt.delivery_id, attempt.subject) for attempt in transaction.begun] == [
        ("a", "Receipt 17"),
        ("b", None),
    ]


@pytest.mark.parametrize("accepted", [SendMode.NORMAL, SendMode.NEVER])
def test_never_begins_nothing(accepted: SendMode) -> None:
    mode = SendMode.NEVER if accepted is SendMode.NORMAL else SendMode.NORMAL
    transaction = FakeTransaction(rules=rules(mode))

    result = step(transaction, prepared("a", accepted_mode=accepted, content=None))

    assert transaction.begun == []
    assert transaction.held["a"][0] is DeliveryState.UNDELIVERABLE
    assert result.held == {(4, DeliveryState.UNDELIVERABLE, "delivery is disabled in this workspace"): 1}


def test_message_of_an_earlier_version_is_rendered_again() -> None:
    transaction = FakeTransaction(rules=rules(send_version=2), due=[queued("a")])

    result = step(transaction, prepared("a", send_version=1), claim_limit=5)

    assert transaction.begun == []
    assert [delivery.message.delivery_id for delivery in result.claimed] == ["a"]


def test_delivery_that_is_gone_is_dropped() -> None:
    transaction = FakeTransaction(gone=frozenset({"a"}))

    result = step(transaction, prepared("a"), prepared("b"))

    assert [attempt.delivery_id for attempt in transaction.begun] == ["b"]
    assert result.dropped == {"a"}


def test_message_to_a_person_who_is_gone_is_dropped() -> None:
    transaction = FakeTransaction(deleted=frozenset({"person-a"}))

    step(transaction, prepared("a"), prepared("b"))

    assert [attempt.delivery_id for attempt in transaction.begun] == ["b"]
    assert transaction.held["a"][0] is DeliveryState.DROPPED


def test_suppressed_recipient_is_dropped() -> None:
    suppressed = {"person-a": Recipient(is_suppressed=True, is_unsubscribed=False)}
    transaction = FakeTransaction(people=suppressed, blocks=frozenset({"bob@example.com"}))

    step(transaction, prepared("a"), prepared("b", to="bob@example.com"), prepared("c"))

    assert {name: held[0] for name, held in transaction.held.items()} == {
        "a": DeliveryState.DROPPED,
        "b": DeliveryState.DROPPED,
    }
    assert [attempt.delivery_id for attempt in transaction.begun] == ["c"]


def test_message_that_cannot_be_made_fails_after_the_gate() -> None:
    normal, never = FakeTransaction(), FakeTransaction(rules=rules(SendMode.NEVER))
    broken = prepared("a", content=RenderFailure("subject: a filter is unknown"))
    without_sender = prepared("b", content=replace(RENDERED, sender=None))

    result = step(normal, broken, without_sender)
    step(never, broken)

    assert normal.held["a"][:2] == (DeliveryState.FAILED, "subject: a filter is unknown")
    assert normal.held["b"][0] is DeliveryState.FAILED
    assert never.held["a"][0] is DeliveryState.UNDELIVERABLE
    assert {rule for rule, _, _ in result.held} == {0}


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        (TransportState(offer=None, free_at=None), "no transport"),
        (TransportState(offer=OFFER, free_at=NOW + timedelta(seconds=7)), "rate"),
    ],
)
def test_room_waits_without_a_write_per_delivery(state: TransportState, rule: str) -> None:
    transaction = FakeTransaction()

    result = step(transaction, prepared("a"), prepared("b"), transport_of=lambda *_: state, claim_limit=5)

    assert (transaction.begun, transaction.postponed, result.claimed) == ([], {}, ())
    assert result.blocked_until == (state.free_at or NOW + timedelta(seconds=60)), rule
    assert result.dropped == {"a", "b"}


@pytest.mark.parametrize(("own", "stored"), [(None, "key"), ("key", "other"), ("key", None)])
def test_other_root_key_begins_nothing(own: str | None, stored: str | None) -> None:
    transaction = FakeTransaction(root_key_fingerprint=stored)

    result = step(transaction, prepared("a"), key_fingerprint=own)

    assert transaction.begun == []
    assert result.blocked_until is not None


def test_other_root_key_still_decides_about_never() -> None:
    transaction = FakeTransaction(rules=rules(SendMode.NEVER), root_key_fingerprint="other")

    step(transaction, prepared("a", content=None))

    assert transaction.held["a"][0] is DeliveryState.UNDELIVERABLE


def test_unknown_mode_of_one_message_holds_up_no_other() -> None:
    one, all_ = FakeTransaction(), FakeTransaction(rules=rules(None))

    result = step(one, prepared("a", accepted_mode=None), prepared("b"))
    of_room = step(all_, prepared("a"), prepared("b"))

    assert (one.postponed, result.blocked_until) == ({"a": NOW + timedelta(seconds=60)}, None)
    assert [attempt.delivery_id for attempt in one.begun] == ["b"]
    assert (all_.postponed, of_room.blocked_until) == ({}, NOW + timedelta(seconds=60))


def test_message_for_later_is_postponed_alone() -> None:
    transaction, later = FakeTransaction(), NOW + timedelta(hours=1)

    step(transaction, prepared("a", due_at=later), prepared("b", is_draft=True))

    assert transaction.postponed == {"a": later, "b": None}


def test_outcomes_are_noted_first() -> None:
    transaction = FakeTransaction()
    ended = EndedAttempt(
        delivery_id="z", number=1, outcome=AttemptOutcome.SENT, code=250, reply="ok", state=DeliveryState.SENT
    )

    step(transaction, ended=(ended,))

    assert transaction.ended == [ended]


def test_claim_leaves_out_what_is_in_hand() -> None:
    transaction = FakeTransaction(due=[queued("a"), queued("b")])

    result = step(transaction, in_hand={"a"}, claim_limit=5)

    assert [delivery.message.delivery_id for delivery in result.claimed] == ["b"]


def test_transport_is_that_of_the_owner_in_force() -> None:
    asked: list[str] = []

    def transport_of(_: SendingRules, namespace: str) -> TransportState:
        asked.append(namespace)
        return TransportState(offer=OFFER, free_at=None)

    result = step(FakeTransaction(namespace="new"), prepared("a"), transport_of=transport_of)

    assert (asked, result.namespace) == (["new"], "new")
