"""A workspace in a store, with short words for what tests do to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Self

from tests.store.adapters import Store
from workspace_operator.application.migrating import MigrationWorker
from workspace_operator.application.ports import Answer, Lease, Sought, ViolationRow
from workspace_operator.identity.calls import Ask, DeleteCall, IdentifyCall, SuppressCall, UnsuppressCall, identify_call
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.references import Reference, reference_by_kind
from workspace_operator.identity.rules import Kind, Mode
from workspace_operator.migrations.records import Migration, OnConflict
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.observed import Observed, Owner, Settings, StoredWorkspace
from workspace_operator.reconcile.plan import (
    CancelMigration,
    CreateWorkspace,
    DestroyWorkspace,
    PauseMigration,
    PutInForce,
    RequestMigration,
    RetryMigration,
)

LEASE = timedelta(seconds=60)
_numbers = count(1)


def owner(name: str = "shop", *, cluster: str = "c1", namespace: str = "team", uid: str = "u1") -> Owner:
    return Owner(cluster=cluster, namespace=namespace, name=name, uid=uid)


def create(
    store: Store,
    of: Owner,
    *,
    mode: Mode = Mode.EMAIL_OR_ID,
    account: str = "default",
    display_name: str = "Shop",
) -> StoredWorkspace:
    """Make a workspace and look at it."""
    settings = Settings(display_name=display_name)
    store.workspaces.carry_out(
        CreateWorkspace(owner=of, account=account, mode=mode, settings=settings), now=store.clock()
    )
    return observed(store, of)


def destroy(store: Store, of: Owner) -> None:
    """Destroy the workspace of an owner."""
    workspace = observed(store, of)
    destruction = DestroyWorkspace(workspace_id=workspace.workspace_id, row_version=workspace.row_version)
    store.workspaces.carry_out(destruction, now=store.clock())


def look(store: Store, of: Owner, **sought: object) -> Observed:
    return store.workspaces.observe(Sought(owner=of, **sought))  # type: ignore[arg-type]


def observed(store: Store, of: Owner) -> StoredWorkspace:
    """The workspace of an owner, which must be there."""
    workspace = look(store, of).workspace
    assert workspace is not None
    return workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One workspace. Every method that names somebody takes ``id``, ``email`` or ``cio_id``."""

    store: Store
    owner: Owner
    workspace_id: int

    @classmethod
    def create(cls, store: Store, mode: Mode) -> Self:
        of = owner(f"scene-{next(_numbers)}")
        workspace = create(store, of, mode=mode, display_name=of.name)
        return cls(store=store, owner=of, workspace_id=workspace.workspace_id)

    @property
    def workspace(self) -> StoredWorkspace:
        return self.store.workspaces.get(self.workspace_id)

    @property
    def mode(self) -> Mode:
        return self.workspace.mode

    def reference(self, **name: str) -> Reference:
        [(kind, value)] = name.items()
        return reference_by_kind(value, Kind(kind), self.mode, suppressing=True)

    def call(self, *, body: Mapping[str, object] | None = None, **name: str) -> IdentifyCall:
        return identify_call(self.reference(**name), body or {})

    def perform(self, *asks: Ask) -> list[Answer]:
        """Carry calls out in one transaction."""
        return list(self.store.people.perform(self.workspace_id, asks, now=int(self.store.clock().timestamp())))

    def identify(self, *calls: IdentifyCall) -> list[Outcome]:
        """Apply calls in one batch."""
        return [each for each in self.perform(*calls) if isinstance(each, Outcome)]

    def say(self, *, body: Mapping[str, object] | None = None, **name: str) -> Outcome:
        """One call about somebody."""
        return self.identify(self.call(body=body, **name))[0]

    def add(self, id_: str, email: str | None = None, **attributes: object) -> str:
        """Somebody new with an id; their cio_id."""
        body = attributes | ({} if email is None else {"email": email})
        outcome = self.identify(self.call(id=id_, body=body))[0]
        assert outcome.person is not None
        return outcome.person.cio_id

    def add_many(self, people: Mapping[str, str | None]) -> None:
        """People by id, with their addresses, in one batch."""
        self.identify(
            *(self.call(id=id_, body={} if email is None else {"email": email}) for id_, email in people.items())
        )

    def find(self, **name: str) -> Person | None:
        return self.store.people.find(self.workspace_id, self.reference(**name))

    def delete(self, **name: str) -> bool:
        return _did_something(self.perform(DeleteCall(reference=self.reference(**name))))

    def suppress(self, **name: str) -> bool:
        return _did_something(self.perform(SuppressCall(reference=self.reference(**name))))

    def unsuppress(self, **name: str) -> bool:
        return _did_something(self.perform(UnsuppressCall(reference=self.reference(**name))))

    def put_in_force(self, **settings: object) -> None:
        workspace = self.workspace
        changed = replace(workspace.settings, **settings)  # type: ignore[arg-type]
        self._carry_out(PutInForce(workspace_id=self.workspace_id, row_version=workspace.row_version, settings=changed))

    @property
    def change(self) -> Migration:
        """The newest identifier change, which must be there."""
        migration = look(self.store, self.owner).migration
        assert migration is not None
        return migration

    @property
    def stage(self) -> Stage:
        return self.change.stage

    def request(self, to: Mode = Mode.EMAIL_OR_ID, on_conflict: OnConflict = OnConflict.BLOCK) -> Migration:
        self._carry_out(
            RequestMigration(workspace_id=self.workspace_id, from_mode=self.mode, to_mode=to, on_conflict=on_conflict)
        )
        return self.change

    def pause(self) -> None:
        self._carry_out(PauseMigration(workspace_id=self.workspace_id, number=self.change.number, paused=True))

    def resume(self) -> None:
        self._carry_out(PauseMigration(workspace_id=self.workspace_id, number=self.change.number, paused=False))

    def cancel(self) -> None:
        self._carry_out(CancelMigration(workspace_id=self.workspace_id, number=self.change.number))

    def retry(self, token: str) -> None:
        self._carry_out(RetryMigration(workspace_id=self.workspace_id, number=self.change.number, token=token))

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
            rest=rest,
        )

    def work(self) -> bool:
        return self.worker().work_once()

    def change_to(self, mode: Mode, on_conflict: OnConflict = OnConflict.BLOCK) -> Migration:
        """Request a change and let the worker take it as far as it goes."""
        self.request(mode, on_conflict)
        self.work()
        return self.change

    def claim(self, name: str = "w1") -> tuple[Migration, Lease]:
        """Lease the change, which must be due, as a worker does."""
        lease = Lease(worker=name, duration=LEASE)
        migration = self.store.migrations.claim(lease, now=self.store.clock())
        assert migration is not None
        return migration, lease

    def release(self, lease: Lease) -> None:
        """Give the change back to whoever claims it."""
        self.store.migrations.release(self.change, lease, due_at=self.store.clock())

    def finish(self, lease: Lease) -> None:
        """Let a worker take a change on to its end."""
        self.release(lease)
        while self.work():
            pass

    def violations(self, number: int | None = None) -> list[ViolationRow]:
        number = number or self.store.exports.exports(self.workspace_id)[0].number
        return list(self.store.exports.violations(self.workspace_id, number))

    def _carry_out(
        self, action: RequestMigration | PauseMigration | CancelMigration | RetryMigration | PutInForce
    ) -> None:
        self.store.workspaces.carry_out(action, now=self.store.clock())


def begun(scene: Scene) -> Lease:
    """Take a requested change to where its worker begins to prepare."""
    migrations, now = scene.store.migrations, scene.store.clock()
    change, lease = scene.claim()
    change = migrations.start_checking(change, lease, now=now)
    people, _ = migrations.check(scene.workspace_id)
    migrations.start_preparing(change, lease, people=people, now=now)
    return lease


def prepare_some(scene: Scene, lease: Lease, *, size: int = 2) -> bool:
    """One batch; whether it was the last."""
    return scene.store.migrations.prepare_batch(scene.change, lease, size=size, now=scene.store.clock()).done


def prepare(scene: Scene, lease: Lease, *, size: int = 2) -> None:
    while not prepare_some(scene, lease, size=size):
        pass


def settle(scene: Scene, lease: Lease) -> None:
    while not scene.store.migrations.settle_batch(scene.change, lease, size=2, now=scene.store.clock()).done:
        pass


def switch(scene: Scene, lease: Lease) -> Migration:
    """Switch, if nobody stands in the way."""
    patience = timedelta(seconds=1)
    return scene.store.migrations.switch(scene.change, lease, patience=patience, now=scene.store.clock())


def _did_something(answers: Sequence[Answer]) -> bool:
    [outcome] = answers
    return isinstance(outcome, Outcome) and outcome.effect not in {Effect.IGNORED, Effect.UNCHANGED}
