"""Workspaces whose resource is gone, or whose cluster is: who they belong to, as far as can be known."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from workspace_operator.application.operator.heartbeats import SILENT_AFTER
from workspace_operator.application.ports import Heartbeat
from workspace_operator.workspaces.model import Owner


class OwnerState(StrEnum):
    """What is known of the resource that owns a workspace; values as they are listed."""

    PRESENT = "present"
    GONE = "gone"
    SILENT = "cluster silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterResourceNames:
    """The namespaces and names of all Workspace resources of one cluster."""

    cluster_id: str
    names: Collection[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerStates:
    """What tells the owners of workspaces apart.

    Attributes:
        heartbeats: by cluster.
        now: aware, by the clock that heartbeats are written with.
        asked: a cluster that was asked for its resources; None if none was.
    """

    heartbeats: Mapping[str, Heartbeat] = field(default_factory=dict)
    now: datetime
    queried_cluster: ClusterResourceNames | None = None

    def state(self, owner: Owner) -> OwnerState:
        """Whether the resource is there: its own cluster knows, of others only the heartbeat tells."""
        if self.queried_cluster is not None and owner.cluster == self.queried_cluster.cluster_id:
            is_present = (owner.namespace, owner.name) in self.queried_cluster.names
            return OwnerState.PRESENT if is_present else OwnerState.GONE
        is_silent = owner.cluster in self.heartbeats and not self.is_alive(owner.cluster)
        return OwnerState.SILENT if is_silent else OwnerState.UNKNOWN

    def is_alive(self, cluster: str) -> bool:
        """Whether a cluster's heartbeat is recent. Commands have no time to watch it move."""
        heartbeat = self.heartbeats.get(cluster)
        return heartbeat is not None and self.now - heartbeat.beat_at <= timedelta(seconds=SILENT_AFTER)

    def is_orphan(self, owner: Owner) -> bool:
        """Whether no living resource is known to own it. Of a cluster without any heartbeat nothing is known."""
        state = self.state(owner)
        return state in (OwnerState.GONE, OwnerState.SILENT) or (
            state is OwnerState.UNKNOWN and owner.cluster not in self.heartbeats
        )
