"""Planner of an apply of manifests: what it would do, without a write.

It makes the decisions of a reconcile (``reconcile.policies.decision``), and applies their actions to an in-memory
simulation of the directory. Migrations depend on the people of a workspace, so it previews them in the store.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from workspace_operator.application.manifests.accounts import (
    ManifestWorkspaces,
    accounts_of,
    is_account,
    plan_account,
    workspaces_of,
)
from workspace_operator.application.manifests.applier import ManifestResources, as_resource, manifest_problems_beside
from workspace_operator.application.manifests.cluster_choice import refuse_other_clusters
from workspace_operator.application.operator.parsing import parse_resource
from workspace_operator.application.ports import Previews
from workspace_operator.errors import NotFound
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import BEFORE_CUTOVER, Stage
from workspace_operator.reconcile.model.accounts import AccountKey
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import OwnerIsGone, WorkspaceQuery
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.plan.diff import PlannedChange, planned_changes
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.reconcile.plan.removals import PlannedAccountRemoval, PlannedRemoval, Removal, planned_removal
from workspace_operator.reconcile.plan.results import Orphan, PlannedMigration, PlannedResource
from workspace_operator.reconcile.plan.sending import PlannedSending, SendingPreview
from workspace_operator.reconcile.plan.simulation import InMemoryWorkspaces, WorkspacesSnapshot
from workspace_operator.reconcile.policies.decision import decide
from workspace_operator.reconcile.policies.deletion import finalize
from workspace_operator.resources.manifests import namespace_and_name
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.statuses import ConditionType
from workspace_operator.resources.workspaces import FINALIZER, DeletionPolicy
from workspace_operator.workspaces.model import Owner, Workspace

Document = Mapping[str, Any]

MAX_ORPHANS = 3
"""Workspaces of the same name that a plan names for one resource."""


@dataclass(frozen=True, slots=True)
class EmptyPreviews:
    """Implements the port ``Previews`` for a database that does not exist yet."""

    def snapshot(self, *, now: datetime) -> WorkspacesSnapshot:  # noqa: ARG002 - the port's signature
        """An empty snapshot."""
        return WorkspacesSnapshot()

    def preview_sending(self, workspace_id: int, *, now: datetime) -> SendingPreview:  # noqa: ARG002 - the port's signature
        """Raise NotFound."""
        raise NotFound(f"there is no workspace number {workspace_id}")

    def preview(self, workspace_id: int, *, from_mode: Mode, to_mode: Mode, samples: int) -> Preview:  # noqa: ARG002 - the port's signature
        """Raise NotFound."""
        raise NotFound(f"there is no workspace number {workspace_id}")


@dataclass(slots=True, kw_only=True)
class _PlanState:
    """State of one resource in the simulation; ``predicted`` is the number of the migration that was predicted."""

    resource: Resource
    owner: Owner
    changes: list[PlannedChange] = field(default_factory=list)
    identifiers: PlannedMigration | None = None
    predicted: int | None = None


class Planner:
    """Plans the apply of the manifests of one run, with at most ``samples`` people to show per violation."""

    def __init__(self, previews: Previews, *, cluster_id: str, now: datetime, samples: int) -> None:
        self._previews = previews
        self._cluster_id = cluster_id
        self._now = now
        self._samples = samples
        self._snapshot = previews.snapshot(now=now)
        self._simulation = InMemoryWorkspaces(self._snapshot)

    def problems(self, manifest: Document) -> Sequence[Problem]:
        """Problems for which an apply would reject a manifest."""
        return manifest_problems_beside(manifest, self._stored(manifest))

    def plan(self, manifests: Sequence[Document]) -> Sequence[PlannedResource]:
        """Plan the apply of manifests without problems; returns one result per manifest: Accounts first, then the rest.

        Like an apply, it reconciles each resource once, and then again until its migrations have ended.
        """
        workspaces = workspaces_of(manifests)
        known = ManifestWorkspaces.of(workspaces)
        accounts, names = [self._plan_account(manifest, known) for manifest in accounts_of(manifests)], known.names
        owner_is_gone = ManifestResources(cluster_id=self._cluster_id, names=names).owner_is_gone
        states = [self._initial_state(manifest) for manifest in workspaces]
        for state in states:
            self._simulate(state, owner_is_gone)
        for state in states:
            self._simulate(state, owner_is_gone)
            while self._predict_migration(state):
                self._simulate(state, owner_is_gone)
        return [*accounts, *(self._result(state, names) for state in states)]

    def removals(self, previous: Sequence[Document], manifests: Sequence[Document]) -> Sequence[Removal]:
        """Plan the deletion of the resources that have a previous manifest and no manifest any more: Accounts first."""
        accounts = [self._account_removal(manifest) for manifest in _missing(accounts_of(previous), manifests)]
        workspaces = _missing(workspaces_of(previous), manifests)
        return [*accounts, *(self._removal(self._initial_state(manifest)) for manifest in workspaces)]

    def refuse_other_clusters(self, manifests: Sequence[Document]) -> None:
        """Refuse manifests if the database belongs to another cluster. Raises InvalidInput."""
        names = frozenset(map(namespace_and_name, workspaces_of(manifests)))
        workspaces = self._snapshot.workspaces.values()
        refuse_other_clusters(workspaces, self._snapshot.heartbeat_times.keys(), names, cluster_id=self._cluster_id)

    def without_manifest(self, manifests: Sequence[Document]) -> Sequence[Workspace]:
        """List the workspaces of this cluster that no given manifest owns; an apply does not change them."""
        names = set(map(namespace_and_name, workspaces_of(manifests)))
        owned = [item for item in self._snapshot.workspaces.values() if item.owner.cluster == self._cluster_id]
        return [item for item in owned if (item.owner.namespace, item.owner.name) not in names]

    def _plan_account(self, manifest: Document, workspaces: ManifestWorkspaces) -> PlannedResource:
        document = as_resource(manifest, cluster=self._cluster_id, now=self._now.isoformat())
        return plan_account(document, self._simulation, workspaces, cluster_id=self._cluster_id, now=self._now)

    def _account_removal(self, manifest: Document) -> PlannedAccountRemoval:
        namespace, name = namespace_and_name(manifest)
        key = AccountKey(cluster=self._cluster_id, namespace=namespace, name=name)
        observed = InMemoryWorkspaces(self._snapshot).observe_account(key)
        return PlannedAccountRemoval(
            namespaced_name=f"{namespace}/{name}", account=observed.account, workspaces=len(observed.workspaces)
        )

    def _removal(self, state: _PlanState) -> PlannedRemoval:
        finalizers = (FINALIZER,) if state.resource.deletion_policy is DeletionPolicy.DELETE else ()
        resource = replace(state.resource, deleting=True, finalizers=finalizers)
        query = WorkspaceQuery.of(resource, self._cluster_id, now=self._now)
        observed = InMemoryWorkspaces(self._snapshot).observe(query)
        people = 0 if observed.workspace is None else self._people(observed.workspace)
        decision = finalize(resource, observed, state.owner)
        return planned_removal(resource, observed.workspace, decision, people=people)

    def _stored(self, manifest: Document) -> Workspace | None:
        metadata = manifest.get("metadata")
        if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
            return None
        namespace, name = namespace_and_name(manifest)
        return self._simulation.owned_by(Owner(cluster=self._cluster_id, namespace=namespace, name=name, uid=""))

    def _initial_state(self, manifest: Document) -> _PlanState:
        resource = parse_resource(as_resource(manifest, cluster=self._cluster_id, now=self._now.isoformat()))
        stored = self._stored(manifest)
        if stored is not None and stored.owner.uid:
            # Only the cluster knows the UIDs of its resources, so the plan assumes that they equal those in the store.
            generation = max(resource.generation, stored.spec_generation)
            resource = replace(resource, uid=stored.owner.uid, generation=generation)
        return _PlanState(resource=resource, owner=resource.owner(self._cluster_id))

    def _simulate(self, state: _PlanState, owner_is_gone: OwnerIsGone) -> None:
        """Reconcile in the simulation until no action is left."""
        while True:
            observed = self._simulation.observe(WorkspaceQuery.of(state.resource, self._cluster_id, now=self._now))
            observed = observed.check_owners(state.owner, owner_is_gone)
            decision = decide(state.resource, observed, cluster_id=self._cluster_id, now=self._now)
            if not decision.actions:
                status = state.resource.status if decision.status is None else decision.status
                state.resource = replace(state.resource, status=status)
                return
            for action in decision.actions:
                state.changes += planned_changes(action, observed)
                self._simulation.apply(action, now=self._now, spec=state.resource.spec_version)

    def _predict_migration(self, state: _PlanState) -> bool:
        """Predict the end of an open migration; False if there is none, or if it stays paused or blocked."""
        migration = self._simulation.open_migration(state.owner)
        if migration is None or migration.number == state.predicted:
            return False
        state.predicted = migration.number
        known = self._snapshot.migrations.get(migration.workspace_id)
        stage = known.stage if known is not None and known.number == migration.number else None
        preview = self._preview(migration) if migration.stage in BEFORE_CUTOVER else None
        state.identifiers = PlannedMigration(migration=migration, stage=stage, preview=preview)
        if migration.paused or _stays_blocked(migration, state.resource):
            return False
        state.identifiers = replace(state.identifiers, migration=self._simulation.finish_migration(migration, preview))
        return True

    def _preview(self, migration: Migration) -> Preview:
        return self._previews.preview(
            migration.workspace_id, from_mode=migration.from_mode, to_mode=migration.to_mode, samples=self._samples
        )

    def _result(self, state: _PlanState, names: Collection[tuple[str, str]]) -> PlannedResource:
        conditions = state.resource.previous.conditions
        ready = next(condition for condition in conditions if condition.type == ConditionType.READY)
        workspace = self._simulation.owned_by(state.owner)
        number = None if workspace is None else workspace.workspace_id
        is_created = number is not None and number not in self._snapshot.workspaces
        return PlannedResource(
            namespaced_name=state.resource.namespaced_name,
            cluster=self._cluster_id,
            orphans=self._orphans(state.owner, names) if is_created else (),
            workspace_id=number if number in self._snapshot.workspaces else None,
            changes=tuple(state.changes),
            identifiers=state.identifiers,
            sending=None if workspace is None else self._sending(workspace),
            outcome=Outcome(reason=Reason(ready.reason), message=ready.message),
        )

    def _sending(self, workspace: Workspace) -> PlannedSending | None:
        """The change of the sending rules of an existing workspace, which the simulation has made."""
        stored = self._snapshot.workspaces.get(workspace.workspace_id)
        if stored is None or not workspace.settings.changes_sending(stored.settings):
            return None
        preview = self._previews.preview_sending(workspace.workspace_id, now=self._now)
        return PlannedSending(before=stored.settings, after=workspace.settings, preview=preview)

    def _orphans(self, owner: Owner, names: Collection[tuple[str, str]]) -> tuple[Orphan, ...]:
        """Workspaces of the same name, whose namespace was renamed or whose cluster was recreated."""
        workspaces = self._snapshot.workspaces.values()
        found = [workspace for workspace in workspaces if _may_be_same_workspace(workspace.owner, owner, names)]
        return tuple(Orphan(workspace=orphan, people=self._people(orphan)) for orphan in found[:MAX_ORPHANS])

    def _people(self, workspace: Workspace) -> int:
        number, mode = workspace.workspace_id, workspace.mode
        return self._previews.preview(number, from_mode=mode, to_mode=mode, samples=0).people.total


def _missing(previous: Sequence[Document], manifests: Sequence[Document]) -> Sequence[Document]:
    """Earlier manifests of resources that have none any more."""
    kept = {(is_account(manifest), namespace_and_name(manifest)) for manifest in manifests}
    return [manifest for manifest in previous if (is_account(manifest), namespace_and_name(manifest)) not in kept]


def _may_be_same_workspace(other: Owner, owner: Owner, names: Collection[tuple[str, str]]) -> bool:
    if other.name != owner.name:
        return False
    if other.cluster != owner.cluster:
        return other.namespace == owner.namespace
    return (other.namespace, other.name) not in names


def _stays_blocked(migration: Migration, resource: Resource) -> bool:
    """Whether a blocked migration stays blocked, since no retry was requested."""
    return migration.stage is Stage.BLOCKED and migration.retry_token != resource.reconcile_request
