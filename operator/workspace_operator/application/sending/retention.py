"""Deletion of old content of messages, old deliveries and idempotency keys (sending §2.4)."""

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.ports import Deliveries
from workspace_operator.application.schedules import BatchSchedule

BATCH: Final = 1000
"""Deliveries in a transaction."""

INTERVAL: Final = timedelta(minutes=15)


@dataclass(slots=True, kw_only=True)
class DeliveryRetention:
    """Deletes, as a job of the worker, what is older than its time.

    Attributes:
        keep_content: how long a rendered message and its request are kept after they were accepted.
        keep_deliveries: how long the record of a delivery and its attempts are kept.
        initial_delay: of the first search, since the start of a process is busy.
    """

    deliveries: Deliveries
    keep_content: timedelta
    keep_deliveries: timedelta
    clock: Callable[[], datetime]
    initial_delay: InitVar[timedelta] = timedelta()
    _schedule: BatchSchedule = field(init=False)

    def __post_init__(self, initial_delay: timedelta) -> None:
        """Begin the schedule."""
        self._schedule = BatchSchedule(interval=INTERVAL, initial_delay=initial_delay)

    def work_once(self) -> bool:
        """Delete one batch if it is time; whether more may be left."""
        now = self.clock()
        if not self._schedule.is_due(now):
            return False
        has_more = self.deliveries.purge(
            content_before=now - self.keep_content,
            deliveries_before=now - self.keep_deliveries,
            now=now,
            limit=BATCH,
        )
        self._schedule.record_batch(now, has_more=has_more)
        return has_more
