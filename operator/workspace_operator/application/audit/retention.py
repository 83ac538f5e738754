"""Retention of the audit log: deletes expired entries in small batches."""

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.ports import AuditLog
from workspace_operator.application.schedules import BatchSchedule

BATCH: Final = 1000
"""Entries per transaction, which blocks other writers on SQLite."""

INTERVAL: Final = timedelta(hours=1)
"""Interval of searches while nothing has expired: a search takes a moment per workspace."""


@dataclass(slots=True, kw_only=True)
class AuditRetention:
    """Deletes, as a job of the worker, entries that are older than the retention period.

    The first search is ``initial_delay`` after the start, which is busy.
    """

    audit_log: AuditLog
    retention_period: timedelta
    clock: Callable[[], datetime]
    batch: int = BATCH
    initial_delay: InitVar[timedelta] = timedelta()
    _schedule: BatchSchedule = field(init=False)

    def __post_init__(self, initial_delay: timedelta) -> None:
        """Begin the schedule."""
        self._schedule = BatchSchedule(interval=INTERVAL, initial_delay=initial_delay)

    def work_once(self) -> bool:
        """Delete one batch if a search is due; False if nothing is left to do for now."""
        now = self.clock()
        if not self._schedule.is_due(now):
            return False
        has_more = self.audit_log.purge(before=now - self.retention_period, size=self.batch) == self.batch
        self._schedule.record_batch(now, has_more=has_more)
        return has_more
