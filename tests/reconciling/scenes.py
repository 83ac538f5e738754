"""One resource, a store and a cluster in memory, and the reconciler between them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from tests.fakes.credentials import MemoryCredentials
from tests.fakes.memory import Memory
from tests.fakes.people import MemoryPeople
from tests.fakes.resources import MemoryResources
from tests.fakes.secrets import MemorySecrets
from tests.fakes.workspaces import MemoryWorkspaces
from tests.reconcile.builders import NOW
from workspace_operator.application.heartbeats import HeartbeatMonitor
from workspace_operator.application.ports import Credentials, Secrets
from workspace_operator.application.reconciling import Reconciler
from workspace_operator.reconcile.plan import Event
from workspace_operator.resources.workspaces import API_VERSION, KIND

PLACE = ("team-a", "shop-credentials")


def unlikely() -> Callable[[int], bytes]:
    """Bytes that never come twice, but are the same in every run."""
    numbers = count()
    return lambda length: sha256(str(next(numbers)).encode()).digest()[:length]


@dataclass(slots=True, kw_only=True)
class Scene:
    """``secrets`` may be wrapped, to do something in the middle of a reconcile; None stands for no cluster."""

    memory: Memory = field(default_factory=Memory)
    resources: MemoryResources = field(default_factory=MemoryResources)
    held: MemorySecrets = field(default_factory=MemorySecrets)
    now: datetime = NOW
    monitor: HeartbeatMonitor | None = None
    random: Callable[[int], bytes] = field(default_factory=unlikely)

    @property
    def credentials(self) -> MemoryCredentials:
        return MemoryCredentials(self.memory)

    def apply(self, *, uid: str = "uid-1", annotations: dict[str, str] | None = None, **spec: object) -> None:
        metadata = {"namespace": "team-a", "name": "shop", "uid": uid, "annotations": annotations or {}}
        wanted = {"displayName": "Shop"} | spec
        self.resources.apply({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": wanted})

    def reconcile(
        self, *, secrets: Secrets | None = None, cluster: bool = True, credentials: Credentials | None = None
    ) -> list[Event]:
        """Look once; the events that it told."""
        before = len(self.resources.events)
        reconciler = Reconciler(
            workspaces=MemoryWorkspaces(self.memory),
            resources=self.resources,
            credentials=credentials or self.credentials,
            secrets=(secrets or self.held) if cluster else None,
            newest=lambda _: self.resources.get("team-a", "shop"),
            count_people=MemoryPeople(self.memory).count,
            cluster_id="cluster-1",
            clock=lambda: self.now,
            random=self.random,
            monitor=self.monitor,
        )
        reconciler.reconcile(self.resources.get("team-a", "shop"))
        return [event for _, _, event in self.resources.events[before:]]

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)

    def keys(self) -> dict[str, str]:
        return dict(self.held.held[PLACE].values)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.resources.get("team-a", "shop")["status"]
        return status

    def reason(self) -> str:
        return str(self.status()["conditions"][0]["reason"])
