"""The controller: decides when each resource is reconciled.

It keeps the newest document of each resource and a work queue of keys. Events may arrive from any thread and out of
order; an event for a previous UID of the same name is ignored. All waiting state is in memory: after a restart, the
first list brings every resource again.
"""

import logging
import random
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from workspace_operator.application.operator.reconcile_loop import (
    ReconcileRequest,
    ReconcileResult,
    ready_of,
    version_of,
)
from workspace_operator.application.operator.workqueue import (
    Document,
    Priority,
    QueueItem,
    RateLimiter,
    ResourceKey,
    WorkQueue,
)
from workspace_operator.application.ports import Workspaces
from workspace_operator.errors import NotFound, StaleRevision, StoreUnavailable, Unavailable
from workspace_operator.log_lines import FieldValue, LogLine, log_context
from workspace_operator.reconcile.model.outcomes import WARNING_REASONS
from workspace_operator.reconcile.policies.startup_check import is_unchanged
from workspace_operator.resources.schema import WORKSPACE, CustomResource
from workspace_operator.resources.workspaces import FINALIZER

logger = logging.getLogger(__name__)

REPORT_DRAINING_AFTER = 1.0
"""Seconds of a barrier after which it is reported; most last milliseconds, and would write a status twice."""

POLL_OVERDUE_AFTER = 60.0
"""Seconds after a poll without a further one, after which the operator is not ready."""


class ResourceReconciler(Protocol):
    """Reconciles the resources of one kind, as `Reconciler` and `AccountReconciler` do."""

    @property
    def cluster_id(self) -> str:
        """The cluster of the resources, as it is called in the store."""
        ...

    def reconcile(self, document: Document, request: ReconcileRequest) -> ReconcileResult:
        """Reconcile one resource. Raises NotFound, StaleRevision or Unavailable."""
        ...


class ReconcileEnd(StrEnum):
    """How a reconcile ended; values of the label ``result``."""

    DONE = "done"
    REQUEUED = "requeued"
    """Something else has to happen first: it is repeated soon."""
    OUTDATED = "outdated"
    """The resource was edited meanwhile: it is repeated at once."""
    GONE = "gone"
    UNAVAILABLE = "unavailable"
    """The API server did not answer, or rejected a request."""
    FAILED = "failed"


class Observer(Protocol):
    """Counts reconciles (`metrics.OperatorMetrics`)."""

    def reconciled(self, kind: str, end: ReconcileEnd, actions: Sequence[str], seconds: float) -> None:
        """Count a reconcile; any thread may call it."""
        ...


class NoObserver:
    """Counts nothing."""

    def reconciled(self, kind: str, end: ReconcileEnd, actions: Sequence[str], seconds: float) -> None:
        """Do nothing."""


@dataclass(slots=True, kw_only=True)
class Controller:
    """Reconciles every resource of one kind of which it receives a document.

    Attributes:
        resource: the kind, which metrics and all log lines of a reconcile name.
        workspaces: tells which Workspaces are unchanged or have progressed; None for another kind.
        read: reads a document by namespace and name. Raises NotFound.
        monotonic: seconds that only grow.
        jitter: random number from 0 to 1.
        new_id: id of a reconcile, which all its log lines have.
        on_settled: called with a namespace and the actions after a reconcile that needs no retry.
    """

    reconciler: ResourceReconciler
    workspaces: Workspaces | None
    read: Callable[[str, str], Document]
    monotonic: Callable[[], float]
    rate_limiter: RateLimiter = field(default_factory=RateLimiter)
    jitter: Callable[[], float] = random.random
    resource: CustomResource = WORKSPACE
    new_id: Callable[[], str] = lambda: secrets.token_hex(4)
    on_settled: Callable[[str, Collection[str]], None] = lambda *_: None
    observer: Observer = field(default_factory=NoObserver)
    queue: WorkQueue = field(default_factory=WorkQueue)
    _failed: set[ResourceKey] = field(default_factory=set)
    _store_is_unavailable: bool = False
    _polled_at: float | None = None

    def on_list(self, document: Document) -> None:
        """Take a document of a list. Any different version counts, also a lower one: etcd may have been restored."""
        self._on_document(document, Priority.LISTED)

    def on_update(self, document: Document) -> None:
        """Take a document of a watch, and reconcile it at once if it is newer than the known one."""
        self._on_document(document, Priority.EDITED)

    def on_delete(self, document: Document) -> None:
        """Remove a resource that is deleted, and retry failed ones: a display name may be free now."""
        key = resource_key(document)
        with self.queue.lock:
            item = self.queue.items.get(key)
            if item is not None and uid_of(item.document) == uid_of(document):
                self._remove(key, item)
        self.requeue_failed(key[0])

    def on_missing(self, key: ResourceKey) -> None:
        """Read a resource that may be gone, known or not, so that its reconciler learns it."""
        namespace, name = key
        with self.queue.lock:
            item = self.queue.items.get(key)
            if item is None:
                item = self.queue.items[key] = QueueItem({"metadata": {"namespace": namespace, "name": name}})
            item.needs_read = True
            self.queue.enqueue(key, item, Priority.EDITED)

    def run_worker(self) -> None:
        """Reconcile what is queued until `stop` is called; several threads may do so."""
        while self.queue.wait(self.monotonic):
            self.work()

    def work(self) -> bool:
        """Reconcile the first item, or compare a list with the store; False if nothing is queued."""
        with self.queue.lock:
            self.queue.enqueue_due(self.monotonic())
            taken = self.queue.pop()
            listed = self.queue.pop_listed() if taken is None else []
        if taken is not None:
            with log_context(kind=self.resource.kind, reconcile=self.new_id()):
                self._process_item(*taken)
        elif listed:
            with log_context(kind=self.resource.kind):
                self._compare_with_store(listed)
        return taken is not None or bool(listed)

    def stop(self) -> None:
        """End each worker after its current item."""
        self.queue.stop()

    def poll(self) -> None:
        """Queue each resource whose migration has progressed, or whose retry or resync is due."""
        progressed = self._keys_with_migration_progress()
        now = self.monotonic()
        with self.queue.lock:
            for key, item in self.queue.items.items():
                if item.due <= now:
                    item.needs_read = item.checks_secret = True
                if item.due <= now or key in progressed:
                    item.needs_read = True
                    self.queue.enqueue(key, item, Priority.DUE)
        self._polled_at = self.monotonic()

    def keys(self) -> Collection[ResourceKey]:
        """Namespaces and names of all known resources."""
        return self.queue.keys()

    def documents(self) -> Sequence[Document]:
        """The newest known document of each resource."""
        with self.queue.lock:
            return [item.document for item in self.queue.items.values()]

    def queue_depth(self) -> int:
        """Number of resources that wait for a worker."""
        with self.queue.lock:
            return sum(item.queued_as is not None for item in self.queue.items.values())

    def is_ready(self) -> bool:
        """Whether the last poll is recent and reached the store."""
        is_late = self._polled_at is None or self.monotonic() - self._polled_at > POLL_OVERDUE_AFTER
        return not (is_late or self._store_is_unavailable)

    def _on_document(self, document: Document, priority: Priority) -> None:
        key = resource_key(document)
        with self.queue.lock:
            item = self.queue.items.get(key)
            if item is None:
                item = self.queue.items[key] = QueueItem(document)
            elif not is_newer(document, item.document, listed=priority is Priority.LISTED):
                return
            item.document, item.failures = document, 0
            item.was_listed |= item.is_running and priority is Priority.LISTED
            self.queue.enqueue(key, item, priority)

    def _compare_with_store(self, listed: list[tuple[ResourceKey, QueueItem]]) -> None:
        """Postpone the resync of unchanged resources, and queue the rest."""
        try:
            unchanged = self._unchanged(listed)
        except StoreUnavailable:
            unchanged = frozenset()
        except Exception:
            logger.exception("the list could not be compared with the store; all of its resources are reconciled")
            unchanged = frozenset()
        logger.info(
            "compared %d listed %s resources with the store: %d are unchanged, the others are reconciled",
            len(listed),
            self.resource.kind,
            len(unchanged),
        )
        with self.queue.lock:
            for key, item in listed:
                item.is_running = item.was_listed = False
                if item.rerun is not None or key not in unchanged:
                    rerun, item.rerun = item.rerun, None
                    self.queue.enqueue(key, item, Priority.DUE if rerun is None else rerun)
                else:
                    self._set_due(item, self.rate_limiter.first_resync(self.jitter()))

    def _unchanged(self, listed: list[tuple[ResourceKey, QueueItem]]) -> Collection[ResourceKey]:
        if self.workspaces is None:
            return frozenset()
        namespaces = {namespace for (namespace, _), _ in listed}
        rows = self.workspaces.unchanged(self.reconciler.cluster_id, namespaces)
        by_owner = {(row.owner.namespace, row.owner.name): row for row in rows}
        return frozenset(key for key, item in listed if is_unchanged(item.document, by_owner.get(key)))

    def _process_item(self, key: ResourceKey, item: QueueItem) -> None:
        """Reconcile one resource. Every error is logged and leads to a retry."""
        began = self.monotonic()
        end, result = self._reconcile(key, item, began)
        seconds = self.monotonic() - began
        if result is not None:
            log_result(key, result, seconds=seconds)
        self.observer.reconciled(self.resource.kind, end, result.actions if result else (), seconds)
        requeue, is_gone = end is not ReconcileEnd.DONE, end is ReconcileEnd.GONE
        with self.queue.lock:
            self._finish(key, item, result.document if result else None, requeue=requeue, is_gone=is_gone)
            self._follow_drain(key, item, is_draining=result is not None and result.is_draining)
            self._wake_later(key, item, result)
        if result is not None and not (requeue or result.is_draining):
            self.requeue_failed(key[0])
            self.on_settled(key[0], result.actions)

    def _reconcile(
        self, key: ResourceKey, item: QueueItem, began: float
    ) -> tuple[ReconcileEnd, ReconcileResult | None]:
        document, needs_read, checks_secret = item.document, item.needs_read, item.checks_secret
        item.needs_read = item.checks_secret = False
        try:
            if needs_read:
                document = self.read(*key)
            request = ReconcileRequest(
                is_fresh=needs_read,
                check_secret=checks_secret,
                report_draining=began - (item.draining_since or began) >= REPORT_DRAINING_AFTER,
            )
            result = self.reconciler.reconcile(document, request)
        except NotFound:
            return ReconcileEnd.GONE, None
        except StaleRevision:
            logger.debug(_line(key, "was edited during the reconcile, which is repeated"))
            return ReconcileEnd.OUTDATED, None
        except Unavailable as error:
            logger.warning(_line(key, error=str(error)))
            return ReconcileEnd.UNAVAILABLE, None
        except Exception:
            logger.exception(_line(key, "the reconcile failed and will be retried"))
            return ReconcileEnd.FAILED, None
        return ReconcileEnd.REQUEUED if result.requeue else ReconcileEnd.DONE, result

    def _finish(
        self, key: ResourceKey, item: QueueItem, document: Document | None, *, requeue: bool, is_gone: bool
    ) -> None:
        item.is_running = False
        rerun, item.rerun = item.rerun, None
        if is_gone and rerun is None:
            self._remove(key, item)
        if item.is_removed:
            return
        # A list that arrived during the reconcile may come from a restored etcd, where a lower version is newer.
        is_seen = document is not None and not is_newer(item.document, document, listed=item.was_listed)
        if document is not None and is_seen:
            item.document = document
        item.was_listed = False
        item.failures = item.failures + 1 if requeue else 0
        (self._failed.add if requeue else self._failed.discard)(key)
        self._set_due(item, self.rate_limiter.when(item.failures, self.jitter()))
        if rerun is not None and not is_seen:
            self.queue.enqueue(key, item, rerun)

    def _set_due(self, item: QueueItem, delay: float) -> None:
        """Reconcile again after a delay, unless something has made it due while it was running."""
        item.due = min(item.due, self.monotonic() + delay)

    def _follow_drain(self, key: ResourceKey, item: QueueItem, *, is_draining: bool) -> None:
        """Look at hand-overs under earlier sending rules again soon; usually they end within milliseconds."""
        if not is_draining:
            item.drains, item.draining_since, item.wake_at = 0, None, None
        elif not item.is_removed:
            now = self.monotonic()
            item.drains += 1
            item.draining_since = now if item.draining_since is None else item.draining_since
            self.queue.enqueue_at(key, item, now + self.rate_limiter.drain_delay(item.drains))

    def _wake_later(self, key: ResourceKey, item: QueueItem, result: ReconcileResult | None) -> None:
        if result is not None and result.wake_after is not None and not item.is_removed:
            self.queue.enqueue_at(key, item, self.monotonic() + result.wake_after)

    def _keys_with_migration_progress(self) -> frozenset[ResourceKey]:
        if self.workspaces is None:
            return frozenset()
        try:
            pending = self.workspaces.pending_status_updates()
        except StoreUnavailable:
            self._store_is_unavailable = True  # each resource is reconciled and reported when it is due
            return frozenset()
        if self._store_is_unavailable:
            self._store_is_unavailable = False
            self.requeue_failed()
        ours = self.reconciler.cluster_id
        return frozenset((owner.namespace, owner.name) for owner, _ in pending if owner.cluster == ours)

    def requeue_failed(self, namespace: str | None = None) -> None:
        """Let the next poll queue failed resources: the cause of their failure may be gone."""
        with self.queue.lock:
            for key in self._failed:
                if namespace in (None, key[0]) and key in self.queue.items:
                    self.queue.items[key].due = 0.0

    def _remove(self, key: ResourceKey, item: QueueItem) -> None:
        self.queue.remove(key, item)
        self._failed.discard(key)


def log_result(key: ResourceKey, result: ReconcileResult, *, seconds: float) -> None:
    """Log a reconcile that changed anything, or whose result differs from the previous one."""
    if not (result.actions or result.ready_changed):
        return
    metadata = result.document["metadata"]
    status, reason = ready_of(result.status)
    is_released = "deletionTimestamp" in metadata and FINALIZER not in (metadata.get("finalizers") or ())
    level = logging.WARNING if reason in WARNING_REASONS and not is_released else logging.INFO
    line = _line(
        key,
        generation=metadata.get("generation", 0),
        actions=result.actions,
        **({} if is_released else {"ready": status, "reason": reason}),  # nobody writes the status of what is gone
        duration_ms=int(seconds * 1000),
    )
    logger.log(level, line)


def _line(key: ResourceKey, message: str = "", **fields: FieldValue) -> LogLine:
    namespace, name = key
    return LogLine(message, namespace=namespace, name=name, **fields)


def resource_key(document: Document) -> ResourceKey:
    """Namespace and name of a resource."""
    metadata = document["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def uid_of(document: Document) -> str:
    """The UID, which differs from that of an earlier resource of the same name."""
    return str(document["metadata"].get("uid", ""))


def is_newer(document: Document, known: Document, *, listed: bool) -> bool:
    """Whether a document is newer than the known one, which this process may have written.

    A document without a version was never read. Resource versions of one kind compare as numbers (Kubernetes 1.35,
    KEP-5504). That holds within a watch. A list may
    come from a restored etcd, so there every different version is newer, as is every version that is not a number.
    """
    new, old = version_of(document), version_of(known)
    if not new:
        return False
    if listed or not (new.isdecimal() and old.isdecimal()):
        return new != old
    return int(new) > int(old)
