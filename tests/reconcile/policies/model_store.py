"""A store, and the Secret of one resource, in a few lines: what each action does, and when it is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from tests.reconcile.builders import CLUSTER, NOW
from workspace_operator.errors import NameTaken, StaleRevision
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import BEFORE_CUTOVER, TERMINAL, Stage
from workspace_operator.reconcile.model.actions import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    ChangeOwner,
    ClaimSecret,
    CreateWorkspace,
    DeleteSecret,
    DeleteWorkspace,
    PauseMigration,
    RecordGeneration,
    RequestMigration,
    RetryMigration,
    RotateCredentials,
    SecretAction,
    UpdateSettings,
)
from workspace_operator.reconcile.model.credentials import WRITABLE, ObservedCredentials, SecretState
from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.model.name_conflicts import name_holder
from workspace_operator.reconcile.model.observed import Candidate, ObservedState
from workspace_operator.workspaces.model import Owner, Workspace


def owner_key(owner: Owner) -> tuple[str, str, str]:
    return owner.cluster, owner.namespace, owner.name


@dataclass
class ModelStore:
    """``credentials`` has the request that asked for a workspace's newest; ``held`` says whose the Secret holds."""

    store_id: str = "store-1"
    workspaces: dict[int, Workspace] = field(default_factory=dict)
    migrations: dict[int, Migration] = field(default_factory=dict)
    owner_is_gone: set[int] = field(default_factory=set)
    credentials: dict[int, str] = field(default_factory=dict)
    secret: SecretState = SecretState.ABSENT
    secret_owner: int | None = None

    def state(self) -> tuple[object, ...]:
        return dict(self.workspaces), dict(self.migrations), dict(self.credentials), self.secret, self.secret_owner

    def observe(self, resource: Resource) -> ObservedState:
        owner, desired, remembers = resource.owner(CLUSTER), resource.desired, resource.previous.workspace_id
        own = next((each for each in self.workspaces.values() if owner_key(each.owner) == owner_key(owner)), None)
        name = desired.settings.display_name if isinstance(desired, DesiredState) else ""
        account = desired.account if isinstance(desired, DesiredState) else ""
        return ObservedState(
            store_id=self.store_id,
            workspace=own,
            name_holder=self._candidate(own, lambda each: each == self._name_holder(own, owner, account, name)),
            from_annotation=self._candidate(None, lambda each: each.workspace_id == resource.adopt_workspace_id),
            from_status=self._candidate(own, lambda each: each.workspace_id == remembers),
            migration=self.migrations.get(own.workspace_id) if own else None,
            credentials=self._seen(own) if own or resource.deleting else None,
        )

    def _seen(self, own: Workspace | None) -> ObservedCredentials:
        if own is None or own.workspace_id not in self.credentials:
            return ObservedCredentials(secret=self.secret)
        return ObservedCredentials(
            secret=self.secret,
            is_current=self.secret_owner == own.workspace_id,
            rotated_at=NOW,
            request=self.credentials[own.workspace_id],
        )

    def _candidate(self, own: Workspace | None, matches: Callable[[Workspace], bool]) -> Candidate | None:
        found = next((each for each in self.workspaces.values() if each != own and matches(each)), None)
        return Candidate(workspace=found, owner_is_gone=found.workspace_id in self.owner_is_gone) if found else None

    def _name_holder(self, own: Workspace | None, owner: Owner, account: str, name: str) -> Workspace | None:
        where = (owner.namespace, account)
        beside = [each for each in self.workspaces.values() if (each.owner.namespace, each.account) == where]
        return name_holder(name, own, beside)

    def _name(self, workspace: Workspace) -> tuple[str, str, str]:
        return workspace.owner.namespace, workspace.account, workspace.settings.display_name

    def apply(self, action: Action | SecretAction) -> None:
        if isinstance(action, RotateCredentials | ClaimSecret | DeleteSecret):
            self._keep(action)
        elif isinstance(action, RecordGeneration | AcceptLowerGeneration):
            self._record(action)
        else:
            self._write(action)

    def _keep(self, action: SecretAction) -> None:
        match action:
            case RotateCredentials():
                assert self.secret in WRITABLE
                self.credentials[action.workspace_id] = action.request
                self.secret, self.secret_owner = SecretState.OWN, action.workspace_id
            case ClaimSecret():
                assert (self.secret, self.secret_owner) == (SecretState.INHERITED, action.workspace_id)
                self.secret = SecretState.OWN
            case DeleteSecret():
                assert self.secret is SecretState.OWN
                self.secret, self.secret_owner = SecretState.ABSENT, None

    def _write(self, action: Action) -> None:
        match action:
            case CreateWorkspace():
                self._create(action)
            case ChangeOwner():
                workspace = self._at(action.workspace_id, action.row_version)
                self._put(replace(workspace, owner=action.owner, spec_generation=0, accepted_generation=None))
                self.owner_is_gone.discard(action.workspace_id)
            case UpdateSettings():
                self._put(replace(self._at(action.workspace_id, action.row_version), settings=action.settings))
            case DeleteWorkspace():
                del self.workspaces[self._at(action.workspace_id, action.row_version).workspace_id]
                self.migrations.pop(action.workspace_id, None)
                self.credentials.pop(action.workspace_id, None)
            case _:
                self._change(action)

    def _record(self, action: RecordGeneration | AcceptLowerGeneration) -> None:
        workspace = self._at(action.workspace_id, action.row_version)
        recorded = replace(workspace, spec_generation=action.generation)
        if isinstance(action, AcceptLowerGeneration):
            assert action.generation < workspace.spec_generation == action.recorded
            recorded = replace(recorded, accepted_generation=action.generation, accepted_request=action.request)
        else:
            recorded = replace(recorded, spec_row_version=action.row_version)
        self.workspaces[workspace.workspace_id] = recorded

    def _change(self, action: Action) -> None:
        match action:
            case RequestMigration():
                self._request(action)
            case CancelMigration():
                self._move(action.workspace_id, BEFORE_CUTOVER, stage=Stage.CANCELLED)
            case PauseMigration():
                self._move(action.workspace_id, frozenset(Stage) - TERMINAL, paused=action.paused)
            case RetryMigration():
                self._move(action.workspace_id, frozenset({Stage.BLOCKED}), retry_token=action.token)

    def complete_migrations(self) -> None:
        """Let the worker take every change that is not paused to its end."""
        for workspace_id, migration in self.migrations.items():
            if migration.stage not in TERMINAL and not migration.paused and migration.stage is not Stage.BLOCKED:
                self.migrations[workspace_id] = replace(migration, stage=Stage.COMPLETED)
                self.workspaces[workspace_id] = replace(self.workspaces[workspace_id], mode=migration.to_mode)

    def _create(self, action: CreateWorkspace) -> None:
        top = max(self.workspaces, default=0)
        self._put(
            Workspace(
                workspace_id=next(number for number in count(top + 1) if number != action.replaces),
                account=action.account,
                owner=action.owner,
                mode=action.mode,
                settings=action.settings,
                row_version=0,
            )
        )

    def _request(self, action: RequestMigration) -> None:
        migration = self.migrations.get(action.workspace_id)
        if migration is not None and migration.stage not in TERMINAL:
            raise StaleRevision
        assert action.from_mode is self.workspaces[action.workspace_id].mode
        self.migrations[action.workspace_id] = Migration(
            workspace_id=action.workspace_id,
            number=migration.number + 1 if migration else 1,
            from_mode=action.from_mode,
            to_mode=action.to_mode,
            on_conflict=action.on_conflict,
            requested_at=NOW,
        )

    def _move(self, workspace_id: int, allowed: frozenset[Stage], **changes: object) -> None:
        migration = self.migrations[workspace_id]
        if migration.stage not in allowed:
            raise StaleRevision
        self.migrations[workspace_id] = replace(migration, **changes)  # type: ignore[arg-type]

    def _at(self, workspace_id: int, row_version: int) -> Workspace:
        workspace = self.workspaces[workspace_id]
        if workspace.row_version != row_version:
            raise StaleRevision
        return workspace

    def _put(self, workspace: Workspace) -> None:
        others = [each for key, each in self.workspaces.items() if key != workspace.workspace_id]
        if self._name(workspace) in map(self._name, others):
            raise NameTaken
        if owner_key(workspace.owner) in [owner_key(each.owner) for each in others]:
            raise StaleRevision
        self.workspaces[workspace.workspace_id] = replace(workspace, row_version=workspace.row_version + 1)
