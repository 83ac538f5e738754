"""Whom a reconcile asks the cluster about, and what it tells of others."""

from dataclasses import dataclass, field

import pytest

from tests.fakes.cluster.resources import FakeResources
from tests.fakes.database import InMemoryDatabase
from tests.fakes.workspaces.accounts import FakeAccounts
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.reconcile.builders import NOW
from tests.reconciler.fixtures import ReconcilerEnv
from tests.workspaces import create_workspace
from workspace_operator.errors import ClusterForbidden
from workspace_operator.reconcile.model.accounts import AccountKey, AccountSettings, SetAccount
from workspace_operator.resources.workspaces import ADOPT
from workspace_operator.workspaces.model import Owner


@dataclass(slots=True, kw_only=True)
class NamespacedResources(FakeResources):
    """What a Role of the namespace team-a lets an operator ask."""

    asked: list[Owner] = field(default_factory=list)

    def owner_is_gone(self, owner: Owner) -> bool:
        self.asked.append(owner)
        if owner.namespace != "team-a":
            raise ClusterForbidden("the Kubernetes API answers 403 Forbidden")
        return FakeResources.owner_is_gone(self, owner)


@pytest.fixture
def env() -> ReconcilerEnv:
    return ReconcilerEnv(resources=NamespacedResources())


def make(memory: InMemoryDatabase, **place: str) -> int:
    """Another resource's workspace; its number."""
    owner = Owner(**{"cluster": "cluster-1", "namespace": "team-a", "name": "other", "uid": "uid-9"} | place)
    return create_workspace(FakeWorkspaces(memory), owner, now=NOW, display_name="Their name").workspace_id


@pytest.mark.parametrize("place", [{"namespace": "team-b"}, {"cluster": "cluster-2"}])
def test_owners_elsewhere_are_not_asked_about(env: ReconcilerEnv, place: dict[str, str]) -> None:
    number = make(env.memory, **place)
    env.apply(annotations={ADOPT: str(number)})

    env.reconcile()

    assert isinstance(env.resources, NamespacedResources)
    assert env.resources.asked == []
    assert env.reason() == "OwnershipConflict"


@pytest.mark.parametrize("place", [{"namespace": "team-b"}, {"cluster": "cluster-2"}])
def test_numbers_elsewhere_are_as_numbers_of_nothing(env: ReconcilerEnv, place: dict[str, str]) -> None:
    number = make(env.memory, **place)
    env.apply(annotations={ADOPT: str(number)})
    events = env.reconcile()
    status = env.status()
    env.memory.delete(number)

    again = ReconcilerEnv()
    again.apply(annotations={ADOPT: str(number)})

    assert (again.reconcile(), again.status()) == (events, status)


def test_neighbours_are_asked_about(env: ReconcilerEnv) -> None:
    number = make(env.memory)
    env.apply(annotations={ADOPT: str(number)}, displayName="Their name")

    env.reconcile()

    assert env.status()["workspaceID"] == number


def test_known_owners_in_a_full_account_are_not_asked_about(env: ReconcilerEnv) -> None:
    for name in ("other", "released"):
        owner = Owner(cluster="cluster-1", namespace="team-a", name=name, uid=f"uid-of-{name}")
        create_workspace(FakeWorkspaces(env.memory), owner, now=NOW, display_name=name)
    key = AccountKey(cluster="cluster-1", namespace="team-a", name="default")
    settings = AccountSettings(display_name="Team", workspace_limit=2)
    FakeAccounts(env.memory).apply(SetAccount(key=key, row_version=0, uid="uid-3", settings=settings))
    env.known = lambda: {("team-a", "other"), ("team-a", "shop")}
    env.apply()

    env.reconcile()

    assert isinstance(env.resources, NamespacedResources)
    assert [owner.name for owner in env.resources.asked] == ["released"]
    assert env.reason() == "PlanLimitReached"
    assert 'count: 2 "released" (team-a/released, ' in env.status()["conditions"][0]["message"]
