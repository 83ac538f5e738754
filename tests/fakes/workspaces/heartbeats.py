"""The heartbeats of clusters, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.database import InMemoryDatabase
from workspace_operator.application.ports import Heartbeat, StalledResources


@dataclass(frozen=True, slots=True)
class FakeHeartbeats:
    """Implements the port ``Heartbeats``."""

    memory: InMemoryDatabase

    def beat(self, cluster: str, *, stalled: Sequence[StalledResources] = (), now: datetime) -> None:
        known = self.memory.heartbeats.get(cluster)
        beats = known.beats + 1 if known else 1
        self.memory.heartbeats[cluster] = Heartbeat(beats=beats, beat_at=now, stalled=tuple(stalled))

    def all(self) -> Mapping[str, Heartbeat]:
        return dict(self.memory.heartbeats)

    def store_id(self) -> str:
        return self.memory.store_id
