"""Deliveries, in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.fakes.database import InMemoryDatabase, StoredActivity, WorkspaceState
from tests.fakes.sending.records import StoredDelivery
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
from workspace_operator.identity.values.references import Reference
from workspace_operator.sending.addresses import parse_mailboxes
from workspace_operator.sending.deliveries import (
    FINAL_STATES,
    ArchivedContent,
    Attempt,
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
    """Implements the port ``Deliveries``."""

    memory: InMemoryDatabase

    def accept(self, workspace_id: int, messages: Sequence[NewDelivery], *, now: datetime) -> Sequence[AcceptResult]:
        state = self.memory.state(workspace_id)
        return [self._accept(state, message, now) for message in messages]

    def rules(self, workspace_id: int) -> SendingRules:
        return rules_in_force(self.memory.state(workspace_id))

    def list(self, workspace_id: int, query: DeliveryQuery) -> Sequence[DeliveryRecord]:
        state = self.memory.state(workspace_id)
        newest = sorted(state.mail.deliveries.values(), key=lambda each: each.delivery_id, reverse=True)
        return [_record(state, each) for each in newest if _matches(each, query)][: query.limit]

    def get(self, workspace_id: int, delivery_id: str) -> DeliveryRecord:
        return _record(self.memory.state(workspace_id), self._stored(workspace_id, delivery_id))

    def message(self, workspace_id: int, delivery_id: str) -> Message:
        stored = self._stored(workspace_id, delivery_id)
        if not stored.has_content:
            raise NotFound(f"the content of delivery {delivery_id} was forgotten")
        return stored.as_message(self.memory.state(workspace_id).mail.content)

    def attempts(self, workspace_id: int, delivery_id: str) -> Sequence[Attempt]:
        return list(self._stored(workspace_id, delivery_id).attempts)

    def archived(self, workspace_id: int, delivery_id: str) -> ArchivedContent:
        rendered = self._stored(workspace_id, delivery_id).rendered
        return ArchivedContent(forgotten=rendered is None, fields=rendered or {})

    def cancel(self, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
        stored = self._stored(workspace_id, delivery_id)
        if stored.state not in {DeliveryState.WAITING, DeliveryState.DRAFTED}:
            raise Conflict(f"delivery {delivery_id} is {stored.state}: it cannot be cancelled")
        stored.enter(DeliveryState.CANCELLED, now)
        stored.due_at, stored.failure = None, "it was cancelled"
        return stored.delivery

    def send_draft(self, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
        stored, state = self._stored(workspace_id, delivery_id), self.memory.state(workspace_id)
        if stored.state is not DeliveryState.DRAFTED:
            raise Conflict(f"delivery {delivery_id} is {stored.state}: it is no draft")
        stored.state, stored.accepted_mode = DeliveryState.WAITING, state.workspace.settings.send_mode
        stored.send_at = stored.due_at = max(stored.send_at, now)
        state.mail.wake(stored.send_at)
        return stored.delivery

    def record_open(
        self, workspace_id: int, delivery_id: str, *, by_machine: bool, is_test: bool, now: datetime
    ) -> None:
        state = self.memory.state(workspace_id)
        stored = state.mail.deliveries.get(delivery_id)
        if stored is None or not state.workspace.settings.open_tracking:
            return
        if by_machine:
            stored.machine_opens += 1
            return
        stored.opens += 1
        stored.metrics.setdefault(Metric.OPENED, now)
        if not is_test:
            self._log(state, stored, ActivityType.OPENED_EMAIL, {}, now)

    def record_click(self, workspace_id: int, delivery_id: str, *, url: str, is_test: bool, now: datetime) -> None:
        state = self.memory.state(workspace_id)
        stored = state.mail.deliveries.get(delivery_id)
        if stored is None:
            return
        stored.clicks += 1
        stored.metrics.setdefault(Metric.CLICKED, now)
        if not is_test:
            self._log(state, stored, ActivityType.CLICKED_EMAIL, {"href": url}, now)

    def unsubscribe(self, workspace_id: int, delivery_id: str, *, now: datetime) -> str | None:
        state = self.memory.states.get(workspace_id)
        stored = state.mail.deliveries.get(delivery_id) if state else None
        if stored is None:
            return None
        stored.metrics.setdefault(Metric.UNSUBSCRIBED, now)
        return stored.cio_id

    def counts(self, workspace_id: int, *, now: datetime) -> WaitingCounts:
        stored = self.memory.state(workspace_id).mail.deliveries.values()
        waiting = [each for each in stored if each.state is DeliveryState.WAITING and each.due_at is not None]
        modes = [each.accepted_mode for each in waiting]
        return WaitingCounts(
            waiting=len(waiting),
            in_flight=sum(
                attempt.ended_at is None and attempt.deadline > now for each in stored for attempt in each.attempts
            ),
            by_accepted_mode={mode: modes.count(mode) for mode in set(modes)},
            next_due_at=min((each.due_at for each in waiting if each.due_at is not None), default=None),
        )

    def purge(self, *, content_before: datetime, deliveries_before: datetime, now: datetime, limit: int) -> bool:  # noqa: ARG002 - the port's
        contents = [
            each
            for state in self.memory.states.values()
            for each in state.mail.deliveries.values()
            if each.has_content and each.state in FINAL_STATES and max(each.accepted_at, each.send_at) < content_before
        ][:limit]
        for each in contents:
            each.has_content, each.rendered = False, None
        deliveries = [
            (state, each)
            for state in self.memory.states.values()
            for each in list(state.mail.deliveries.values())
            if each.accepted_at < deliveries_before
        ][:limit]
        for state, each in deliveries:
            del state.mail.deliveries[each.delivery_id]
        return limit in {len(contents), len(deliveries)}

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
            return Accepted(delivery_id=earlier.delivery_id, queued_at=earlier.accepted_at, mode=mode, replayed=True)
        person = state.working_set.find(reference)
        if person is None and reference.identifier not in state.working_set.suppressed:
            return PersonMissing(message.reference)
        owner = None if person is None else person.cio_id
        stored = self._store(state, message, reference, owner, now, key=message.idempotency_key)
        for copy in _copies(message):
            self._store(state, copy, reference, owner, now, is_copy=True)
        return Accepted(delivery_id=stored.delivery_id, queued_at=now, mode=mode)

    def _store(
        self,
        state: WorkspaceState,
        message: NewDelivery,
        reference: Reference,
        owner: str | None,
        now: datetime,
        *,
        is_copy: bool = False,
        key: str | None = None,
    ) -> StoredDelivery:
        fate = DeliveryState.DRAFTED if message.is_draft else DeliveryState.WAITING
        send_at = max(message.send_at, now)
        stored = StoredDelivery(
            delivery_id=self.memory.new_delivery_id(),
            message=replace(message, reference=reference),
            cio_id=owner,
            origin=owner,
            state=fate,
            accepted_mode=state.workspace.settings.send_mode,
            accepted_at=now,
            send_at=send_at,
            due_at=send_at if owner is not None and fate is DeliveryState.WAITING else None,
            metrics={Metric.CREATED: now},
            is_copy=is_copy,
            idempotency_key=key,
            has_content=owner is not None,
            failure=None if owner is not None else "the person is suppressed",
        )
        stored.enter(DeliveryState.DROPPED if owner is None else fate, now)
        state.mail.deliveries[stored.delivery_id] = stored
        if stored.due_at is not None:
            state.mail.wake(stored.due_at)
        return stored

    def _stored(self, workspace_id: int, delivery_id: str) -> StoredDelivery:
        state = self.memory.states.get(workspace_id)
        if state is None or delivery_id not in state.mail.deliveries:
            raise NotFound(f"there is no delivery {delivery_id} in workspace number {workspace_id}")
        return state.mail.deliveries[delivery_id]

    def _log(
        self, state: WorkspaceState, stored: StoredDelivery, type_: ActivityType, data: dict[str, object], now: datetime
    ) -> None:
        if stored.cio_id is not None:
            activity = ActivityLogged(type=type_, cio_id=stored.cio_id, at=int(now.timestamp()), data=data)
            state.activities.append(
                StoredActivity(
                    activity_id=self.memory.new_id(), activity=activity, cio_id=stored.cio_id, origin=stored.cio_id
                )
            )


def _earlier(state: WorkspaceState, message: NewDelivery, now: datetime) -> StoredDelivery | None:
    for each in state.mail.deliveries.values():
        if message.idempotency_key is not None and each.idempotency_key == message.idempotency_key:
            if each.accepted_at > now - KEY_LIFETIME:
                return each
            each.idempotency_key = None
        elif (
            message.idempotency_key is None
            and message.repeats
            and not each.is_copy
            and each.message.request_digest == message.request_digest
            and each.accepted_at > now - REPEAT_WINDOW
        ):
            return each
    return None


def _copies(message: NewDelivery) -> Iterator[NewDelivery]:
    for mailbox in parse_mailboxes(message.bcc, field="bcc") if message.fake_bcc else ():
        subject = f"{message.subject} (bcc: {mailbox.address})"
        yield replace(message, to=str(mailbox), cc="", bcc="", fake_bcc=False, subject=subject)


def _record(state: WorkspaceState, stored: StoredDelivery) -> DeliveryRecord:
    person = None if stored.cio_id is None else state.working_set.people.get(stored.cio_id)
    return DeliveryRecord(
        delivery=stored.delivery, id=person.id if person else None, email=person.email if person else None
    )


def _matches(stored: StoredDelivery, query: DeliveryQuery) -> bool:
    return (
        (query.before is None or stored.delivery_id < query.before)
        and query.cio_id in {None, stored.cio_id}
        and query.template in {None, stored.message.template}
        and (not query.states or stored.state in query.states)
        and (query.metric is None or query.metric in stored.metrics)
        and query.drafts in {None, stored.state is DeliveryState.DRAFTED}
        and (query.since is None or stored.accepted_at >= query.since)
        and (query.until is None or stored.accepted_at < query.until)
    )
