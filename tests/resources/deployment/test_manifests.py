"""What is applied with `kubectl apply -k`: the definitions, the rights, the Deployment."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.failures import KubectlFailed
from tests.controlplane.kubectl import Kubectl, find_kubectl
from workspace_operator.sending.deliveries import HANDOVER_SECONDS
from workspace_operator.settings import DEFAULT_CONSOLE_PORT

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(file.parent for top in ("crds", "manifests") for file in (ROOT / top).rglob("kustomization.yaml"))
OVERLAYS = {"sqlite", "postgres", "one-namespace"}

PODS = [
    *((each, "workspace-operator") for each in sorted(OVERLAYS)),
    ("postgres", "workspace-api"),
    ("postgres", "workspace-console"),
]
"""Overlays with their Deployments."""

OF_WORKSPACES = [
    {"apiGroups": ["workspace-operator.dev"], "resources": ["workspaces"], "verbs": ["get", "list", "watch", "patch"]},
    {"apiGroups": ["workspace-operator.dev"], "resources": ["workspaces/status"], "verbs": ["patch"]},
    {"apiGroups": ["workspace-operator.dev"], "resources": ["accounts"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["workspace-operator.dev"], "resources": ["accounts/status"], "verbs": ["patch"]},
    {"apiGroups": ["workspace-operator.dev"], "resources": ["workspaces"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
]
OF_SECRETS = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "patch", "delete"]}]
OF_KOPF = [
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["list", "watch"]},
]
OF_IDENTITY = [{"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}]


def name_of(folder: Path) -> str:
    return str(folder.relative_to(ROOT))


def is_component(folder: Path) -> bool:
    """Whether it is of use inside of an overlay only; overlays of components are in test_components.py."""
    return bool(yaml.safe_load((folder / "kustomization.yaml").read_text())["kind"] == "Component")


def rendered(folder: Path) -> str:
    kubectl = find_kubectl()
    if kubectl is None:
        pytest.skip("no kubectl of version 1.30 or newer on the PATH, which renders kustomizations")
    answer = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    assert (answer.returncode, answer.stderr) == (0, "")
    return answer.stdout


def objects(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(rendered(ROOT / name)))


def only(folder: str, kind: str, name: str = "") -> Any:
    """The object of a kind, and of a name if there are several."""
    (found,) = [each for each in objects(folder) if each["kind"] == kind and name in ("", each["metadata"]["name"])]
    return found


def deployment(overlay: str, name: str = "workspace-operator") -> Any:
    found = [each for each in objects(f"manifests/overlays/{overlay}") if each["kind"] == "Deployment"]
    return next(each["spec"] for each in found if each["metadata"]["name"] == name)


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_folder_is_complete(folder: Path) -> None:
    said = yaml.safe_load((folder / "kustomization.yaml").read_text())
    named = {*said.get("resources", []), *(patch["path"] for patch in said.get("patches", []) if "path" in patch)}
    named |= {*said.get("configurations", [])}

    assert {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"} <= named


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if not is_component(folder)], ids=name_of)
def test_folder_renders(folder: Path) -> None:
    assert "kind: " in rendered(folder)


def test_cluster_role_is_exact() -> None:
    rules = only("manifests/rbac", "ClusterRole")["rules"]

    assert rules == OF_WORKSPACES + OF_SECRETS + OF_KOPF + OF_IDENTITY


def test_namespaced_variant_has_no_cluster_role() -> None:
    found = objects("manifests/rbac-namespaced")
    roles = {each["metadata"]["namespace"]: each["rules"] for each in found if each["kind"] == "Role"}

    assert roles == {"workspace-operator": OF_WORKSPACES + OF_SECRETS, "kube-system": OF_IDENTITY}
    assert not [each for each in found if each["kind"].startswith("ClusterRole")]


@pytest.mark.parametrize("variant", ["rbac", "rbac-namespaced"])
def test_writes_of_secrets_are_narrowed_down(variant: str) -> None:
    policy = only(f"manifests/{variant}", "ValidatingAdmissionPolicy")
    binding = only(f"manifests/{variant}", "ValidatingAdmissionPolicyBinding")["spec"]
    account = only(f"manifests/{variant}", "ServiceAccount")["metadata"]

    assert "'system:serviceaccount:' + params.metadata.namespace + ':'" in str(policy["spec"]["matchConditions"])
    assert policy["spec"]["paramKind"] == {"apiVersion": "v1", "kind": "ServiceAccount"}
    assert binding == {
        "policyName": policy["metadata"]["name"],
        "paramRef": {**account_reference(account), "parameterNotFoundAction": "Allow"},
        "validationActions": ["Deny"],
    }


def account_reference(account: dict[str, Any]) -> dict[str, str]:
    return {"name": account["name"], "namespace": account["namespace"]}


@pytest.mark.parametrize(("overlay", "name"), PODS)
def test_pod_is_restricted(overlay: str, name: str) -> None:
    pod = deployment(overlay, name)["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"startupProbe", "livenessProbe", "readinessProbe", "resources"} <= container.keys()
    assert (container["command"], container["args"][0]) == (["workspacectl"], "run")


@pytest.mark.parametrize(("overlay", "name"), PODS)
def test_pod_is_well_described(overlay: str, name: str) -> None:
    found = objects(f"manifests/overlays/{overlay}")
    (whole,) = [each for each in found if (each["kind"], each["metadata"]["name"]) == ("Deployment", name)]
    (container,) = whole["spec"]["template"]["spec"]["containers"]
    version = yaml.safe_load((ROOT / f"manifests/overlays/{overlay}/kustomization.yaml").read_text())["images"]

    for labels in (whole["metadata"]["labels"], whole["spec"]["template"]["metadata"]["labels"]):
        assert labels == {
            "app.kubernetes.io/name": name,
            "app.kubernetes.io/instance": "workspace-operator",
            "app.kubernetes.io/component": name.removeprefix("workspace-"),
            "app.kubernetes.io/part-of": "workspace-operator",
            "app.kubernetes.io/version": version[0]["newTag"],
        }
    assert whole["spec"]["selector"] == {"matchLabels": {"app.kubernetes.io/name": name}}
    assert whole["spec"]["revisionHistoryLimit"] == 3
    assert {"cpu", "memory", "ephemeral-storage"} <= container["resources"]["requests"].keys()
    assert {"memory", "ephemeral-storage"} <= container["resources"]["limits"].keys()
    assert all(container[f"{kind}Probe"]["timeoutSeconds"] >= 5 for kind in ("startup", "liveness", "readiness"))


@pytest.mark.parametrize("overlay", sorted(OVERLAYS))
def test_every_object_says_what_it_belongs_to(overlay: str) -> None:
    """By the labels that Kubernetes recommends; those of a namespace and of its volume's data say no component."""
    labels = ["name", "instance", "part-of", "version"]

    for each in objects(f"manifests/overlays/{overlay}"):
        wanted = labels if each["kind"] in ("Namespace", "CustomResourceDefinition") else [*labels, "component"]
        has = each["metadata"].get("labels", {}).keys()
        assert {f"app.kubernetes.io/{label}" for label in wanted} <= has, (each["kind"], each["metadata"]["name"])


@pytest.mark.parametrize(("overlay", "name"), PODS)
def test_database_is_upgraded_before_the_start(overlay: str, name: str) -> None:
    """By the same image, in the same confinement, on the same database."""
    pod = deployment(overlay, name)["template"]["spec"]
    (upgrade,), (container,) = pod["initContainers"], pod["containers"]

    assert (upgrade["command"], upgrade["args"][:2]) == (["workspacectl"], ["database", "upgrade"])
    for field in ("image", "securityContext"):
        assert upgrade[field] == container[field]
    assert upgrade["env"] == container["env"][:1]
    assert [mount for mount in container["volumeMounts"] if mount["name"] in ("data", "scratch")] == upgrade[
        "volumeMounts"
    ]
    assert upgrade["resources"].keys() == {"requests", "limits"}


@pytest.mark.parametrize("name", ["workspace-api", "workspace-console"])
def test_pods_are_apart_and_not_drained_at_once(name: str) -> None:
    pod = deployment("postgres", name)["template"]["spec"]
    budget = only("manifests/overlays/postgres", "PodDisruptionBudget", name)["spec"]
    labels = {"app.kubernetes.io/name": name}

    assert [each["topologyKey"] for each in pod["topologySpreadConstraints"]] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert {each["whenUnsatisfiable"] for each in pod["topologySpreadConstraints"]} == {"ScheduleAnyway"}
    assert all(each["labelSelector"] == {"matchLabels": labels} for each in pod["topologySpreadConstraints"])
    assert budget == {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": labels},
    }


@pytest.mark.parametrize("overlay", sorted(OVERLAYS))
def test_there_is_one_operator(overlay: str) -> None:
    operator = deployment(overlay)

    assert (operator["replicas"], operator["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("name", ["operator", "worker", "api", "console"])
def test_pod_ends_what_has_begun(name: str) -> None:
    spec = yaml.safe_load((ROOT / "manifests" / name / "deployment.yaml").read_text())["spec"]

    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] >= HANDOVER_SECONDS + 10


def test_workers_of_two_versions_do_not_run_together() -> None:
    spec = yaml.safe_load((ROOT / "manifests" / "worker" / "deployment.yaml").read_text())["spec"]

    assert spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("overlay", sorted(OVERLAYS))
def test_pod_has_a_database(overlay: str) -> None:
    pod = deployment(overlay)["template"]["spec"]
    variable, *others = pod["containers"][0]["env"]
    volumes = {volume["name"] for volume in pod["volumes"]}

    assert variable["name"] == "WORKSPACE_OPERATOR_DATABASE"
    assert volumes == ({"scratch"} if overlay == "postgres" else {"scratch", "data"})
    assert ("valueFrom" in variable) == (overlay == "postgres")
    assert [each["name"] for each in others] == (["POD_NAMESPACE"] if overlay == "one-namespace" else [])


@pytest.mark.parametrize("part", ["api", "console"])
@pytest.mark.parametrize("overlay", sorted(OVERLAYS))
def test_api_and_console_are_served_by_one_kind_of_pod(overlay: str, part: str) -> None:
    service = only(f"manifests/overlays/{overlay}", "Service", f"workspace-{part}")["spec"]
    serving = service["selector"]["app.kubernetes.io/name"]
    (container,) = deployment(overlay, serving)["template"]["spec"]["containers"]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    served = next(each for each in container["args"] if each.startswith((f"--{part}-address=0.0.0.0:", "--port=")))

    assert ports[service["ports"][0]["targetPort"]] == re.split("[:=]", served)[-1]
    assert (f"--{part}-address=off" in deployment(overlay)["template"]["spec"]["containers"][0]["args"]) == (
        serving == f"workspace-{part}"
    )


def test_service_of_the_console_has_the_port_that_links_name() -> None:
    """`workspacectl console` prints a link to this port of the own machine, to which kubectl forwards it."""
    for overlay in OVERLAYS:
        service = only(f"manifests/overlays/{overlay}", "Service", "workspace-console")["spec"]
        assert [each["port"] for each in service["ports"]] == [DEFAULT_CONSOLE_PORT]


@pytest.mark.parametrize("name", ["workspace-api", "workspace-console"])
def test_probes_are_at_a_port_that_no_service_names(name: str) -> None:
    (container,) = deployment("postgres", name)["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probed = {container[each]["httpGet"]["port"] for each in ("startupProbe", "livenessProbe", "readinessProbe")}
    service = only("manifests/overlays/postgres", "Service", name)["spec"]

    assert probed == {"health"}
    assert f"http://0.0.0.0:{ports['health']}/healthz" in container["args"]
    assert [each["targetPort"] for each in service["ports"]] == ["http"]


@pytest.mark.parametrize("name", ["workspace-api", "workspace-console"])
def test_pod_has_no_rights_in_the_cluster(name: str) -> None:
    pod = deployment("postgres", name)["template"]["spec"]

    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod


def test_pod_of_the_console_knows_its_name() -> None:
    """`workspacectl console` in it prints the command that forwards its port; it has no token with its namespace."""
    (container,) = deployment("postgres", "workspace-console")["template"]["spec"]["containers"]
    fields = {each["name"]: each["valueFrom"].get("fieldRef", {}).get("fieldPath") for each in container["env"]}

    assert (fields["POD_NAME"], fields["POD_NAMESPACE"]) == ("metadata.name", "metadata.namespace")


def test_one_namespace_is_watched_by_who_has_rights_in_one() -> None:
    (container,) = deployment("one-namespace")["template"]["spec"]["containers"]
    variable = container["env"][-1]

    assert f"--namespace=$({variable['name']})" in container["args"]
    assert variable["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


@pytest.fixture(params=["rbac", "rbac-namespaced"])
def on_trial(request: pytest.FixtureRequest, kubectl: Kubectl) -> Iterator[tuple[Kubectl, str]]:
    """The rights under other names, so that no other test gains or loses any; and the account's namespace."""
    name = f"{request.param}-on-trial"
    folders = (ROOT / "manifests" / each for each in ("namespace", request.param))
    text = re.sub(r"workspace-operator(?!\.dev)", name, "---\n".join(map(rendered, folders)))
    kubectl("apply", "-k", str(ROOT / "crds"))
    kubectl("apply", "-f", "-", input=text)
    yield kubectl, name
    kubectl("delete", "clusterrolebinding", name, "--ignore-not-found")
    kubectl("delete", "clusterrole", name, "--ignore-not-found")
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        kubectl("delete", kind, f"{name}-secrets", "--ignore-not-found")


def may(kubectl: Kubectl, name: str, *question: str) -> bool:
    account = f"system:serviceaccount:{name}:{name}"
    try:
        return kubectl("auth", "can-i", *question, "--as", account).strip() == "yes"
    except KubectlFailed as failure:
        if failure.stdout.strip() != "no":
            raise
        return False


def test_account_may_do_its_work_and_nothing_else(on_trial: tuple[Kubectl, str]) -> None:
    kubectl, name = on_trial
    own = ("--namespace", name)

    for verb in ("get", "list", "watch", "patch"):
        assert may(kubectl, name, verb, "workspaces.workspace-operator.dev", *own)
    assert may(kubectl, name, "patch", "workspaces.workspace-operator.dev", "--subresource=status", *own)
    assert may(kubectl, name, "create", "events", *own)
    for verb in ("get", "create", "patch", "delete"):
        assert may(kubectl, name, verb, "secrets", *own)
    assert may(kubectl, name, "get", "namespaces/kube-system", "--namespace", "kube-system")
    for verb, resource in (("delete", "workspaces.workspace-operator.dev"), ("list", "secrets"), ("get", "pods")):
        assert not may(kubectl, name, verb, resource, *own)


def test_rights_elsewhere_are_for_the_cluster_wide_variant(on_trial: tuple[Kubectl, str]) -> None:
    kubectl, name = on_trial
    everywhere = not name.startswith("rbac-namespaced")

    assert may(kubectl, name, "list", "workspaces.workspace-operator.dev", "--all-namespaces") is everywhere
    assert may(kubectl, name, "patch", "workspaces.workspace-operator.dev", "-n", "default") is everywhere
    assert may(kubectl, name, "list", "customresourcedefinitions") is everywhere
    assert may(kubectl, name, "get", "secrets", "--namespace", "default") is everywhere
    for verb in ("list", "watch", "update", "deletecollection"):
        assert not may(kubectl, name, verb, "secrets", "--all-namespaces")
