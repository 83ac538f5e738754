"""A controller on fakes, whose clock is turned by hand and whose queue is worked off at once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any

from tests.fakes.cluster.resources import Document, FakeResources
from tests.fakes.cluster.secrets import FakeSecrets
from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.people import FakePeople
from tests.fakes.workspaces.credentials import FakeCredentials
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from workspace_operator.application.operator.controller import Controller, NoObserver, Observer, resource_key
from workspace_operator.application.operator.reconciler import Reconciler
from workspace_operator.application.operator.workqueue import RateLimiter
from workspace_operator.errors import StoreUnavailable
from workspace_operator.migrations.model import Migration
from workspace_operator.reconcile.model.actions import Action
from workspace_operator.reconcile.model.observed import ObservedState, WorkspaceQuery
from workspace_operator.resources.workspaces import API_VERSION, KIND
from workspace_operator.workspaces.model import Owner, PeopleCounts
from workspace_operator.workspaces.spec_versions import SpecVersion, UnchangedWorkspace

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RecordingWorkspaces(FakeWorkspaces):
    """A store that tells who was looked at, and that is away while ``away`` holds anything."""

    observed: list[str] = field(default_factory=list)
    away: list[bool] = field(default_factory=list)
    writes: list[Action] = field(default_factory=list)
    before_write: list[Callable[[], None]] = field(default_factory=list)

    def observe(self, query: WorkspaceQuery) -> ObservedState:
        self.observed.append(query.owner.name)
        self._answer()
        return FakeWorkspaces.observe(self, query)

    def pending_status_updates(self) -> Sequence[tuple[Owner, Migration]]:
        self._answer()
        return FakeWorkspaces.pending_status_updates(self)

    def unchanged(self, cluster: str, namespaces: Collection[str]) -> Sequence[UnchangedWorkspace]:
        self._answer()
        return FakeWorkspaces.unchanged(self, cluster, namespaces)

    def apply(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        for interruption in self.before_write:
            interruption()
        FakeWorkspaces.apply(self, action, now=now, spec=spec)
        self.writes.append(action)

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the database does not answer")


@dataclass(slots=True, kw_only=True)
class ControllerEnv:
    """An attendant on fakes; ``time`` is its clock, in seconds."""

    resources: FakeResources = field(default_factory=FakeResources)
    workspaces: RecordingWorkspaces = field(default_factory=lambda: RecordingWorkspaces(InMemoryDatabase()))
    time: float = 1000.0
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    counts: list[int] = field(default_factory=list)
    before_count: list[Callable[[], None]] = field(default_factory=list)
    observer: Observer = field(default_factory=NoObserver)
    controller: Controller = field(init=False)

    def __post_init__(self) -> None:
        reconciler = Reconciler(
            workspaces=self.workspaces,
            resources=self.resources,
            credentials=FakeCredentials(self.workspaces.memory),
            secrets=self.secrets,
            read_latest=lambda document: self.resources.get(*resource_key(document)),
            count_people=self._count,
            cluster_id="cluster-1",
            clock=lambda: NOW,
            random=token_bytes,
        )
        self.controller = Controller(
            reconciler=reconciler,
            workspaces=self.workspaces,
            read=self.resources.get,
            monotonic=lambda: self.time,
            rate_limiter=RateLimiter(resync=600.0),
            jitter=lambda: 0.5,
            observer=self.observer,
        )

    def apply(self, name: str, uid: str = "", **spec: object) -> Document:
        metadata = {"namespace": "team-a", "name": name, "uid": uid or f"uid-of-{name}"}
        wanted = {"displayName": name} | spec
        document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": wanted}
        return self.resources.apply(document)

    def update(self, document: Mapping[str, Any]) -> None:
        """Tell of a document, and work the queue off."""
        self.controller.on_update(document)
        self.drain()

    def add_existing(self, *documents: Mapping[str, Any]) -> None:
        """Tell of a list, and work the queue off."""
        for document in documents:
            self.controller.on_list(document)
        self.drain()

    def drain(self) -> None:
        while self.controller.work():
            pass

    def _count(self, workspace_id: int) -> PeopleCounts:
        for interruption in self.before_count:
            interruption()
        self.counts.append(workspace_id)
        return FakePeople(self.workspaces.memory).count(workspace_id)

    def reason(self, name: str) -> str:
        conditions: list[Mapping[str, str]] = self.resources.get("team-a", name)["status"]["conditions"]
        return next(each["reason"] for each in conditions if each["type"] == "Ready")

    def poll_after(self, seconds: float) -> list[str]:
        """The names that a poll reconciled."""
        self.time += seconds
        before = len(self.workspaces.observed)
        self.controller.poll()
        self.drain()
        return sorted(set(self.workspaces.observed[before:]))
