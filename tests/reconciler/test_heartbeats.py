"""Which clusters are alive, and the wait before a workspace is made whose name another cluster has."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from tests.fakes.database import InMemoryDatabase
from tests.fakes.workspaces.heartbeats import FakeHeartbeats
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.reconcile.builders import NOW, OWNER, SHOP
from tests.reconciler.fixtures import ReconcilerEnv
from tests.workspaces import create_workspace
from workspace_operator.application.operator import heartbeats
from workspace_operator.application.operator.heartbeats import HeartbeatMonitor, HeartbeatSender
from workspace_operator.application.ports import StalledResources
from workspace_operator.errors import StoreUnavailable
from workspace_operator.resources.workspaces import RECREATE


@dataclass(slots=True)
class Clusters:
    """Our cluster, and another one with a workspace of the same name at its last heartbeat."""

    env: ReconcilerEnv = field(default_factory=ReconcilerEnv)
    time: float = 100.0

    def __post_init__(self) -> None:
        self.env.monitor = HeartbeatMonitor(monotonic=lambda: self.time, silent_after=60.0)
        theirs = replace(OWNER, cluster="cluster-2")
        create_workspace(FakeWorkspaces(self.env.memory), theirs, now=NOW, display_name=SHOP.display_name)
        self.env.apply()

    @property
    def store(self) -> FakeHeartbeats:
        return FakeHeartbeats(self.env.memory)

    @property
    def heart(self) -> HeartbeatSender:
        assert self.env.monitor is not None
        return HeartbeatSender(
            heartbeats=self.store, monitor=self.env.monitor, cluster_id="cluster-1", clock=lambda: self.env.now
        )

    def beat_other_cluster(self) -> None:
        self.store.beat("cluster-2", now=self.env.now)

    def advance(self, seconds: float) -> None:
        """Let time pass, in which our own heart beats and nobody asks."""
        for _ in range(int(seconds)):
            self.time += 1
            self.heart.beat()

    def reason_after(self, seconds: float) -> str:
        """What the resource says once so much time has passed."""
        self.advance(seconds)
        self.env.reconcile()
        return self.env.reason()


@pytest.fixture
def clusters() -> Clusters:
    found = Clusters()
    found.beat_other_cluster()
    return found


def test_first_reconcile_waits(clusters: Clusters) -> None:
    assert clusters.reason_after(0) == "Progressing"
    assert clusters.reason_after(59) == "Progressing"


def test_living_cluster_is_waited_for_once(clusters: Clusters) -> None:
    clusters.reason_after(0)

    clusters.time += 1
    clusters.beat_other_cluster()

    assert clusters.reason_after(1) == "InForce"
    assert clusters.env.status()["workspaceID"] == 2


def test_movement_before_the_question_says_nothing(clusters: Clusters) -> None:
    clusters.heart.beat()
    clusters.beat_other_cluster()
    clusters.heart.beat()

    assert clusters.reason_after(1) == "Progressing"


def test_silent_cluster_is_a_conflict(clusters: Clusters) -> None:
    clusters.reason_after(0)

    assert clusters.reason_after(60) == "OwnershipConflict"
    assert len(clusters.env.memory.states) == 1


def test_cluster_that_never_beat_is_silent_in_the_end() -> None:
    never = Clusters()
    never.reason_after(0)

    assert never.reason_after(59) == "Progressing"
    assert never.reason_after(1) == "OwnershipConflict"


def test_known_silence_needs_no_wait(clusters: Clusters) -> None:
    clusters.reason_after(0)
    clusters.env.resources.remove("team-a", "shop")
    clusters.env.apply(uid="uid-2")

    assert clusters.reason_after(61) == "OwnershipConflict"


def test_silence_ends_with_a_beat(clusters: Clusters) -> None:
    clusters.reason_after(0)
    clusters.reason_after(61)

    clusters.beat_other_cluster()

    assert clusters.reason_after(1) == "InForce"


def test_beat_of_long_ago_does_not_make_a_silent_cluster_alive(clusters: Clusters) -> None:
    clusters.env.apply(suspend=True)  # nothing is made, and nobody asks again before the resync
    assert clusters.reason_after(0) == "Suspended"
    clusters.time += 1
    clusters.beat_other_cluster()
    clusters.advance(300)

    clusters.env.apply(suspend=False)

    assert clusters.reason_after(0) == "OwnershipConflict"
    assert len(clusters.env.memory.states) == 1


def test_beat_before_a_gap_does_not_make_a_cluster_alive(clusters: Clusters) -> None:
    clusters.env.apply(suspend=True)
    clusters.reason_after(0)
    clusters.time += 1
    clusters.beat_other_cluster()
    clusters.heart.beat()
    clusters.time += 100  # our process was stopped, or the database was away
    clusters.beat_other_cluster()

    clusters.env.apply(suspend=False)

    assert clusters.reason_after(1) == "Progressing"
    assert clusters.reason_after(60) == "OwnershipConflict"


def test_edits_do_not_begin_the_wait_anew(clusters: Clusters) -> None:
    clusters.reason_after(0)
    clusters.reason_after(30)

    clusters.env.apply(color="123456")

    assert clusters.reason_after(30) == "OwnershipConflict"


def test_silence_is_measured_while_observed(clusters: Clusters) -> None:
    clusters.reason_after(0)
    clusters.time += 100  # the database was away, for the other cluster as well

    assert clusters.reason_after(1) == "Progressing"
    assert clusters.reason_after(60) == "OwnershipConflict"


def test_restored_count_is_no_heartbeat(clusters: Clusters) -> None:
    clusters.beat_other_cluster()
    clusters.reason_after(0)

    clusters.env.memory.heartbeats.clear()
    clusters.beat_other_cluster()

    assert clusters.reason_after(1) == "Progressing"


def test_first_beat_is_a_heartbeat() -> None:
    waiting = Clusters()
    waiting.reason_after(0)

    waiting.beat_other_cluster()

    assert waiting.reason_after(1) == "InForce"


def test_another_database_begins_anew(clusters: Clusters) -> None:
    clusters.reason_after(59)
    clusters.env.memory.store_id = "store-2"
    clusters.beat_other_cluster()

    assert clusters.reason_after(1) == "Progressing"


def test_new_one_is_made_at_once_on_request(clusters: Clusters) -> None:
    clusters.env.apply(annotations={RECREATE: "new"})

    assert clusters.reason_after(0) == "InForce"


def test_waits_are_bounded(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "MAX_WAITING", 1)
    clusters.reason_after(0)

    clusters.env.resources.remove("team-a", "shop")
    clusters.env.apply(uid="uid-2")
    clusters.reason_after(0)

    assert clusters.env.monitor is not None
    assert [owner.uid for owner, _ in clusters.env.monitor._waiting] == ["uid-2"]


@dataclass(frozen=True, slots=True)
class AbsentHeartbeats(FakeHeartbeats):
    """Those of a database that is away while ``errors`` holds any."""

    errors: list[Exception] = field(default_factory=list)

    def beat(self, cluster: str, *, stalled: Sequence[StalledResources] = (), now: datetime) -> None:
        if self.errors:
            raise self.errors[0]
        FakeHeartbeats.beat(self, cluster, stalled=stalled, now=now)


@pytest.mark.parametrize("error", [StoreUnavailable("the database is away"), RuntimeError("a fault")])
def test_absent_database_is_reported_once(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    away = AbsentHeartbeats(InMemoryDatabase(), [error])
    sender = HeartbeatSender(
        heartbeats=away, monitor=HeartbeatMonitor(monotonic=lambda: 0.0), cluster_id="cluster-1", clock=lambda: NOW
    )

    with caplog.at_level(logging.INFO):
        for _ in range(3):
            sender.beat()
        away.errors.clear()
        sender.beat()
        sender.beat()

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "INFO"]
    assert away.memory.heartbeats["cluster-1"].beats == 2


def test_stalled_resources_come_with_each_heartbeat() -> None:
    memory = InMemoryDatabase()
    known = [StalledResources(kind="Workspace", reason="InvalidSpec", count=1, names=("team/shop",), message="wrong")]
    sender = HeartbeatSender(
        heartbeats=FakeHeartbeats(memory),
        monitor=HeartbeatMonitor(monotonic=lambda: 0.0),
        cluster_id="cluster-1",
        clock=lambda: NOW,
        stalled=lambda: known,
    )

    sender.beat()

    assert list(memory.heartbeats["cluster-1"].stalled) == known


def test_exchanged_database_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    memory = InMemoryDatabase()
    sender = HeartbeatSender(
        heartbeats=FakeHeartbeats(memory),
        monitor=HeartbeatMonitor(monotonic=lambda: 0.0),
        cluster_id="cluster-1",
        clock=lambda: NOW,
    )
    sender.beat()

    memory.store_id = "store-2"
    sender.beat()

    assert caplog.messages[-1] == "the database is now store-2 and was store-1: check the database URL"
