"""Counts of messages that servers refused, as the heartbeat of a sender brings them into the database."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.ports import EndedAttempt, RefusedMessages
from workspace_operator.sending.deliveries import AttemptOutcome

REFUSALS_KEPT: Final = timedelta(hours=24)
"""How long an hour with refusals is counted after its beginning."""


@dataclass(frozen=True, slots=True)
class RefusalCounts:
    """Messages that servers refused by transport, hour and code, since this process began. Any thread may count."""

    _counts: Counter[tuple[str, datetime, int]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, transport: str, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:
        """Count those that the server refused. What this program refused by itself has no code."""
        codes = [each.code for each in attempts if each.outcome is AttemptOutcome.REFUSED and each.code]
        hour = now.replace(minute=0, second=0, microsecond=0)
        with self._lock:
            self._counts.update((transport, hour, code) for code in codes)

    def recent(self, now: datetime) -> Sequence[RefusedMessages]:
        """The counts of the last 24 hours, oldest first; older ones are dropped."""
        with self._lock:
            for key in [key for key in self._counts if key[1] <= now - REFUSALS_KEPT]:
                del self._counts[key]
            counted = [(hour, transport, code, count) for (transport, hour, code), count in self._counts.items()]
        return [
            RefusedMessages(transport=transport, hour=hour, code=code, count=count)
            for hour, transport, code, count in sorted(counted)
        ]
