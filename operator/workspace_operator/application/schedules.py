"""Schedules of jobs that work in batches: one after the other while there is work, and then not for an interval."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(slots=True, kw_only=True)
class BatchSchedule:
    """When a job is due: first after ``initial_delay``, then as the batches before it ended."""

    interval: timedelta
    initial_delay: timedelta = timedelta()
    _due_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether the job is due. A due time beyond an interval means that the clock was set back, and is ignored."""
        if self._due_at is None:
            self._due_at = now + self.initial_delay
        return not now < self._due_at <= now + self.interval

    def record_batch(self, now: datetime, *, has_more: bool) -> None:
        """Set when the job is due next: now if the batch left work, otherwise after the interval."""
        self._due_at = now if has_more else now + self.interval
