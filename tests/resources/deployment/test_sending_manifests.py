"""The components that send: what is mounted where, and that only what sends gets the passwords of SMTP servers."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.kubectl import find_kubectl

MANIFESTS = Path(__file__).parents[3] / "manifests"
PASSWORDS, ROOT_KEY = "workspace-operator-smtp", "workspace-operator-root-key"
TRANSPORTS = "--transports=/etc/workspace-operator/transports/transports.yaml"
KEY_FILE = {"name": "WORKSPACE_OPERATOR_ROOT_KEY_FILE", "value": "/etc/workspace-operator/root-key/root-key"}


def deployments(folder: Path, overlay: str, component: str) -> dict[str, Any]:
    """The Deployments, by name, of an overlay with a component, as a user writes it."""
    kubectl = find_kubectl()
    if kubectl is None:
        pytest.skip("no kubectl of version 1.30 or newer on the PATH, which renders kustomizations")

    def relative(name: str) -> str:
        return os.path.relpath((MANIFESTS / name).resolve(), folder.resolve())

    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [relative(f"overlays/{overlay}")],
        "components": [relative(component)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(document))
    answer = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    found = [each for each in yaml.safe_load_all(answer.stdout) if each["kind"] == "Deployment"]
    return {each["metadata"]["name"]: each for each in found}


def pod(deployment: Any) -> Any:
    return deployment["spec"]["template"]["spec"]


def secrets(deployment: Any) -> set[str]:
    return {volume["secret"]["secretName"] for volume in pod(deployment)["volumes"] if "secret" in volume}


def args(deployment: Any) -> list[str]:
    (container,) = pod(deployment)["containers"]
    return list(container["args"])


def variables(deployment: Any) -> list[dict[str, Any]]:
    """The environment, which commands that a person runs in the pod have, too."""
    (container,) = pod(deployment)["containers"]
    return list(container["env"])


@pytest.mark.parametrize("overlay", ["sqlite", "one-namespace"])
def test_one_process_sends_if_the_component_is_added(tmp_path: Path, overlay: str) -> None:
    (operator,) = deployments(tmp_path, overlay, "sending").values()

    assert secrets(operator) == {PASSWORDS, ROOT_KEY}
    assert args(operator)[-1] == TRANSPORTS
    assert KEY_FILE in variables(operator)


def test_only_the_worker_gets_passwords(tmp_path: Path) -> None:
    found = deployments(tmp_path, "postgres", "worker")

    assert {name: secrets(deployment) for name, deployment in found.items()} == {
        "workspace-operator": set(),
        "workspace-api": {ROOT_KEY},
        "workspace-console": set(),
        "workspace-worker": {PASSWORDS, ROOT_KEY},
    }
    assert [name for name in found if KEY_FILE in variables(found[name])] == ["workspace-api", "workspace-worker"]
    assert args(found["workspace-worker"])[:3] == ["run", "worker", TRANSPORTS]


def test_operator_beside_a_worker_does_not_send(tmp_path: Path) -> None:
    """A sender without transports would take turns with the worker's, and put messages off."""
    operator = deployments(tmp_path, "postgres", "worker")["workspace-operator"]

    assert args(operator) == ["run", "operator", "--health-endpoint", "http://0.0.0.0:8080/healthz"]


def test_worker_has_no_rights_in_the_cluster(tmp_path: Path) -> None:
    worker = pod(deployments(tmp_path, "postgres", "worker")["workspace-worker"])

    assert worker["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in worker


def test_worker_has_time_to_end_its_hand_overs(tmp_path: Path) -> None:
    assert pod(deployments(tmp_path, "postgres", "worker")["workspace-worker"])["terminationGracePeriodSeconds"] > 30


def test_worker_is_restricted_and_described_as_the_other_pods(tmp_path: Path) -> None:
    found = deployments(tmp_path, "postgres", "worker")
    worker, api = found["workspace-worker"], found["workspace-api"]
    (container,), (other,) = pod(worker)["containers"], pod(api)["containers"]

    for name in ("securityContext", "image", "command"):
        assert container[name] == other[name]
    assert pod(worker)["securityContext"] == pod(api)["securityContext"]
    assert worker["metadata"]["labels"] == api["metadata"]["labels"] | {
        "app.kubernetes.io/name": "workspace-worker",
        "app.kubernetes.io/component": "worker",
    }


@pytest.mark.parametrize(("overlay", "component"), [("sqlite", "sending"), ("postgres", "worker")])
def test_secrets_are_mounted_for_the_group_to_read(tmp_path: Path, overlay: str, component: str) -> None:
    for deployment in deployments(tmp_path, overlay, component).values():
        (container,) = pod(deployment)["containers"]
        files = {volume["name"] for volume in pod(deployment)["volumes"] if {"secret", "configMap"} & volume.keys()}
        mounts = {mount["name"]: mount for mount in container["volumeMounts"] if mount["name"] in files}

        assert mounts.keys() == files
        assert all(mount["readOnly"] for mount in mounts.values())
        for volume in pod(deployment)["volumes"]:
            assert volume.get("secret", {"defaultMode": 0o440})["defaultMode"] == 0o440
        assert not files or pod(deployment)["securityContext"]["fsGroup"] == 65532
