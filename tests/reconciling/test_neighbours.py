"""Whom a reconcile asks the cluster about, and what it tells of others (field cases A8 and A9)."""

from dataclasses import dataclass, field

import pytest

from tests.fakes.memory import Memory
from tests.fakes.resources import MemoryResources
from tests.fakes.workspaces import MemoryWorkspaces
from tests.reconcile.builders import NOW
from tests.reconciling.scenes import Scene
from workspace_operator.errors import ClusterRefused
from workspace_operator.identity.rules import Mode
from workspace_operator.reconcile.observed import Owner, Settings
from workspace_operator.reconcile.plan import CreateWorkspace
from workspace_operator.resources.workspaces import ADOPT


@dataclass(slots=True, kw_only=True)
class NamespacedResources(MemoryResources):
    """What a Role of the namespace team-a lets an operator ask."""

    asked: list[Owner] = field(default_factory=list)

    def is_released(self, owner: Owner) -> bool:
        self.asked.append(owner)
        if owner.namespace != "team-a":
            raise ClusterRefused("the Kubernetes API answers 403 Forbidden")
        return MemoryResources.is_released(self, owner)


@pytest.fixture
def scene() -> Scene:
    return Scene(resources=NamespacedResources())


def make(memory: Memory, **place: str) -> int:
    """Another resource's workspace; its number."""
    owner = Owner(**{"cluster": "cluster-1", "namespace": "team-a", "name": "other", "uid": "uid-9"} | place)
    action = CreateWorkspace(
        owner=owner, account="default", mode=Mode.EMAIL_OR_ID, settings=Settings(display_name="Their name")
    )
    MemoryWorkspaces(memory).carry_out(action, now=NOW)
    return max(memory.rooms)


@pytest.mark.parametrize("place", [{"namespace": "team-b"}, {"cluster": "cluster-2"}])
def test_owners_elsewhere_are_not_asked_about(scene: Scene, place: dict[str, str]) -> None:
    number = make(scene.memory, **place)
    scene.apply(annotations={ADOPT: str(number)})

    scene.reconcile()

    assert isinstance(scene.resources, NamespacedResources)
    assert scene.resources.asked == []
    assert scene.reason() == "OwnershipConflict"


@pytest.mark.parametrize("place", [{"namespace": "team-b"}, {"cluster": "cluster-2"}])
def test_numbers_elsewhere_are_as_numbers_of_nothing(scene: Scene, place: dict[str, str]) -> None:
    number = make(scene.memory, **place)
    scene.apply(annotations={ADOPT: str(number)})
    events = scene.reconcile()
    status = scene.status()
    del scene.memory.rooms[number]

    again = Scene()
    again.apply(annotations={ADOPT: str(number)})

    assert (again.reconcile(), again.status()) == (events, status)


def test_neighbours_are_asked_about(scene: Scene) -> None:
    number = make(scene.memory)
    scene.apply(annotations={ADOPT: str(number)}, displayName="Their name")

    scene.reconcile()

    assert scene.status()["workspaceID"] == number
