"""What the admission policy keeps the operator from, whatever its rights on Secrets allow."""

import json
from typing import Any

import pytest

from tests.controlplane.failures import KubectlFailed
from tests.controlplane.kubectl import Kubectl
from tests.e2e.fixtures import NamespaceEnv
from tests.e2e.waiting import succeeds, wait_until
from workspace_operator.resources.workspaces import API_VERSION, KIND, MANAGED_BY, MANAGER

OWNER = {"apiVersion": API_VERSION, "kind": KIND, "name": "crm", "uid": "5d0c4e4e-54d4-4b67-9f4e-1f0f6a2a2d1b"}
FITTING: dict[str, Any] = {"name": "crm-credentials", "ownerReferences": [OWNER]}
REFUSED = {
    "another name": (FITTING | {"name": "database"}, "Opaque", "whose name ends with -credentials"),
    "the name of another Workspace": (FITTING | {"name": "shop-credentials"}, "Opaque", "owned by their Workspace"),
    "nobody's": (FITTING | {"ownerReferences": []}, "Opaque", "owned by their Workspace"),
    "another kind's": (FITTING | {"ownerReferences": [OWNER | {"kind": "Pod"}]}, "Opaque", "owned by their Workspace"),
    "another group's": (
        FITTING | {"ownerReferences": [OWNER | {"apiVersion": "example.com/v1"}]},
        "Opaque",
        "owned by their Workspace",
    ),
    "another account's token": (
        FITTING | {"annotations": {"kubernetes.io/service-account.name": "default"}},
        "kubernetes.io/service-account-token",
        "of type Opaque",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def policy_in_force(account: Kubectl) -> None:
    """The API server takes a moment to follow what was applied."""
    dry_run = ("create", "secret", "generic", "probe", "-n", "default", "--dry-run=server")
    wait_until(lambda: not succeeds(lambda: account(*dry_run)))


def secret(metadata: Any, kind: str = "Opaque") -> str:
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata})


def refusal(kubectl: Kubectl, *arguments: str, text: str | None = None) -> str:
    with pytest.raises(KubectlFailed) as refused:
        kubectl(*arguments, input=text)
    return refused.value.stderr


@pytest.mark.parametrize("title", REFUSED)
def test_operator_makes_no_other_secret(own_env: NamespaceEnv, account: Kubectl, title: str) -> None:
    metadata, kind, words = REFUSED[title]

    said = refusal(account, "create", "-n", own_env.namespace, "-f", "-", text=secret(metadata, kind))

    assert words in said


def test_policy_is_for_the_operator_only(own_env: NamespaceEnv) -> None:
    own_env.kubectl("create", "-n", own_env.namespace, "-f", "-", input=secret({"name": "database"}))

    own_env.kubectl("delete", "secret", "database", "-n", own_env.namespace)


@pytest.mark.parametrize(
    "metadata", [{}, {"labels": {MANAGED_BY: "Helm"}}, {"ownerReferences": [OWNER | {"kind": "Pod"}]}]
)
def test_operator_changes_nobody_elses_secret(
    own_env: NamespaceEnv, account: Kubectl, metadata: dict[str, Any]
) -> None:
    own_env.make_secret("crm", **metadata)
    mine = json.dumps({"metadata": {"labels": {MANAGED_BY: MANAGER}, "ownerReferences": [OWNER]}})

    said = refusal(account, "patch", "secret", "crm-credentials", "-n", own_env.namespace, "--type=merge", "-p", mine)

    assert "that it did not make" in said


@pytest.mark.parametrize("labels", [{}, {MANAGED_BY: MANAGER}])
def test_operator_deletes_nobody_elses_secret(own_env: NamespaceEnv, account: Kubectl, labels: dict[str, str]) -> None:
    own_env.make_secret("crm", labels=labels)

    said = refusal(account, "delete", "secret", "crm-credentials", "-n", own_env.namespace)

    assert "owned by their Workspace" in said


@pytest.mark.parametrize("verb", ["list", "watch", "update", "deletecollection"])
def test_operator_has_no_right_to(account: Kubectl, verb: str) -> None:
    said = refusal(account, "auth", "can-i", verb, "secrets", "--all-namespaces")

    assert said == ""
