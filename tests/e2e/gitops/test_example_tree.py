"""examples/gitops applied as a whole to a real API server: three teams in three environments."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.docs.gitops.test_example_tree import ENVIRONMENTS, TEAMS, TREE, flux
from tests.e2e.fixtures import RESOURCE
from tests.e2e.operators import Operator
from tests.e2e.waiting import wait_until
from tests.reconcile.status_readers import flux_refusals, kstatus

MODES = {"development": "Never", "staging": "Test", "production": "Normal"}
NAMESPACES = tuple(f"{team}-{environment}" for environment in ENVIRONMENTS for team in TEAMS)


@pytest.fixture(scope="module")
def applied(cluster: Kubectl, operator: Operator) -> Iterator[dict[str, Any]]:
    """The Workspaces of all environments when they are Ready, by namespace and name."""
    for environment in ENVIRONMENTS:
        cluster("apply", "-k", str(TREE / "environments" / environment))

    def found() -> dict[str, Any]:
        items = cluster.json("get", RESOURCE, "--all-namespaces")["items"]
        ours = {"/".join((each["metadata"]["namespace"], each["metadata"]["name"])): each for each in items}
        return {name: each for name, each in ours.items() if name.partition("/")[0] in NAMESPACES}

    def ready() -> dict[str, Any]:
        now = found()
        return now if len(now) == 12 and all(is_current(each) for each in now.values()) else {}

    yield wait_until(ready, what=lambda: json.dumps([each.get("status") for each in found().values()]))
    for name in NAMESPACES:
        cluster("delete", RESOURCE, "--all", "-n", name)
    assert operator.is_running


def is_current(document: Any) -> bool:
    """What Flux concludes."""
    return kstatus(document["metadata"]["generation"], document.get("status", {}), deleting=False) == "Current"


def test_every_workspace_is_in_force(applied: dict[str, Any], operator: Operator) -> None:
    listed = operator.workspacectl("workspaces", "list")

    rows = [set(line.split()) for line in listed.splitlines()[1:]]
    assert {name.partition("/")[0] for name in applied} == set(NAMESPACES)
    assert all(any(row >= set(name.split("/")) for row in rows) for name in applied)


def test_each_environment_sends_as_it_says(applied: dict[str, Any]) -> None:
    modes = {name: each["status"]["sending"]["mode"] for name, each in applied.items()}

    assert modes == {name: MODES[name.partition("/")[0].rpartition("-")[2]] for name in applied}


def test_flux_finds_every_workspace_healthy(applied: dict[str, Any]) -> None:
    refused = {
        name: list(flux_refusals(each["metadata"]["generation"], each["status"])) for name, each in applied.items()
    }
    checked = [f"{each['namespace']}/{each['name']}" for each in flux("production")["spec"]["healthChecks"]]

    assert refused == {name: [] for name in applied}
    assert all(is_current(applied[name]) for name in checked)


def test_applying_again_changes_nothing(cluster: Kubectl, applied: dict[str, Any]) -> None:
    printed = cluster("apply", "-k", str(TREE / "environments" / "staging"))

    assert printed.count(" unchanged") == 7
    assert len(applied) == 12


def test_plan_of_the_tree_is_empty_when_all_is_in_force(
    cluster: Kubectl, operator: Operator, applied: dict[str, Any], tmp_path: Path
) -> None:
    cluster_id = cluster("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
    tree = tmp_path / "tree.yaml"
    tree.write_text(cluster("kustomize", str(TREE / "environments" / "production")))

    printed = operator.workspacectl("plan", "-f", tree, "--cluster-id", cluster_id)

    assert "4 nothing to do, 0 would change, 0 would be blocked" in printed
    assert applied
