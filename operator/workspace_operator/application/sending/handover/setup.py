"""What all rooms of a sender share."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from workspace_operator.application.ports import EndedAttempt, Renderer, SendingQueue, TransportPool
from workspace_operator.application.sending.handover.refusals import RefusalCounts
from workspace_operator.sending.deliveries import TOO_LATE
from workspace_operator.sending.keys import RootKey

MAX_BATCH: Final = 64
"""Deliveries in a transaction, at most."""


class Observer(Protocol):
    """Counts what a sender does (`metrics.SenderMetrics`)."""

    def leased(self) -> None:
        """Count a lease of a workspace's messages that begins."""
        ...

    def lease_ended(self, *, is_lost: bool) -> None:
        """Count a lease that ended; ``is_lost`` if another sender has the messages now, or the workspace is gone."""
        ...

    def begun(self, count: int) -> None:
        """Count hand-overs that begin."""
        ...

    def ended(self, transport: str, attempts: Sequence[EndedAttempt]) -> None:
        """Count hand-overs that have ended."""
        ...

    def held(self, rules: Counter[int]) -> None:
        """Count messages that are never sent, by line of the gate."""
        ...

    def abandoned(self, count: int) -> None:
        """Count hand-overs whose outcome this sender cannot record."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderSetup:
    """What all rooms of a sender share.

    Attributes:
        root_key: None: nothing begins.
        public_url: base URL of tracking and unsubscribe links; empty: messages have none.
        too_late: how long after it was due a message is still sent.
        max_batch: deliveries in a transaction, at most.
        observer: counts what happens.
        refusals: counts what servers refuse, for the heartbeat.
    """

    queue: SendingQueue
    renderer: Renderer
    transports: TransportPool
    root_key: RootKey | None
    public_url: str
    clock: Callable[[], datetime]
    too_late: timedelta = TOO_LATE
    max_batch: int = MAX_BATCH
    stopping: Callable[[], bool] = lambda: False
    observer: Observer
    refusals: RefusalCounts = field(default_factory=RefusalCounts)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    jitter: Callable[[], float] = random.random
