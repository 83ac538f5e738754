"""The operator needs what manifests/ gives it, all of it, and nothing more."""

import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.fixtures import NamespaceEnv, account_manifest, condition_is_stable, conditions, has_reason, manifest
from tests.e2e.operators import Operator
from tests.e2e.rbac import ACCOUNT, Document, account_with, built, take_back, without_each_rule, without_each_verb
from tests.e2e.waiting import wait_until
from workspace_operator.resources.statuses import DEFAULT_STATUS
from workspace_operator.resources.workspaces import API_VERSION, FINALIZER, KIND, MANAGED_BY, MANAGER

REFUSAL = re.compile(r"[Ff]orbidden|(?<![=,\w])403\b")
"""The status 403, not a duration, milliseconds of a time or a part of an id."""

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
            account=account,
            folder=folder,
            database=f"sqlite:///{folder}/store.db",
            options=("--verbose", "--first-workspace-after", "1", *options),
        )
        started.append(operator)
        operator.start()
        return operator

    yield run
    for operator in started:
        operator.stop()
    for documents, name in given:
        take_back(cluster, documents, name)


def use_everything(env: NamespaceEnv) -> None:
    """Everything that a user may have the operator do; either may come first."""
    env.apply("first", displayName="Shop", deletionPolicy="Delete")
    env.apply("second", displayName="Shop", deletionPolicy="Delete")
    env.make_secret("heir", labels={MANAGED_BY: MANAGER})
    env.apply("heir")
    env.kubectl("apply", "-f", "-", input=json.dumps(account_manifest("team", env.namespace)))
    leave_with_secret(env)


def leave_with_secret(env: NamespaceEnv) -> None:
    """A resource that is being deleted when the operator first hears of it, and has a Secret already."""
    document = manifest("gone", env.namespace, deletionPolicy="Delete", suspend=True)
    document["metadata"]["finalizers"] = [FINALIZER]
    made = json.loads(env.kubectl("create", "-o", "json", "-f", "-", input=json.dumps(document)))
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": "gone", "uid": made["metadata"]["uid"]}
    env.make_secret("gone", ownerReferences=[owner])
    env.delete("gone", "--wait=false")


def is_used(env: NamespaceEnv) -> bool:
    """Whether the operator has done all that: one is Ready, the other has a conflict, and both are told of.

    One Secret was made, one taken over, one removed.
    """
    documents = [env.get("first"), env.get("second")]
    told = sorted(conditions(each).get("Ready", {}).get("reason", "") for each in documents)
    held = all(each["metadata"].get("finalizers") for each in documents)
    told_of = told == ["InForce", "NameConflict"] and all(env.events(name) for name in ("first", "second"))
    secrets = [env.find_secret(name) is not None for name in ("first", "second", "gone")]
    has_account = "team" in env.names() and env.events("team") != []
    return (
        has_account
        and told_of
        and held
        and secrets.count(True) >= 1
        and not secrets[-1]
        and has_reason(env.get("heir"), "InForce")
    )


def is_refused_something(operator: Operator) -> bool:
    return bool(REFUSAL.search(operator.log.read_text()))


@pytest.fixture
def cluster_wide(cluster: Kubectl, pytestconfig: pytest.Config) -> list[Document]:
    return built(cluster, pytestconfig.rootpath / "manifests" / "rbac")


def test_whole_rights_are_enough(cluster_wide: list[Document], run_with: RunWith, own_env: NamespaceEnv) -> None:
    operator = run_with(cluster_wide)

    use_everything(own_env)
    wait_until(lambda: is_used(own_env), within=60)

    assert not is_refused_something(operator)


def missing(
    cut: Callable[[list[Document]], Iterator[tuple[str, list[Document]]]], rights: list[Document], number: int
) -> list[Document]:
    return list(cut(rights))[number][1]


RULES = (
    "workspaces",
    "status",
    "accounts",
    "account status",
    "first workspace",
    "events",
    "secrets",
    "definitions",
    "kube-system",
)
VERBS = (
    *("workspaces get", "workspaces list", "workspaces watch", "workspaces patch", "status patch"),
    *("accounts get", "accounts list", "accounts watch", "account status patch", "first workspace create"),
    "events create",
    *("secrets get", "secrets create", "secrets patch", "secrets delete"),
    *("definitions list", "definitions watch", "kube-system get"),
)


@pytest.mark.parametrize("number", range(len(RULES)), ids=RULES)
def test_each_rule_is_needed(
    cluster_wide: list[Document], run_with: RunWith, own_env: NamespaceEnv, number: int
) -> None:
    operator = run_with(missing(without_each_rule, cluster_wide, number))

    use_everything(own_env)

    wait_until(lambda: is_refused_something(operator))


@pytest.mark.proof
@pytest.mark.parametrize("number", range(len(VERBS)), ids=VERBS)
def test_each_verb_is_needed(
    cluster_wide: list[Document], run_with: RunWith, own_env: NamespaceEnv, number: int
) -> None:
    operator = run_with(missing(without_each_verb, cluster_wide, number))

    use_everything(own_env)

    wait_until(lambda: is_refused_something(operator))


def test_every_rule_is_tried(cluster_wide: list[Document]) -> None:
    assert len(list(without_each_rule(cluster_wide))) == len(RULES)
    assert len(list(without_each_verb(cluster_wide))) == len(VERBS)


def test_one_namespace_needs_no_cluster_role(
    cluster: Kubectl, run_with: RunWith, own_env: NamespaceEnv, pytestconfig: pytest.Config
) -> None:
    rights = built(cluster, pytestconfig.rootpath / "manifests" / "rbac-namespaced")
    operator = run_with(rights, "--namespace", ACCOUNT)
    watched = replace(own_env, namespace=ACCOUNT)
    name = f"shop-{secrets.token_hex(4)}"

    own_env.apply()
    watched.apply(name)
    document = watched.wait_until_ready(name)
    keys = watched.keys(name)
    watched.delete(name)

    assert condition_is_stable(document)["Ready"] == "True"
    assert own_env.get()["status"] == DEFAULT_STATUS
    assert keys.keys() == {"siteID", "apiKey", "appKey"}
    assert "ClusterRole" not in {each["kind"] for each in rights}
    assert not is_refused_something(operator)
