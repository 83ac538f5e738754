"""Deliveries, in memory: accepted, listed, and what recipients do with them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.database import InMemoryDatabase, WorkspaceState
from tests.fakes.sending.state import StoredDelivery
from workspace_operator.application.ports import (
    Accepted,
    AcceptResult,
    DeliveryQuery,
    DeliveryRecord,
    KeyReused,
    NewDelivery,
    PersonMissing,
)
from workspace_operator.errors import NotFound
from workspace_operator.identity.values.rules import CIO_ID
from workspace_operator.sending.deliveries import ArchivedContent, Channel, Delivery, DeliveryState, Metric
from workspace_operator.sending.rules import SendingRules, SendMode

REPEATED_WITHIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class FakeDeliveries:
    """Implements of the port ``Deliveries`` what the API needs."""

    memory: InMemoryDatabase
    before_accept: Callable[[], None] = lambda: None

    def accept(self, workspace_id: int, messages: Sequence[NewDelivery], *, now: datetime) -> Sequence[AcceptResult]:
        self.before_accept()
        state = self.memory.state(workspace_id)
        return [self._accept(state, message, now) for message in messages]

    def rules(self, workspace_id: int) -> SendingRules:
        workspace = self.memory.state(workspace_id).workspace
        settings = workspace.settings
        return SendingRules(
            mode=SendMode(settings.send_mode.value),
            test_address=settings.test_address,
            open_tracking=settings.open_tracking,
            transport=settings.transport,
            sender=settings.sender,
            send_version=workspace.send_version,
        )

    def list(self, workspace_id: int, query: DeliveryQuery) -> Sequence[DeliveryRecord]:
        found = sorted(self._deliveries(workspace_id).items(), reverse=True)
        records = [self._record(workspace_id, stored) for _, stored in found if _matches(stored.delivery, query)]
        return records[: query.limit]

    def get(self, workspace_id: int, delivery_id: str) -> DeliveryRecord:
        return self._record(workspace_id, self.stored(workspace_id, delivery_id))

    def archived(self, workspace_id: int, delivery_id: str) -> ArchivedContent:
        return self.stored(workspace_id, delivery_id).archived

    def record_open(
        self, workspace_id: int, delivery_id: str, *, by_machine: bool, is_test: bool, now: datetime
    ) -> None:
        assert isinstance(is_test, bool)
        if self.rules(workspace_id).open_tracking and delivery_id in self._deliveries(workspace_id):
            delivery = self.stored(workspace_id, delivery_id).delivery
            counts = {"machine_opens": delivery.machine_opens + by_machine, "opens": delivery.opens + (not by_machine)}
            self.update(workspace_id, delivery_id, Metric.OPENED, now, **counts)

    def record_click(self, workspace_id: int, delivery_id: str, *, url: str, is_test: bool, now: datetime) -> None:
        assert url
        assert isinstance(is_test, bool)
        if delivery_id in self._deliveries(workspace_id):
            clicks = self.stored(workspace_id, delivery_id).delivery.clicks + 1
            self.update(workspace_id, delivery_id, Metric.CLICKED, now, clicks=clicks)

    def unsubscribe(self, workspace_id: int, delivery_id: str, *, now: datetime) -> str | None:
        self.update(workspace_id, delivery_id, Metric.UNSUBSCRIBED, now)
        return self.stored(workspace_id, delivery_id).delivery.cio_id

    def stored(self, workspace_id: int, delivery_id: str) -> StoredDelivery:
        """A delivery as it is stored. Raises NotFound."""
        stored = self._deliveries(workspace_id).get(delivery_id)
        if stored is None:
            raise NotFound(f"there is no delivery {delivery_id}")
        return stored

    def newest(self, workspace_id: int) -> StoredDelivery:
        """The delivery that was accepted last."""
        return self._deliveries(workspace_id)[max(self._deliveries(workspace_id))]

    def update(self, workspace_id: int, delivery_id: str, metric: Metric, now: datetime, **values: Any) -> None:
        """Change a delivery; a metric keeps its first time."""
        stored = self.stored(workspace_id, delivery_id)
        metrics = {metric: now, **stored.delivery.metrics}
        stored.delivery = replace(stored.delivery, metrics=metrics, **values)

    def _deliveries(self, workspace_id: int) -> dict[str, StoredDelivery]:
        return self.memory.state(workspace_id).sending.deliveries

    def _accept(self, state: WorkspaceState, message: NewDelivery, now: datetime) -> AcceptResult:
        mode = self.rules(state.workspace_id).mode
        for earlier in reversed(state.sending.deliveries.values()):
            is_key = bool(message.idempotency_key) and earlier.message.idempotency_key == message.idempotency_key
            same = earlier.message.request_digest == message.request_digest
            if is_key and not same:
                return KeyReused(message.idempotency_key or "")
            is_recent = now - earlier.delivery.accepted_at <= REPEATED_WITHIN
            if is_key or (message.repeats and same and is_recent):
                at, delivery_id = earlier.delivery.accepted_at, earlier.delivery.delivery_id
                return Accepted(delivery_id=delivery_id, queued_at=at, mode=mode, replayed=True)
        reference = message.reference.in_mode(state.workspace.mode) if message.reference.kind is CIO_ID else None
        person = state.working_set.find(reference or message.reference)
        is_suppressed = person is None and message.reference.identifier in state.working_set.suppressed
        if person is None and not is_suppressed:
            return PersonMissing(message.reference)
        return self._store(state, message, None if person is None else person.cio_id, mode, now)

    def _store(
        self, state: WorkspaceState, message: NewDelivery, cio_id: str | None, mode: SendMode | None, now: datetime
    ) -> Accepted:
        delivery_id = f"{int(now.timestamp() * 1000):012x}{next(self.memory.names):012x}"
        first = DeliveryState.DRAFTED if message.is_draft else DeliveryState.WAITING
        first = DeliveryState.UNDELIVERABLE if mode is SendMode.NEVER else first
        delivery = Delivery(
            delivery_id=delivery_id,
            cio_id=cio_id,
            template=message.template,
            channel=Channel.EMAIL,
            state=DeliveryState.DROPPED if cio_id is None else first,
            accepted_mode=mode,
            accepted_at=now,
            due_at=message.send_at,
            tries=0,
            recipient=message.to,
            subject=message.subject,
            metrics={Metric.CREATED: now},
        )
        state.sending.deliveries[delivery_id] = StoredDelivery(delivery=delivery, message=message)
        return Accepted(delivery_id=delivery_id, queued_at=now, mode=mode)

    def _record(self, workspace_id: int, stored: StoredDelivery) -> DeliveryRecord:
        people = self.memory.state(workspace_id).working_set.people
        person = people.get(stored.delivery.cio_id or "")
        return DeliveryRecord(
            delivery=stored.delivery,
            id=None if person is None else person.id,
            email=None if person is None else person.email,
        )

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the API does not call {name}")


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
