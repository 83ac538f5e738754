"""Which people the calls of this process named lately, while people block a migration (cleanups §9).

A call that changes nothing leaves no other trace, and most calls of a nightly synchronization are of this kind. This
costs a call no write: the process keeps the cio_ids, and every half a minute writes those that block the migration.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from workspace_operator.application.ports import ListedCalls
from workspace_operator.errors import WorkspaceOperatorError

logger = logging.getLogger(__name__)

CAPACITY: Final = 100_000
"""People that are kept until they are written; further ones are not."""

INTERVAL_SECONDS: Final = 30.0
"""Time between two writes, unless half of the capacity is used before. A process that is killed loses as much."""


@dataclass(slots=True, kw_only=True)
class RecentCalls:
    """Collects the people that calls name, by workspace, and writes them at intervals."""

    listed_calls: ListedCalls
    capacity: int = CAPACITY
    interval: float = INTERVAL_SECONDS
    check_seconds: float = 1.0
    """Time between two looks at how many people are kept."""
    _calls: dict[int, dict[str, int]] = field(default_factory=dict)
    _size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, workspace_id: int, cio_ids: Iterable[str], now: int) -> None:
        """Record that calls named people at ``now``, in Unix seconds. Callable from every thread."""
        with self._lock:
            calls = self._calls.setdefault(workspace_id, {})
            before = len(calls)
            for cio_id in cio_ids:
                if cio_id in calls or self._size + len(calls) - before < self.capacity:
                    calls[cio_id] = now
            self._size += len(calls) - before

    def write_all(self) -> None:
        """Write what was collected. What the store does not take is kept for the next time."""
        with self._lock:
            recent, self._calls, self._size = self._calls, {}, 0
        for workspace_id, calls in recent.items():
            try:
                times = {cio_id: datetime.fromtimestamp(at, UTC) for cio_id, at in calls.items()}
                self.listed_calls.record(workspace_id, times)
            except WorkspaceOperatorError as error:
                logger.warning("calls that name people were not written, and will be again: %s", error)
                self._add_again(workspace_id, calls)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Write regularly inside the context, and once at its end."""
        task = asyncio.create_task(self._write_regularly())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await asyncio.to_thread(self.write_all)

    async def _write_regularly(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self.interval
        while True:
            await asyncio.sleep(min(self.check_seconds, self.interval))
            if loop.time() >= due or self._size * 2 >= self.capacity:
                if self._size:
                    await asyncio.to_thread(self.write_all)
                due = loop.time() + self.interval

    def _add_again(self, workspace_id: int, calls: Mapping[str, int]) -> None:
        """Keep calls that were not written; those that came since are newer."""
        with self._lock:
            newer = self._calls.setdefault(workspace_id, {})
            missing = [cio_id for cio_id in calls if cio_id not in newer][: max(self.capacity - self._size, 0)]
            newer |= {cio_id: calls[cio_id] for cio_id in missing}
            self._size += len(missing)
