"""Installing and uninstalling as the documentation says, in a namespace and under names of the test's own."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.controlplane.failures import KubectlFailed
from tests.controlplane.kubectl import Kubectl
from tests.e2e.waiting import wait_until
from tests.resources.deployment.kustomizations import overlay


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is applied for it: the storage first."""

    kubectl: Kubectl
    namespace: str
    storage: Path
    operator: Path

    @property
    def account(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{self.namespace}-workspace-operator"

    def exists(self, kind: str, name: str) -> bool:
        """Whether an object is there and is not being deleted."""
        found = self.kubectl(
            "get", kind, name, "-n", self.namespace, "--ignore-not-found", "-o", "jsonpath={.metadata}"
        )
        return bool(found) and "deletionTimestamp" not in found


@pytest.fixture
def installation(cluster: Kubectl, tmp_path: Path) -> Iterator[Installation]:
    name = f"trial-{secrets.token_hex(4)}"
    prefix = f"{name}-"
    made = Installation(
        kubectl=cluster,
        namespace=name,
        storage=overlay(tmp_path / "storage", "storage", namespace=name, namePrefix=prefix),
        operator=overlay(tmp_path / "operator", "overlays/sqlite", namespace=name, namePrefix=prefix),
    )
    cluster("apply", "-k", str(made.storage))
    cluster("apply", "-k", str(made.operator))
    yield made
    cluster("delete", "-k", str(made.operator), "--ignore-not-found")
    cluster("delete", "-k", str(made.storage), "--wait=false")


def test_uninstalling_keeps_the_namespace_and_the_volume(installation: Installation) -> None:
    claim = f"{installation.namespace}-workspace-operator"
    assert installation.exists("deployment", claim)

    installation.kubectl("delete", "-k", str(installation.operator))

    assert installation.exists("namespace", installation.namespace)
    assert installation.exists("persistentvolumeclaim", claim)
    for kind in ("deployment", "serviceaccount", "clusterrole", "validatingadmissionpolicy"):
        assert not installation.exists(kind, claim)


def test_installing_again_finds_the_volume(installation: Installation) -> None:
    claim = f"{installation.namespace}-workspace-operator"
    before = installation.kubectl.json("get", "pvc", claim, "-n", installation.namespace)["metadata"]["uid"]
    installation.kubectl("delete", "-k", str(installation.operator))

    installation.kubectl("apply", "-k", str(installation.storage))
    installation.kubectl("apply", "-k", str(installation.operator))

    assert installation.kubectl.json("get", "pvc", claim, "-n", installation.namespace)["metadata"]["uid"] == before


def test_policy_limits_the_account_in_its_namespace(installation: Installation) -> None:
    """The API server takes a moment to follow the policy."""
    secret = ("create", "secret", "generic", "probe", "-n", "default", "--dry-run=server")

    def refusal() -> str:
        try:
            installation.kubectl(*secret, "--as", installation.account)
        except KubectlFailed as failure:
            return failure.stderr
        return ""

    wait_until(lambda: "only Secrets whose name ends with -credentials" in refusal())
    installation.kubectl(*secret)
