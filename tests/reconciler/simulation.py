"""One resource, two operators, databases, and everything that may happen to them; every write is judged."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.fakes.cluster.resources import Document, FakeResources
from tests.fakes.cluster.secrets import FakeSecrets
from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.people import FakePeople
from tests.fakes.workspaces.credentials import FakeCredentials
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.reconciler.fixtures import counting_random
from workspace_operator.application.operator.parsing import parse_resource
from workspace_operator.application.operator.reconciler import Reconciler
from workspace_operator.errors import NotFound, StaleRevision, WorkspaceOperatorError
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import (
    IRREVERSIBLE,
    AcceptLowerGeneration,
    Action,
    ChangeOwner,
    CreateWorkspace,
    RequestMigration,
)
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import ObservedState, WorkspaceQuery
from workspace_operator.resources.workspaces import API_VERSION, KIND
from workspace_operator.workspaces.spec_versions import SpecVersion

CLUSTER = "cluster-1"
PLACE = ("team-a", "shop")
START = datetime(2026, 5, 1, 12, tzinfo=UTC)

Interruption = Callable[[], None]


@dataclass(slots=True)
class Operator:
    """One process: the document that it knows, and what it did last."""

    known_document: Document | None = None
    last_read: Document | None = None
    interruptions: list[Interruption] = field(default_factory=list)

    def interrupt(self) -> None:
        """Something may happen here: the process was stopped for a while."""
        if self.interruptions:
            self.interruptions.pop(0)()


@dataclass(frozen=True, slots=True)
class CheckedWorkspaces(FakeWorkspaces):
    """The store, as one operator uses it."""

    world: "ClusterSimulation"
    operator: Operator

    def observe(self, query: WorkspaceQuery) -> ObservedState:
        self.operator.last_read = None  # what was read before this says nothing of what is observed now
        return FakeWorkspaces.observe(self, query)

    def apply(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        self.operator.interrupt()
        assert spec is not None
        FakeWorkspaces.apply(self, action, now=now, spec=spec)
        self.world.check_write(action, spec, self.operator)


@dataclass(slots=True)
class Database:
    """A database, and what the judge knows of it.

    ``recorded`` is the last generation of each UID that was carried out, ``held`` what was accepted below it.
    """

    memory: InMemoryDatabase
    recorded: dict[str, int] = field(default_factory=dict)
    held: dict[str, tuple[int, str]] = field(default_factory=dict)

    def holds(self, resource: Resource) -> bool:
        """Whether it is the one that a status names, with the workspace."""
        state = self.memory.states.get(resource.previous.workspace_id or 0)
        is_ours = state is not None and state.workspace.owner.uid == resource.uid
        return is_ours and resource.previous.store_id == self.memory.store_id


@dataclass(slots=True)
class ClusterSimulation:
    """``database`` is the one that operators use now."""

    resources: FakeResources = field(default_factory=FakeResources)
    database: Database = field(default_factory=lambda: Database(InMemoryDatabase()))
    another: Database = field(default_factory=lambda: Database(InMemoryDatabase(store_id="store-2")))
    backups: list[Database] = field(default_factory=list)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    operators: list[Operator] = field(default_factory=lambda: [Operator(), Operator()])
    now: datetime = START
    uids: "count[int]" = field(default_factory=lambda: count(1))
    snapshots: list[Document | None] = field(default_factory=list)

    @property
    def memory(self) -> InMemoryDatabase:
        return self.database.memory

    def document(self) -> Document | None:
        return deepcopy(self.resources.documents.get(PLACE))

    def edit(self, **spec: Any) -> None:
        """Apply a manifest; what was deleted is made anew."""
        self.now += timedelta(seconds=1)
        metadata: dict[str, Any] = {"namespace": PLACE[0], "name": PLACE[1]}
        if PLACE not in self.resources.documents:
            created = self.now.isoformat().replace("+00:00", "Z")
            metadata |= {"uid": f"uid-{next(self.uids)}", "creationTimestamp": created}
        wanted = {"displayName": "Shop", **{key: value for key, value in spec.items() if value is not None}}
        self.resources.apply({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": wanted})

    def annotate(self, annotation: str, value: str) -> None:
        document = self.document()
        if document is not None:
            document["metadata"].setdefault("annotations", {})[annotation] = value
            self.resources.apply(document)

    def delete(self) -> None:
        document = self.resources.documents.get(PLACE)
        if document is None:
            return
        if not document["metadata"].get("finalizers"):
            self.resources.remove(*PLACE)
        elif "deletionTimestamp" not in document["metadata"]:
            document["metadata"]["deletionTimestamp"] = self.now.isoformat()
            document["metadata"]["generation"] += 1
            self.resources._touch(document)

    def restore(self, number: int) -> None:
        """Bring an earlier state of etcd back."""
        if self.snapshots:
            earlier = self.snapshots[number % len(self.snapshots)]
            self.resources.documents.pop(PLACE, None)
            if earlier is not None:
                self.resources.documents[PLACE] = deepcopy(earlier)

    def exchange_database(self) -> None:
        """Point the operators at the other one: empty at first, as a lost one is. The second time, back again."""
        self.database, self.another = self.another, self.database

    def restore_database(self, number: int) -> None:
        """Bring an earlier state of some database back."""
        if self.backups:
            self.database = deepcopy(self.backups[number % len(self.backups)])

    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def work(self) -> None:
        """Let the worker take every identifier change to its end."""
        for state in self.memory.states.values():
            if (migration := state.migration) and state.is_migrating and not migration.paused:
                state.set_mode(migration.to_mode)
                state.update_migration(stage=Stage.COMPLETED, revision=migration.revision + 1)

    def reconcile(self, operator: Operator) -> bool:
        """Reconcile once with the received events; return False to requeue."""
        if operator.known_document is None:
            return True
        try:
            result = self._reconciler(operator).reconcile(operator.known_document)
        except NotFound:
            operator.known_document = None
            return True
        except StaleRevision:
            return False
        except WorkspaceOperatorError as error:
            raise AssertionError(str(error)) from error
        operator.known_document = dict(result.document)
        return not result.requeue

    def check_write(self, action: Action, spec: SpecVersion, operator: Operator) -> None:
        """No write of a document that was known to be late, nothing irreversible of one that was not just read."""
        uid, generation, recorded, held = spec.uid, spec.generation, self.database.recorded, self.database.held
        if isinstance(action, AcceptLowerGeneration):
            held[uid] = generation, action.request
        else:
            if isinstance(action, ChangeOwner):
                # The store knows one owner: what an earlier one asked for long ago is held until a person confirms it.
                recorded.pop(uid, None)
            assert recorded.get(uid, 0) <= generation, f"{action} of {spec}, but {recorded} was carried out"
            if recorded.get(uid) != generation:
                held.pop(uid, None)
            document = self.document()
            if document is not None and document["metadata"]["uid"] == uid:
                handled = document.get("status", {}).get("observedGeneration", 0)
                assert handled <= generation, f"{action} of {spec}, but the status tells of generation {handled}"
        recorded[uid] = generation
        if isinstance(action, IRREVERSIBLE):
            assert operator.last_read is not None, f"{action} was not preceded by a read"
            read = parse_resource(operator.last_read)
            assert read.spec_version == spec
            if isinstance(action, RequestMigration):
                assert held.get(uid) != (generation, read.reconcile_request), f"{action} is held"
            if isinstance(action, CreateWorkspace):
                assert read.previous.workspace_id is None, f"{action}, but there was workspace {read.previous}"

    def _reconciler(self, operator: Operator) -> Reconciler:
        return Reconciler(
            workspaces=CheckedWorkspaces(self.memory, self, operator),
            resources=self.resources,
            credentials=FakeCredentials(self.memory),
            secrets=self.secrets,
            read_latest=lambda _: self._read(operator),
            count_people=FakePeople(self.memory).count,
            cluster_id=CLUSTER,
            clock=lambda: self.now,
            random=counting_random(),
        )

    def _read(self, operator: Operator) -> Document:
        operator.interrupt()
        operator.last_read = self.resources.get(*PLACE)
        return operator.last_read
