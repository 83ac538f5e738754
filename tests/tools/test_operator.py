"""The operator of the image on a real API server, with the rights and the kubeconfig of its ServiceAccount."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands import status_of
from tests.controlplane.kubectl import Kubectl
from tests.e2e.clusters import operator_account, prepare
from tests.e2e.fixtures import RESOURCE
from tests.e2e.waiting import wait_until
from tests.image.containers import Container

EXAMPLE = "examples/shop.yaml"


@pytest.fixture
def cluster(kubectl: Kubectl, request: pytest.FixtureRequest) -> Kubectl:
    """The administrator's kubectl, on a cluster with our definitions and rights."""
    prepare(kubectl, request.config.rootpath)
    return kubectl


@pytest.fixture
def namespace(cluster: Kubectl) -> Iterator[str]:
    name = f"image-{secrets.token_hex(4)}"
    cluster("create", "namespace", name)
    yield name
    cluster("delete", RESOURCE, "--all", "-n", name)


def test_embedded_form_reconciles_and_ends_in_peace(
    cluster: Kubectl, namespace: str, container: Container, tmp_path: Path, port: int, health_port: int
) -> None:
    account = operator_account(cluster, tmp_path)
    kubeconfig = container.write("kubeconfig", account.kubeconfig.read_text(encoding="utf-8"))
    probes = f"http://127.0.0.1:{health_port}"

    container.start(
        *("run", "--kubeconfig", kubeconfig, "--health-endpoint", f"{probes}/healthz"),
        *("--api-address", f"127.0.0.1:{port}", "--console-address", "off", "--namespace", namespace),
    )
    wait_until(lambda: status_of(f"{probes}/readyz") == 200, what=lambda: container.last_lines)
    cluster("apply", "-n", namespace, "-f", EXAMPLE)
    cluster("wait", "--for=condition=Ready", "ws/shop", "-n", namespace, "--timeout=60s")

    assert status_of(f"{probes}/healthz") == 200
    assert httpx.put(f"http://127.0.0.1:{port}/api/v1/customers/m-1", json={}).status_code == 401
    assert container.stop() == 0, container.last_lines
