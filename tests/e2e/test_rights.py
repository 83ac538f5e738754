"""The operator needs what manifests/ gives it, all of it, and nothing more."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.operators import Operator
from tests.e2e.rights import ACCOUNT, Document, account_with, built, take_back, without_each_rule, without_each_verb
from tests.e2e.scenes import Scene, condition_stands, conditions, manifest, says
from tests.e2e.waiting import until
from workspace_operator.resources.statuses import DEFAULT_STATUS
from workspace_operator.resources.workspaces import API_VERSION, FINALIZER, KIND, MANAGED_BY, MANAGER

REFUSALS = ("Forbidden", "forbidden", "403")

RunWith = Callable[..., Operator]


@pytest.fixture
def run_with(cluster: Kubectl, tmp_path: Path) -> Iterator[RunWith]:
    """Runs an operator under an account of its own with the rights that it is given."""
    given: list[tuple[list[Document], str]] = []
    started: list[Operator] = []

    def run(documents: list[Document], *options: str) -> Operator:
        name = f"reduced-{secrets.token_hex(4)}"
        given.append((documents, name))
        account = account_with(cluster, documents, name, tmp_path)
        folder = tmp_path / name
        folder.mkdir()
        operator = Operator(
            account=account, folder=folder, database=f"sqlite:///{folder}/store.db", options=("--verbose", *options)
        )
        started.append(operator)
        operator.start()
        return operator

    yield run
    for operator in started:
        operator.stop()
    for documents, name in given:
        take_back(cluster, documents, name)


def use_everything(scene: Scene) -> None:
    """Everything that a user may have the operator do; either may come first."""
    scene.apply("first", displayName="Shop", deletionPolicy="Delete")
    scene.apply("second", displayName="Shop", deletionPolicy="Delete")
    scene.make_secret("heir", labels={MANAGED_BY: MANAGER})
    scene.apply("heir")
    leave_with_secret(scene)


def leave_with_secret(scene: Scene) -> None:
    """A resource that is being deleted when the operator first hears of it, and has a Secret already."""
    document = manifest("gone", scene.namespace, deletionPolicy="Delete", suspend=True)
    document["metadata"]["finalizers"] = [FINALIZER]
    made = json.loads(scene.kubectl("create", "-o", "json", "-f", "-", input=json.dumps(document)))
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": "gone", "uid": made["metadata"]["uid"]}
    scene.make_secret("gone", ownerReferences=[owner])
    scene.delete("gone", "--wait=false")


def is_used(scene: Scene) -> bool:
    """Whether the operator has done all that: one is Ready, the other has a conflict, and both are told of.

    One Secret was made, one taken over, one removed.
    """
    documents = [scene.get("first"), scene.get("second")]
    told = sorted(conditions(each).get("Ready", {}).get("reason", "") for each in documents)
    held = all(each["metadata"].get("finalizers") for each in documents)
    told_of = told == ["InForce", "NameConflict"] and all(scene.events(name) for name in ("first", "second"))
    secrets = [scene.find_secret(name) is not None for name in ("first", "second", "gone")]
    return told_of and held and secrets.count(True) == 1 and not secrets[-1] and says(scene.get("heir"), "InForce")


def is_refused_something(operator: Operator) -> bool:
    return any(word in operator.log.read_text() for word in REFUSALS)


@pytest.fixture
def everywhere(cluster: Kubectl, pytestconfig: pytest.Config) -> list[Document]:
    return built(cluster, pytestconfig.rootpath / "manifests" / "rbac")


def test_whole_rights_are_enough(everywhere: list[Document], run_with: RunWith, place: Scene) -> None:
    operator = run_with(everywhere)

    use_everything(place)
    until(lambda: is_used(place), within=60)

    assert not is_refused_something(operator)


def missing(
    cut: Callable[[list[Document]], Iterator[tuple[str, list[Document]]]], rights: list[Document], number: int
) -> list[Document]:
    return list(cut(rights))[number][1]


RULES = ("workspaces", "status", "events", "secrets", "definitions", "kube-system")
VERBS = (
    *("workspaces get", "workspaces list", "workspaces watch", "workspaces patch", "status patch", "events create"),
    *("secrets get", "secrets create", "secrets patch", "secrets delete"),
    *("definitions list", "definitions watch", "kube-system get"),
)


@pytest.mark.parametrize("number", range(len(RULES)), ids=RULES)
def test_each_rule_is_needed(everywhere: list[Document], run_with: RunWith, place: Scene, number: int) -> None:
    operator = run_with(missing(without_each_rule, everywhere, number))

    use_everything(place)

    until(lambda: is_refused_something(operator))


@pytest.mark.proof
@pytest.mark.parametrize("number", range(len(VERBS)), ids=VERBS)
def test_each_verb_is_needed(everywhere: list[Document], run_with: RunWith, place: Scene, number: int) -> None:
    operator = run_with(missing(without_each_verb, everywhere, number))

    use_everything(place)

    until(lambda: is_refused_something(operator))


def test_every_rule_is_tried(everywhere: list[Document]) -> None:
    assert len(list(without_each_rule(everywhere))) == len(RULES)
    assert len(list(without_each_verb(everywhere))) == len(VERBS)


def test_one_namespace_needs_no_cluster_role(
    cluster: Kubectl, run_with: RunWith, place: Scene, pytestconfig: pytest.Config
) -> None:
    rights = built(cluster, pytestconfig.rootpath / "manifests" / "rbac-namespaced")
    operator = run_with(rights, "--namespace", ACCOUNT)
    watched = replace(place, namespace=ACCOUNT)
    name = f"shop-{secrets.token_hex(4)}"

    place.apply()
    watched.apply(name)
    document = watched.until_ready(name)
    keys = watched.keys(name)
    watched.delete(name)

    assert condition_stands(document)["Ready"] == "True"
    assert place.get()["status"] == DEFAULT_STATUS
    assert keys.keys() == {"siteID", "apiKey", "appKey"}
    assert "ClusterRole" not in {each["kind"] for each in rights}
    assert not is_refused_something(operator)
