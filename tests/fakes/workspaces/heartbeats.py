"""The heartbeats of clusters, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.database import InMemoryDatabase
from workspace_operator.application.ports import Heartbeat


@dataclass(frozen=True, slots=True)
class FakeHeartbeats:
    """Implements the port ``Heartbeats``."""

    memory: InMemoryDatabase

    def beat(self, cluster: str, *, now: datetime) -> None:
        known = self.memory.heartbeats.get(cluster)
        self.memory.heartbeats[cluster] = Heartbeat(beats=known.beats + 1 if known else 1, beat_at=now)

    def all(self) -> Mapping[str, Heartbeat]:
        return dict(self.memory.heartbeats)

    def store_id(self) -> str:
        return self.memory.store_id
