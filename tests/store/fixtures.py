"""A workspace in a store, with short methods for the actions of tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Self

from tests.store.backends import Store
from tests.workspaces import create_workspace
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import Batch, Lease, ViolationRow
from workspace_operator.identity.model.commands import (
    Command,
    DeletePerson,
    Identify,
    Suppress,
    Unsuppress,
    identify_from_fields,
)
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.identity.values.references import Reference, reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.migrations.model import Migration, OnConflict
from workspace_operator.migrations.state_machine import Stage, Step
from workspace_operator.reconcile.model.actions import (
    CancelMigration,
    DeleteWorkspace,
    PauseMigration,
    RequestMigration,
    RetryMigration,
    UpdateSettings,
)
from workspace_operator.reconcile.model.observed import ObservedState, WorkspaceQuery
from workspace_operator.workspaces.model import Owner, Workspace

LEASE = timedelta(seconds=60)
_numbers = count(1)


def owner(name: str = "shop", *, cluster: str = "c1", namespace: str = "team", uid: str = "u1") -> Owner:
    return Owner(cluster=cluster, namespace=namespace, name=name, uid=uid)


def create(
    store: Store, of: Owner, *, mode: Mode = Mode.EMAIL_OR_ID, account: str = "default", display_name: str = "Shop"
) -> Workspace:
    """Create a workspace and observe it."""
    now = store.clock()
    return create_workspace(store.workspaces, of, now=now, mode=mode, account=account, display_name=display_name)


def destroy(store: Store, of: Owner) -> None:
    """Delete the workspace of an owner."""
    workspace = observed(store, of)
    destruction = DeleteWorkspace(workspace_id=workspace.workspace_id, row_version=workspace.row_version)
    store.workspaces.apply(destruction, now=store.clock())


def observe(store: Store, of: Owner, **query: object) -> ObservedState:
    return store.workspaces.observe(WorkspaceQuery(owner=of, now=store.clock(), **query))  # type: ignore[arg-type]


def observed(store: Store, of: Owner) -> Workspace:
    """The workspace of an owner, which must exist."""
    workspace = observe(store, of).workspace
    assert workspace is not None
    return workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceEnv:
    """One workspace. Methods that name a person take ``id``, ``email`` or ``cio_id``."""

    store: Store
    owner: Owner
    workspace_id: int

    @classmethod
    def create(cls, store: Store, mode: Mode) -> Self:
        of = owner(f"workspace-{next(_numbers)}")
        workspace = create(store, of, mode=mode, display_name=of.name)
        return cls(store=store, owner=of, workspace_id=workspace.workspace_id)

    @property
    def workspace(self) -> Workspace:
        return self.store.workspaces.get(self.workspace_id)

    @property
    def mode(self) -> Mode:
        return self.workspace.mode

    def reference(self, **name: str) -> Reference:
        [(kind, value)] = name.items()
        return reference_of_kind(value, IdentifierKind(kind), self.mode, for_suppression=True)

    def call(self, *, body: Mapping[str, object] | None = None, **name: str) -> Identify:
        return identify_from_fields(self.reference(**name), body or {})

    def perform(self, *commands: Command) -> list[CommandResultOrError]:
        """Handle commands in one transaction."""
        return list(
            execute_commands(self.store.people, self.workspace_id, commands, now=int(self.store.clock().timestamp()))
        )

    def identify(self, *calls: Identify) -> list[CommandResult]:
        """Handle commands in one batch."""
        return [each for each in self.perform(*calls) if isinstance(each, CommandResult)]

    def identify_person(self, *, body: Mapping[str, object] | None = None, **name: str) -> CommandResult:
        """Handle one identify command."""
        return self.identify(self.call(body=body, **name))[0]

    def add(self, id_: str, email: str | None = None, **attributes: object) -> str:
        """Create a person with an id; return the cio_id."""
        body = attributes | ({} if email is None else {"email": email})
        outcome = self.identify(self.call(id=id_, body=body))[0]
        assert outcome.person is not None
        return outcome.person.cio_id

    def add_many(self, people: Mapping[str, str | None]) -> None:
        """Create people by id, with their addresses, in one batch."""
        self.identify(
            *(self.call(id=id_, body={} if email is None else {"email": email}) for id_, email in people.items())
        )

    def find(self, **name: str) -> Person | None:
        return self.store.people.find(self.workspace_id, self.reference(**name))

    def delete(self, **name: str) -> bool:
        return _had_effect(self.perform(DeletePerson(reference=self.reference(**name))))

    def suppress(self, **name: str) -> bool:
        return _had_effect(self.perform(Suppress(reference=self.reference(**name))))

    def unsuppress(self, **name: str) -> bool:
        return _had_effect(self.perform(Unsuppress(reference=self.reference(**name))))

    def update_settings(self, **settings: object) -> None:
        workspace = self.workspace
        changed = replace(workspace.settings, **settings)  # type: ignore[arg-type]
        self._carry_out(
            UpdateSettings(workspace_id=self.workspace_id, row_version=workspace.row_version, settings=changed)
        )

    @property
    def migration(self) -> Migration:
        """The newest migration, which must exist."""
        migration = observe(self.store, self.owner).migration
        assert migration is not None
        return migration

    @property
    def stage(self) -> Stage:
        return self.migration.stage

    def request(self, to: Mode = Mode.EMAIL_OR_ID, on_conflict: OnConflict = OnConflict.BLOCK) -> Migration:
        self._carry_out(
            RequestMigration(workspace_id=self.workspace_id, from_mode=self.mode, to_mode=to, on_conflict=on_conflict)
        )
        return self.migration

    def pause(self) -> None:
        self._carry_out(PauseMigration(workspace_id=self.workspace_id, number=self.migration.number, paused=True))

    def resume(self) -> None:
        self._carry_out(PauseMigration(workspace_id=self.workspace_id, number=self.migration.number, paused=False))

    def cancel(self) -> None:
        self._carry_out(CancelMigration(workspace_id=self.workspace_id, number=self.migration.number))

    def retry(self, token: str) -> None:
        self._carry_out(RetryMigration(workspace_id=self.workspace_id, number=self.migration.number, token=token))

    def worker(
        self,
        name: str = "w1",
        *,
        batch: int = 10_000,
        stopping: Callable[[], bool] = lambda: False,
        rest: Callable[[float], object] = lambda _: None,
    ) -> MigrationWorker:
        return MigrationWorker(
            migrations=self.store.migrations,
            worker=name,
            clock=self.store.clock,
            batch=batch,
            stopping=stopping,
            sleep=rest,
        )

    def work(self) -> bool:
        return self.worker().work_once()

    def migrate_to(self, mode: Mode, on_conflict: OnConflict = OnConflict.BLOCK) -> Migration:
        """Request a migration and run the worker until it has nothing to do."""
        self.request(mode, on_conflict)
        self.work()
        return self.migration

    def claim(self, name: str = "w1") -> tuple[Migration, Lease]:
        """Claim the migration, which must be due, like a worker."""
        lease = Lease(worker=name, duration=LEASE)
        migration = self.store.migrations.claim(lease, now=self.store.clock())
        assert migration is not None
        return migration, lease

    def advance(self, lease: Lease) -> Migration:
        """Enter the next stage, with the people counted now."""
        people, _ = self.store.migrations.check(self.workspace_id)
        return self.store.migrations.advance(self.migration, lease, people=people, now=self.store.clock())

    def block(self, lease: Lease) -> Migration:
        """Export the violations, with the people counted now."""
        people, _ = self.store.migrations.check(self.workspace_id)
        return self.store.migrations.block(self.migration, lease, people=people, now=self.store.clock())

    def run_batch(self, lease: Lease, step: Step, *, size: int) -> Batch:
        return self.store.migrations.run_batch(self.migration, lease, step, size=size, now=self.store.clock())

    def release_lease(self, lease: Lease) -> None:
        """Release the lease of the migration, which stays due."""
        self.store.migrations.release_lease(self.migration, lease, due_at=self.store.clock())

    def finish(self, lease: Lease) -> None:
        """Run a worker until the migration has ended."""
        self.release_lease(lease)
        while self.work():
            pass

    def violations(self, number: int | None = None) -> list[ViolationRow]:
        number = number or self.store.exports.exports(self.workspace_id)[0].number
        return list(self.store.exports.violations(self.workspace_id, number))

    def _carry_out(
        self, action: RequestMigration | PauseMigration | CancelMigration | RetryMigration | UpdateSettings
    ) -> None:
        self.store.workspaces.apply(action, now=self.store.clock())


def start_backfill(env: WorkspaceEnv) -> Lease:
    """Advance a requested migration to the start of Preparing."""
    _, lease = env.claim()
    while env.stage is not Stage.PREPARING:
        env.advance(lease)
    return lease


def backfill_batch(env: WorkspaceEnv, lease: Lease, *, size: int = 2) -> bool:
    """Run one batch; return whether it was the last."""
    return env.run_batch(lease, Step.BACKFILL, size=size).done


def backfill(env: WorkspaceEnv, lease: Lease, *, size: int = 2) -> None:
    while not backfill_batch(env, lease, size=size):
        pass


def apply_change_log(env: WorkspaceEnv, lease: Lease) -> None:
    while not env.run_batch(lease, Step.APPLY_CHANGE_LOG, size=2).done:
        pass


def cut_over(env: WorkspaceEnv, lease: Lease) -> Migration:
    """Cut over, if there are no violations."""
    lock_timeout = timedelta(seconds=1)
    return env.store.migrations.cut_over(env.migration, lease, lock_timeout=lock_timeout, now=env.store.clock())


def _had_effect(answers: Sequence[CommandResultOrError]) -> bool:
    [outcome] = answers
    return isinstance(outcome, CommandResult) and outcome.effect not in {Effect.IGNORED, Effect.UNCHANGED}
