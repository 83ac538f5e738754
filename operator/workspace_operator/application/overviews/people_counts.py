"""Counts of people for pages: exact, made beside the request that asks first, and kept for a minute.

Counting reads an index as a whole, which takes a second for some million people. A page shows what is known and asks
again, so that no request waits for it.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.errors import NotFound, Unavailable
from workspace_operator.workspaces.model import PeopleCounts

logger = logging.getLogger(__name__)

KEEP: Final = timedelta(minutes=1)
WAIT_SECONDS: Final = 0.02
"""How long a request waits for the counts of small workspaces."""

MAX_KEPT: Final = 10_000
"""Workspaces whose counts are kept; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class _Counted:
    people: PeopleCounts
    at: datetime


@dataclass(slots=True, kw_only=True)
class PeopleCounter:
    """Counts people in a thread of its own, one workspace at a time.

    Args:
        count: counts the people of a workspace (``People.count``).
    """

    count: Callable[[int], PeopleCounts]
    clock: Callable[[], datetime]
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="people-counts"), init=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _counted: dict[int, _Counted] = field(default_factory=dict, init=False)
    _running: dict[int, Future[None]] = field(default_factory=dict, init=False)

    def counts(self, workspace_ids: Collection[int]) -> Mapping[int, PeopleCounts | None]:
        """The counts of workspaces; None while they are being made."""
        fresh_since = self.clock() - KEEP
        with self._lock:
            missing = [number for number in workspace_ids if not self._is_fresh(number, fresh_since)]
            running = [self._running.get(number) or self._start(number) for number in missing]
        wait(running, WAIT_SECONDS)
        with self._lock:
            return {
                number: self._counted[number].people if self._is_fresh(number, fresh_since) else None
                for number in workspace_ids
            }

    def close(self) -> None:
        """End the thread; counts that wait are not made."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _is_fresh(self, number: int, since: datetime) -> bool:
        counted = self._counted.get(number)
        return counted is not None and counted.at >= since

    def _start(self, number: int) -> Future[None]:
        self._running[number] = future = self._threads.submit(self._run, number)
        return future

    def _run(self, number: int) -> None:
        people: PeopleCounts | None = None
        try:
            people = self.count(number)
        except (NotFound, Unavailable) as error:  # the next request starts another count
            logger.info("the people of workspace %s were not counted: %s", number, error)
        finally:
            with self._lock:
                del self._running[number]
                if people is not None:
                    self._counted.pop(number, None)
                    self._counted[number] = _Counted(people, self.clock())
                if len(self._counted) > MAX_KEPT:
                    del self._counted[next(iter(self._counted))]
