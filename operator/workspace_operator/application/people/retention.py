"""Retention of activities: deletes expired activities in small batches."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from workspace_operator.application.ports import PersonRecords

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
    initial_delay: timedelta = timedelta()
    _due_at: datetime | None = None

    def work_once(self) -> bool:
        """Delete one batch if a search is due; False if nothing is left to do for now."""
        now = self.clock()
        if self._due_at is None:
            self._due_at = now + self.initial_delay
        if now < self._due_at <= now + IDLE_INTERVAL:  # a later due time means that the clock was set back
            return False
        expired_before = now - self.retention_period
        has_more = self.person_records.purge_activities(before=expired_before, size=self.batch) == self.batch
        self._due_at = now if has_more else now + IDLE_INTERVAL
        return has_more
