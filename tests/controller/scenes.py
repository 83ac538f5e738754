"""A controller on fakes, whose clock is turned by hand and whose queue is worked off at once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any

from tests.fakes.credentials import MemoryCredentials
from tests.fakes.memory import Memory
from tests.fakes.people import MemoryPeople
from tests.fakes.resources import Document, MemoryResources
from tests.fakes.secrets import MemorySecrets
from tests.fakes.workspaces import MemoryWorkspaces
from workspace_operator.application.controller import Controller, RateLimiter, key_of
from workspace_operator.application.ports import Sought
from workspace_operator.application.reconciling import Reconciler
from workspace_operator.errors import StoreUnavailable
from workspace_operator.migrations.records import Migration
from workspace_operator.reconcile.observed import Observed, Owner, PeopleCounts, SettledWorkspace, SpecVersion
from workspace_operator.reconcile.plan import Action
from workspace_operator.resources.workspaces import API_VERSION, KIND

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WatchedWorkspaces(MemoryWorkspaces):
    """A store that tells who was looked at, and that is away while ``away`` holds anything."""

    looks: list[str] = field(default_factory=list)
    away: list[bool] = field(default_factory=list)
    writes: list[Action] = field(default_factory=list)
    before_write: list[Callable[[], None]] = field(default_factory=list)

    def observe(self, sought: Sought) -> Observed:
        self.looks.append(sought.owner.name)
        self._answer()
        return MemoryWorkspaces.observe(self, sought)

    def unreported(self) -> Sequence[tuple[Owner, Migration]]:
        self._answer()
        return MemoryWorkspaces.unreported(self)

    def unchanged(self, cluster: str, namespaces: Collection[str]) -> Sequence[SettledWorkspace]:
        self._answer()
        return MemoryWorkspaces.unchanged(self, cluster, namespaces)

    def carry_out(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        for deed in self.before_write:
            deed()
        MemoryWorkspaces.carry_out(self, action, now=now, spec=spec)
        self.writes.append(action)

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the database does not answer")


@dataclass(slots=True, kw_only=True)
class Scene:
    """An attendant on fakes; ``time`` is its clock, in seconds."""

    resources: MemoryResources = field(default_factory=MemoryResources)
    workspaces: WatchedWorkspaces = field(default_factory=lambda: WatchedWorkspaces(Memory()))
    time: float = 1000.0
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    counts: list[int] = field(default_factory=list)
    before_count: list[Callable[[], None]] = field(default_factory=list)
    controller: Controller = field(init=False)

    def __post_init__(self) -> None:
        reconciler = Reconciler(
            workspaces=self.workspaces,
            resources=self.resources,
            credentials=MemoryCredentials(self.workspaces.memory),
            secrets=self.secrets,
            newest=lambda document: self.resources.get(*key_of(document)),
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
        )

    def apply(self, name: str, uid: str = "", **spec: object) -> Document:
        metadata = {"namespace": "team-a", "name": name, "uid": uid or f"uid-of-{name}"}
        wanted = {"displayName": name} | spec
        document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": wanted}
        return self.resources.apply(document)

    def heard(self, document: Mapping[str, Any]) -> None:
        """Tell of a document, and work the queue off."""
        self.controller.on_update(document)
        self.drain()

    def listed(self, *documents: Mapping[str, Any]) -> None:
        """Tell of a list, and work the queue off."""
        for document in documents:
            self.controller.on_list(document)
        self.drain()

    def drain(self) -> None:
        while self.controller.work():
            pass

    def _count(self, workspace_id: int) -> PeopleCounts:
        for deed in self.before_count:
            deed()
        self.counts.append(workspace_id)
        return MemoryPeople(self.workspaces.memory).count(workspace_id)

    def reason(self, name: str) -> str:
        conditions: list[Mapping[str, str]] = self.resources.get("team-a", name)["status"]["conditions"]
        return next(each["reason"] for each in conditions if each["type"] == "Ready")

    def sweep_after(self, seconds: float) -> list[str]:
        """The names that a sweep looked at."""
        self.time += seconds
        before = len(self.workspaces.looks)
        self.controller.resync()
        self.drain()
        return sorted(set(self.workspaces.looks[before:]))
