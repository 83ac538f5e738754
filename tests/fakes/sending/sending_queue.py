"""The queue of senders, in memory."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from tests.fakes.database import InMemoryDatabase, WorkspaceState
from tests.fakes.sending.deliveries import rules_in_force
from tests.fakes.sending.records import StoredDelivery
from workspace_operator.application.ports import (
    AddressBlock,
    BlockKind,
    EndedAttempt,
    NewAttempt,
    QueuedDelivery,
    RegisteredSender,
    RoomLease,
    RoomStatus,
)
from workspace_operator.application.ports.sending import SendingTransaction
from workspace_operator.errors import StaleRevision
from workspace_operator.identity.values.rules import EMAIL
from workspace_operator.sending.deliveries import (
    Attempt,
    AttemptOutcome,
    DeliveryState,
    GateRecord,
    Metric,
)
from workspace_operator.sending.gate import Recipient
from workspace_operator.sending.outcomes import HandoverResult, History, follow_up
from workspace_operator.sending.rules import SendingRules
from workspace_operator.sending.transports import TransportOffer

T = TypeVar("T")

STALE_AFTER = timedelta(seconds=5)
NO_OUTCOME = "its sender ended before it wrote an outcome"


@dataclass(frozen=True, slots=True)
class FakeSendingQueue:
    """Implements the port ``SendingQueue``. A transaction that fails leaves everything as it was."""

    memory: InMemoryDatabase

    def lease_room(self, worker: str, duration: timedelta, *, now: datetime) -> RoomLease | None:
        due = [
            (state.mail.next_due_at, state)
            for state in self.memory.states.values()
            if state.mail.next_due_at is not None and state.mail.next_due_at <= now and _is_free(state, now)
        ]
        if not due:
            return None
        _, first = min(due, key=lambda entry: entry[0])
        first.mail.lease_owner, first.mail.lease_expires_at = worker, now + duration
        namespace = first.workspace.owner.namespace
        return RoomLease(workspace_id=first.workspace_id, namespace=namespace, worker=worker, duration=duration)

    def run(self, lease: RoomLease, work: Callable[[SendingTransaction], T], *, now: datetime) -> T:
        state = self._leased(lease)
        before = deepcopy(state.mail)
        state.mail.lease_expires_at = now + lease.duration
        try:
            return work(FakeSendingTransaction(state, lease))
        except BaseException:
            state.mail = before
            raise

    def release_room(self, lease: RoomLease, *, not_before: datetime | None, now: datetime) -> RoomStatus:
        mail = self._leased(lease).mail
        earliest = now if not_before is None else max(now, not_before)
        mail.lease_owner, mail.lease_expires_at = "", None
        first = mail.first_due_at
        mail.next_due_at = None if first is None else max(first, earliest)
        return RoomStatus(next_due_at=mail.next_due_at)

    def oldest_due_at(self) -> datetime | None:
        due = [state.mail.first_due_at for state in self.memory.states.values()]
        return min((at for at in due if at is not None), default=None)

    def register_sender(
        self, worker: str, offers: Sequence[TransportOffer], key_fingerprint: str, *, now: datetime
    ) -> bool:
        self.memory.senders[worker] = (tuple(offers), key_fingerprint, now)
        if self.memory.root_key_fingerprint is None:
            self.memory.root_key_fingerprint = key_fingerprint
        return self.memory.root_key_fingerprint == key_fingerprint

    def senders(self) -> Sequence[RegisteredSender]:
        key = self.memory.root_key_fingerprint
        return [
            RegisteredSender(worker=worker, offers=offers, has_database_key=fingerprint == key, beat_at=beat_at)
            for worker, (offers, fingerprint, beat_at) in sorted(self.memory.senders.items())
        ]

    def adopt_database(self, key_fingerprint: str, *, discard_waiting: bool, now: datetime) -> int:
        cancelled = 0
        for state in self.memory.states.values() if discard_waiting else ():
            for each in [each for each in state.mail.deliveries.values() if each.due_at is not None]:
                is_waiting = each.state is DeliveryState.WAITING
                cancelled += is_waiting
                each.enter(DeliveryState.CANCELLED if is_waiting else DeliveryState.FAILED, now)
                each.due_at, each.failure = None, "discarded"
        self.memory.root_key_fingerprint = key_fingerprint
        return cancelled

    def _leased(self, lease: RoomLease) -> WorkspaceState:
        state = self.memory.states.get(lease.workspace_id)
        if state is None or state.mail.lease_owner != lease.worker:
            raise StaleRevision(f"the lease of {lease.worker} on workspace number {lease.workspace_id} was lost")
        return state


def _is_free(state: WorkspaceState, now: datetime) -> bool:
    expires_at = state.mail.lease_expires_at
    return expires_at is None or expires_at <= now


@dataclass(frozen=True, slots=True)
class FakeSendingTransaction:
    """Implements the port ``SendingTransaction``."""

    state: WorkspaceState
    lease: RoomLease

    @property
    def rules(self) -> SendingRules:
        return rules_in_force(self.state)

    @property
    def root_key_fingerprint(self) -> str | None:
        return self.state.memory.root_key_fingerprint

    def end_attempts(self, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:
        for ended in attempts:
            stored = self._deliveries.get(ended.delivery_id)
            if stored is None or all(each.number != ended.number or each.ended_at for each in stored.attempts):
                continue
            stored.attempts = [
                replace(each, ended_at=now, outcome=ended.outcome, code=ended.code, reply=ended.reply)
                if each.number == ended.number
                else each
                for each in stored.attempts
            ]
            self._settle(stored, ended, now)

    def _settle(self, stored: StoredDelivery, ended: EndedAttempt, now: datetime) -> None:
        stored.enter(ended.state, now)
        is_retried = ended.state is DeliveryState.WAITING
        if is_retried and ended.outcome in {AttemptOutcome.DEFERRED, AttemptOutcome.UNKNOWN}:
            stored.metrics.setdefault(Metric.ATTEMPTED, now)
        stored.due_at = ended.due_at if is_retried else None
        stored.failure = ended.failure
        stored.tries += ended.counts_as_try
        stored.unknowns += ended.outcome is AttemptOutcome.UNKNOWN
        if ended.rendered is not None and stored.has_content:
            stored.rendered = ended.rendered
        for key in ended.invalid_addresses:
            block = AddressBlock(
                kind=BlockKind.INVALID, email_key=key, since=now, reason="the server does not know the address"
            )
            self.state.mail.blocks.setdefault((BlockKind.INVALID, key), block)

    def lock_due(self, deliveries: Sequence[QueuedDelivery], *, now: datetime) -> frozenset[str]:
        return frozenset(
            queued.message.delivery_id
            for queued in deliveries
            if (stored := self._deliveries.get(queued.message.delivery_id)) is not None
            and stored.state is DeliveryState.WAITING
            and stored.due_at is not None
            and stored.due_at <= now
            and stored.cio_id == queued.cio_id
            and len(stored.attempts) + 1 == queued.next_attempt
        )

    def recipients(self, cio_ids: Sequence[str]) -> Mapping[str, Recipient]:
        people = self.state.working_set.people
        return {
            cio_id: Recipient(
                is_suppressed=False,
                is_unsubscribed=people[cio_id].attributes.get("unsubscribed") in {True, "true", "1"},
            )
            for cio_id in cio_ids
            if cio_id in people
        }

    def blocked(self, keys: Sequence[str]) -> frozenset[str]:
        return blocked_addresses(self.state, keys)

    def begin_attempts(self, attempts: Sequence[NewAttempt], *, now: datetime) -> None:
        for begun in attempts:
            stored = self._deliveries[begun.delivery_id]
            stored.attempts.append(
                Attempt(
                    number=begun.number,
                    begun_at=now,
                    deadline=begun.deadline,
                    send_version=self.rules.send_version,
                    mode=begun.mode,
                    transport=begun.transport,
                    worker=self.lease.worker,
                    recipients=begun.recipients,
                )
            )
            stored.state, stored.gate = DeliveryState.HANDING_OVER, begun.gate
            stored.due_at = begun.deadline + STALE_AFTER

    def hold(
        self, delivery_id: str, state: DeliveryState, reason: str, gate: GateRecord | None, *, now: datetime
    ) -> None:
        stored = self._deliveries[delivery_id]
        stored.enter(state, now)
        stored.due_at, stored.failure, stored.gate = None, reason, gate or stored.gate

    def postpone(self, delivery_id: str, until: datetime | None, *, now: datetime) -> None:  # noqa: ARG002 - the port's
        self._deliveries[delivery_id].due_at = until

    def claim(self, limit: int, *, exclude: frozenset[str], now: datetime) -> Sequence[QueuedDelivery]:
        due = sorted(
            (each.due_at, each.delivery_id)
            for each in self._deliveries.values()
            if each.due_at is not None and each.due_at <= now and each.delivery_id not in exclude
        )[:limit]
        found = [self._deliveries[delivery_id] for _, delivery_id in due]
        stale = [each for each in found if each.state is DeliveryState.HANDING_OVER]
        self.end_attempts([_unknown_end(each, now) for each in stale], now=now)
        return [self._queued(each) for each in found if each not in stale]

    def _queued(self, stored: StoredDelivery) -> QueuedDelivery:
        person = self.state.working_set.people.get(stored.cio_id or "")
        identifiers = {} if person is None else {"id": person.id, "email": person.email, "cio_id": person.cio_id}
        known = {name: value for name, value in identifiers.items() if value is not None}
        return QueuedDelivery(
            message=stored.as_message(self.state.mail.content),
            next_attempt=len(stored.attempts) + 1,
            tries=stored.tries,
            unknowns=stored.unknowns,
            first_tried_at=stored.attempts[0].begun_at if stored.attempts else None,
            cio_id=stored.cio_id,
            customer={} if person is None else {**person.attributes, **known},
            keep_content=stored.message.keep_content,
        )

    @property
    def _deliveries(self) -> dict[str, StoredDelivery]:
        return self.state.mail.deliveries


def blocked_addresses(state: WorkspaceState, keys: Sequence[str]) -> frozenset[str]:
    """Which addresses are suppressed or blocked."""
    blocked = {key for _, key in state.mail.blocks}
    suppressed = {key for kind, key in state.working_set.suppressed if kind is EMAIL}
    return frozenset(key for key in keys if key in blocked | suppressed)


def _unknown_end(stored: StoredDelivery, now: datetime) -> EndedAttempt:
    result = HandoverResult(delivery_id=stored.delivery_id, outcome=AttemptOutcome.UNKNOWN, reply=NO_OUTCOME)
    history = History(
        attempts=len(stored.attempts) - 1,
        tries=stored.tries,
        unknowns=stored.unknowns,
        first_tried_at=stored.attempts[0].begun_at,
    )
    following = follow_up(result, history, now=now, jitter=0)
    return EndedAttempt(
        delivery_id=stored.delivery_id,
        number=stored.attempts[-1].number,
        outcome=result.outcome,
        code=None,
        reply=result.reply,
        state=following.state,
        failure=following.failure,
        due_at=following.due_at,
        counts_as_try=following.counts_as_try,
    )
