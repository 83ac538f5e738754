"""Port of the heartbeats of the clusters that use the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StalledResources:
    """Resources of one kind that are Stalled for one reason: a person must act on them.

    Attributes:
        reason: of condition Ready.
        count: of the resources.
        names: the first of them, as ``namespace/name``.
        message: of condition Ready of the first, shortened.
    """

    kind: str
    reason: str
    count: int
    names: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The newest heartbeat of a cluster: a counter that grows while one of its operators runs, and its time.

    Attributes:
        stalled: the Stalled resources that the operator knew then.
    """

    beats: int
    beat_at: datetime
    stalled: tuple[StalledResources, ...] = ()


class Heartbeats(Protocol):
    """The heartbeats of all clusters, and the identity of the database."""

    def beat(self, cluster: str, *, stalled: Sequence[StalledResources] = (), now: datetime) -> None:
        """Increment the heartbeat counter of a cluster, and replace its Stalled resources."""
        ...

    def all(self) -> Mapping[str, Heartbeat]:
        """List the newest heartbeat of each cluster, by cluster ID."""
        ...

    def store_id(self) -> str:
        """Identity of the database: a UUID that is created with its schema."""
        ...
