"""The heartbeats of the clusters that use the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The newest heartbeat of a cluster: a count that grows while one of its operators is alive, and its time."""

    beats: int
    beat_at: datetime


class Heartbeats(Protocol):
    """The heartbeats of clusters, and the identity of the database that has them."""

    def beat(self, cluster: str, *, now: datetime) -> None:
        """Count one more heartbeat of a cluster."""
        ...

    def all(self) -> Mapping[str, Heartbeat]:
        """List the newest heartbeat of each cluster that ever had one, by the cluster's ID."""
        ...

    def store_id(self) -> str:
        """Tell the identity of the database, a UUID that was made with its schema."""
        ...
