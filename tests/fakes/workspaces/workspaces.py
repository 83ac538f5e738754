"""The directory of workspaces, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fakes.database import InMemoryDatabase, MigrationWork
from workspace_operator.errors import Ambiguous, NotFound, StaleRevision
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import (
    Action,
    CancelMigration,
    DeleteWorkspace,
    PauseMigration,
    RequestMigration,
    RetryMigration,
)
from workspace_operator.reconcile.model.observed import Namesake, ObservedState, WorkspaceQuery
from workspace_operator.workspaces.model import Owner, Workspace
from workspace_operator.workspaces.spec_versions import SpecVersion, UnchangedWorkspace


@dataclass(frozen=True, slots=True)
class FakeWorkspaces:
    """Implements the port ``Workspaces``."""

    memory: InMemoryDatabase

    def observe(self, query: WorkspaceQuery) -> ObservedState:
        observed = self.memory.directory.observe(query)
        own = observed.workspace
        namesakes = () if own else self._namesakes(query.owner)
        sending = self.memory.sending.observe(own, query.now) if own else None
        return replace(observed, store_id=self.memory.store_id, namesakes=namesakes, sending=sending)

    def apply(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        if isinstance(action, DeleteWorkspace) and self.memory.sending.count_in_flight(action.workspace_id, now):
            raise StaleRevision(f"workspace {action.workspace_id} still hands over messages")
        newest = dict(self.memory.directory.migrations)
        self.memory.directory.apply(action, now=now, spec=spec)
        self.memory.follow(self.memory.directory)
        if isinstance(action, RequestMigration):
            state = self.memory.states[action.workspace_id]
            state.work = MigrationWork(due_at=now)
            state.former_migrations += [newest[action.workspace_id]] if action.workspace_id in newest else []
        elif isinstance(action, CancelMigration | PauseMigration | RetryMigration):
            self._end_lease(action, now)

    def unchanged(self, cluster: str, namespaces: Collection[str]) -> Sequence[UnchangedWorkspace]:
        return [
            UnchangedWorkspace(
                store_id=self.memory.store_id,
                workspace_id=workspace.workspace_id,
                owner=workspace.owner,
                generation=workspace.spec_generation,
                mode=workspace.mode,
                rotation_request=state.credentials[-1].request if state.credentials else "",
                rotated_at=state.credentials[-1].created_at if state.credentials else None,
            )
            for state in self.memory.states.values()
            if (workspace := state.workspace).owner.cluster == cluster
            and workspace.owner.namespace in namespaces
            and workspace.spec_row_version == workspace.row_version
        ]

    def pending_status_updates(self) -> Sequence[tuple[Owner, Migration]]:
        return [
            (state.workspace.owner, migration)
            for state in self.memory.states.values()
            if (migration := state.migration) is not None
            and (migration.revision, migration.progress) != (state.work.status_revision, state.work.status_progress)
        ]

    def mark_status_written(self, migration: Migration) -> None:
        state = self.memory.states.get(migration.workspace_id)
        if state and state.migration and state.migration.number == migration.number:
            state.work.status_revision = max(state.work.status_revision, migration.revision)
            state.work.status_progress = max(state.work.status_progress, migration.progress)

    def count_waiting(self, workspace_id: int) -> int:
        return self.memory.sending.count_waiting(workspace_id)

    def find(self, namespace: str, name: str, *, cluster: str | None = None) -> Workspace:
        found = [
            each
            for each in self.list()
            if (each.owner.namespace, each.owner.name) == (namespace, name) and cluster in {None, each.owner.cluster}
        ]
        if not found:
            raise NotFound(f"there is no workspace {namespace}/{name}")
        if len(found) > 1:
            raise Ambiguous(f"{namespace}/{name} is in {', '.join(each.owner.cluster for each in found)}")
        return found[0]

    def get(self, workspace_id: int) -> Workspace:
        return self.memory.state(workspace_id).workspace

    def list(self) -> Sequence[Workspace]:
        return [workspace for _, workspace in sorted(self.memory.directory.workspaces.items())]

    def _namesakes(self, owner: Owner) -> tuple[Namesake, ...]:
        theirs = [
            each
            for each in self.list()
            if each.owner.cluster != owner.cluster
            and (each.owner.namespace, each.owner.name) == (owner.namespace, owner.name)
        ]
        beats = {cluster: heartbeat.beats for cluster, heartbeat in self.memory.heartbeats.items()}
        return tuple(Namesake(workspace=each, beats=beats.get(each.owner.cluster)) for each in theirs)

    def _end_lease(self, action: CancelMigration | PauseMigration | RetryMigration, now: datetime) -> None:
        """Every request ends the lease, so that a worker in the middle of a step finds out."""
        state = self.memory.states[action.workspace_id]
        state.work.lease_owner, state.work.lease_expires_at = "", None
        is_blocked = state.migration is not None and state.migration.stage is Stage.BLOCKED
        if isinstance(action, CancelMigration):
            state.blocked_export = state.work.due_at = None
        elif isinstance(action, RetryMigration) or not (action.paused or is_blocked):
            state.work.due_at = now
