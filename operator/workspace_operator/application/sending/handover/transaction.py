"""The transaction of a sender: ends attempts, begins attempts that the gate lets pass, and claims what is due next.

This is the only place that acts on the answer of the gate (sending §3.2). The commit is the moment that counts: after
it nothing but the deadline stops a hand-over, and before it nothing has left (sending §3.4).
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from workspace_operator.application.ports import EndedAttempt, NewAttempt, QueuedDelivery, SendingTransaction
from workspace_operator.sending.addresses import mailbox_keys
from workspace_operator.sending.deliveries import HANDOVER_SECONDS, DeliveryState, GateRecord
from workspace_operator.sending.gate import Circumstances, Hold, Pass, Recipient, Wait, gate
from workspace_operator.sending.messages import RenderedMessage, RenderFailure
from workspace_operator.sending.rules import SendingRules
from workspace_operator.sending.transports import TransportOffer

STALE_RULES: Final = 1
"""The line of the gate whose messages are rendered again at once, under the rules that are in force now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A claimed delivery that is ready for the gate.

    Attributes:
        content: None if it was not rendered, because the gate will not let it pass.
        send_version: of the rules under which it was rendered.
    """

    queued: QueuedDelivery
    content: RenderedMessage | RenderFailure | None
    send_version: int

    @property
    def delivery_id(self) -> str:
        """The id of the delivery."""
        return self.queued.message.delivery_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An attempt that has begun with this transaction's commit: its message must be handed over now."""

    prepared: Prepared
    rendered: RenderedMessage
    decision: Pass
    attempt: NewAttempt


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportState:
    """The transport that the rules of the workspace name, as this process sees it.

    Attributes:
        offer: None if this process does not offer it to the workspace's namespace.
        free_at: when it allows the next message; None for now.
    """

    offer: TransportOffer | None
    free_at: datetime | None


@dataclass(slots=True, kw_only=True)
class StepResult:
    """What one transaction did.

    Attributes:
        claimed: the deliveries to render next, under ``rules``.
        dropped: prepared deliveries that are not in hand any more: ended, gone, or to be claimed again.
        held: number of deliveries that ended here, by line of the gate, state and reason.
        namespace: of the workspace's owner, in force like ``rules``.
        blocked_until: the whole room waits, since the transport or the rules are not there; None if it does not.
    """

    rules: SendingRules
    namespace: str
    begun: list[Begun] = field(default_factory=list)
    claimed: Sequence[QueuedDelivery] = ()
    dropped: set[str] = field(default_factory=set)
    held: Counter[tuple[int, DeliveryState, str]] = field(default_factory=Counter)
    blocked_until: datetime | None = None


def run_step(
    transaction: SendingTransaction,
    *,
    ended: Sequence[EndedAttempt],
    prepared: Sequence[Prepared],
    in_hand: Collection[str],
    claim_limit: int,
    transport_of: Callable[[SendingRules, str], TransportState],
    key_fingerprint: str | None,
    too_late: timedelta,
    now: datetime,
) -> StepResult:
    """End attempts, ask the gate about prepared deliveries and act on its answers, and claim deliveries.

    It may run several times, if the transaction conflicts with another one; so it changes nothing but its result.
    ``key_fingerprint`` is that of this process; only with the database's own does anything begin (sending §4.2).
    """
    result = StepResult(rules=transaction.rules, namespace=transaction.namespace)
    transaction.end_attempts(ended, now=now)
    if prepared:
        # A copy of a database sends nothing from another installation, whatever it offers.
        is_ours = key_fingerprint is not None and transaction.root_key_fingerprint == key_fingerprint
        nothing = TransportState(offer=None, free_at=None)
        transport = transport_of(result.rules, result.namespace) if is_ours else nothing
        _begin(transaction, prepared, result, transport, too_late, now)
    if claim_limit and result.blocked_until is None:
        exclude = frozenset(in_hand) - result.dropped
        result.claimed = transaction.claim(claim_limit, exclude=exclude, now=now)
    return result


def _begin(
    transaction: SendingTransaction,
    prepared: Sequence[Prepared],
    result: StepResult,
    transport: TransportState,
    too_late: timedelta,
    now: datetime,
) -> None:
    due = transaction.lock_due([item.queued for item in prepared], now=now)
    result.dropped |= {item.delivery_id for item in prepared} - due
    candidates = [item for item in prepared if item.delivery_id in due]
    people = transaction.recipients([item.queued.cio_id for item in candidates if item.queued.cio_id is not None])
    blocked = transaction.blocked(list({key for item in candidates for key in _keys(item)}))
    attempts: list[NewAttempt] = []
    for item in candidates:
        circumstances = _circumstances(item, result.rules, people, blocked, transport, too_late, now)
        decision = gate(item.queued.message, circumstances)
        match decision:
            case Pass():
                begun = _attempt(transaction, item, decision, result, now)
                if begun is not None:
                    attempts.append(begun.attempt)
                    result.begun.append(begun)
            case Hold():
                record = gate_record(item.queued, result.rules, decision)
                _hold(transaction, item, decision.state, decision.reason, record, result, now)
            case Wait():
                _wait(transaction, item, decision, result, now)
            case _ as never:
                assert_never(never)
    transaction.begin_attempts(attempts, now=now)


def _attempt(
    transaction: SendingTransaction, item: Prepared, decision: Pass, result: StepResult, now: datetime
) -> Begun | None:
    """Begin an attempt; None if the message could not be rendered, which ends its delivery."""
    record = gate_record(item.queued, result.rules, decision)
    content = item.content
    if not isinstance(content, RenderedMessage) or content.sender is None:
        reason = content.reason if isinstance(content, RenderFailure) else NO_SENDER
        _hold(transaction, item, DeliveryState.FAILED, reason, replace(record, rule=NOT_RENDERED), result, now)
        return None
    attempt = NewAttempt(
        delivery_id=item.delivery_id,
        number=item.queued.next_attempt,
        begun_at=now,
        deadline=now + timedelta(seconds=HANDOVER_SECONDS),
        mode=decision.mode,
        transport=result.rules.transport_name,
        recipients=len(decision.envelope),
        gate=record,
        subject=content.subject if item.queued.keep_content else None,
    )
    return Begun(prepared=item, rendered=content, decision=decision, attempt=attempt)


NOT_RENDERED: Final = 0
"""In the record, instead of a line of the gate: it let the message pass, but the message could not be rendered."""

NO_SENDER: Final = "it has no From: set it in the message, its template, or spec.sending.from of the workspace"


def _hold(
    transaction: SendingTransaction,
    item: Prepared,
    state: DeliveryState,
    reason: str,
    record: GateRecord,
    result: StepResult,
    now: datetime,
) -> None:
    transaction.hold(item.delivery_id, state, reason, record, now=now)
    result.dropped.add(item.delivery_id)
    result.held[record.rule, state, reason] += 1


def _wait(transaction: SendingTransaction, item: Prepared, decision: Wait, result: StepResult, now: datetime) -> None:
    """Put a delivery back: at once, with its whole room, or alone."""
    result.dropped.add(item.delivery_id)
    if decision.rule == STALE_RULES:
        return
    # An unknown mode of one message alone, which a newer version accepted, holds up no other.
    is_of_room = decision.rule in ROOM_RULES and (decision.rule != UNKNOWN_MODE or result.rules.mode is None)
    if is_of_room and decision.until is not None:
        result.blocked_until = decision.until
        return
    transaction.postpone(item.delivery_id, decision.until, now=now)


GONE: Final = Recipient(is_suppressed=True, is_unsubscribed=True)
"""A person who does not exist any more. Their deliveries are gone, too; one that was left would go nowhere."""

UNKNOWN_MODE: Final = 3
ROOM_RULES: Final = frozenset({UNKNOWN_MODE, 10, 11})
"""Lines of the gate that usually hold for every delivery of the room: it waits without a write per delivery."""


def _circumstances(
    item: Prepared,
    rules: SendingRules,
    people: Mapping[str, Recipient],
    blocked: frozenset[str],
    transport: TransportState,
    too_late: timedelta,
    now: datetime,
) -> Circumstances:
    is_current = item.send_version == rules.send_version
    content = item.content
    return Circumstances(
        now=now,
        rules=rules if is_current else None,
        recipient=people.get(item.queued.cio_id, GONE) if item.queued.cio_id is not None else None,
        blocked=blocked & _keys(item),
        transport=transport.offer,
        rate_free_at=transport.free_at,
        sender=content.sender if isinstance(content, RenderedMessage) else None,
        too_late=too_late,
    )


def _keys(item: Prepared) -> frozenset[str]:
    message = item.queued.message
    return mailbox_keys((*message.to, *message.cc, *message.bcc))


def gate_record(queued: QueuedDelivery, rules: SendingRules, decision: Pass | Hold | Wait) -> GateRecord:
    """What the record of a delivery keeps of a decision."""
    return GateRecord(
        mode=rules.mode,
        accepted_mode=queued.message.accepted_mode,
        send_version=rules.send_version,
        rule=decision.rule,
        diverted_to=decision.diverted_to if isinstance(decision, Pass) else None,
    )
