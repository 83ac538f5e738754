"""Reconciler of Workspace resources: what the loop (`reconcile_loop`) observes, decides and applies for one."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from workspace_operator.application.operator.api_keys import RandomBytes
from workspace_operator.application.operator.credential_sync import CredentialManager
from workspace_operator.application.operator.heartbeats import HeartbeatMonitor
from workspace_operator.application.operator.orphan_log import log_silent_namesakes
from workspace_operator.application.operator.parsing import parse_resource
from workspace_operator.application.operator.reconcile_loop import (
    DEFAULT_REQUEST,
    Document,
    ReconcileLoop,
    ReconcileRequest,
    ReconcileResult,
)
from workspace_operator.application.ports import Credentials, Resources, Secrets, Workspaces
from workspace_operator.errors import StoreUnavailable
from workspace_operator.log_lines import LogLine
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import (
    IRREVERSIBLE,
    AcceptLowerGeneration,
    DeleteWorkspace,
    SecretAction,
    WorkspaceAction,
    WorkspacePlan,
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

logger = logging.getLogger(__name__)


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

    def reconcile(self, document: Document, request: ReconcileRequest = DEFAULT_REQUEST) -> ReconcileResult:
        """Reconcile one resource, whose newest known version is ``document``. Raises as `ReconcileLoop.run`."""
        resource = parse_resource(document)
        subject = _Workspace(
            reconciler=self,
            resource=resource,
            manager=self.credential_manager(resource, check_secret=request.check_secret),
            report_draining=request.report_draining,
        )
        loop: ReconcileLoop[ObservedState, WorkspaceAction] = ReconcileLoop(
            subject=subject, resources=self.resources, clock=self.clock, document=document, was_read=request.is_fresh
        )
        observed, plan, result = loop.run()
        is_status_current = not plan.is_draining  # during a barrier the status stays
        if is_status_current and isinstance(observed, ObservedState) and observed.migration is not None:
            self.workspaces.mark_status_written(observed.migration)
        if plan.status is not None and isinstance(observed, ObservedState):
            log_silent_namesakes(subject.resource, observed, self.cluster_id, self.count_people)
        return result

    def credential_manager(self, resource: Resource, *, check_secret: bool) -> CredentialManager:
        """Create the manager of the credentials of a resource, for one reconcile."""
        return CredentialManager(
            credentials=self.credentials,
            secrets=self.secrets,
            random=self.random,
            resource=resource,
            check_secret=check_secret,
        )


@dataclass(slots=True, kw_only=True)
class _Workspace:
    """A Workspace resource during one reconcile (`reconcile_loop.Subject`)."""

    irreversible: ClassVar[tuple[type, ...]] = IRREVERSIBLE
    # The store then accepts this document even if it is outdated.
    outdating: ClassVar[tuple[type, ...]] = (AcceptLowerGeneration,)

    reconciler: Reconciler
    resource: Resource
    manager: CredentialManager
    report_draining: bool

    def read(self, document: Document) -> Document:
        return self.reconciler.read_latest(document)

    def take(self, document: Document) -> None:
        self.resource = parse_resource(document)
        self.manager = self.reconciler.credential_manager(self.resource, check_secret=self.manager.check_secret)

    def apply(self, action: WorkspaceAction) -> bool:
        reconciler, now = self.reconciler, self.reconciler.clock()
        if isinstance(action, SecretAction):
            self.manager.apply(action, now=now)
        elif isinstance(action, DeleteWorkspace):
            self._destroy(action)
        else:
            reconciler.workspaces.apply(action, now=now, spec=self.resource.spec_version)
        return True

    def _destroy(self, action: DeleteWorkspace) -> None:
        """Delete the workspace, and log it at once: the rest of the reconcile may fail."""
        reconciler, resource = self.reconciler, self.resource
        people = reconciler.count_people(action.workspace_id).total
        reconciler.workspaces.apply(action, now=reconciler.clock(), spec=resource.spec_version)
        line = LogLine(
            namespace=resource.namespace,
            name=resource.name,
            reason="WorkspaceDestroyed",
            workspace=action.workspace_id,
            people=people,
        )
        logger.info(line)

    def decide(self, observed: Observation) -> WorkspacePlan:
        reconciler = self.reconciler
        plan = decide(self.resource, observed, cluster_id=reconciler.cluster_id, now=reconciler.clock())
        is_hidden = plan.is_draining and not self.report_draining
        return replace(plan, status=None, events=()) if is_hidden else plan

    def observe(self) -> Observation:
        reconciler, now = self.reconciler, self.reconciler.clock()
        try:
            observed = reconciler.workspaces.observe(WorkspaceQuery.of(self.resource, reconciler.cluster_id, now=now))
            credentials = self._credentials(observed)
        except StoreUnavailable:
            return StoreUnreachable()
        owner = self.resource.owner(reconciler.cluster_id)
        return replace(
            observed.check_owners(owner, reconciler.resources.owner_is_gone, reconciler.known),
            credentials=credentials,
            namesakes=reconciler.monitor.check_namesakes(observed, owner) if reconciler.monitor else (),
        )

    def count(self, observed: ObservedState) -> ObservedState | None:
        """Count the people, and the messages that wait."""
        workspace, sending = observed.workspace, observed.sending
        if workspace is None or self._is_migrating(observed):
            return None
        if sending is not None and sending.has_waiting:
            waiting = self.reconciler.workspaces.count_waiting(workspace.workspace_id)
            sending = replace(sending, waiting=waiting)
        return replace(observed, people=self.reconciler.count_people(workspace.workspace_id), sending=sending)

    def _is_migrating(self, observed: ObservedState) -> bool:
        """Whether a migration runs: a reconcile follows every few seconds, and must not count millions of people."""
        migration = observed.open_migration
        is_running = migration is not None and migration.stage is not Stage.BLOCKED
        return is_running and self.resource.previous.people is not None

    def _credentials(self, observed: ObservedState) -> ObservedCredentials | None:
        """The credentials of the workspace; a deleted workspace may still have a Secret."""
        now = self.reconciler.clock()
        if observed.workspace is not None:
            return self.manager.observe(observed.workspace.workspace_id, now=now)
        is_finalized = self.resource.deleting and self.resource.has_finalizer
        return self.manager.observe(None, now=now) if is_finalized else None
