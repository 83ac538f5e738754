"""The queue of senders, in memory."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from tests.fakes.database import InMemoryDatabase, WorkspaceState
from tests.fakes.sending.deliveries import rules_in_force
from tests.fakes.sending.state import StoredDelivery
from workspace_operator.application.ports import (
    AddressBlock,
    BlockKind,
    EndedAttempt,
    NewAttempt,
    QueuedDelivery,
    RefusedMessages,
    RegisteredSender,
    RoomLease,
    RoomStatus,
    SendingTransaction,
)
from workspace_operator.errors import StaleRevision
from workspace_operator.identity.values.rules import EMAIL
from workspace_operator.sending.deliveries import (
    ArchivedContent,
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
from workspace_operator.workspaces.usage import month_of

T = TypeVar("T")

STALE_AFTER = timedelta(seconds=5)
NO_OUTCOME = "its sender ended before it wrote an outcome"


@dataclass(frozen=True, slots=True)
class FakeSendingQueue:
    """Implements the port ``SendingQueue``. A transaction that fails leaves everything as it was."""

    memory: InMemoryDatabase

    def lease_room(
        self, worker: str, duration: timedelta, *, exclude: frozenset[int] = frozenset(), now: datetime
    ) -> RoomLease | None:
        due = [
            (state.sending.next_due_at, state)
            for state in self.memory.states.values()
            if state.sending.next_due_at is not None and state.sending.next_due_at <= now and _is_free(state, now)
            if state.workspace_id not in exclude
        ]
        if not due:
            return None
        _, first = min(due, key=lambda entry: entry[0])
        first.sending.lease_owner, first.sending.lease_expires_at = worker, now + duration
        return RoomLease(
            workspace_id=first.workspace_id,
            namespace=first.workspace.owner.namespace,
            name=first.workspace.owner.name,
            worker=worker,
            duration=duration,
            send_version=first.workspace.send_version,
        )

    def run(self, lease: RoomLease, work: Callable[[SendingTransaction], T], *, now: datetime) -> T:
        state = self._leased(lease)
        before = deepcopy(state.sending)
        state.sending.lease_expires_at = now + lease.duration
        try:
            return work(FakeSendingTransaction(state, lease))
        except BaseException:
            state.sending = before
            raise

    def end_attempts(self, lease: RoomLease, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:
        state = self.memory.states.get(lease.workspace_id)
        if state is None:
            raise StaleRevision(f"there is no workspace number {lease.workspace_id}")
        FakeSendingTransaction(state, lease).end_attempts(attempts, now=now)

    def release_room(self, lease: RoomLease, *, not_before: datetime | None, now: datetime) -> RoomStatus:
        state = self._leased(lease)
        sending, is_same = state.sending, state.workspace.send_version == lease.send_version
        earliest = max(now, not_before) if not_before is not None and is_same else now
        sending.lease_owner, sending.lease_expires_at = "", None
        first = sending.first_due_at
        sending.next_due_at = None if first is None else max(first, earliest)
        return RoomStatus(next_due_at=sending.next_due_at)

    def oldest_due_at(self) -> datetime | None:
        due = [state.sending.first_due_at for state in self.memory.states.values()]
        return min((at for at in due if at is not None), default=None)

    def register_sender(
        self,
        worker: str,
        offers: Sequence[TransportOffer],
        key_fingerprint: str,
        *,
        refusals: Sequence[RefusedMessages] = (),
        now: datetime,
    ) -> bool:
        registered = RegisteredSender(
            worker=worker, offers=tuple(offers), has_database_key=True, beat_at=now, refusals=tuple(refusals)
        )
        self.memory.senders[worker] = (key_fingerprint, registered)
        for name, (_, known) in list(self.memory.senders.items()):
            if known.beat_at < now - timedelta(days=1):
                del self.memory.senders[name]
        if self.memory.root_key_fingerprint is None:
            self.memory.root_key_fingerprint = key_fingerprint
        return self.memory.root_key_fingerprint == key_fingerprint

    def senders(self) -> Sequence[RegisteredSender]:
        key = self.memory.root_key_fingerprint
        return [
            replace(registered, has_database_key=fingerprint == key)
            for _, (fingerprint, registered) in sorted(self.memory.senders.items())
        ]

    def adopt_database(self, key_fingerprint: str, *, discard_waiting: bool, now: datetime) -> int:
        cancelled = 0
        for state in self.memory.states.values() if discard_waiting else ():
            for each in [each for each in state.sending.deliveries.values() if each.delivery.due_at is not None]:
                is_waiting = each.delivery.state is DeliveryState.WAITING
                cancelled += is_waiting
                fate = DeliveryState.CANCELLED if is_waiting else DeliveryState.FAILED
                each.enter(fate, now, due_at=None, failure="discarded")
        self.memory.root_key_fingerprint = key_fingerprint
        return cancelled

    def _leased(self, lease: RoomLease) -> WorkspaceState:
        state = self.memory.states.get(lease.workspace_id)
        if state is None or state.sending.lease_owner != lease.worker:
            raise StaleRevision(f"the lease of {lease.worker} on workspace number {lease.workspace_id} was lost")
        return state


def _is_free(state: WorkspaceState, now: datetime) -> bool:
    expires_at = state.sending.lease_expires_at
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
    def namespace(self) -> str:
        return self.state.workspace.owner.namespace

    @property
    def root_key_fingerprint(self) -> str | None:
        return self.state.memory.root_key_fingerprint

    def end_attempts(self, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:
        for ended in attempts:
            stored = self._deliveries.get(ended.delivery_id)
            is_ownerless = self.state.sending.ownerless.pop((ended.delivery_id, ended.number), None) is not None
            is_open = stored is not None and any(
                each.number == ended.number and not each.ended_at for each in stored.attempts
            )
            if (is_ownerless or is_open) and ended.outcome is AttemptOutcome.SENT:
                self.state.sending.sent[month_of(now)] += 1
            if stored is None or not is_open:
                continue
            stored.attempts = [
                replace(each, ended_at=now, outcome=ended.outcome, code=ended.code, reply=ended.reply)
                if each.number == ended.number
                else each
                for each in stored.attempts
            ]
            if stored.delivery.state is DeliveryState.HANDING_OVER:
                self._settle(stored, ended, now)

    def _settle(self, stored: StoredDelivery, ended: EndedAttempt, now: datetime) -> None:
        is_retried = ended.state is DeliveryState.WAITING
        due_at, tries = ended.due_at if is_retried else None, stored.delivery.tries + ended.counts_as_try
        stored.enter(ended.state, now, due_at=due_at, failure=ended.failure, tries=tries)
        if is_retried and ended.outcome in {AttemptOutcome.DEFERRED, AttemptOutcome.UNKNOWN}:
            stored.record(Metric.ATTEMPTED, now)
        stored.unknowns += ended.outcome is AttemptOutcome.UNKNOWN
        if ended.rendered is not None and stored.has_content:
            stored.archived = ArchivedContent(forgotten=False, fields=ended.rendered)
        for key in ended.invalid_addresses:
            block = AddressBlock(
                kind=BlockKind.INVALID, email_key=key, since=now, reason="the server does not know the address"
            )
            self.state.sending.blocks.setdefault((BlockKind.INVALID, key), block)

    def lock_due(self, deliveries: Sequence[QueuedDelivery], *, now: datetime) -> frozenset[str]:
        return frozenset(
            queued.message.delivery_id
            for queued in deliveries
            if (stored := self._deliveries.get(queued.message.delivery_id)) is not None
            and stored.delivery.state is DeliveryState.WAITING
            and stored.delivery.due_at is not None
            and stored.delivery.due_at <= now
            and stored.delivery.cio_id == queued.cio_id
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

    def begin_attempts(self, attempts: Sequence[NewAttempt], *, now: datetime) -> None:  # noqa: ARG002 - the port's
        for begun in attempts:
            stored = self._deliveries[begun.delivery_id]
            stored.attempts.append(
                Attempt(
                    number=begun.number,
                    begun_at=begun.begun_at,
                    deadline=begun.deadline,
                    send_version=self.rules.send_version,
                    mode=begun.mode,
                    transport=begun.transport,
                    worker=self.lease.worker,
                    recipients=begun.recipients,
                )
            )
            due_at = begun.deadline + STALE_AFTER
            subject = stored.delivery.subject if begun.subject is None else begun.subject
            stored.update(state=DeliveryState.HANDING_OVER, gate=begun.gate, due_at=due_at, subject=subject)

    def hold(
        self, delivery_id: str, state: DeliveryState, reason: str, gate: GateRecord | None, *, now: datetime
    ) -> None:
        stored = self._deliveries[delivery_id]
        stored.enter(state, now, due_at=None, failure=reason, gate=gate or stored.delivery.gate)

    def postpone(self, delivery_id: str, until: datetime | None, *, now: datetime) -> None:  # noqa: ARG002 - the port's
        self._deliveries[delivery_id].update(due_at=until)

    def claim(self, limit: int, *, exclude: frozenset[str], now: datetime) -> Sequence[QueuedDelivery]:
        due = sorted(
            (each.due_at, each.delivery_id)
            for each in (stored.delivery for stored in self._deliveries.values())
            if each.due_at is not None and each.due_at <= now and each.delivery_id not in exclude
        )[:limit]
        found = [self._deliveries[delivery_id] for _, delivery_id in due]
        stale = [each for each in found if each.delivery.state is DeliveryState.HANDING_OVER]
        self.end_attempts([_unknown_end(each, now) for each in stale], now=now)
        return [self._queued(each) for each in found if each not in stale]

    def _queued(self, stored: StoredDelivery) -> QueuedDelivery:
        person = self.state.working_set.people.get(stored.delivery.cio_id or "")
        identifiers = {} if person is None else {"id": person.id, "email": person.email, "cio_id": person.cio_id}
        known = {name: value for name, value in identifiers.items() if value is not None}
        return QueuedDelivery(
            message=stored.as_message(self.state.sending.content),
            next_attempt=len(stored.attempts) + 1,
            tries=stored.delivery.tries,
            unknowns=stored.unknowns,
            first_tried_at=stored.attempts[0].begun_at if stored.attempts else None,
            cio_id=stored.delivery.cio_id,
            customer={} if person is None else {**person.attributes, **known},
            keep_content=stored.message.keep_content,
        )

    @property
    def _deliveries(self) -> dict[str, StoredDelivery]:
        return self.state.sending.deliveries


def blocked_addresses(state: WorkspaceState, keys: Sequence[str]) -> frozenset[str]:
    """Which addresses are suppressed or blocked."""
    blocked = {key for _, key in state.sending.blocks}
    suppressed = {key for kind, key in state.working_set.suppressed if kind is EMAIL}
    return frozenset(key for key in keys if key in blocked | suppressed)


def _unknown_end(stored: StoredDelivery, now: datetime) -> EndedAttempt:
    result = HandoverResult(delivery_id=stored.delivery.delivery_id, outcome=AttemptOutcome.UNKNOWN, reply=NO_OUTCOME)
    history = History(
        attempts=len(stored.attempts) - 1,
        tries=stored.delivery.tries,
        unknowns=stored.unknowns,
        first_tried_at=stored.attempts[0].begun_at,
    )
    following = follow_up(result, history, now=now, jitter=0)
    return EndedAttempt(
        delivery_id=stored.delivery.delivery_id,
        number=stored.attempts[-1].number,
        outcome=result.outcome,
        code=None,
        reply=result.reply,
        state=following.state,
        failure=following.failure,
        due_at=following.due_at,
        counts_as_try=following.counts_as_try,
    )
