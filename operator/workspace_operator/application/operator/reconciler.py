"""Reconciling one Workspace resource: observe, plan, carry out, observe again, and report.

The plan is pure (``reconcile.deciding``); here it is fed and carried out. Before a reconcile writes anything, it makes
sure that its document is the newest, and before anything that cannot be taken back it does so again (design §4, Newest
only). The status is written with the resourceVersion that the plan was made of, so an edit in between is a conflict.
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
from workspace_operator.application.ports import Credentials, Resources, Secrets, WorkspaceQuery, Workspaces
from workspace_operator.errors import NameTaken, StaleRevision, StoreUnavailable, WorkspaceOperatorError
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import (
    IRREVERSIBLE,
    AcceptLowerGeneration,
    Action,
    ClaimSecret,
    DeleteSecret,
    Event,
    Plan,
    RotateCredentials,
    SecretAction,
)
from workspace_operator.reconcile.model.context import open_migration
from workspace_operator.reconcile.model.credentials import ObservedCredentials
from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.model.observed import Candidate, ObservedState, StoreUnreachable
from workspace_operator.reconcile.policies.planner import decide
from workspace_operator.workspaces.model import Owner, PeopleCounts

MAX_ITERATIONS = 16
"""Each iteration brings the store one action nearer; others may move it meanwhile, but not for ever."""

MAX_READ_DURATION = timedelta(seconds=2)
"""A read that took longer says nothing of now: the process may have been stopped in the middle of it."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileResult:
    """How a reconcile ended.

    Attributes:
        document: the resource as it is now, with what was written to it.
        requeue: reconcile again before long, since something else has to happen first.
        status: the whole status, written or not.
        actions: what was carried out, in order.
        is_news: whether reason or status of condition Ready changed.
    """

    document: Document
    requeue: bool = False
    status: Mapping[str, Any]
    actions: tuple[str, ...] = ()
    ready_changed: bool = False


@dataclass(slots=True)
class _ReconcileState:
    """The resource of one reconcile: its document, and how much is known of there being no newer one.

    Attributes:
        was_read: the API server was asked in this reconcile.
        is_newest: it was asked after the newest observation of the store, so of two operators the late one loses:
            what it observed is what the store compares.
    """

    document: Document
    resource: Resource
    credential_manager: CredentialManager
    was_read: bool
    is_newest: bool = False
    actions_done: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Brings the store to what resources say, and resources to what the store has.

    Attributes:
        secrets: None where there is no cluster to keep credentials in.
        newest: reads the newest version of a document from where it is edited. Raises NotFound.
        count_people: counts the people of a workspace; an index scan, 0.2 to 0.4 s for a million.
        random: where keys come from.
        monitor: tells which other clusters are alive; None where nobody may wait for that, as without a cluster.
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

    def reconcile(self, document: Document, *, is_fresh: bool = False, check_secret: bool = True) -> ReconcileResult:
        """Reconcile one resource.

        Args:
            document: the newest that is known.
            is_fresh: it was just read from the API server.
            check_secret: read the Secret even if the status says that it holds the newest credentials.

        Raises:
            NotFound: the resource is gone.
            StaleRevision: it was edited meanwhile.
            ClusterUnavailable: the API server does not answer.
        """
        resource = parse_resource(document)
        credential_manager = self._credential_manager(resource, check_secret=check_secret)
        state = _ReconcileState(
            document=document, resource=resource, credential_manager=credential_manager, was_read=is_fresh
        )
        observed, plan = self._converge(state)
        document, status = self._write(state, plan)
        for event in plan.events:
            self.resources.emit(state.resource.namespace, state.resource.name, state.resource.uid, event)
        self._mark_status_written(observed)
        if plan.status is not None and isinstance(observed, ObservedState):
            log_silent_namesakes(state.resource, observed, self.cluster_id, self.count_people)
        return ReconcileResult(
            document=document,
            requeue=plan.requeue,
            status=status,
            actions=tuple(state.actions_done),
            ready_changed=ready_of(status) != ready_of(state.document.get("status") or {}),
        )

    def _converge(self, state: _ReconcileState) -> tuple[ObservedState | StoreUnreachable, Plan]:
        """Carry actions out until none is left; the plan then has their events, too."""
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
            except (StaleRevision, NameTaken):
                continue  # the next observation sees what came between
            except StoreUnavailable:  # it may answer reads still; waiting here would hold up the others
                plan = decide(state.resource, StoreUnreachable(), cluster_id=self.cluster_id, now=self.clock())
                return StoreUnreachable(), replace(plan, events=events + plan.events)
            events += plan.events
        raise WorkspaceOperatorError(
            f"{state.resource.namespaced_name} does not come to rest: others change its workspace all the time"
        )

    def _needs_newest(self, state: _ReconcileState, plan: Plan) -> bool:
        if any(isinstance(action, IRREVERSIBLE) for action in plan.actions):
            return not state.is_newest
        writes = plan.actions or plan.status is not None or plan.finalizers is not None
        return bool(writes) and not state.was_read

    def _read_newest(self, state: _ReconcileState) -> bool:
        """Ask the API server for the resource; whether the plan has to be made again."""
        began = self.clock()
        document = self.read_latest(state.document)
        state.was_read = True
        if self.clock() - began > MAX_READ_DURATION:
            return True
        state.is_newest = True
        if is_same(document, state.document):
            return False
        state.document, state.resource = document, parse_resource(document)
        state.credential_manager = self._credential_manager(
            state.resource, check_secret=state.credential_manager.check_secret
        )
        return True

    def _apply(self, action: Action | SecretAction, state: _ReconcileState) -> None:
        if isinstance(action, RotateCredentials | ClaimSecret | DeleteSecret):
            state.credential_manager.apply(action, now=self.clock())
        else:
            self.workspaces.apply(action, now=self.clock(), spec=state.resource.spec_version)
        if isinstance(action, AcceptLowerGeneration):
            state.was_read = False  # the store no longer refuses this document, even if it is late by now
        state.actions_done.append(type(action).__name__)

    def _observe_and_plan(self, state: _ReconcileState) -> tuple[ObservedState | StoreUnreachable, Plan]:
        state.is_newest = False
        observed = self._observe(state)
        plan = self._plan(state, observed)
        if plan.actions or not isinstance(observed, ObservedState) or observed.workspace is None:
            return observed, plan
        if _is_migrating(state.resource, observed):
            return observed, plan
        # Counting is by far the dearest part of a visit, so it is done when there is nothing else left to do.
        observed = replace(observed, people=self.count_people(observed.workspace.workspace_id))
        return observed, self._plan(state, observed)

    def _plan(self, state: _ReconcileState, observed: ObservedState | StoreUnreachable) -> Plan:
        return decide(state.resource, observed, cluster_id=self.cluster_id, now=self.clock())

    def _observe(self, state: _ReconcileState) -> ObservedState | StoreUnreachable:
        try:
            observed = self.workspaces.observe(self._query(state.resource))
            credentials = self._credentials(state, observed)
        except StoreUnavailable:
            return StoreUnreachable()
        owner = state.resource.owner(self.cluster_id)
        return replace(
            observed,
            name_holder=self._candidate(observed.name_holder, owner),
            from_annotation=self._candidate(observed.from_annotation, owner),
            from_status=self._candidate(observed.from_status, owner),
            credentials=credentials,
            namesakes=self.monitor.check_namesakes(observed, owner) if self.monitor else (),
        )

    def _credentials(self, state: _ReconcileState, observed: ObservedState) -> ObservedCredentials | None:
        """Those of the workspace; of one that was destroyed, there may be a Secret left."""
        credential_manager, resource = state.credential_manager, state.resource
        if observed.workspace is not None:
            return credential_manager.observe(observed.workspace.workspace_id, now=self.clock())
        return (
            credential_manager.observe(None, now=self.clock()) if resource.deleting and resource.has_finalizer else None
        )

    def _credential_manager(self, resource: Resource, *, check_secret: bool) -> CredentialManager:
        return CredentialManager(
            credentials=self.credentials,
            secrets=self.secrets,
            random=self.random,
            resource=resource,
            check_secret=check_secret,
        )

    def _query(self, resource: Resource) -> WorkspaceQuery:
        desired = resource.desired if isinstance(resource.desired, DesiredState) else None
        return WorkspaceQuery(
            owner=resource.owner(self.cluster_id),
            account=desired.account if desired else "",
            display_name=desired.settings.display_name if desired else "",
            from_annotation=resource.adopt_workspace_id,
            from_status=resource.previous.workspace_id,
        )

    def _candidate(self, candidate: Candidate | None, owner: Owner) -> Candidate | None:
        """Ask the cluster whether the owner is gone, but only in the resource's own namespace.

        Of others the resource is told nothing, and a Role of one namespace does not allow the question.
        """
        if candidate is None or not candidate.is_in_namespace_of(owner):
            return candidate
        return replace(candidate, owner_is_gone=self.resources.owner_is_gone(candidate.workspace.owner))

    def _write(self, state: _ReconcileState, plan: Plan) -> tuple[Document, Mapping[str, Any]]:
        document, resource = state.document, state.resource
        metadata, status = dict(document["metadata"]), document.get("status", {})
        where = (resource.namespace, resource.name)
        if plan.finalizers is not None:
            version = metadata.get("resourceVersion", "")
            metadata["resourceVersion"] = self.resources.write_finalizers(
                *where, plan.finalizers, resource_version=version
            )
            metadata["finalizers"] = list(plan.finalizers)
        if plan.status is not None:
            version = metadata.get("resourceVersion", "")
            metadata["resourceVersion"] = self.resources.write_status(*where, plan.status, resource_version=version)
            status = plan.status
        return {**document, "metadata": metadata, "status": status}, status

    def _mark_status_written(self, observed: ObservedState | StoreUnreachable) -> None:
        """Note what was reported of an identifier change."""
        if isinstance(observed, ObservedState) and observed.migration is not None:
            self.workspaces.mark_status_written(observed.migration)


def version_of(document: Document) -> str:
    """The resourceVersion."""
    return str(document["metadata"].get("resourceVersion", ""))


def ready_of(status: Mapping[str, Any]) -> tuple[str, str]:
    """Status and reason of condition Ready; empty before the first visit."""
    conditions = status.get("conditions") or ()
    return next(((each["status"], each["reason"]) for each in conditions if each["type"] == "Ready"), ("", ""))


def is_same(document: Document, known: Document) -> bool:
    """Whether two documents say the same; a resourceVersion alone may come again after a restore of etcd."""
    one, other = ({**each["metadata"], "managedFields": None} for each in (document, known))
    return one == other and all(document.get(part) == known.get(part) for part in ("spec", "status"))


def _is_migrating(resource: Resource, observed: ObservedState) -> bool:
    """Whether a change goes on, so that there is a visit every few seconds: millions are not counted in each."""
    migration = open_migration(observed)
    return migration is not None and migration.stage is not Stage.BLOCKED and resource.previous.people is not None
