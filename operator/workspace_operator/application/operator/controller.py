"""The controller: which resource is reconciled when.

It keeps the newest document of each resource and a queue of keys, never a queue of documents: however many edits come
while a worker is busy or the process is stopped, the next reconcile sees the last one. Events may arrive from any
thread and out of order; an event for a previous UID of the same name is ignored. Everything that waits, waits in
memory: after a restart every resource is listed anew.
"""

import heapq
import itertools
import json
import logging
import random
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from workspace_operator.application.operator.reconciler import Reconciler, ReconcileResult, ready_of, version_of
from workspace_operator.application.ports import Workspaces
from workspace_operator.errors import NotFound, StaleRevision, StoreUnavailable, Unavailable
from workspace_operator.reconcile.model.outcomes import WARNING_REASONS
from workspace_operator.reconcile.policies.startup_check import is_unchanged

logger = logging.getLogger(__name__)

ResourceKey = tuple[str, str]
Document = Mapping[str, Any]

JITTER = 0.2
RESYNC_OVERDUE_AFTER = 60.0
"""Seconds after the end of a resync by which the next one should have ended."""

STARTUP_QUIET_SECONDS = 60.0
"""Seconds in which what is known to be unchanged is left alone: the start belongs to edits."""

LIST_DEBOUNCE_SECONDS = 0.3
"""Seconds in which a list may grow before it is compared with the store."""

LIST_BATCH = 500
"""Resources of a list that are compared with the store at once."""


class Priority(IntEnum):
    """What comes first in the queue: edits before retries before what a list repeats."""

    EDITED = 0
    DUE = 1
    LISTED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimiter:
    """How long to wait, in seconds: between resyncs, and after the first and after many failures."""

    resync: float = 600.0
    base_delay: float = 1.0
    max_delay: float = 60.0

    def when(self, failures: int, jitter: float) -> float:
        """How long to wait after so many failures in a row; ``jitter`` is from 0 to 1."""
        wait = self.resync
        if failures:
            wait = min(self.base_delay * 2.0 ** min(failures - 1, 30), self.max_delay)
        return wait * (1 - JITTER + 2 * JITTER * jitter)

    def first_resync(self, jitter: float) -> float:
        """How long to leave alone what a list shows to be unchanged, spread over the whole interval."""
        return min(self.resync, STARTUP_QUIET_SECONDS + jitter * max(self.resync - STARTUP_QUIET_SECONDS, 0.0))


@dataclass(slots=True)
class QueueItem:
    """One resource. ``document`` is the newest that is known, whether or not it was reconciled.

    ``was_listed`` says that a list brought it during a visit.
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


@dataclass(slots=True, kw_only=True)
class Controller:
    """Reconciles every resource that it is told of; ``read`` gets one by namespace and name, or raises NotFound."""

    reconciler: Reconciler
    workspaces: Workspaces
    read: Callable[[str, str], Document]
    monotonic: Callable[[], float]
    rate_limiter: RateLimiter = field(default_factory=RateLimiter)
    jitter: Callable[[], float] = random.random
    _items: dict[ResourceKey, QueueItem] = field(default_factory=dict)
    _queue: list[tuple[Priority, int, ResourceKey]] = field(default_factory=list)
    _sequence: "itertools.count[int]" = field(default_factory=itertools.count)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _failed: set[ResourceKey] = field(default_factory=set)
    _is_stopping: bool = False
    _store_is_unavailable: bool = False
    _resynced_at: float | None = None

    def on_list(self, document: Document) -> None:
        """Take a document of a list. Whatever differs is news, also a lower version: etcd may have been restored."""
        self._on_document(document, Priority.LISTED)

    def on_update(self, document: Document) -> None:
        """Take a document of a watch: it is reconciled at once, unless it is not newer than what is known."""
        self._on_document(document, Priority.EDITED)

    def on_delete(self, document: Document) -> None:
        """Forget a resource that is gone."""
        key = resource_key(document)
        with self._changed:
            item = self._items.get(key)
            if item is not None and uid_of(item.document) == uid_of(document):
                self._remove(key, item)
        self._requeue_failed(key[0])  # a name may be free now

    def run_worker(self) -> None:
        """Reconcile what is queued until `stop` is called; several threads may do so."""
        while self._wait_for_work():
            self.work()

    def work(self) -> bool:
        """Reconcile the first of the queue, or compare a list with the store; False if there was nothing to do."""
        with self._changed:
            taken = self._pop()
            listed = self._pop_listed() if taken is None else []
        if taken is not None:
            self._process(*taken)
        elif listed:
            self._compare_with_store(listed)
        return taken is not None or bool(listed)

    def stop(self) -> None:
        """Let the workers end after what they are doing."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def resync(self) -> None:
        """Queue each resource whose identifier change has moved, or whose retry or resync is due."""
        progressed = self._keys_with_migration_progress()
        now = self.monotonic()
        with self._changed:
            for key, item in self._items.items():
                if item.due <= now:
                    item.needs_read = item.checks_secret = True
                if item.due <= now or key in progressed:
                    item.needs_read = True
                    self._enqueue(key, item, Priority.DUE)
        self._resynced_at = self.monotonic()

    def keys(self) -> Collection[ResourceKey]:
        """Namespaces and names of all known resources."""
        with self._changed:
            return frozenset(self._items)

    def is_ready(self) -> bool:
        """Whether resyncs come to their end, and the last one reached the store."""
        is_late = self._resynced_at is None or self.monotonic() - self._resynced_at > RESYNC_OVERDUE_AFTER
        return not (is_late or self._store_is_unavailable)

    def _on_document(self, document: Document, priority: Priority) -> None:
        key = resource_key(document)
        with self._changed:
            item = self._items.get(key)
            if item is None:
                item = self._items[key] = QueueItem(document)
            elif not is_newer(document, item.document, listed=priority is Priority.LISTED):
                return
            item.document, item.failures = document, 0
            item.was_listed |= item.is_running and priority is Priority.LISTED
            self._enqueue(key, item, priority)

    def _enqueue(self, key: ResourceKey, item: QueueItem, priority: Priority) -> None:
        """Queue a key once; a higher priority overtakes, and what is running runs again afterwards."""
        if item.is_running:
            item.rerun = priority if item.rerun is None else min(item.rerun, priority)
        elif item.queued_as is None or priority < item.queued_as:
            item.queued_as = priority
            heapq.heappush(self._queue, (priority, next(self._sequence), key))
            self._changed.notify()

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_stopping)
            self._changed.wait_for(lambda: self._is_urgent() or self._is_stopping, timeout=LIST_DEBOUNCE_SECONDS)
            return not self._is_stopping

    def _is_urgent(self) -> bool:
        return bool(self._queue) and self._queue[0][0] is not Priority.LISTED

    def _pop(self) -> tuple[ResourceKey, QueueItem] | None:
        """The first of the queue, unless that is one of a list."""
        while self._queue and self._queue[0][0] is not Priority.LISTED:
            priority, _, key = heapq.heappop(self._queue)
            item = self._items.get(key)
            if item is not None and item.queued_as is priority:
                item.queued_as, item.is_running = None, True
                return key, item
        return None

    def _pop_listed(self) -> list[tuple[ResourceKey, QueueItem]]:
        taken = list[tuple[ResourceKey, QueueItem]]()
        while self._queue and len(taken) < LIST_BATCH:
            _, _, key = heapq.heappop(self._queue)
            item = self._items.get(key)
            if item is not None and item.queued_as is Priority.LISTED:
                item.queued_as, item.is_running = None, True
                taken.append((key, item))
        return taken

    def _compare_with_store(self, listed: list[tuple[ResourceKey, QueueItem]]) -> None:
        """Leave alone what the store and the status know to be unchanged, and reconcile the rest."""
        try:
            unchanged = self._unchanged(listed)
        except StoreUnavailable:
            unchanged = frozenset()
        except Exception:
            logger.exception("the list could not be compared with the store; everything is reconciled")
            unchanged = frozenset()
        logger.info(
            "compared %d listed resources with the store: %d are unchanged, the rest is reconciled",
            len(listed),
            len(unchanged),
        )
        with self._changed:
            for key, item in listed:
                item.is_running = item.was_listed = False
                if item.rerun is not None or key not in unchanged:
                    rerun, item.rerun = item.rerun, None
                    self._enqueue(key, item, Priority.DUE if rerun is None else rerun)
                else:
                    item.due = self.monotonic() + self.rate_limiter.first_resync(self.jitter())

    def _unchanged(self, listed: list[tuple[ResourceKey, QueueItem]]) -> Collection[ResourceKey]:
        namespaces = {namespace for (namespace, _), _ in listed}
        found = self.workspaces.unchanged(self.reconciler.cluster_id, namespaces)
        settled = {(each.owner.namespace, each.owner.name): each for each in found}
        return frozenset(key for key, item in listed if is_unchanged(item.document, settled.get(key)))

    def _process(self, key: ResourceKey, item: QueueItem) -> None:
        """Reconcile one resource; nothing escapes, since the next visit makes up for a failure."""
        document, needs_read, checks_secret = item.document, item.needs_read, item.checks_secret
        item.needs_read = item.checks_secret = False
        result, requeue, is_gone, began = None, True, False, self.monotonic()
        try:
            if needs_read:
                document = self.read(*key)
            result = self.reconciler.reconcile(document, is_fresh=needs_read, check_secret=checks_secret)
            requeue = result.requeue
            log_result(key, result, seconds=self.monotonic() - began)
        except NotFound:
            is_gone = True
        except StaleRevision:
            logger.debug("namespace=%s name=%s was edited meanwhile: it is reconciled again", *key)
        except Unavailable as error:
            logger.warning("namespace=%s name=%s error=%s", *key, json.dumps(str(error)))
        except Exception:
            logger.exception("namespace=%s name=%s: the reconcile failed; it will be tried again", *key)
        with self._changed:
            self._finish(key, item, result.document if result else None, requeue=requeue, is_gone=is_gone)
        if result is not None and not requeue:
            self._requeue_failed(key[0])

    def _finish(
        self, key: ResourceKey, item: QueueItem, document: Document | None, *, requeue: bool, is_gone: bool
    ) -> None:
        item.is_running = False
        rerun, item.rerun = item.rerun, None
        if is_gone and rerun is None:
            self._remove(key, item)
        if item.is_removed:
            return
        # A list that came meanwhile may be of an etcd that was restored: what is lower is news there.
        is_seen = document is not None and not is_newer(item.document, document, listed=item.was_listed)
        if document is not None and is_seen:
            item.document = document
        item.was_listed = False
        item.failures = item.failures + 1 if requeue else 0
        (self._failed.add if requeue else self._failed.discard)(key)
        item.due = self.monotonic() + self.rate_limiter.when(item.failures, self.jitter())
        if rerun is not None and not is_seen:
            self._enqueue(key, item, rerun)

    def _keys_with_migration_progress(self) -> frozenset[ResourceKey]:
        try:
            pending = self.workspaces.pending_status_updates()
        except StoreUnavailable:
            self._store_is_unavailable = True  # each resource finds out when its own visit is due
            return frozenset()
        if self._store_is_unavailable:
            self._store_is_unavailable = False
            self._requeue_failed()
        ours = self.reconciler.cluster_id
        return frozenset((owner.namespace, owner.name) for owner, _ in pending if owner.cluster == ours)

    def _requeue_failed(self, namespace: str | None = None) -> None:
        """What a failed visit waits for may just have happened: the next resync queues it."""
        with self._changed:
            for key in self._failed:
                if namespace in (None, key[0]) and key in self._items:
                    self._items[key].due = 0.0

    def _remove(self, key: ResourceKey, item: QueueItem) -> None:
        item.is_removed, item.queued_as = True, None
        self._failed.discard(key)
        if self._items.get(key) is item:
            del self._items[key]


def log_result(key: ResourceKey, result: ReconcileResult, *, seconds: float) -> None:
    """Log a line for each visit that changed anything or ended otherwise than the one before."""
    if not (result.actions or result.ready_changed):
        return
    status, reason = ready_of(result.status)
    level = logging.WARNING if reason in WARNING_REASONS else logging.INFO
    generation = result.document["metadata"].get("generation", 0)
    what = ",".join(result.actions) or "none"
    line = "namespace=%s name=%s generation=%s actions=%s ready=%s reason=%s duration_ms=%d"
    logger.log(level, line, *key, generation, what, status, reason, seconds * 1000)


def resource_key(document: Document) -> ResourceKey:
    """Namespace and name."""
    metadata = document["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def uid_of(document: Document) -> str:
    """What tells a resource from an earlier one of the same name."""
    return str(document["metadata"].get("uid", ""))


def is_newer(document: Document, known: Document, *, listed: bool) -> bool:
    """Whether a document is newer than the known one, which may be one that this process wrote itself.

    Resource versions of one kind compare as numbers (Kubernetes 1.35, KEP-5504). That holds within a watch; a list
    may come from an etcd that was restored, so there every difference is news, as it is where a version is no number.
    """
    new, old = version_of(document), version_of(known)
    if listed or not (new.isdecimal() and old.isdecimal()):
        return new != old
    return int(new) > int(old)
