"""A plan tells administrators of workspaces that a new one would be made beside."""

import pytest

from tests.manifests.fixtures import applied, manifest, planned, workspace_of
from tests.store.backends import Store, memory_store
from tests.store.fixtures import WorkspaceEnv


@pytest.fixture
def store() -> Store:
    return memory_store()


def elsewhere(namespace: str) -> dict[str, object]:
    document = dict(manifest())
    return document | {"metadata": {"name": "crm", "namespace": namespace}}


def test_renamed_namespace_is_reported(store: Store) -> None:
    applied(store, manifest())
    crm = workspace_of(store)
    WorkspaceEnv(store=store, owner=crm.owner, workspace_id=crm.workspace_id).add("ana", "ana@example.com")

    [forecast] = planned(store, elsewhere("team-b"))

    number = crm.workspace_id
    [told] = forecast.advice
    assert told == (
        f"A new workspace would be created beside workspace {number} of default/crm, which has 1 person. If the "
        f"manifest stands for that one: `workspacectl workspaces assign {number} --to team-b/crm`."
    )


def test_other_cluster_is_reported(store: Store) -> None:
    applied(store, manifest(), cluster="blue")

    [forecast] = planned(store, manifest(), cluster="green")

    [told] = forecast.advice
    assert "of default/crm of cluster blue, which has 0 people" in told
    assert "--to default/crm --cluster-id green`" in told


def test_namesakes_with_a_manifest_are_not_reported(store: Store) -> None:
    applied(store, manifest())

    forecasts = planned(store, manifest(), elsewhere("team-b"))

    assert [each.advice for each in forecasts] == [(), ()]


def test_nothing_is_reported_of_what_is_there_already(store: Store) -> None:
    applied(store, manifest(), cluster="blue")
    applied(store, manifest(), cluster="green")

    [forecast] = planned(store, manifest(), cluster="green")

    assert forecast.advice == ()
