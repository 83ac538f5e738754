"""Reconciler of one Workspace resource: observe, plan, apply, observe again, and write the status.

The decision is pure (``reconcile.policies.decision``); this module observes its inputs and applies its plan. A
reconcile reads the newest document before it writes anything, and again before anything irreversible (design §4, Newest
only). It writes the status with the resourceVersion that the plan is based on, so an edit in between is a conflict.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from workspace_operator.application.operator.api_keys import RandomBytes
from workspace_operator.application.operator.credential_sync import CredentialManager
from workspace_operator.application.operator.heartbeats import HeartbeatMonitor
from workspace_operator.application.operator.orphan_log import log_silent_namesakes
from workspace_operator.application.operator.parsing import parse_resource
from workspace_operator.application.ports import Credentials, Resources, Secrets, Workspaces
from workspace_operator.errors import (
    NameTaken,
    PlanLimitReached,
    StaleRevision,
    StoreUnavailable,
    WorkspaceOperatorError,
)
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import (
    IRREVERSIBLE,
    AcceptLowerGeneration,
    Action,
    Event,
    Plan,
    SecretAction,
)
from workspace_operator.reconcile.model.credentials import ObservedCredentials
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import (
    KnownResources,
    Observation,
    ObservedState,
    StoreUnreachable,
    WorkspaceQuery,
)
from workspace_operator.reconcile.policies.decision import decide
from workspace_operator.workspaces.model import PeopleCounts

MAX_ITERATIONS = 16
"""Maximum number of observations in a reconcile. Other writers can cause further ones, but not endlessly."""

MAX_READ_DURATION = timedelta(seconds=2)
"""A read that took longer is not current: the process may have been suspended during it."""

Document = Mapping[str, Any]


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


@dataclass(slots=True)
class _ReconcileState:
    """State of one reconcile: the document, and whether it is known to be the newest.

    Attributes:
        was_read: the document was read from the API server in this reconcile.
        is_newest: it was read after the last observation of the store. Of two operators the late one loses, since the
            store compares what it observed.
    """

    document: Document
    resource: Resource
    manager: CredentialManager
    was_read: bool
    report_draining: bool
    is_newest: bool = False
    actions_done: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Brings the store to the desired state of resources, and writes the actual state into their status.

    Attributes:
        secrets: None without a cluster.
        read_latest: reads the newest version of a document. Raises NotFound.
        count_people: counts the people of a workspace; an index scan, 0.2 to 0.4 s for a million.
        random: source of the API keys.
        monitor: decides which other clusters are alive; None without a cluster, where reconciles do not wait for that.
        known: the resources that need no request to the API server to know that they exist.
    """

    workspaces: Workspaces
    resources: Resources
    credentials: Credentials
    secrets: Secrets | None
    read_latest: Callable[[Document], Document]
    count_people: Callable[[int], PeopleCounts]
    cluster_id: str
    clock: Callable[[], datetime]
    random: RandomBytes
    monitor: HeartbeatMonitor | None = None
    known: KnownResources = frozenset

    def reconcile(
        self, document: Document, *, is_fresh: bool = False, check_secret: bool = True, report_draining: bool = True
    ) -> ReconcileResult:
        """Reconcile one resource.

        ``document`` is the newest known one; ``is_fresh`` says that it was just read from the API server.
        ``check_secret`` reads the Secret even if the status says that it has the newest credentials. Without
        ``report_draining`` an outcome Draining writes no status, as if the reconcile had not ended yet.

        Raises:
            NotFound: the resource is gone.
            StaleRevision: the resource was edited during the reconcile.
            ClusterUnavailable: the API server does not answer.
        """
        resource = parse_resource(document)
        manager = self._credential_manager(resource, check_secret=check_secret)
        state = _ReconcileState(
            document=document,
            resource=resource,
            manager=manager,
            was_read=is_fresh,
            report_draining=report_draining,
        )
        observed, plan = self._converge(state)
        document, status = self._write(state, plan)
        for event in plan.events:
            self.resources.emit(state.resource.namespace, state.resource.name, state.resource.uid, event)
        is_status_current = not plan.is_draining  # during a barrier the status stays
        if is_status_current and isinstance(observed, ObservedState) and observed.migration is not None:
            self.workspaces.mark_status_written(observed.migration)
        if plan.status is not None and isinstance(observed, ObservedState):
            log_silent_namesakes(state.resource, observed, self.cluster_id, self.count_people)
        return ReconcileResult(
            document=document,
            requeue=plan.requeue,
            is_draining=plan.is_draining,
            status=status,
            actions=tuple(state.actions_done),
            ready_changed=ready_of(status) != ready_of(state.document.get("status") or {}),
        )

    def _converge(self, state: _ReconcileState) -> tuple[Observation, Plan]:
        """Observe, plan and apply until no action is left; the plan has the events of all actions."""
        events = tuple[Event, ...]()
        for _ in range(MAX_ITERATIONS):
            observed, plan = self._observe_and_plan(state)
            if self._needs_newest(state, plan) and self._read_newest(state):
                continue
            if not plan.actions:
                return observed, replace(plan, events=events + plan.events)
            try:
                for action in plan.actions:
                    self._apply(action, state)
            except (StaleRevision, NameTaken, PlanLimitReached):
                continue  # the next observation includes the concurrent change
            except StoreUnavailable:  # reads may still succeed, but waiting here would delay other resources
                plan = decide(state.resource, StoreUnreachable(), cluster_id=self.cluster_id, now=self.clock())
                return StoreUnreachable(), replace(plan, events=events + plan.events)
            events += plan.events
        raise WorkspaceOperatorError(
            f"{state.resource.namespaced_name} does not converge: other writers keep changing its workspace"
        )

    def _needs_newest(self, state: _ReconcileState, plan: Plan) -> bool:
        if any(isinstance(action, IRREVERSIBLE) for action in plan.actions):
            return not state.is_newest
        writes = plan.actions or plan.status is not None or plan.finalizers is not None
        return bool(writes) and not state.was_read

    def _read_newest(self, state: _ReconcileState) -> bool:
        """Read the resource from the API server; whether a new plan is needed."""
        began = self.clock()
        document = self.read_latest(state.document)
        state.was_read = True
        if self.clock() - began > MAX_READ_DURATION:
            return True
        state.is_newest = True
        if is_same(document, state.document):
            return False
        state.document, state.resource = document, parse_resource(document)
        state.manager = self._credential_manager(state.resource, check_secret=state.manager.check_secret)
        return True

    def _apply(self, action: Action | SecretAction, state: _ReconcileState) -> None:
        if isinstance(action, SecretAction):
            state.manager.apply(action, now=self.clock())
        else:
            self.workspaces.apply(action, now=self.clock(), spec=state.resource.spec_version)
        if isinstance(action, AcceptLowerGeneration):
            state.was_read = False  # the store now accepts this document even if it is outdated: read it again
        state.actions_done.append(type(action).__name__)

    def _observe_and_plan(self, state: _ReconcileState) -> tuple[Observation, Plan]:
        state.is_newest = False
        observed = self._observe(state)
        plan = self._plan(state, observed)
        if plan.actions or not isinstance(observed, ObservedState) or observed.workspace is None:
            return observed, plan
        if plan.is_draining or _is_migrating(state.resource, observed):
            return observed, plan
        # Counting is by far the most expensive part, so it comes when there is nothing else left to do.
        observed = self._count(observed, observed.workspace.workspace_id)
        return observed, self._plan(state, observed)

    def _count(self, observed: ObservedState, workspace_id: int) -> ObservedState:
        """Count the people, and the messages that wait."""
        sending = observed.sending
        if sending is not None and sending.has_waiting:
            sending = replace(sending, waiting=self.workspaces.count_waiting(workspace_id))
        return replace(observed, people=self.count_people(workspace_id), sending=sending)

    def _plan(self, state: _ReconcileState, observed: Observation) -> Plan:
        plan = decide(state.resource, observed, cluster_id=self.cluster_id, now=self.clock())
        is_hidden = plan.is_draining and not state.report_draining
        return replace(plan, status=None, events=()) if is_hidden else plan

    def _observe(self, state: _ReconcileState) -> Observation:
        try:
            observed = self.workspaces.observe(WorkspaceQuery.of(state.resource, self.cluster_id, now=self.clock()))
            credentials = self._credentials(state, observed)
        except StoreUnavailable:
            return StoreUnreachable()
        owner = state.resource.owner(self.cluster_id)
        return replace(
            observed.check_owners(owner, self.resources.owner_is_gone, self.known),
            credentials=credentials,
            namesakes=self.monitor.check_namesakes(observed, owner) if self.monitor else (),
        )

    def _credentials(self, state: _ReconcileState, observed: ObservedState) -> ObservedCredentials | None:
        """The credentials of the workspace; a deleted workspace may still have a Secret."""
        if observed.workspace is not None:
            return state.manager.observe(observed.workspace.workspace_id, now=self.clock())
        is_finalized = state.resource.deleting and state.resource.has_finalizer
        return state.manager.observe(None, now=self.clock()) if is_finalized else None

    def _credential_manager(self, resource: Resource, *, check_secret: bool) -> CredentialManager:
        return CredentialManager(
            credentials=self.credentials,
            secrets=self.secrets,
            random=self.random,
            resource=resource,
            check_secret=check_secret,
        )

    def _write(self, state: _ReconcileState, plan: Plan) -> tuple[Document, Mapping[str, Any]]:
        document, resource = state.document, state.resource
        metadata, status = dict(document["metadata"]), document.get("status", {})
        where, version = (resource.namespace, resource.name), metadata.get("resourceVersion", "")
        if plan.finalizers is not None:
            version = self.resources.write_finalizers(*where, plan.finalizers, resource_version=version)
            metadata |= {"resourceVersion": version, "finalizers": list(plan.finalizers)}
        if plan.status is not None:
            status = plan.status
            metadata["resourceVersion"] = self.resources.write_status(*where, status, resource_version=version)
        return {**document, "metadata": metadata, "status": status}, status


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


def _is_migrating(resource: Resource, observed: ObservedState) -> bool:
    """Whether a migration runs: then a reconcile follows every few seconds, and must not count millions of people."""
    migration = observed.open_migration
    return migration is not None and migration.stage is not Stage.BLOCKED and resource.previous.people is not None
