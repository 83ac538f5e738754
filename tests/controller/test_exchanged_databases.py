"""A controller that starts on another database than its resources know (field case U1)."""

from dataclasses import dataclass, field

import pytest

from tests.controller.scenes import Scene, WatchedWorkspaces
from tests.fakes.memory import Memory
from workspace_operator.resources.workspaces import RECREATE


@dataclass(slots=True)
class Clusters:
    """Two resources, ready on a first database, and a second database."""

    scene: Scene = field(default_factory=Scene)
    other: Memory = field(default_factory=lambda: Memory(store_id="store-2"))

    def start_on(self, memory: Memory) -> Scene:
        """A new operator lists everything that there is."""
        started = Scene(resources=self.scene.resources, workspaces=WatchedWorkspaces(memory))
        started.listed(*map(dict, started.resources.documents.values()))
        return started


@pytest.fixture
def clusters() -> Clusters:
    found = Clusters()
    for name in ("club", "crm"):
        found.scene.listed(found.scene.apply(name))
    return found


def test_same_database_needs_no_visit(clusters: Clusters) -> None:
    started = clusters.start_on(clusters.scene.workspaces.memory)

    assert started.workspaces.looks == []


def test_another_database_makes_nothing(clusters: Clusters) -> None:
    started = clusters.start_on(clusters.other)

    assert [started.reason(name) for name in ("club", "crm")] == ["WorkspaceMissing"] * 2
    assert clusters.other.rooms == {}


def test_database_with_the_same_numbers_is_noticed(clusters: Clusters) -> None:
    clusters.other.rooms |= clusters.scene.workspaces.memory.rooms

    started = clusters.start_on(clusters.other)

    assert [started.reason(name) for name in ("club", "crm")] == ["WorkspaceMissing"] * 2


def test_right_database_makes_all_ready_again(clusters: Clusters) -> None:
    clusters.start_on(clusters.other)

    started = clusters.start_on(clusters.scene.workspaces.memory)

    assert [started.reason(name) for name in ("club", "crm")] == ["InForce"] * 2
    assert sorted(started.workspaces.memory.rooms) == [1, 2]


def test_recreated_workspace_has_a_number_of_its_own(clusters: Clusters) -> None:
    started = clusters.start_on(clusters.other)

    annotated = {**started.resources.get("team-a", "club")["metadata"], "annotations": {RECREATE: "1"}}
    started.heard(started.resources.apply({"metadata": annotated}))

    status = started.resources.get("team-a", "club")["status"]
    assert (status["workspaceID"], status["storeID"], status["lastHandledRecreate"]) == (2, "store-2", "1")
    assert started.reason("club") == "InForce"
    assert started.reason("crm") == "WorkspaceMissing"


def test_annotation_that_stays_recreates_once(clusters: Clusters) -> None:
    started = clusters.start_on(clusters.other)
    annotated = {**started.resources.get("team-a", "club")["metadata"], "annotations": {RECREATE: "1"}}
    started.heard(started.resources.apply({"metadata": annotated}))

    third = clusters.start_on(Memory(store_id="store-3"))

    assert third.reason("club") == "WorkspaceMissing"
    assert third.workspaces.memory.rooms == {}


def test_new_annotation_is_noticed_at_start(clusters: Clusters) -> None:
    metadata = clusters.scene.resources.documents["team-a", "club"]["metadata"]
    metadata["annotations"] = {RECREATE: "1"}

    started = clusters.start_on(clusters.scene.workspaces.memory)

    assert started.workspaces.looks == ["club"]
    assert started.resources.get("team-a", "club")["status"]["lastHandledRecreate"] == "1"
