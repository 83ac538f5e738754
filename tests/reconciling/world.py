"""One resource, two operators, databases, and everything that may happen to them; every write is judged."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.fakes.credentials import MemoryCredentials
from tests.fakes.memory import Memory
from tests.fakes.people import MemoryPeople
from tests.fakes.resources import Document, MemoryResources
from tests.fakes.secrets import MemorySecrets
from tests.fakes.workspaces import MemoryWorkspaces
from tests.reconciling.scenes import unlikely
from workspace_operator.application.ports import Sought
from workspace_operator.application.reading import resource_of
from workspace_operator.application.reconciling import Reconciler
from workspace_operator.errors import Moved, NotFound, WorkspaceOperatorError
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.observed import Observed, SpecVersion
from workspace_operator.reconcile.plan import (
    IRREVERSIBLE,
    AcceptLowerGeneration,
    Action,
    CreateWorkspace,
    RequestMigration,
    TakeOver,
)
from workspace_operator.reconcile.wishes import Resource
from workspace_operator.resources.workspaces import API_VERSION, KIND

CLUSTER = "cluster-1"
PLACE = ("team-a", "shop")
START = datetime(2026, 5, 1, 12, tzinfo=UTC)

Deed = Callable[[], None]


@dataclass(slots=True)
class Operator:
    """One process: the document that it knows, and what it did last."""

    heard: Document | None = None
    was_read: Document | None = None
    moments: list[Deed] = field(default_factory=list)

    def moment(self) -> None:
        """Something may happen here: the process was stopped for a while."""
        if self.moments:
            self.moments.pop(0)()


@dataclass(frozen=True, slots=True)
class JudgedWorkspaces(MemoryWorkspaces):
    """The store, as one operator uses it."""

    world: "World"
    operator: Operator

    def observe(self, sought: Sought) -> Observed:
        self.operator.was_read = None  # what was read before this says nothing of what is observed now
        return MemoryWorkspaces.observe(self, sought)

    def carry_out(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        self.operator.moment()
        assert spec is not None
        MemoryWorkspaces.carry_out(self, action, now=now, spec=spec)
        self.world.judge(action, spec, self.operator)


@dataclass(slots=True)
class Database:
    """A database, and what the judge knows of it.

    ``recorded`` is the last generation of each UID that was carried out, ``held`` what was accepted below it.
    """

    memory: Memory
    recorded: dict[str, int] = field(default_factory=dict)
    held: dict[str, tuple[int, str]] = field(default_factory=dict)

    def holds(self, resource: Resource) -> bool:
        """Whether it is the one that a status names, with the workspace."""
        room = self.memory.rooms.get(resource.previous.workspace_id or 0)
        is_ours = room is not None and room.workspace.owner.uid == resource.uid
        return is_ours and resource.previous.store_id == self.memory.store_id


@dataclass(slots=True)
class World:
    """``database`` is the one that operators use now."""

    resources: MemoryResources = field(default_factory=MemoryResources)
    database: Database = field(default_factory=lambda: Database(Memory()))
    another: Database = field(default_factory=lambda: Database(Memory(store_id="store-2")))
    backups: list[Database] = field(default_factory=list)
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    operators: list[Operator] = field(default_factory=lambda: [Operator(), Operator()])
    now: datetime = START
    uids: "count[int]" = field(default_factory=lambda: count(1))
    snapshots: list[Document | None] = field(default_factory=list)

    @property
    def memory(self) -> Memory:
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
        for room in self.memory.rooms.values():
            for change in room.changes:
                if room.is_changing and not change.migration.paused:
                    room.switch_to(change.migration.to_mode)
                    revision = change.migration.revision + 1
                    change.migration = replace(change.migration, stage=Stage.COMPLETED, revision=revision)

    def reconcile(self, operator: Operator) -> bool:
        """One visit with what the operator has heard; False if it has to come again."""
        if operator.heard is None:
            return True
        try:
            result = self._reconciler(operator).reconcile(operator.heard)
        except NotFound:
            operator.heard = None
            return True
        except Moved:
            return False
        except WorkspaceOperatorError as error:
            raise AssertionError(str(error)) from error
        operator.heard = dict(result.document)
        return not result.requeue

    def judge(self, action: Action, spec: SpecVersion, operator: Operator) -> None:
        """No write of a document that was known to be late, nothing irreversible of one that was not just read."""
        uid, generation, recorded, held = spec.uid, spec.generation, self.database.recorded, self.database.held
        if isinstance(action, AcceptLowerGeneration):
            held[uid] = generation, action.request
        else:
            if isinstance(action, TakeOver):
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
            assert operator.was_read is not None, f"{action} was not preceded by a read"
            read = resource_of(operator.was_read)
            assert read.spec_version == spec
            if isinstance(action, RequestMigration):
                assert held.get(uid) != (generation, read.reconcile_request), f"{action} is held"
            if isinstance(action, CreateWorkspace):
                assert read.previous.workspace_id is None, f"{action}, but there was workspace {read.previous}"

    def _reconciler(self, operator: Operator) -> Reconciler:
        return Reconciler(
            workspaces=JudgedWorkspaces(self.memory, self, operator),
            resources=self.resources,
            credentials=MemoryCredentials(self.memory),
            secrets=self.secrets,
            newest=lambda _: self._read(operator),
            count_people=MemoryPeople(self.memory).count,
            cluster_id=CLUSTER,
            clock=lambda: self.now,
            random=unlikely(),
        )

    def _read(self, operator: Operator) -> Document:
        operator.moment()
        operator.was_read = self.resources.get(*PLACE)
        return operator.was_read
