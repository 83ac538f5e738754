"""Heartbeats: an operator reports that its cluster is alive, and monitors which other clusters are.

The clocks of other machines are not compared: a cluster is silent if its counter has not changed for long enough by
the monotonic clock of this process, and the process checked it regularly in that time.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from workspace_operator.application.ports import Heartbeats, StalledResources
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.reconcile.model.observed import Liveness, Namesake, ObservedState
from workspace_operator.workspaces.model import Owner

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
SILENT_AFTER = 60.0

MAX_GAP = 3 * BEAT_SECONDS
"""Seconds without a check after which the measurement restarts: the database or this process was not available."""

MAX_WAITING = 10_000
"""Maximum number of waiting resources to remember; the oldest is dropped first, and waits again."""


@dataclass(slots=True)
class _ClusterHeartbeat:
    """The counter of one cluster, with the monotonic times of its last value, last check and last change."""

    beats: int | None
    since: float
    checked_at: float
    moved_at: float | None = None


@dataclass(slots=True, kw_only=True)
class HeartbeatMonitor:
    """Decides which clusters are alive and which are silent. Any thread may use it.

    A cluster is silent after ``silent_after`` seconds without a new heartbeat.
    """

    monotonic: Callable[[], float]
    silent_after: float = SILENT_AFTER
    _store_id: str = ""
    _clusters: dict[str, _ClusterHeartbeat] = field(default_factory=dict)
    _waiting: dict[tuple[Owner, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def update(self, store_id: str, beats: Mapping[str, int]) -> None:
        """Record the current counters of all clusters of the database."""
        with self._lock:
            self._record_all(store_id, {**dict.fromkeys(self._clusters), **beats})

    def check_namesakes(self, observed: ObservedState, owner: Owner) -> tuple[Namesake, ...]:
        """Set the liveness of each namesake of an observation.

        A cluster is alive if its heartbeat has changed recently, and since the owner's first check: an earlier or an
        old change says nothing about the present.
        """
        clusters = {namesake.workspace.owner.cluster: namesake for namesake in observed.namesakes}
        with self._lock:
            self._record_all(observed.store_id, {cluster: known.beats for cluster, known in clusters.items()})
            return tuple(replace(known, liveness=self._liveness(cluster, owner)) for cluster, known in clusters.items())

    def _record_all(self, store_id: str, beats: Mapping[str, int | None]) -> None:
        if store_id != self._store_id:
            self._clusters.clear()
            self._store_id = store_id
        now = self.monotonic()
        for cluster, count in beats.items():
            self._record(cluster, count, now)

    def _record(self, cluster: str, beats: int | None, now: float) -> None:
        seen = self._clusters.get(cluster)
        if seen is None or (seen.beats is not None and (beats is None or beats < seen.beats)):
            # A lower counter means that the database was restored.
            self._clusters[cluster] = _ClusterHeartbeat(beats=beats, since=now, checked_at=now)
            return
        if now - seen.checked_at > MAX_GAP:  # the time of a change in the gap is unknown
            seen.beats, seen.since, seen.moved_at = beats, now, None
        elif beats != seen.beats:
            seen.beats, seen.since, seen.moved_at = beats, now, now
        seen.checked_at = now

    def _liveness(self, cluster: str, owner: Owner) -> Liveness:
        seen, now = self._clusters[cluster], self.monotonic()
        while len(self._waiting) >= MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        asked_at = self._waiting.setdefault((owner, cluster), now)
        if now - seen.since >= self.silent_after:
            return Liveness.SILENT
        if seen.moved_at is not None and seen.moved_at > asked_at:
            del self._waiting[owner, cluster]
            return Liveness.ALIVE
        return Liveness.UNKNOWN


@dataclass(slots=True, kw_only=True)
class HeartbeatSender:
    """Writes the heartbeat of this cluster, and passes those of all clusters to the monitor.

    ``stalled`` reads the Stalled resources of the cluster, which are written with the heartbeat.
    """

    heartbeats: Heartbeats
    monitor: HeartbeatMonitor
    cluster_id: str
    clock: Callable[[], datetime]
    stalled: Callable[[], Sequence[StalledResources]] = tuple
    _is_failing: bool = False
    _store_id: str = ""

    def run(self, stopping: threading.Event) -> None:
        """Send heartbeats until ``stopping`` is set."""
        while True:
            self.beat()
            if stopping.wait(BEAT_SECONDS):
                return

    def beat(self) -> None:
        """Send one heartbeat. A failure is logged once, since the next heartbeat tries again."""
        try:
            self.heartbeats.beat(self.cluster_id, stalled=self.stalled(), now=self.clock())
            store_id, beats = self.heartbeats.store_id(), self.heartbeats.all()
        except WorkspaceOperatorError as error:
            self._fail("the heartbeat could not be written: %s", error)
        except Exception as error:  # noqa: BLE001 - without further heartbeats this cluster would count as silent
            self._fail("the heartbeat failed: %r", error)
        else:
            self.monitor.update(store_id, {cluster: heartbeat.beats for cluster, heartbeat in beats.items()})
            self._succeed(store_id)

    def _fail(self, message: str, error: Exception) -> None:
        if not self._is_failing:
            logger.warning(message, error)
        self._is_failing = True

    def _succeed(self, store_id: str) -> None:
        if self._is_failing:
            logger.info("the heartbeat is written again")
        self._is_failing = False
        if self._store_id not in ("", store_id):
            logger.error("the database is now %s and was %s: check the database URL", store_id, self._store_id)
        elif not self._store_id:
            logger.info("the database is %s, and this cluster is %s", store_id, self.cluster_id)
        self._store_id = store_id
