"""Series of metrics of a template, as ``GET /v1/transactional/{id}/metrics`` tells them (sending §5.2)."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from workspace_operator.application.ports import Deliveries, DeliveryQuery, DeliveryRecord
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.sending.deliveries import Metric
from workspace_operator.web.app_api.message_pages import REACH, number_of

METRIC_PARAMETERS: Final = ("period", "steps", "type")

MAX_COUNTED: Final = 20_000
"""Maximum number of messages that a request counts, the newest first."""
_BATCH_SIZE: Final = 1_000

PERIODS: Final[Mapping[str, tuple[timedelta, int]]] = {
    "hours": (timedelta(hours=1), 24),
    "days": (timedelta(days=1), 45),
    "weeks": (timedelta(weeks=1), 12),
    "months": (timedelta(days=30), 6),
}
"""The length of a step, and the maximum number of steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSteps:
    """The times at which the steps of a series begin, oldest first; the last one ends now."""

    starts: Sequence[datetime]

    @classmethod
    def from_query(cls, query: Mapping[str, str], *, now: datetime) -> Self:
        """Read the period and the number of steps. Raises InvalidInput."""
        period = query.get("period", "days")
        if period not in PERIODS:
            message = f"period {quoted(period)} is unknown: use one of {', '.join(PERIODS)}"
            raise InvalidInput(message, field="period")
        length, most = PERIODS[period]
        text = query.get("steps", str(most))
        steps = number_of(text)
        if steps is None or not 1 <= steps <= most:
            message = f"steps {quoted(text)} must be a number from 1 to {most} for {period}"
            raise InvalidInput(message, field="steps")
        return cls(starts=[now - length * step for step in range(steps, 0, -1)])

    def index(self, at: datetime) -> int | None:
        """The step of a time; None if it is before the first."""
        position = bisect_right(self.starts, at) - 1
        return position if position >= 0 else None


def metrics_document(deliveries: Deliveries, workspace_id: int, template: int, steps: MetricSteps) -> dict[str, Any]:
    """How many messages have each metric, by the step in which they got it."""
    series = {metric.value: [0] * len(steps.starts) for metric in Metric}
    counted = 0
    for record in _newest(deliveries, workspace_id, template, since=steps.starts[-1] - REACH):
        counted += 1
        for metric, at in record.delivery.metrics.items():
            position = steps.index(at)
            if position is not None:
                series[metric.value][position] += 1
    return {"metric": {"series": series, "is_complete": counted < MAX_COUNTED}}


def _newest(deliveries: Deliveries, workspace_id: int, template: int, *, since: datetime) -> Iterator[DeliveryRecord]:
    before: str | None = None
    for _ in range(MAX_COUNTED // _BATCH_SIZE):
        query = DeliveryQuery(limit=_BATCH_SIZE, before=before, template=template, since=since)
        found = deliveries.list(workspace_id, query)
        yield from found
        if len(found) < _BATCH_SIZE:
            return
        before = found[-1].delivery.delivery_id
