"""Orphan detection: whether the resource that owns a workspace, or its cluster, still exists."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from workspace_operator.application.operator.heartbeats import SILENT_AFTER
from workspace_operator.application.ports import Heartbeat
from workspace_operator.workspaces.model import Owner


class OwnerState(StrEnum):
    """What is known about the resource that owns a workspace; the values are shown in lists."""

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
    """Facts that decide about the state of owners.

    Attributes:
        heartbeats: by cluster.
        now: aware, from the clock that heartbeats are written with.
        queried_cluster: a cluster that listed its resources; None if no cluster was queried.
    """

    heartbeats: Mapping[str, Heartbeat] = field(default_factory=dict)
    now: datetime
    queried_cluster: ClusterResourceNames | None = None

    def state(self, owner: Owner) -> OwnerState:
        """State of an owner: from the list of the queried cluster, or else from the heartbeat of its cluster."""
        if self.queried_cluster is not None and owner.cluster == self.queried_cluster.cluster_id:
            is_present = (owner.namespace, owner.name) in self.queried_cluster.names
            return OwnerState.PRESENT if is_present else OwnerState.GONE
        is_silent = owner.cluster in self.heartbeats and not self.is_alive(owner.cluster)
        return OwnerState.SILENT if is_silent else OwnerState.UNKNOWN

    def is_alive(self, cluster: str) -> bool:
        """Whether a cluster's heartbeat is recent by its time; commands are too short to watch the counter."""
        heartbeat = self.heartbeats.get(cluster)
        return heartbeat is not None and self.now - heartbeat.beat_at <= timedelta(seconds=SILENT_AFTER)

    def is_orphan(self, owner: Owner) -> bool:
        """Whether no existing resource is known to own it. Without any heartbeat, nothing is known of a cluster."""
        state = self.state(owner)
        is_unseen = owner.cluster not in self.heartbeats
        return state in (OwnerState.GONE, OwnerState.SILENT) or (state is OwnerState.UNKNOWN and is_unseen)
