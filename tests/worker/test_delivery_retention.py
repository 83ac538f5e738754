"""Old content and old deliveries are deleted a batch at a time, and looked for only now and then."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from tests.store.backends import START, Clock
from workspace_operator.application.ports import Deliveries
from workspace_operator.application.sending.retention import BATCH, INTERVAL, DeliveryRetention

DAY = timedelta(days=1)


@dataclass
class FakeDeliveries:
    """Answers whether more is left, once per call, and records the calls."""

    has_more: list[bool] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)

    def purge(self, **values: datetime | int) -> bool:
        self.calls.append(values)
        return self.has_more.pop(0) if self.has_more else False


def retention(deliveries: FakeDeliveries, clock: Clock, *, initial_delay: timedelta = timedelta()) -> DeliveryRetention:
    return DeliveryRetention(
        deliveries=cast("Deliveries", deliveries),
        keep_content=30 * DAY,
        keep_deliveries=180 * DAY,
        clock=clock,
        initial_delay=initial_delay,
    )


def test_content_and_deliveries_have_times_of_their_own() -> None:
    deliveries = FakeDeliveries()

    assert retention(deliveries, Clock()).work_once() is False

    before = {"content_before": START - 30 * DAY, "deliveries_before": START - 180 * DAY}
    assert deliveries.calls == [before | {"now": START, "limit": BATCH}]


def test_batches_follow_each_other_until_nothing_is_left() -> None:
    deliveries, clock = FakeDeliveries(has_more=[True, True]), Clock()
    job = retention(deliveries, clock)

    assert [job.work_once() for _ in range(4)] == [True, True, False, False]
    assert len(deliveries.calls) == 3

    clock.now += INTERVAL
    job.work_once()
    assert len(deliveries.calls) == 4


def test_first_search_waits() -> None:
    deliveries, clock = FakeDeliveries(), Clock()
    job = retention(deliveries, clock, initial_delay=timedelta(minutes=1))

    job.work_once()
    assert deliveries.calls == []

    clock.now += timedelta(minutes=1)
    job.work_once()
    assert len(deliveries.calls) == 1


def test_clock_that_is_set_back_stops_no_search() -> None:
    deliveries, clock = FakeDeliveries(), Clock()
    job = retention(deliveries, clock)
    job.work_once()

    clock.now -= DAY
    job.work_once()

    assert len(deliveries.calls) == 2
