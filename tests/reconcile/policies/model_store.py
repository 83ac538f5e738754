"""The directory of workspaces with credentials, and the Secret of one resource, in a few lines."""

from dataclasses import dataclass, field, replace

from tests.reconcile.builders import CLUSTER, NOW
from workspace_operator.migrations.state_machine import TERMINAL, Stage
from workspace_operator.reconcile.model.actions import (
    AcceptLowerGeneration,
    Action,
    ClaimSecret,
    DeleteSecret,
    RetryMigration,
    RotateCredentials,
    SecretAction,
)
from workspace_operator.reconcile.model.credentials import WRITABLE, ObservedCredentials, SecretState
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import ObservedState, WorkspaceQuery
from workspace_operator.reconcile.plan.simulation import InMemoryWorkspaces
from workspace_operator.workspaces.model import Owner, PeopleCounts, Workspace


@dataclass
class ModelStore:
    """``credentials`` has the request for a workspace's newest, ``secret_owner`` whose credentials the Secret holds."""

    store_id: str = "store-1"
    directory: InMemoryWorkspaces = field(default_factory=InMemoryWorkspaces)
    gone: set[Owner] = field(default_factory=set)
    credentials: dict[int, str] = field(default_factory=dict)
    secret: SecretState = SecretState.ABSENT
    secret_owner: int | None = None

    @property
    def workspaces(self) -> dict[int, Workspace]:
        return self.directory.workspaces

    def state(self) -> tuple[object, ...]:
        directory = dict(self.directory.workspaces), dict(self.directory.migrations)
        return *directory, dict(self.credentials), self.secret, self.secret_owner

    def observe(self, resource: Resource) -> ObservedState:
        query = WorkspaceQuery.of(resource, CLUSTER, now=NOW)
        observed = self.directory.observe(query).check_owners(query.owner, self.gone.__contains__)
        credentials = self._credentials(observed.workspace) if observed.workspace or resource.deleting else None
        return replace(observed, store_id=self.store_id, people=PeopleCounts(), credentials=credentials)

    def _credentials(self, own: Workspace | None) -> ObservedCredentials:
        if own is None or own.workspace_id not in self.credentials:
            return ObservedCredentials(secret=self.secret)
        return ObservedCredentials(
            secret=self.secret,
            is_current=self.secret_owner == own.workspace_id,
            rotated_at=NOW,
            request=self.credentials[own.workspace_id],
        )

    def apply(self, action: Action | SecretAction, resource: Resource) -> None:
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
            case RetryMigration():
                assert self.directory.migrations[action.workspace_id].stage is Stage.BLOCKED
            case AcceptLowerGeneration():
                assert action.generation < action.recorded
        self.directory.apply(action, now=NOW, spec=resource.spec_version)
        self.credentials = {key: each for key, each in self.credentials.items() if key in self.workspaces}

    def complete_migrations(self) -> None:
        """Let the worker take every change that is not paused to its end."""
        for migration in list(self.directory.migrations.values()):
            if migration.stage not in TERMINAL and not migration.paused and migration.stage is not Stage.BLOCKED:
                self.directory.finish_migration(migration)
