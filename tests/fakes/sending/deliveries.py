"""Deliveries, in memory: accepted, read, cancelled, and what recipients do with them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.database import InMemoryDatabase, StoredActivity, WorkspaceState
from tests.fakes.sending.state import FORGOTTEN, StoredDelivery
from workspace_operator.application.ports import (
    Accepted,
    AcceptResult,
    DeliveryQuery,
    DeliveryRecord,
    KeyReused,
    NewDelivery,
    PersonMissing,
    WaitingCounts,
)
from workspace_operator.errors import Conflict, InvalidInput, NotFound
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType
from workspace_operator.sending.addresses import parse_mailboxes
from workspace_operator.sending.deliveries import (
    FINAL_STATES,
    ArchivedContent,
    Attempt,
    Channel,
    Delivery,
    DeliveryState,
    Metric,
)
from workspace_operator.sending.messages import Message
from workspace_operator.sending.rules import SendingRules

KEY_LIFETIME = timedelta(hours=24)
REPEAT_WINDOW = timedelta(minutes=2)


def rules_in_force(state: WorkspaceState) -> SendingRules:
    settings = state.workspace.settings
    return SendingRules(
        mode=settings.send_mode,
        test_address=settings.test_address,
        open_tracking=settings.open_tracking,
        transport=settings.transport,
        sender=settings.sender,
        send_version=state.workspace.send_version,
    )


@dataclass(frozen=True, slots=True)
class FakeDeliveries:
    """Implements the port ``Deliveries``; ``before_accept`` may raise."""

    memory: InMemoryDatabase
    before_accept: Callable[[], None] = lambda: None

    def accept(self, workspace_id: int, messages: Sequence[NewDelivery], *, now: datetime) -> Sequence[AcceptResult]:
        self.before_accept()
        state = self.memory.state(workspace_id)
        return [self._accept(state, message, now) for message in messages]

    def rules(self, workspace_id: int) -> SendingRules:
        return rules_in_force(self.memory.state(workspace_id))

    def list(self, workspace_id: int, query: DeliveryQuery) -> Sequence[DeliveryRecord]:
        state = self.memory.state(workspace_id)
        newest = sorted(state.sending.deliveries.items(), reverse=True)
        return [_record(state, stored) for _, stored in newest if _matches(stored.delivery, query)][: query.limit]

    def get(self, workspace_id: int, delivery_id: str) -> DeliveryRecord:
        stored = self.stored(workspace_id, delivery_id)
        return _record(self.memory.state(workspace_id), stored)

    def message(self, workspace_id: int, delivery_id: str) -> Message:
        stored = self.stored(workspace_id, delivery_id)
        if not stored.has_content:
            raise NotFound(f"the content of delivery {delivery_id} was forgotten")
        return stored.as_message(self.memory.state(workspace_id).sending.content)

    def attempts(self, workspace_id: int, delivery_id: str) -> Sequence[Attempt]:
        return list(self.stored(workspace_id, delivery_id).attempts)

    def archived(self, workspace_id: int, delivery_id: str) -> ArchivedContent:
        return self.stored(workspace_id, delivery_id).archived

    def cancel(self, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
        stored = self.stored(workspace_id, delivery_id)
        state = stored.delivery.state
        if state not in {DeliveryState.WAITING, DeliveryState.DRAFTED}:
            raise Conflict(f"delivery {delivery_id} is {state}: it cannot be cancelled")
        stored.enter(DeliveryState.CANCELLED, now, due_at=None, failure="it was cancelled")
        return stored.delivery

    def send_draft(self, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
        stored, state = self.stored(workspace_id, delivery_id), self.memory.state(workspace_id)
        if stored.delivery.state is not DeliveryState.DRAFTED:
            raise Conflict(f"delivery {delivery_id} is {stored.delivery.state}: it is no draft")
        mode, stored.send_at = state.workspace.settings.send_mode, max(stored.send_at, now)
        stored.update(state=DeliveryState.WAITING, accepted_mode=mode, due_at=stored.send_at)
        state.sending.wake(stored.send_at)
        return stored.delivery

    def record_open(
        self, workspace_id: int, delivery_id: str, *, by_machine: bool, is_test: bool, now: datetime
    ) -> None:
        state = self.memory.state(workspace_id)
        stored = state.sending.deliveries.get(delivery_id)
        if stored is None or not state.workspace.settings.open_tracking:
            return
        if by_machine:
            stored.update(machine_opens=stored.delivery.machine_opens + 1)
            return
        stored.update(opens=stored.delivery.opens + 1)
        stored.record(Metric.OPENED, now)
        if not is_test:
            self._log(state, stored, ActivityType.OPENED_EMAIL, {"delivery_id": delivery_id}, now)

    def record_click(self, workspace_id: int, delivery_id: str, *, url: str, is_test: bool, now: datetime) -> None:
        state = self.memory.state(workspace_id)
        stored = state.sending.deliveries.get(delivery_id)
        if stored is None:
            return
        stored.update(clicks=stored.delivery.clicks + 1)
        stored.record(Metric.CLICKED, now)
        if not is_test:
            self._log(state, stored, ActivityType.CLICKED_EMAIL, {"delivery_id": delivery_id, "href": url}, now)

    def unsubscribe(self, workspace_id: int, delivery_id: str, *, now: datetime) -> str | None:
        state = self.memory.states.get(workspace_id)
        stored = state.sending.deliveries.get(delivery_id) if state else None
        if stored is None:
            return None
        stored.record(Metric.UNSUBSCRIBED, now)
        return stored.delivery.cio_id

    def counts(self, workspace_id: int, *, now: datetime) -> WaitingCounts:
        sending = self.memory.state(workspace_id).sending
        stored = sending.deliveries.values()
        all_ = [each.delivery for each in stored]
        waiting = [each for each in all_ if each.state is DeliveryState.WAITING and each.due_at is not None]
        modes = [each.accepted_mode for each in waiting if each.accepted_mode is not None]
        deadlines = [
            *(attempt.deadline for each in stored for attempt in each.attempts if attempt.ended_at is None),
            *sending.ownerless.values(),
        ]
        return WaitingCounts(
            waiting=len(waiting),
            in_flight=sum(deadline > now for deadline in deadlines),
            by_accepted_mode={mode: modes.count(mode) for mode in modes},
            next_due_at=min((each.due_at for each in waiting if each.due_at is not None), default=None),
        )

    def purge(self, *, content_before: datetime, deliveries_before: datetime, now: datetime, limit: int) -> bool:  # noqa: ARG002 - the port's
        states = self.memory.states.values()
        stored = [(state, each) for state in states for each in state.sending.deliveries.values()]
        contents = [each for _, each in stored if _has_expired_content(each, content_before)][:limit]
        for each in contents:
            each.has_content, each.archived = False, FORGOTTEN
        expired = [entry for entry in stored if entry[1].delivery.accepted_at < deliveries_before][:limit]
        for state, each in expired:
            state.sending.keep_unended(each)
            del state.sending.deliveries[each.delivery.delivery_id]
        return limit in {len(contents), len(expired)}

    def stored(self, workspace_id: int, delivery_id: str) -> StoredDelivery:
        """A delivery as it is stored. Raises NotFound."""
        state = self.memory.states.get(workspace_id)
        if state is None or delivery_id not in state.sending.deliveries:
            raise NotFound(f"there is no delivery {delivery_id} in workspace number {workspace_id}")
        return state.sending.deliveries[delivery_id]

    def update(self, workspace_id: int, delivery_id: str, metric: Metric, now: datetime, **values: Any) -> None:
        """Change a delivery; a metric keeps its first time."""
        stored = self.stored(workspace_id, delivery_id)
        stored.update(**values)
        stored.record(metric, now)

    def _accept(self, state: WorkspaceState, message: NewDelivery, now: datetime) -> AcceptResult:
        try:
            reference = message.reference.in_mode(state.workspace.mode)
        except InvalidInput as error:
            return error
        mode = state.workspace.settings.send_mode
        earlier = _earlier(state, message, now)
        if earlier is not None:
            if message.idempotency_key is not None and earlier.message.request_digest != message.request_digest:
                return KeyReused(message.idempotency_key)
            first = earlier.delivery
            return Accepted(delivery_id=first.delivery_id, queued_at=first.accepted_at, mode=mode, replayed=True)
        person = state.working_set.find(reference)
        if person is None and reference.identifier not in state.working_set.suppressed:
            return PersonMissing(message.reference)
        owner = None if person is None else person.cio_id
        stored = self._store(state, message, owner, now, key=message.idempotency_key)
        for copy in _copies(message):
            self._store(state, copy, owner, now, is_copy=True)
        return Accepted(delivery_id=stored.delivery.delivery_id, queued_at=now, mode=mode)

    def _store(
        self,
        state: WorkspaceState,
        message: NewDelivery,
        owner: str | None,
        now: datetime,
        *,
        is_copy: bool = False,
        key: str | None = None,
    ) -> StoredDelivery:
        fate = DeliveryState.DRAFTED if message.is_draft else DeliveryState.WAITING
        fate = DeliveryState.DROPPED if owner is None else fate
        send_at = max(message.send_at, now)
        delivery = Delivery(
            delivery_id=self.memory.new_delivery_id(),
            cio_id=owner,
            template=message.template,
            channel=Channel.EMAIL,
            state=fate,
            accepted_mode=state.workspace.settings.send_mode,
            accepted_at=now,
            due_at=send_at if fate is DeliveryState.WAITING else None,
            tries=0,
            recipient=message.to,
            subject=message.subject,
            metrics={Metric.CREATED: now},
            failure="the person is suppressed" if owner is None else None,
        )
        stored = StoredDelivery(
            delivery=delivery, message=message, origin=owner, send_at=send_at, is_copy=is_copy, key=key
        )
        stored.has_content = owner is not None
        stored.enter(fate, now)
        state.sending.deliveries[delivery.delivery_id] = stored
        if delivery.due_at is not None:
            state.sending.wake(delivery.due_at)
        return stored

    def _log(
        self, state: WorkspaceState, stored: StoredDelivery, type_: ActivityType, data: dict[str, object], now: datetime
    ) -> None:
        owner = stored.delivery.cio_id
        if owner is not None:
            activity = ActivityLogged(type=type_, cio_id=owner, at=int(now.timestamp()), data=data)
            activity_id = self.memory.new_id()
            state.activities.append(
                StoredActivity(activity_id=activity_id, activity=activity, cio_id=owner, origin=owner)
            )


def _earlier(state: WorkspaceState, message: NewDelivery, now: datetime) -> StoredDelivery | None:
    if message.idempotency_key is not None:
        return _with_key(state, message.idempotency_key, now)
    repeated = [
        stored
        for stored in state.sending.deliveries.values()
        if message.repeats
        and not stored.is_copy
        and stored.message.request_digest == message.request_digest
        and stored.delivery.accepted_at > now - REPEAT_WINDOW
    ]
    return next(iter(repeated), None)


def _with_key(state: WorkspaceState, key: str, now: datetime) -> StoredDelivery | None:
    """The delivery that holds a key; one that is a day old gives it up."""
    for stored in state.sending.deliveries.values():
        if stored.key == key:
            if stored.delivery.accepted_at > now - KEY_LIFETIME:
                return stored
            stored.key = None
    return None


def _copies(message: NewDelivery) -> Iterator[NewDelivery]:
    for mailbox in parse_mailboxes(message.bcc, field="bcc") if message.fake_bcc else ():
        subject = f"{message.subject} (bcc: {mailbox.address})"
        yield replace(message, to=str(mailbox), cc="", bcc="", fake_bcc=False, subject=subject)


def _has_expired_content(stored: StoredDelivery, before: datetime) -> bool:
    is_final = stored.delivery.state in FINAL_STATES
    return stored.has_content and is_final and max(stored.delivery.accepted_at, stored.send_at) < before


def _record(state: WorkspaceState, stored: StoredDelivery) -> DeliveryRecord:
    person = state.working_set.people.get(stored.delivery.cio_id or "")
    return DeliveryRecord(
        delivery=stored.delivery,
        id=None if person is None else person.id,
        email=None if person is None else person.email,
    )


def _matches(delivery: Delivery, query: DeliveryQuery) -> bool:
    return (
        (query.before is None or delivery.delivery_id < query.before)
        and (query.cio_id is None or delivery.cio_id == query.cio_id)
        and (query.template is None or delivery.template == query.template)
        and (not query.states or delivery.state in query.states)
        and (query.metric is None or query.metric in delivery.metrics)
        and (query.drafts is None or (delivery.state is DeliveryState.DRAFTED) == query.drafts)
        and (query.since is None or delivery.accepted_at >= query.since)
        and (query.until is None or delivery.accepted_at < query.until)
    )
