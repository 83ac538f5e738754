"""The reconcile loop of all kinds: observe, decide, apply, observe again, and write the status.

The decision is pure (``reconcile.policies``); what is observed and applied differs by kind (`Subject`). A reconcile
reads the newest document before it writes anything, and again before anything irreversible (design §4, Newest only). It
writes the status with the resourceVersion that the plan is based on, so an edit in between is a conflict.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from workspace_operator.application.ports import ResourceWriter
from workspace_operator.errors import (
    NameTaken,
    PlanLimitReached,
    StaleRevision,
    StoreUnavailable,
    WorkspaceOperatorError,
)
from workspace_operator.reconcile.model.actions import Event, Plan
from workspace_operator.reconcile.model.desired import ApiObject
from workspace_operator.reconcile.model.observed import StoreUnreachable

MAX_ITERATIONS = 16
"""Maximum number of observations in a reconcile. Other writers can cause further ones, but not endlessly."""

MAX_READ_DURATION = timedelta(seconds=2)
"""A read that took longer is not current: the process may have been suspended during it."""

Document = Mapping[str, Any]
ObservedT = TypeVar("ObservedT")
ActionT = TypeVar("ActionT")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequest:
    """How to reconcile; a kind ignores what it has no use for.

    Attributes:
        is_fresh: the document was just read from the API server.
        check_secret: read the Secret even if the status says that it has the newest credentials.
        report_draining: report hand-overs under earlier rules; else the status stays, as if it had not ended.
    """

    is_fresh: bool = False
    check_secret: bool = True
    report_draining: bool = True


DEFAULT_REQUEST = ReconcileRequest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileResult:
    """Result of a reconcile.

    Attributes:
        document: the resource, with what the reconcile wrote to it.
        requeue: reconcile again soon, since something else has to happen first.
        is_draining: messages are being handed over under earlier rules: reconcile again within a second.
        status: the complete status, written or not.
        actions: names of the applied actions, in order.
        ready_changed: whether reason or status of condition Ready changed.
        wake_after: seconds after which something is due that has no event; None if nothing is.
    """

    document: Document
    requeue: bool = False
    is_draining: bool = False
    status: Mapping[str, Any]
    actions: tuple[str, ...] = ()
    ready_changed: bool = False
    wake_after: float | None = None


class Subject(Protocol[ObservedT, ActionT]):
    """The resource of one reconcile, as its kind observes and changes it.

    Attributes:
        irreversible: actions that a stale document must not cause: the resource is read again right before them.
        outdating: actions after which the document counts as unread.
    """

    irreversible: ClassVar[tuple[type, ...]]
    outdating: ClassVar[tuple[type, ...]]

    @property
    def resource(self) -> ApiObject:
        """The resource of the newest known document."""
        ...

    def read(self, document: Document) -> Document:
        """Read the newest version of a document. Raises NotFound or Unavailable."""
        ...

    def take(self, document: Document) -> None:
        """Continue with a newer document."""
        ...

    def observe(self) -> ObservedT | StoreUnreachable:
        """Observe the store, and what matters of the cluster."""
        ...

    def decide(self, observed: ObservedT | StoreUnreachable) -> Plan[ActionT]:
        """Decide the next step."""
        ...

    def count(self, observed: ObservedT) -> ObservedT | StoreUnreachable | None:
        """Count what is expensive to count, when nothing else is left to do; None if nothing is counted."""
        ...

    def apply(self, action: ActionT) -> bool:
        """Apply an action; False if it was prevented, which the next decision knows. Raises StaleRevision."""
        ...


@dataclass(slots=True, kw_only=True)
class ReconcileLoop(Generic[ObservedT, ActionT]):
    """One reconcile of one resource.

    Attributes:
        document: the newest known one.
        was_read: it was read from the API server in this reconcile.
        is_newest: it was read after the last observation of the store. Of two operators the late one loses, since the
            store compares what it observed.
    """

    subject: Subject[ObservedT, ActionT]
    resources: ResourceWriter
    clock: Callable[[], datetime]
    document: Document
    was_read: bool
    is_newest: bool = False
    _actions: list[str] = field(default_factory=list)

    def run(self) -> tuple[ObservedT | StoreUnreachable, Plan[ActionT], ReconcileResult]:
        """Reconcile; returns the last observation and its plan, too.

        Raises:
            NotFound: the resource is gone.
            StaleRevision: the resource was edited during the reconcile.
            ClusterUnavailable: the API server does not answer.
        """
        observed, plan = self._converge()
        written = self._write(plan)
        resource, status = self.subject.resource, written.get("status") or {}
        for event in plan.events:
            self.resources.emit(resource.namespace, resource.name, resource.uid, event)
        result = ReconcileResult(
            document=written,
            requeue=plan.requeue,
            is_draining=plan.is_draining,
            status=status,
            actions=tuple(self._actions),
            ready_changed=ready_of(status) != ready_of(self.document.get("status") or {}),
            wake_after=plan.wake_after,
        )
        return observed, plan, result

    def _converge(self) -> tuple[ObservedT | StoreUnreachable, Plan[ActionT]]:
        """Observe, plan and apply until no action is left; the plan has the events of all actions."""
        events = tuple[Event, ...]()
        for _ in range(MAX_ITERATIONS):
            observed, plan = self._observe_and_plan()
            if self._needs_newest(plan) and self._read_newest():
                continue
            if not plan.actions:
                return observed, replace(plan, events=events + plan.events)
            try:
                was_applied = all(self._apply(action) for action in plan.actions)
            except (StaleRevision, NameTaken, PlanLimitReached):
                continue  # the next observation includes the concurrent change
            except StoreUnavailable:  # reads may still succeed, but waiting here would delay other resources
                plan = self.subject.decide(StoreUnreachable())
                return StoreUnreachable(), replace(plan, events=events + plan.events)
            events += plan.events if was_applied else ()
        raise WorkspaceOperatorError(
            f"{self.subject.resource.namespaced_name} does not converge: other writers keep changing it in the store"
        )

    def _observe_and_plan(self) -> tuple[ObservedT | StoreUnreachable, Plan[ActionT]]:
        self.is_newest = False
        observed = self.subject.observe()
        plan = self.subject.decide(observed)
        if plan.actions or plan.is_draining or isinstance(observed, StoreUnreachable):
            return observed, plan
        # Counting is by far the most expensive part, so it comes when there is nothing else left to do.
        counted = self.subject.count(observed)
        return (observed, plan) if counted is None else (counted, self.subject.decide(counted))

    def _needs_newest(self, plan: Plan[ActionT]) -> bool:
        if any(isinstance(action, self.subject.irreversible) for action in plan.actions):
            return not self.is_newest
        writes = plan.actions or plan.status is not None or plan.finalizers is not None
        return bool(writes) and not self.was_read

    def _read_newest(self) -> bool:
        """Read the resource from the API server; whether a new plan is needed."""
        began = self.clock()
        document = self.subject.read(self.document)
        self.was_read = True
        if self.clock() - began > MAX_READ_DURATION:
            return True
        self.is_newest = True
        if is_same(document, self.document):
            return False
        self.document = document
        self.subject.take(document)
        return True

    def _apply(self, action: ActionT) -> bool:
        if not self.subject.apply(action):
            return False
        if isinstance(action, self.subject.outdating):
            self.was_read = False
        self._actions.append(type(action).__name__)
        return True

    def _write(self, plan: Plan[ActionT]) -> Document:
        """Write finalizers and status; the document as written."""
        resource, metadata = self.subject.resource, dict(self.document["metadata"])
        where, version = (resource.namespace, resource.name), metadata.get("resourceVersion", "")
        written: dict[str, Any] = {**self.document, "metadata": metadata}
        if plan.finalizers is not None:
            version = self.resources.write_finalizers(*where, plan.finalizers, resource_version=version)
            metadata |= {"resourceVersion": version, "finalizers": list(plan.finalizers)}
        if plan.status is not None:
            metadata["resourceVersion"] = self.resources.write_status(*where, plan.status, resource_version=version)
            written["status"] = plan.status
        return written


def version_of(document: Document) -> str:
    """The resourceVersion of a document."""
    return str(document["metadata"].get("resourceVersion", ""))


def ready_of(status: Mapping[str, Any]) -> tuple[str, str]:
    """Status and reason of condition Ready; empty before the first reconcile."""
    conditions = status.get("conditions") or ()
    ready = (condition for condition in conditions if condition["type"] == "Ready")
    return next(((condition["status"], condition["reason"]) for condition in ready), ("", ""))


def is_same(document: Document, known: Document) -> bool:
    """Whether two documents have equal content; a resourceVersion alone may repeat after a restore of etcd."""
    one, other = ({**version["metadata"], "managedFields": None} for version in (document, known))
    return one == other and all(document.get(part) == known.get(part) for part in ("spec", "status"))
