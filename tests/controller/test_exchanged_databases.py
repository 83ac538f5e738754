"""A controller that starts on another database than its resources know."""

from copy import deepcopy
from dataclasses import dataclass, field

import pytest

from tests.controller.fixtures import ControllerEnv, RecordingWorkspaces
from tests.fakes.database import InMemoryDatabase
from workspace_operator.resources.workspaces import RECREATE


@dataclass(slots=True)
class Clusters:
    """Two resources, ready on a first database, and a second database."""

    env: ControllerEnv = field(default_factory=ControllerEnv)
    other: InMemoryDatabase = field(default_factory=lambda: InMemoryDatabase(store_id="store-2"))

    def start_on(self, memory: InMemoryDatabase) -> ControllerEnv:
        """A new operator lists everything that there is."""
        started = ControllerEnv(resources=self.env.resources, workspaces=RecordingWorkspaces(memory))
        started.add_existing(*map(dict, started.resources.documents.values()))
        return started


@pytest.fixture
def clusters() -> Clusters:
    found = Clusters()
    for name in ("club", "crm"):
        found.env.add_existing(found.env.apply(name))
    return found


def test_same_database_needs_no_visit(clusters: Clusters) -> None:
    started = clusters.start_on(clusters.env.workspaces.memory)

    assert started.workspaces.observed == []


def test_another_database_makes_nothing(clusters: Clusters) -> None:
    started = clusters.start_on(clusters.other)

    assert [started.reason(name) for name in ("club", "crm")] == ["WorkspaceMissing"] * 2
    assert clusters.other.states == {}


def test_database_with_the_same_numbers_is_noticed(clusters: Clusters) -> None:
    clusters.other.follow(deepcopy(clusters.env.workspaces.memory.directory))

    started = clusters.start_on(clusters.other)

    assert [started.reason(name) for name in ("club", "crm")] == ["WorkspaceMissing"] * 2


def test_right_database_makes_all_ready_again(clusters: Clusters) -> None:
    clusters.start_on(clusters.other)

    started = clusters.start_on(clusters.env.workspaces.memory)

    assert [started.reason(name) for name in ("club", "crm")] == ["InForce"] * 2
    assert sorted(started.workspaces.memory.states) == [1, 2]


def test_recreated_workspace_has_a_number_of_its_own(clusters: Clusters) -> None:
    started = clusters.start_on(clusters.other)

    annotated = {**started.resources.get("team-a", "club")["metadata"], "annotations": {RECREATE: "1"}}
    started.update(started.resources.apply({"metadata": annotated}))

    status = started.resources.get("team-a", "club")["status"]
    assert (status["workspaceID"], status["storeID"], status["lastHandledRecreate"]) == (2, "store-2", "1")
    assert started.reason("club") == "InForce"
    assert started.reason("crm") == "WorkspaceMissing"


def test_annotation_that_stays_recreates_once(clusters: Clusters) -> None:
    started = clusters.start_on(clusters.other)
    annotated = {**started.resources.get("team-a", "club")["metadata"], "annotations": {RECREATE: "1"}}
    started.update(started.resources.apply({"metadata": annotated}))

    third = clusters.start_on(InMemoryDatabase(store_id="store-3"))

    assert third.reason("club") == "WorkspaceMissing"
    assert third.workspaces.memory.states == {}


def test_new_annotation_is_noticed_at_start(clusters: Clusters) -> None:
    metadata = clusters.env.resources.documents["team-a", "club"]["metadata"]
    metadata["annotations"] = {RECREATE: "1"}

    started = clusters.start_on(clusters.env.workspaces.memory)

    assert started.workspaces.observed == ["club"]
    assert started.resources.get("team-a", "club")["status"]["lastHandledRecreate"] == "1"
