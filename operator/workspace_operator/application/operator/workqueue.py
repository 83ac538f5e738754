"""The work queue of the controller: one item per resource, ordered by priority, and the delays between retries.

Of a resource only the newest document is kept: however many edits arrive while a worker is busy, the next reconcile
gets that one.
"""

import heapq
import itertools
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

ResourceKey = tuple[str, str]
Document = Mapping[str, Any]

JITTER = 0.2

FIRST_DRAIN_DELAY = 0.05
MAX_DRAIN_DELAY = 1.0
"""Seconds between two looks at hand-overs under earlier sending rules: at first, and at most."""

STARTUP_QUIET_SECONDS = 60.0
"""Seconds after the start during which unchanged resources are not resynced, so that edits come first."""

LIST_DEBOUNCE_SECONDS = 0.3
"""Seconds to wait for more resources of a list before the list is compared with the store."""

LIST_BATCH = 500
"""Maximum number of listed resources in one comparison with the store."""


class Priority(IntEnum):
    """Order of the queue: edits, then retries and resyncs, then resources from a list."""

    EDITED = 0
    DUE = 1
    LISTED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimiter:
    """Delays between reconciles, in seconds: the resync interval, and the first and longest retry delay."""

    resync: float = 600.0
    base_delay: float = 1.0
    max_delay: float = 60.0

    def when(self, failures: int, jitter: float) -> float:
        """Delay until the next reconcile after ``failures`` in a row; ``jitter`` is from 0 to 1."""
        delay = self.resync
        if failures:
            delay = min(self.base_delay * 2.0 ** min(failures - 1, 30), self.max_delay)
        return delay * (1 - JITTER + 2 * JITTER * jitter)

    def drain_delay(self, drains: int) -> float:
        """Delay until hand-overs are looked at again, after ``drains`` reconciles in a row that found some."""
        return min(FIRST_DRAIN_DELAY * 2.0 ** min(drains - 1, 30), MAX_DRAIN_DELAY)

    def first_resync(self, jitter: float) -> float:
        """Delay of the first resync of an unchanged listed resource, spread over the whole interval."""
        return min(self.resync, STARTUP_QUIET_SECONDS + jitter * max(self.resync - STARTUP_QUIET_SECONDS, 0.0))


@dataclass(slots=True)
class QueueItem:
    """State of one resource in the queue.

    Attributes:
        document: the newest known document, reconciled or not.
        queued_as: the priority under which it is queued; None if it is not queued.
        rerun: the priority to queue it with when the running reconcile ends.
        was_listed: a list contained it while a reconcile was running.
        failures: consecutive reconciles that requested a requeue.
        due: monotonic time of the next retry or resync; while a reconcile runs, of what was requested meanwhile.
        drains: consecutive reconciles that found hand-overs under earlier sending rules.
        draining_since: monotonic time of the first of them.
        wake_at: monotonic time at which it is queued by itself, without a poll.
    """

    document: Document
    queued_as: Priority | None = None
    is_running: bool = False
    is_removed: bool = False
    rerun: Priority | None = None
    was_listed: bool = False
    needs_read: bool = False
    checks_secret: bool = False
    failures: int = 0
    due: float = float("inf")
    drains: int = 0
    draining_since: float | None = None
    wake_at: float | None = None


@dataclass(slots=True, kw_only=True)
class WorkQueue:
    """The known resources and the keys that wait for a worker, each queued at most once.

    Callers hold ``lock`` while they change an item, and around every method except `keys`, `request`, `wait` and
    `stop`.
    """

    items: dict[ResourceKey, QueueItem] = field(default_factory=dict)
    lock: threading.Condition = field(default_factory=threading.Condition)
    _heap: list[tuple[Priority, int, ResourceKey]] = field(default_factory=list)
    _timers: list[tuple[float, int, ResourceKey]] = field(default_factory=list)
    _sequence: "itertools.count[int]" = field(default_factory=itertools.count)
    _is_stopping: bool = False

    def keys(self) -> Collection[ResourceKey]:
        """Namespaces and names of all known resources."""
        with self.lock:
            return frozenset(self.items)

    def request(self, namespace: str) -> None:
        """Let the next poll queue the resources of a namespace, since something that they report has changed."""
        with self.lock:
            for key, item in self.items.items():
                if key[0] == namespace:
                    item.due = 0.0

    def enqueue(self, key: ResourceKey, item: QueueItem, priority: Priority) -> None:
        """Queue a key once: a higher priority replaces a lower one; a running item runs again when it ends."""
        if item.is_running:
            item.rerun = priority if item.rerun is None else min(item.rerun, priority)
        elif item.queued_as is None or priority < item.queued_as:
            item.queued_as = priority
            heapq.heappush(self._heap, (priority, next(self._sequence), key))
            self.lock.notify()

    def enqueue_at(self, key: ResourceKey, item: QueueItem, wake_at: float) -> None:
        """Queue a key at a monotonic time, when a worker waits or calls `enqueue_due`."""
        item.wake_at = wake_at
        heapq.heappush(self._timers, (wake_at, next(self._sequence), key))
        self.lock.notify()

    def enqueue_due(self, now: float) -> None:
        """Queue the keys whose time has come."""
        while self._timers and self._timers[0][0] <= now:
            wake_at, _, key = heapq.heappop(self._timers)
            item = self.items.get(key)
            if item is not None and item.wake_at == wake_at:
                item.wake_at = None
                self.enqueue(key, item, Priority.DUE)

    def remove(self, key: ResourceKey, item: QueueItem) -> None:
        """Remove an item, queued or running."""
        item.is_removed, item.queued_as = True, None
        if self.items.get(key) is item:
            del self.items[key]

    def pop(self) -> tuple[ResourceKey, QueueItem] | None:
        """Take the first item and mark it as running; None if only listed resources wait."""
        while self._is_urgent():
            key, item = self._pop_first(self._heap[0][0])
            if item is not None:
                return key, item
        return None

    def pop_listed(self) -> list[tuple[ResourceKey, QueueItem]]:
        """Take up to `LIST_BATCH` listed resources and mark them as running."""
        taken = list[tuple[ResourceKey, QueueItem]]()
        while self._heap and len(taken) < LIST_BATCH:
            key, item = self._pop_first(Priority.LISTED)
            if item is not None:
                taken.append((key, item))
        return taken

    def wait(self, monotonic: Callable[[], float]) -> bool:
        """Wait for work, and for a list to grow if only listed resources wait; False after `stop`."""
        with self.lock:
            self.enqueue_due(monotonic())
            while not (self._heap or self._is_stopping):
                self.lock.wait(timeout=self._timers[0][0] - monotonic() if self._timers else None)
                self.enqueue_due(monotonic())
            self.lock.wait_for(lambda: self._is_urgent() or self._is_stopping, timeout=LIST_DEBOUNCE_SECONDS)
            return not self._is_stopping

    def stop(self) -> None:
        """Wake all workers, so that `wait` returns False."""
        with self.lock:
            self._is_stopping = True
            self.lock.notify_all()

    def _pop_first(self, priority: Priority) -> tuple[ResourceKey, QueueItem | None]:
        """Take the first entry; without an item if the entry is outdated, since priorities leave old entries behind."""
        _, _, key = heapq.heappop(self._heap)
        item = self.items.get(key)
        if item is None or item.queued_as is not priority:
            return key, None
        item.queued_as, item.is_running, item.due = None, True, float("inf")
        return key, item

    def _is_urgent(self) -> bool:
        return bool(self._heap) and self._heap[0][0] is not Priority.LISTED
