"""A store, and the Secret of one resource, in a few lines: what each action does, and when it is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from tests.reconcile.builders import CLUSTER, NOW
from workspace_operator.errors import Moved, NameTaken
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import BEFORE_SWITCH, ENDED, Stage
from workspace_operator.reconcile.credentials import WRITABLE, CredentialsSeen, SecretState
from workspace_operator.reconcile.names import name_holder
from workspace_operator.reconcile.observed import Candidate, Observed, Owner, StoredWorkspace
from workspace_operator.reconcile.plan import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    ClaimSecret,
    CreateWorkspace,
    DestroyWorkspace,
    PauseMigration,
    PutInForce,
    RecordSpec,
    RemoveSecret,
    RequestMigration,
    RetryMigration,
    RotateCredentials,
    SecretAction,
    TakeOver,
)
from workspace_operator.reconcile.wishes import Resource, Wish


def place(owner: Owner) -> tuple[str, str, str]:
    return owner.cluster, owner.namespace, owner.name


@dataclass
class ModelStore:
    """``credentials`` has the request that asked for a workspace's newest; ``held`` says whose the Secret holds."""

    store_id: str = "store-1"
    workspaces: dict[int, StoredWorkspace] = field(default_factory=dict)
    migrations: dict[int, Migration] = field(default_factory=dict)
    released: set[int] = field(default_factory=set)
    credentials: dict[int, str] = field(default_factory=dict)
    secret: SecretState = SecretState.ABSENT
    held: int | None = None

    def state(self) -> tuple[object, ...]:
        return dict(self.workspaces), dict(self.migrations), dict(self.credentials), self.secret, self.held

    def observe(self, resource: Resource) -> Observed:
        owner, wish, remembers = resource.owner(CLUSTER), resource.wish, resource.previous.workspace_id
        own = next((each for each in self.workspaces.values() if place(each.owner) == place(owner)), None)
        name = wish.settings.display_name if isinstance(wish, Wish) else ""
        account = wish.account if isinstance(wish, Wish) else ""
        return Observed(
            store_id=self.store_id,
            workspace=own,
            name_holder=self._candidate(own, lambda each: each == self._name_holder(own, owner, account, name)),
            adoptable=self._candidate(None, lambda each: each.workspace_id == resource.adopts_number),
            remembered=self._candidate(own, lambda each: each.workspace_id == remembers),
            migration=self.migrations.get(own.workspace_id) if own else None,
            credentials=self._seen(own) if own or resource.deleting else None,
        )

    def _seen(self, own: StoredWorkspace | None) -> CredentialsSeen:
        if own is None or own.workspace_id not in self.credentials:
            return CredentialsSeen(secret=self.secret)
        return CredentialsSeen(
            secret=self.secret,
            is_current=self.held == own.workspace_id,
            rotated_at=NOW,
            request=self.credentials[own.workspace_id],
        )

    def _candidate(self, own: StoredWorkspace | None, fits: Callable[[StoredWorkspace], bool]) -> Candidate | None:
        found = next((each for each in self.workspaces.values() if each != own and fits(each)), None)
        return Candidate(workspace=found, released=found.workspace_id in self.released) if found else None

    def _name_holder(
        self, own: StoredWorkspace | None, owner: Owner, account: str, name: str
    ) -> StoredWorkspace | None:
        where = (owner.namespace, account)
        beside = [each for each in self.workspaces.values() if (each.owner.namespace, each.account) == where]
        return name_holder(name, own, beside)

    def _name(self, workspace: StoredWorkspace) -> tuple[str, str, str]:
        return workspace.owner.namespace, workspace.account, workspace.settings.display_name

    def carry_out(self, action: Action | SecretAction) -> None:
        if isinstance(action, RotateCredentials | ClaimSecret | RemoveSecret):
            self._keep(action)
        elif isinstance(action, RecordSpec | AcceptLowerGeneration):
            self._record(action)
        else:
            self._write(action)

    def _keep(self, action: SecretAction) -> None:
        match action:
            case RotateCredentials():
                assert self.secret in WRITABLE
                self.credentials[action.workspace_id] = action.request
                self.secret, self.held = SecretState.OWN, action.workspace_id
            case ClaimSecret():
                assert (self.secret, self.held) == (SecretState.INHERITED, action.workspace_id)
                self.secret = SecretState.OWN
            case RemoveSecret():
                assert self.secret is SecretState.OWN
                self.secret, self.held = SecretState.ABSENT, None

    def _write(self, action: Action) -> None:
        match action:
            case CreateWorkspace():
                self._create(action)
            case TakeOver():
                workspace = self._at(action.workspace_id, action.row_version)
                self._put(replace(workspace, owner=action.owner, spec_generation=0, held_generation=None))
                self.released.discard(action.workspace_id)
            case PutInForce():
                self._put(replace(self._at(action.workspace_id, action.row_version), settings=action.settings))
            case DestroyWorkspace():
                del self.workspaces[self._at(action.workspace_id, action.row_version).workspace_id]
                self.migrations.pop(action.workspace_id, None)
                self.credentials.pop(action.workspace_id, None)
            case _:
                self._change(action)

    def _record(self, action: RecordSpec | AcceptLowerGeneration) -> None:
        workspace = self._at(action.workspace_id, action.row_version)
        recorded = replace(workspace, spec_generation=action.generation)
        if isinstance(action, AcceptLowerGeneration):
            assert action.generation < workspace.spec_generation == action.recorded
            recorded = replace(recorded, held_generation=action.generation, held_request=action.request)
        else:
            recorded = replace(recorded, spec_row_version=action.row_version)
        self.workspaces[workspace.workspace_id] = recorded

    def _change(self, action: Action) -> None:
        match action:
            case RequestMigration():
                self._request(action)
            case CancelMigration():
                self._move(action.workspace_id, BEFORE_SWITCH, stage=Stage.CANCELLED)
            case PauseMigration():
                self._move(action.workspace_id, frozenset(Stage) - ENDED, paused=action.paused)
            case RetryMigration():
                self._move(action.workspace_id, frozenset({Stage.BLOCKED}), retry_token=action.token)

    def advance(self) -> None:
        """Let the worker take every change that is not paused to its end."""
        for workspace_id, change in self.migrations.items():
            if change.stage not in ENDED and not change.paused and change.stage is not Stage.BLOCKED:
                self.migrations[workspace_id] = replace(change, stage=Stage.COMPLETED)
                self.workspaces[workspace_id] = replace(self.workspaces[workspace_id], mode=change.to_mode)

    def _create(self, action: CreateWorkspace) -> None:
        top = max(self.workspaces, default=0)
        self._put(
            StoredWorkspace(
                workspace_id=next(number for number in count(top + 1) if number != action.instead_of),
                account=action.account,
                owner=action.owner,
                mode=action.mode,
                settings=action.settings,
                row_version=0,
            )
        )

    def _request(self, action: RequestMigration) -> None:
        change = self.migrations.get(action.workspace_id)
        if change is not None and change.stage not in ENDED:
            raise Moved
        assert action.from_mode is self.workspaces[action.workspace_id].mode
        self.migrations[action.workspace_id] = Migration(
            workspace_id=action.workspace_id,
            number=change.number + 1 if change else 1,
            from_mode=action.from_mode,
            to_mode=action.to_mode,
            on_conflict=action.on_conflict,
            requested_at=NOW,
        )

    def _move(self, workspace_id: int, allowed: frozenset[Stage], **changes: object) -> None:
        change = self.migrations[workspace_id]
        if change.stage not in allowed:
            raise Moved
        self.migrations[workspace_id] = replace(change, **changes)  # type: ignore[arg-type]

    def _at(self, workspace_id: int, row_version: int) -> StoredWorkspace:
        workspace = self.workspaces[workspace_id]
        if workspace.row_version != row_version:
            raise Moved
        return workspace

    def _put(self, workspace: StoredWorkspace) -> None:
        others = [each for key, each in self.workspaces.items() if key != workspace.workspace_id]
        if self._name(workspace) in map(self._name, others):
            raise NameTaken
        if place(workspace.owner) in [place(each.owner) for each in others]:
            raise Moved
        self.workspaces[workspace.workspace_id] = replace(workspace, row_version=workspace.row_version + 1)
