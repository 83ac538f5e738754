"""The directory of workspaces, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fakes.database import InMemoryDatabase, StoredMigration, WorkspaceState
from workspace_operator.application.ports import WorkspaceQuery
from workspace_operator.errors import Ambiguous, NameTaken, NotFound, StaleRevision
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TERMINAL, Stage, Trigger
from workspace_operator.reconcile.model.actions import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    ChangeOwner,
    CreateWorkspace,
    DeleteWorkspace,
    PauseMigration,
    RecordGeneration,
    RequestMigration,
    RetryMigration,
    UpdateSettings,
)
from workspace_operator.reconcile.model.name_conflicts import name_holder
from workspace_operator.reconcile.model.observed import Candidate, Namesake, ObservedState
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.workspaces.model import Owner, Workspace
from workspace_operator.workspaces.spec_versions import SpecVersion, UnchangedWorkspace


@dataclass(frozen=True, slots=True)
class FakeWorkspaces:
    """Implements the port ``Workspaces``."""

    memory: InMemoryDatabase

    def observe(self, query: WorkspaceQuery) -> ObservedState:
        ours = self.memory.owned_by(query.owner)
        account = ours.workspace.account if ours else query.account
        named = self._named(query.owner, account, query.display_name, ours)
        return ObservedState(
            store_id=self.memory.store_id,
            namesakes=() if ours else self._namesakes(query.owner),
            workspace=ours.workspace if ours else None,
            name_holder=_candidate(named),
            from_annotation=_candidate(self._numbered(query.from_annotation)),
            from_status=_candidate(self._numbered(query.from_status), unless=ours),
            migration=ours.changes[-1].migration if ours and ours.changes else None,
            people=None,
        )

    def apply(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        if isinstance(action, CreateWorkspace):
            self._create(action, spec)
        elif isinstance(action, ChangeOwner):
            self._take_over(action, spec)
        elif isinstance(action, AcceptLowerGeneration):
            self._accept(action)
        else:
            self._refuse_late(action.workspace_id, spec)
            self._write(action, now, spec)
            self._record(action.workspace_id, spec)

    def _write(self, action: Action, now: datetime, spec: SpecVersion | None) -> None:
        match action:
            case UpdateSettings():
                self._put_in_force(action, spec)
            case DeleteWorkspace():
                self._unmoved(action.workspace_id, action.row_version)
                del self.memory.states[action.workspace_id]
            case RequestMigration():
                self._request(action, now)
            case CancelMigration() | PauseMigration() | RetryMigration():
                self._ask(action, now)
            case RecordGeneration():
                state = self._unmoved(action.workspace_id, action.row_version)
                state.record_spec(spec_row_version=action.row_version)

    def _put_in_force(self, action: UpdateSettings, spec: SpecVersion | None) -> None:
        state = self._unmoved(action.workspace_id, action.row_version)
        self._refuse_taken_name(state.workspace.owner, state.workspace.account, action.settings.display_name, state)
        state.write(settings=action.settings)
        if spec is not None:
            state.record_spec(spec_row_version=state.workspace.row_version)

    def unchanged(self, cluster: str, namespaces: Collection[str]) -> Sequence[UnchangedWorkspace]:
        return [
            UnchangedWorkspace(
                store_id=self.memory.store_id,
                workspace_id=number,
                owner=state.workspace.owner,
                generation=state.workspace.spec_generation,
                mode=state.workspace.mode,
                rotation_request=state.credentials[-1].request if state.credentials else "",
                rotated_at=state.credentials[-1].created_at if state.credentials else None,
            )
            for number, state in self.memory.states.items()
            if state.workspace.owner.cluster == cluster
            and state.workspace.owner.namespace in namespaces
            and state.workspace.spec_row_version == state.workspace.row_version
        ]

    def pending_status_updates(self) -> Sequence[tuple[Owner, Migration]]:
        return [
            (state.workspace.owner, each.migration)
            for state in self.memory.states.values()
            for each in state.changes
            if (each.migration.revision, each.migration.progress) != (each.status_revision, each.status_progress)
        ]

    def mark_status_written(self, migration: Migration) -> None:
        stored = self.memory.migration(migration.workspace_id, migration.number)
        stored.status_revision = max(stored.status_revision, migration.revision)
        stored.status_progress = max(stored.status_progress, migration.progress)

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
        return [state.workspace for _, state in sorted(self.memory.states.items())]

    def _refuse_late(self, workspace_id: int, spec: SpecVersion | None) -> None:
        state = self.memory.states.get(workspace_id)
        if state is None or spec is None:
            return
        if state.workspace.owner.uid != spec.uid or state.workspace.spec_generation > spec.generation:
            raise StaleRevision(f"workspace number {workspace_id}: this document is late")

    def _record(self, workspace_id: int, spec: SpecVersion | None) -> None:
        state = self.memory.states.get(workspace_id)
        if state is not None and spec is not None and state.workspace.spec_generation != spec.generation:
            state.record_spec(spec_generation=spec.generation, accepted_generation=None, accepted_request=None)

    def _accept(self, action: AcceptLowerGeneration) -> None:
        state = self._unmoved(action.workspace_id, action.row_version)
        if state.workspace.spec_generation != action.recorded:
            raise StaleRevision(f"workspace number {action.workspace_id}: another generation was recorded meanwhile")
        held = {"accepted_generation": action.generation, "accepted_request": action.request}
        state.record_spec(spec_generation=action.generation, spec_row_version=0, **held)

    def _create(self, action: CreateWorkspace, spec: SpecVersion | None) -> None:
        if self.memory.owned_by(action.owner):
            raise StaleRevision(f"{action.owner.namespace}/{action.owner.name} already has a workspace")
        self._refuse_taken_name(action.owner, action.account, action.settings.display_name, None)
        number = next(each for each in self.memory.numbers if each != action.replaces)
        workspace = Workspace(
            workspace_id=number,
            account=action.account,
            owner=action.owner,
            mode=action.mode,
            settings=action.settings,
            row_version=1,
            spec_generation=spec.generation if spec else 0,
            spec_row_version=1,
        )
        self.memory.states[number] = WorkspaceState(workspace=workspace, working_set=WorkingSet(mode=action.mode))

    def _take_over(self, action: ChangeOwner, spec: SpecVersion | None) -> None:
        state = self._unmoved(action.workspace_id, action.row_version)
        if self.memory.owned_by(action.owner) not in (None, state):
            raise StaleRevision(f"{action.owner.namespace}/{action.owner.name} already has a workspace")
        self._refuse_taken_name(action.owner, state.workspace.account, state.workspace.settings.display_name, state)
        state.write(owner=action.owner)
        state.record_spec(
            spec_generation=spec.generation if spec else 0, accepted_generation=None, accepted_request=None
        )

    def _namesakes(self, owner: Owner) -> tuple[Namesake, ...]:
        theirs = [
            state.workspace
            for _, state in sorted(self.memory.states.items())
            if state.workspace.owner.cluster != owner.cluster
            and (state.workspace.owner.namespace, state.workspace.owner.name) == (owner.namespace, owner.name)
        ]
        beats = {cluster: heartbeat.beats for cluster, heartbeat in self.memory.heartbeats.items()}
        return tuple(Namesake(workspace=each, beats=beats.get(each.owner.cluster)) for each in theirs)

    def _unmoved(self, workspace_id: int, row_version: int) -> WorkspaceState:
        state = self.memory.states.get(workspace_id)
        if state is None or state.workspace.row_version != row_version:
            raise StaleRevision(f"workspace number {workspace_id} has changed since it was read")
        return state

    def _named(
        self, owner: Owner, account: str, display_name: str, ours: WorkspaceState | None
    ) -> WorkspaceState | None:
        wanted = (owner.cluster, owner.namespace, account)
        beside = [each for each in self.list() if (each.owner.cluster, each.owner.namespace, each.account) == wanted]
        holder = name_holder(display_name, ours.workspace if ours else None, beside)
        return None if holder is None else self.memory.states[holder.workspace_id]

    def _numbered(self, workspace_id: int | None) -> WorkspaceState | None:
        return None if workspace_id is None else self.memory.states.get(workspace_id)

    def _refuse_taken_name(self, owner: Owner, account: str, display_name: str, own: WorkspaceState | None) -> None:
        holder = self._named(owner, account, display_name, own)
        # Of two that have one name since before names were compared, each keeps what it has.
        if holder is not None and (own is None or not self._has_name(own, owner, account, display_name, holder)):
            raise NameTaken(f"another workspace of the same account already has the name {display_name!r}")

    def _has_name(
        self, own: WorkspaceState, owner: Owner, account: str, display_name: str, holder: WorkspaceState
    ) -> bool:
        mine, theirs = own.workspace, holder.workspace
        place = (mine.owner.cluster, mine.owner.namespace, mine.account)
        return (
            place == (owner.cluster, owner.namespace, account)
            and comparison_key(mine.settings.display_name) == comparison_key(display_name)
            and theirs.settings.display_name != display_name
        )

    def _request(self, action: RequestMigration, now: datetime) -> None:
        state = self.memory.states.get(action.workspace_id)
        if state is None or state.workspace.mode is not action.from_mode or state.is_migrating:
            raise StaleRevision(f"workspace number {action.workspace_id} has another mode or an unfinished migration")
        migration = Migration(
            workspace_id=action.workspace_id,
            number=len(state.changes) + 1,
            from_mode=action.from_mode,
            to_mode=action.to_mode,
            on_conflict=action.on_conflict,
            requested_at=now,
            revision=1,
        )
        for earlier in state.changes:
            earlier.status_revision, earlier.status_progress = (
                earlier.migration.revision,
                earlier.migration.progress,
            )
        state.changes.append(StoredMigration(migration=migration, due_at=now))

    def _ask(self, action: CancelMigration | PauseMigration | RetryMigration, now: datetime) -> None:
        stored = self.memory.migration(action.workspace_id, action.number)
        state, stage = self.memory.states[action.workspace_id], stored.migration.stage
        if stage in TERMINAL:
            raise StaleRevision(f"migration {action.number} has ended")
        match action:
            case CancelMigration():
                _cancel(state, stored, now)
            case PauseMigration(paused=True):
                _move(stored, paused=True)
            case PauseMigration():
                stored.due_at = stored.due_at if stage is Stage.BLOCKED else now
                _move(stored, paused=False)
            case RetryMigration():
                stored.due_at = now
                _move(stored, retry_token=action.token)


def _cancel(state: WorkspaceState, stored: StoredMigration, now: datetime) -> None:
    if Trigger.CANCEL not in stored.migration.transitions:
        raise StaleRevision(f"migration {stored.migration.number} is already cut over")
    state.blocked_export = stored.due_at = None
    _move(stored, stage=stored.migration.transitions[Trigger.CANCEL].target, completed_at=now)


def _move(stored: StoredMigration, **values: object) -> None:
    """Every request ends the lease, so that a worker in the middle of a step finds out."""
    stored.lease_owner, stored.lease_expires_at = "", None
    revision = stored.migration.revision + 1
    stored.migration = replace(stored.migration, revision=revision, **values)  # type: ignore[arg-type]


def _candidate(found: WorkspaceState | None, *, unless: WorkspaceState | None = None) -> Candidate | None:
    return None if found is None or found is unless else Candidate(workspace=found.workspace, owner_is_gone=False)
