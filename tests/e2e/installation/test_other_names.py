"""Every overlay, applied server-side under another namespace and a prefix, with what its pod needs."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.failures import KubectlFailed
from tests.controlplane.kubectl import Kubectl
from tests.e2e.waiting import succeeds, wait_until
from tests.resources.deployment.kustomizations import overlay
from tests.resources.deployment.test_manifests import OVERLAYS

APPLY = ("apply", "--server-side", "-k")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An overlay that is applied, with its storage or namespace."""

    kubectl: Kubectl
    name: str
    namespace: str
    folder: Path

    @property
    def account(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{self.namespace}-workspace-operator"

    def objects(self, kind: str) -> list[Any]:
        found = yaml.safe_load_all(self.kubectl("kustomize", str(self.folder)))
        return [document for document in found if document["kind"] == kind]

    def may(self, *question: str) -> bool:
        try:
            return self.kubectl("auth", "can-i", *question, "--as", self.account).strip() == "yes"
        except KubectlFailed:
            return False

    def is_limited(self) -> bool:
        """Whether the policy forbids the account a Secret of any name."""
        place = ("--namespace", self.namespace, "--dry-run=server")
        try:
            self.kubectl("create", "secret", "generic", "probe", *place, "--as", self.account)
        except KubectlFailed as failure:
            return "only Secrets whose name ends with -credentials" in failure.stderr
        return False


@pytest.fixture(params=sorted(OVERLAYS))
def installed(request: pytest.FixtureRequest, cluster: Kubectl, tmp_path: Path) -> Iterator[Installed]:
    name = f"trial-{secrets.token_hex(4)}"
    settings: dict[str, Any] = {"namespace": name, "namePrefix": f"{name}-"}
    storage = overlay(tmp_path / "storage", "namespace" if request.param == "postgres" else "storage", **settings)
    transformers = ("rbac-namespaced/kube-system",) if request.param == "one-namespace" else ()
    folder = overlay(tmp_path / "operator", f"overlays/{request.param}", transformers=transformers, **settings)
    cluster(*APPLY, str(storage))
    cluster(*APPLY, str(folder))
    yield Installed(kubectl=cluster, name=request.param, namespace=name, folder=folder)
    cluster("delete", "-k", str(folder), "--ignore-not-found")
    cluster("delete", "-k", str(storage), "--wait=false")


def test_overlay_works_under_other_names(installed: Installed) -> None:
    wait_until(installed.is_limited)
    assert installed.may("list", "workspaces.workspace-operator.dev", "--namespace", installed.namespace)
    assert installed.may("get", "namespaces/kube-system", "--namespace", "kube-system")

    operator, *_ = (each for each in installed.objects("Deployment") if each["metadata"]["name"].endswith("-operator"))
    pod = operator["spec"]["template"]["spec"]
    wanted = [("serviceaccount", pod["serviceAccountName"])]
    wanted += [
        ("persistentvolumeclaim", volume["persistentVolumeClaim"]["claimName"])
        for volume in pod["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert len(wanted) == (1 if installed.name == "postgres" else 2)
    for kind, name in wanted:
        assert succeeds(partial(installed.kubectl, "get", kind, name, "--namespace", installed.namespace)), name

    installed.kubectl(*APPLY, str(installed.folder))  # again, without a conflict
