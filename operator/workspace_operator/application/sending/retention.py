"""Deletion of old content of messages, old deliveries and idempotency keys (sending §2.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.ports import Deliveries

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
    initial_delay: timedelta = timedelta(0)
    _due_at: datetime | None = None

    def work_once(self) -> bool:
        """Delete one batch if it is time; whether more may be left."""
        now = self.clock()
        if self._due_at is None:
            self._due_at = now + self.initial_delay
        if now < self._due_at <= now + INTERVAL:  # a later due time means that the clock was set back
            return False
        has_more = self.deliveries.purge(
            content_before=now - self.keep_content,
            deliveries_before=now - self.keep_deliveries,
            now=now,
            limit=BATCH,
        )
        self._due_at = now if has_more else now + INTERVAL
        return has_more
