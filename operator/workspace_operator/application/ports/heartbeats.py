"""Port of the heartbeats of the clusters that use the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The newest heartbeat of a cluster: a counter that grows while one of its operators runs, and its time."""

    beats: int
    beat_at: datetime


class Heartbeats(Protocol):
    """The heartbeats of all clusters, and the identity of the database."""

    def beat(self, cluster: str, *, now: datetime) -> None:
        """Increment the heartbeat counter of a cluster."""
        ...

    def all(self) -> Mapping[str, Heartbeat]:
        """List the newest heartbeat of each cluster, by cluster ID."""
        ...

    def store_id(self) -> str:
        """Identity of the database: a UUID that is created with its schema."""
        ...
