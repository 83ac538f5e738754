"""Prometheus metrics of a sender: counters of this process, and the age of the oldest message that waits."""

import logging
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from workspace_operator.application.lease_metrics import LeaseMetrics
from workspace_operator.application.ports import EndedAttempt, SendingQueue, TransportPool
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState

logger = logging.getLogger(__name__)

HELD_REASONS = {
    0: "not_rendered",
    4: "disabled",
    7: "too_late",
    8: "suppressed",
    9: "unsubscribed",
    10: "sender_refused",
    12: "accepted_in_test",
}
"""Values of the label ``reason``, by the line of the gate; 0: the message could not be rendered."""


class SenderMetrics:
    """Counts what a sender does, and renders it as Prometheus text.

    Each reason, and each outcome of a transport, has a sample from the start.
    """

    def __init__(self, *, queue: SendingQueue, transports: TransportPool, clock: Callable[[], datetime]) -> None:
        self._queue, self._transports, self._clock = queue, transports, clock
        self._registry = registry = CollectorRegistry()
        self._handed_over = Counter(
            "workspace_operator_messages_handed_over",
            "Hand-overs that ended, by transport and outcome.",
            ["transport", "outcome"],
            registry=registry,
        )
        self._held = Counter(
            "workspace_operator_messages_held",
            "Messages that the gate or a fault of the message kept from being sent, by reason.",
            ["reason"],
            registry=registry,
        )
        self._retries = Counter(
            "workspace_operator_messages_retries", "Hand-overs that will be repeated.", registry=registry
        )
        self._in_flight = Gauge(
            "workspace_operator_messages_in_flight", "Messages that this process is handing over.", registry=registry
        )
        self._transport_up = Gauge(
            "workspace_operator_transport_up",
            "1 while a transport is used, 0 while it is paused after a failure.",
            ["transport"],
            registry=registry,
        )
        self._oldest = Gauge(
            "workspace_operator_messages_oldest_waiting_seconds",
            "How long the message that is due first in any workspace has been due.",
            registry=registry,
        )
        self._leases = LeaseMetrics(
            registry,
            name="workspace_operator_sending",
            held="Workspaces whose messages this process has a lease of.",
            lost="Leases that ended early: another sender has the messages, or the workspace is gone.",
        )
        self._make_samples()

    def _make_samples(self) -> None:
        for reason in HELD_REASONS.values():
            self._held.labels(reason)
        for offer, outcome in product(self._transports.offers, AttemptOutcome):
            self._handed_over.labels(offer.name, outcome.value)

    def leased(self) -> None:
        """Count a lease that begins."""
        self._leases.begun()

    def lease_ended(self, *, is_lost: bool) -> None:
        """Count a lease that ended."""
        self._leases.ended(is_lost=is_lost)

    def begun(self, count: int) -> None:
        """Count hand-overs that begin."""
        self._in_flight.inc(count)

    def ended(self, transport: str, attempts: Sequence[EndedAttempt]) -> None:
        """Count hand-overs that have ended."""
        self._in_flight.dec(len(attempts))
        for attempt in attempts:
            self._handed_over.labels(transport, attempt.outcome.value).inc()
            if attempt.state is DeliveryState.WAITING:
                self._retries.inc()

    def abandoned(self, count: int) -> None:
        """Count hand-overs whose outcome this process cannot record."""
        self._in_flight.dec(count)

    def held(self, rules: Tally[int]) -> None:
        """Count messages that are never sent, by line of the gate."""
        for rule, count in rules.items():
            self._held.labels(HELD_REASONS.get(rule, "other")).inc(count)

    def text(self) -> bytes:
        """All metrics as Prometheus text; without the oldest message while the store does not answer."""
        for name, is_up in self._transports.states():
            self._transport_up.labels(name).set(is_up)
        try:
            oldest = self._queue.oldest_due_at()
            age = 0.0 if oldest is None else (self._clock() - oldest).total_seconds()
            self._oldest.set(max(age, 0.0))
        except WorkspaceOperatorError as error:
            logger.debug("cannot read the oldest message: %s", error)
            self._oldest.set(float("nan"))
        return generate_latest(self._registry)
