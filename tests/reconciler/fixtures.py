"""One resource, a store and a cluster in memory, and the reconciler between them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from tests.fakes.cluster.resources import FakeResources
from tests.fakes.cluster.secrets import FakeSecrets
from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.people import FakePeople
from tests.fakes.workspaces.credentials import FakeCredentials
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.reconcile.builders import NOW
from workspace_operator.application.operator.heartbeats import HeartbeatMonitor
from workspace_operator.application.operator.reconciler import Reconciler
from workspace_operator.application.ports import Credentials, Secrets
from workspace_operator.reconcile.model.actions import Event
from workspace_operator.reconcile.model.observed import KnownResources
from workspace_operator.resources.workspaces import API_VERSION, KIND

PLACE = ("team-a", "shop-credentials")


def counting_random() -> Callable[[int], bytes]:
    """Bytes that never come twice, but are the same in every run."""
    numbers = count()
    return lambda length: sha256(str(next(numbers)).encode()).digest()[:length]


@dataclass(slots=True, kw_only=True)
class ReconcilerEnv:
    """``secrets`` may be wrapped, to do something in the middle of a reconcile; None stands for no cluster."""

    memory: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    resources: FakeResources = field(default_factory=FakeResources)
    held: FakeSecrets = field(default_factory=FakeSecrets)
    now: datetime = NOW
    monitor: HeartbeatMonitor | None = None
    known: KnownResources = frozenset
    random: Callable[[int], bytes] = field(default_factory=counting_random)

    @property
    def credentials(self) -> FakeCredentials:
        return FakeCredentials(self.memory)

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
            workspaces=FakeWorkspaces(self.memory),
            resources=self.resources,
            credentials=credentials or self.credentials,
            secrets=(secrets or self.held) if cluster else None,
            read_latest=lambda _: self.resources.get("team-a", "shop"),
            count_people=FakePeople(self.memory).count,
            cluster_id="cluster-1",
            clock=lambda: self.now,
            random=self.random,
            monitor=self.monitor,
            known=self.known,
        )
        reconciler.reconcile(self.resources.get("team-a", "shop"))
        return [event for _, _, event in self.resources.events[before:]]

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)

    def keys(self) -> dict[str, str]:
        return dict(self.held.held[PLACE].values)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.resources.get("team-a", "shop")["status"]
        return status

    def reason(self) -> str:
        return str(self.status()["conditions"][0]["reason"])
