"""Forgetting activities when their time is over, a little at a time, beside all other work."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from workspace_operator.application.ports import PersonRecords

BATCH = 1000
"""Activities a transaction: writers on SQLite wait for that long."""

IDLE_INTERVAL = timedelta(minutes=10)
"""Until it is looked again once nothing is over time: the look costs a moment for each workspace."""


@dataclass(slots=True, kw_only=True)
class ActivityRetention:
    """Removes activities that were recorded longer than ``keep`` ago.

    Attributes:
        first_look: how long to wait after the first call before the first search for old activities.
    """

    person_records: PersonRecords
    retention_period: timedelta
    clock: Callable[[], datetime]
    batch: int = BATCH
    initial_delay: timedelta = timedelta()
    _due_at: datetime | None = None

    def work_once(self) -> bool:
        """Remove one batch if it is time to look; False if there is nothing more to do for now."""
        now = self.clock()
        if self._due_at is None:
            self._due_at = now + self.initial_delay
        if now < self._due_at <= now + IDLE_INTERVAL:  # further away, the clock was set back
            return False
        has_more = (
            self.person_records.purge_activities(before=now - self.retention_period, size=self.batch) == self.batch
        )
        self._due_at = now if has_more else now + IDLE_INTERVAL
        return has_more
