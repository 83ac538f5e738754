"""Installed into another namespace, everything follows; what holds people is apart from what is uninstalled."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import text_of
from tests.resources.deployment.kustomizations import ROOT, overlay
from tests.resources.deployment.test_manifests import OVERLAYS, rendered

HOLDING_PEOPLE = {"Namespace", "PersistentVolumeClaim", "PersistentVolume", "StorageClass", "Secret"}
SCOPES_OF_CLUSTER = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


def documents(folder: Path) -> list[Any]:
    return list(yaml.safe_load_all(rendered(folder)))


def of_kind(found: list[Any], kind: str) -> Any:
    (only,) = [each for each in found if each["kind"] == kind]
    return only


@pytest.mark.parametrize("name", sorted(OVERLAYS))
def test_admission_policy_follows_the_account(tmp_path: Path, name: str) -> None:
    found = documents(overlay(tmp_path / "other", f"overlays/{name}", namespace="other", namePrefix="my-"))

    account = of_kind(found, "ServiceAccount")["metadata"]
    binding = of_kind(found, "ValidatingAdmissionPolicyBinding")["spec"]
    assert (account["namespace"], account["name"]) == ("other", "my-workspace-operator")
    assert (binding["paramRef"]["namespace"], binding["paramRef"]["name"]) == ("other", "my-workspace-operator")
    assert binding["policyName"] == of_kind(found, "ValidatingAdmissionPolicy")["metadata"]["name"]


@pytest.mark.parametrize("name", sorted(OVERLAYS))
def test_nothing_of_the_old_namespace_is_left(tmp_path: Path, name: str) -> None:
    found = documents(
        overlay(
            tmp_path / "other",
            f"overlays/{name}",
            namespace="other",
            transformers=("rbac-namespaced/kube-system",) if name == "one-namespace" else (),
        )
    )

    subjects = [subject for each in found for subject in each.get("subjects", ())]
    places = {each["metadata"]["namespace"] for each in found if each["kind"] not in SCOPES_OF_CLUSTER}
    assert {subject["namespace"] for subject in subjects} == {"other"}
    assert places == ({"other", "kube-system"} if name == "one-namespace" else {"other"})


OF_ONE_NAMESPACE = {"namespace": "other", "namePrefix": "my-"}


@pytest.mark.parametrize("settings", [("namespace",), ("namePrefix",), ("namespace", "namePrefix")], ids="+".join)
def test_binding_in_kube_system_names_the_account(tmp_path: Path, settings: tuple[str, ...]) -> None:
    chosen: dict[str, Any] = {name: OF_ONE_NAMESPACE[name] for name in settings}
    found = documents(
        overlay(tmp_path / "other", "overlays/one-namespace", transformers=("rbac-namespaced/kube-system",), **chosen)
    )

    account = of_kind(found, "ServiceAccount")["metadata"]
    bindings = {each["metadata"]["namespace"]: each for each in found if each["kind"] == "RoleBinding"}
    assert bindings.keys() == {"kube-system", chosen.get("namespace", "workspace-operator")}
    for binding in bindings.values():
        (subject,) = binding["subjects"]
        assert (subject["namespace"], subject["name"]) == (account["namespace"], account["name"])


@pytest.mark.parametrize("together", [False, True], ids=["apart", "in one kustomization"])
@pytest.mark.parametrize("name", ["sqlite", "one-namespace"])
def test_pod_mounts_the_volume_of_the_same_prefix(tmp_path: Path, name: str, *, together: bool) -> None:
    settings: dict[str, Any] = {"namespace": "other", "namePrefix": "my-", "nameSuffix": "-2"}
    parts = ("storage", f"overlays/{name}")
    if together:
        found = documents(overlay(tmp_path / "all", *parts, **settings))
    else:
        found = [
            each for part in parts for each in documents(overlay(tmp_path / part.rpartition("/")[2], part, **settings))
        ]

    claim = of_kind(found, "PersistentVolumeClaim")["metadata"]["name"]
    pod = of_kind(found, "Deployment")["spec"]["template"]["spec"]
    assert claim == "my-workspace-operator-2"
    assert {"name": "data", "persistentVolumeClaim": {"claimName": claim}} in pod["volumes"]


@pytest.mark.parametrize("name", [*(f"overlays/{each}" for each in sorted(OVERLAYS)), "rbac", "rbac-namespaced"])
def test_uninstalling_touches_nothing_that_holds_people(name: str) -> None:
    kinds = {each["kind"] for each in documents(ROOT / "manifests" / name)}

    assert kinds & HOLDING_PEOPLE == set()


def test_storage_is_what_the_pod_mounts() -> None:
    claim = of_kind(documents(ROOT / "manifests/storage"), "PersistentVolumeClaim")["metadata"]

    for name in ("sqlite", "one-namespace"):
        pod = of_kind(documents(ROOT / f"manifests/overlays/{name}"), "Deployment")["spec"]["template"]["spec"]
        assert {"name": "data", "persistentVolumeClaim": {"claimName": claim["name"]}} in pod["volumes"]


@pytest.mark.parametrize("kind", ["Namespace", "PersistentVolumeClaim"])
def test_gitops_tools_do_not_prune_people(kind: str) -> None:
    annotations = of_kind(documents(ROOT / "manifests/storage"), kind)["metadata"]["annotations"]

    assert annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
    assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"


def test_page_on_uninstalling_begins_with_the_backup() -> None:
    section = text_of("docs/disasters.md").partition("\n## Uninstall\n")[2].partition("\n## ")[0]

    assert "back" in section.strip().splitlines()[0].lower()
    assert section.index("backup") < section.index("kubectl delete")
    for command in (line for line in section.splitlines() if line.startswith("kubectl delete -k ")):
        folder = ROOT / command.split()[3]
        assert {each["kind"] for each in documents(folder)} & HOLDING_PEOPLE == set(), command
