"""Which clusters are alive, and the wait before a workspace is made whose name another cluster has (field case U4)."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from tests.fakes.heartbeats import MemoryHeartbeats
from tests.fakes.memory import Memory
from tests.fakes.workspaces import MemoryWorkspaces
from tests.reconcile.builders import NOW, OWNER, SHOP
from tests.reconciling.scenes import Scene
from workspace_operator.application import heartbeats
from workspace_operator.application.heartbeats import Heart, HeartbeatMonitor
from workspace_operator.errors import StoreUnavailable
from workspace_operator.identity.rules import Mode
from workspace_operator.reconcile.plan import CreateWorkspace
from workspace_operator.resources.workspaces import RECREATE


@dataclass(slots=True)
class Clusters:
    """Our cluster, and another one that had a workspace of our name when it was last heard of."""

    scene: Scene = field(default_factory=Scene)
    time: float = 100.0

    def __post_init__(self) -> None:
        self.scene.monitor = HeartbeatMonitor(monotonic=lambda: self.time, silent_after=60.0)
        theirs = CreateWorkspace(
            owner=replace(OWNER, cluster="cluster-2"), account="default", mode=Mode.EMAIL_OR_ID, settings=SHOP
        )
        MemoryWorkspaces(self.scene.memory).carry_out(theirs, now=NOW)
        self.scene.apply()

    @property
    def store(self) -> MemoryHeartbeats:
        return MemoryHeartbeats(self.scene.memory)

    @property
    def heart(self) -> Heart:
        assert self.scene.monitor is not None
        return Heart(
            heartbeats=self.store, monitor=self.scene.monitor, cluster_id="cluster-1", clock=lambda: self.scene.now
        )

    def other_beats(self) -> None:
        self.store.beat("cluster-2", now=self.scene.now)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in which our own heart beats and nobody asks."""
        for _ in range(int(seconds)):
            self.time += 1
            self.heart.beat()

    def reason_after(self, seconds: float) -> str:
        """What the resource says once so much time has passed."""
        self.pass_time(seconds)
        self.scene.reconcile()
        return self.scene.reason()


@pytest.fixture
def clusters() -> Clusters:
    found = Clusters()
    found.other_beats()
    return found


def test_first_look_waits(clusters: Clusters) -> None:
    assert clusters.reason_after(0) == "Progressing"
    assert clusters.reason_after(59) == "Progressing"


def test_living_cluster_is_waited_for_once(clusters: Clusters) -> None:
    clusters.reason_after(0)

    clusters.time += 1
    clusters.other_beats()

    assert clusters.reason_after(1) == "InForce"
    assert clusters.scene.status()["workspaceID"] == 2


def test_movement_before_the_question_says_nothing(clusters: Clusters) -> None:
    clusters.heart.beat()
    clusters.other_beats()
    clusters.heart.beat()

    assert clusters.reason_after(1) == "Progressing"


def test_silent_cluster_is_a_conflict(clusters: Clusters) -> None:
    clusters.reason_after(0)

    assert clusters.reason_after(60) == "OwnershipConflict"
    assert len(clusters.scene.memory.rooms) == 1


def test_cluster_that_never_beat_is_silent_in_the_end() -> None:
    never = Clusters()
    never.reason_after(0)

    assert never.reason_after(59) == "Progressing"
    assert never.reason_after(1) == "OwnershipConflict"


def test_known_silence_needs_no_wait(clusters: Clusters) -> None:
    clusters.reason_after(0)
    clusters.scene.resources.remove("team-a", "shop")
    clusters.scene.apply(uid="uid-2")

    assert clusters.reason_after(61) == "OwnershipConflict"


def test_silence_ends_with_a_beat(clusters: Clusters) -> None:
    clusters.reason_after(0)
    clusters.reason_after(61)

    clusters.other_beats()

    assert clusters.reason_after(1) == "InForce"


def test_beat_of_long_ago_does_not_make_a_silent_cluster_alive(clusters: Clusters) -> None:
    clusters.scene.apply(suspend=True)  # nothing is made, and nobody asks again before the resync
    assert clusters.reason_after(0) == "Suspended"
    clusters.time += 1
    clusters.other_beats()
    clusters.pass_time(300)

    clusters.scene.apply(suspend=False)

    assert clusters.reason_after(0) == "OwnershipConflict"
    assert len(clusters.scene.memory.rooms) == 1


def test_beat_before_a_gap_does_not_make_a_cluster_alive(clusters: Clusters) -> None:
    clusters.scene.apply(suspend=True)
    clusters.reason_after(0)
    clusters.time += 1
    clusters.other_beats()
    clusters.heart.beat()
    clusters.time += 100  # our process was stopped, or the database was away
    clusters.other_beats()

    clusters.scene.apply(suspend=False)

    assert clusters.reason_after(1) == "Progressing"
    assert clusters.reason_after(60) == "OwnershipConflict"


def test_edits_do_not_begin_the_wait_anew(clusters: Clusters) -> None:
    clusters.reason_after(0)
    clusters.reason_after(30)

    clusters.scene.apply(color="123456")

    assert clusters.reason_after(30) == "OwnershipConflict"


def test_silence_is_measured_while_somebody_looks(clusters: Clusters) -> None:
    clusters.reason_after(0)
    clusters.time += 100  # the database was away, for the other cluster as well

    assert clusters.reason_after(1) == "Progressing"
    assert clusters.reason_after(60) == "OwnershipConflict"


def test_restored_count_is_no_heartbeat(clusters: Clusters) -> None:
    clusters.other_beats()
    clusters.reason_after(0)

    clusters.scene.memory.heartbeats.clear()
    clusters.other_beats()

    assert clusters.reason_after(1) == "Progressing"


def test_first_beat_is_a_heartbeat() -> None:
    waiting = Clusters()
    waiting.reason_after(0)

    waiting.other_beats()

    assert waiting.reason_after(1) == "InForce"


def test_another_database_begins_anew(clusters: Clusters) -> None:
    clusters.reason_after(59)
    clusters.scene.memory.store_id = "store-2"
    clusters.other_beats()

    assert clusters.reason_after(1) == "Progressing"


def test_new_one_is_made_at_once_on_request(clusters: Clusters) -> None:
    clusters.scene.apply(annotations={RECREATE: "new"})

    assert clusters.reason_after(0) == "InForce"


def test_waits_are_bounded(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "MAX_WAITING", 1)
    clusters.reason_after(0)

    clusters.scene.resources.remove("team-a", "shop")
    clusters.scene.apply(uid="uid-2")
    clusters.reason_after(0)

    assert clusters.scene.monitor is not None
    assert [owner.uid for owner, _ in clusters.scene.monitor._waiting] == ["uid-2"]


@dataclass(frozen=True, slots=True)
class AbsentHeartbeats(MemoryHeartbeats):
    """Those of a database that is away while ``errors`` holds any."""

    errors: list[Exception] = field(default_factory=list)

    def beat(self, cluster: str, *, now: datetime) -> None:
        if self.errors:
            raise self.errors[0]
        MemoryHeartbeats.beat(self, cluster, now=now)


@pytest.mark.parametrize("error", [StoreUnavailable("the database is away"), RuntimeError("a fault")])
def test_absent_database_is_told_once(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    away = AbsentHeartbeats(Memory(), [error])
    heart = Heart(
        heartbeats=away, monitor=HeartbeatMonitor(monotonic=lambda: 0.0), cluster_id="cluster-1", clock=lambda: NOW
    )

    with caplog.at_level(logging.INFO):
        for _ in range(3):
            heart.beat()
        away.errors.clear()
        heart.beat()
        heart.beat()

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "INFO"]
    assert away.memory.heartbeats["cluster-1"].beats == 2


def test_exchanged_database_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory()
    heart = Heart(
        heartbeats=MemoryHeartbeats(memory),
        monitor=HeartbeatMonitor(monotonic=lambda: 0.0),
        cluster_id="cluster-1",
        clock=lambda: NOW,
    )
    heart.beat()

    memory.store_id = "store-2"
    heart.beat()

    assert caplog.messages[-1] == "the database is now store-2 and was store-1: is it the right one?"
