"""The control plane is a real API server, and forgets nothing when it is restarted."""

import stat
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.controlplane.build import KUBERNETES
from tests.controlplane.failures import KubectlFailed, StartFailed
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.launcher import ControlPlane, Programs


@pytest.fixture
def service_account(control_plane: ControlPlane, tmp_path: Path) -> Kubectl:
    """kubectl as a ServiceAccount that has no rights yet."""
    admin = control_plane.kubectl
    if "visitor" not in admin("get", "serviceaccounts", "--output", "name"):
        admin("create", "serviceaccount", "visitor")
    return admin.as_service_account("default", "visitor", to=tmp_path / "visitor.kubeconfig")


def test_kubectl_reads_server_version(control_plane: ControlPlane) -> None:
    answer = control_plane.kubectl.json("version")

    assert answer["serverVersion"]["gitVersion"] == KUBERNETES


def test_objects_come_from_standard_input(control_plane: ControlPlane) -> None:
    manifest = '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "from-input"}}'

    said = control_plane.kubectl("apply", "-f", "-", input=manifest)

    assert said == "namespace/from-input created\n"


def test_failure_carries_kubectls_words(control_plane: ControlPlane) -> None:
    with pytest.raises(KubectlFailed, match='namespaces "absent" not found') as failure:
        control_plane.kubectl("get", "namespace", "absent")

    assert failure.value.exit_code == 1


def test_service_account_starts_without_rights(service_account: Kubectl) -> None:
    with pytest.raises(KubectlFailed, match=r"default:visitor.*cannot list"):
        service_account("get", "namespaces")


def test_role_binding_gives_rights(control_plane: ControlPlane, service_account: Kubectl) -> None:
    create = partial(control_plane.kubectl, "create")
    create("clusterrole", "namespace-reader", "--verb=list", "--resource=namespaces")
    create("clusterrolebinding", "visitor", "--clusterrole=namespace-reader", "--serviceaccount=default:visitor")

    namespaces = once_allowed(lambda: service_account("get", "namespaces", "--output", "name"))

    assert "namespace/default" in namespaces
    control_plane.kubectl("delete", "clusterrolebinding/visitor", "clusterrole/namespace-reader")


def once_allowed(ask: Callable[[], str], seconds: float = 10) -> str:
    """The authorizer learns of new roles by a watch, thus a moment later."""
    limit = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except KubectlFailed:
            if time.monotonic() > limit:
                raise
        time.sleep(0.1)


def test_secrets_are_closed_to_others(control_plane: ControlPlane, service_account: Kubectl) -> None:
    files = (control_plane.kubeconfig, service_account.kubeconfig, control_plane.folder / "tokens.csv")

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_audit_log_counts_patches(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "configmap", "counted")
    for color in ("red", "blue"):
        control_plane.kubectl("patch", "configmap", "counted", "--patch", f'{{"data": {{"color": "{color}"}}}}')
    control_plane.kubectl("get", "configmap", "counted")

    writes = control_plane.writes(resource="configmaps", name="counted")

    assert [(write.verb, write.code) for write in writes] == [("create", 201), ("patch", 200), ("patch", 200)]
    assert {write.user for write in writes} == {"admin"}


@pytest.mark.parametrize("end", [ControlPlane.stop, ControlPlane.kill])
def test_restart_keeps_address_and_objects(
    interruptible_control_plane: ControlPlane,
    service_account: Kubectl,
    end: Callable[[ControlPlane], None],
) -> None:
    server = interruptible_control_plane
    name = f"kept-{'killed' if end is ControlPlane.kill else 'stopped'}"
    server.kubectl("create", "namespace", name)
    before = (server.url, server.kubeconfig.read_text())

    end(server)
    with pytest.raises(KubectlFailed, match="refused"):
        server.kubectl("get", "namespaces")
    server.start()

    assert (server.url, server.kubeconfig.read_text()) == before
    assert server.kubectl("get", "namespace", name, "--output", "name") == f"namespace/{name}\n"
    assert service_account("auth", "whoami", "--output", "name")


def test_detached_server_is_found_again(programs: Programs, tmp_path: Path) -> None:
    started = ControlPlane.create(programs, tmp_path)
    started.start(detached=True)

    found = ControlPlane.create(programs, tmp_path)

    assert (found.pid, found.url) == (started.pid, started.url)
    found.stop()
    assert ControlPlane.create(programs, tmp_path).pid is None


def test_running_server_starts_no_twin(control_plane: ControlPlane) -> None:
    with pytest.raises(StartFailed, match="started already"):
        control_plane.start()
