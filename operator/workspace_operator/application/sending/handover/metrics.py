"""Prometheus metrics of a sender: counters of this process, and the age of the oldest message that waits."""

import logging
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from workspace_operator.application.ports import EndedAttempt, SendingQueue, TransportPool
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.sending.deliveries import DeliveryState

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
"""Values of the label ``reason``, by the line of the gate; 0: the message could not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderMetrics:
    """Counts what a sender does, and renders it as Prometheus text."""

    queue: SendingQueue
    transports: TransportPool
    clock: Callable[[], datetime]
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _handed_over: Counter = field(init=False)
    _held: Counter = field(init=False)
    _retries: Counter = field(init=False)
    _in_flight: Gauge = field(init=False)
    _transport_up: Gauge = field(init=False)
    _oldest: Gauge = field(init=False)

    def __post_init__(self) -> None:
        """Create the metrics; all values of labels that are known have a sample from the start."""
        values = {
            "_handed_over": Counter(
                "workspace_operator_messages_handed_over",
                "Hand-overs that ended, by transport and outcome.",
                ["transport", "outcome"],
                registry=self.registry,
            ),
            "_held": Counter(
                "workspace_operator_messages_held",
                "Messages that the gate or a fault of the message kept from being sent, by reason.",
                ["reason"],
                registry=self.registry,
            ),
            "_retries": Counter(
                "workspace_operator_messages_retries", "Hand-overs that will be repeated.", registry=self.registry
            ),
            "_in_flight": Gauge(
                "workspace_operator_messages_in_flight",
                "Messages that this process is handing over.",
                registry=self.registry,
            ),
            "_transport_up": Gauge(
                "workspace_operator_transport_up",
                "1 while a transport is used, 0 while it is paused after a failure.",
                ["transport"],
                registry=self.registry,
            ),
            "_oldest": Gauge(
                "workspace_operator_messages_oldest_waiting_seconds",
                "How long the message that is due first in any workspace has been due.",
                registry=self.registry,
            ),
        }
        for name, metric in values.items():
            object.__setattr__(self, name, metric)
        for reason in HELD_REASONS.values():
            self._held.labels(reason)

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
        for name, is_up in self.transports.states():
            self._transport_up.labels(name).set(is_up)
        try:
            oldest = self.queue.oldest_due_at()
            age = 0.0 if oldest is None else (self.clock() - oldest).total_seconds()
            self._oldest.set(max(age, 0.0))
        except WorkspaceOperatorError as error:
            logger.debug("cannot read the oldest message: %s", error)
            self._oldest.set(float("nan"))
        return generate_latest(self.registry)
