"""Retention of activities: deletes expired activities in small batches."""

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta

from workspace_operator.application.ports import PersonRecords
from workspace_operator.application.schedules import BatchSchedule

BATCH = 1000
"""Activities per transaction, which blocks other writers on SQLite."""

IDLE_INTERVAL = timedelta(minutes=10)
"""Interval of searches while nothing has expired: a search takes a moment per workspace."""


@dataclass(slots=True, kw_only=True)
class ActivityRetention:
    """Deletes activities that are older than the retention period, for the first time after ``initial_delay``."""

    person_records: PersonRecords
    retention_period: timedelta
    clock: Callable[[], datetime]
    batch: int = BATCH
    initial_delay: InitVar[timedelta] = timedelta()
    _schedule: BatchSchedule = field(init=False)

    def __post_init__(self, initial_delay: timedelta) -> None:
        """Begin the schedule."""
        self._schedule = BatchSchedule(interval=IDLE_INTERVAL, initial_delay=initial_delay)

    def work_once(self) -> bool:
        """Delete one batch if a search is due; False if nothing is left to do for now."""
        now = self.clock()
        if not self._schedule.is_due(now):
            return False
        expired_before = now - self.retention_period
        has_more = self.person_records.purge_activities(before=expired_before, size=self.batch) == self.batch
        self._schedule.record_batch(now, has_more=has_more)
        return has_more
