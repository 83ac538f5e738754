"""The people API inside ``workspacectl run``, beside an operator whose cluster is away."""

import json
import signal
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from tests.api.servers import make_workspace
from tests.commands import running, status_of
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port


def kubeconfig(folder: Path) -> Path:
    """Write the kubeconfig of a cluster that does not answer."""
    server = {"name": "none", "cluster": {"server": f"https://127.0.0.1:{free_port()}"}}
    user = {"name": "none", "user": {"token": "none"}}
    context = {"name": "none", "context": {"cluster": "none", "user": "none"}}
    document = {"clusters": [server], "users": [user], "contexts": [context], "current-context": "none"}
    file = folder / "kubeconfig"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **document}))
    return file


def running_operator(folder: Path, address: str) -> AbstractContextManager["subprocess.Popen[str]"]:
    options = ("--database", f"sqlite:///{folder}/store.db", "--kubeconfig", str(kubeconfig(folder)))
    return running("run", *options, "--api-address", address, "--console-address", "off", end=signal.SIGTERM)


def test_api_is_served_beside_the_operator(tmp_path: Path) -> None:
    workspace = make_workspace(f"sqlite:///{tmp_path}/store.db")
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    with running_operator(tmp_path, f"127.0.0.1:{port}") as process:
        wait_until(lambda: status_of(f"{url}/openapi.json") == 200)
        response = httpx.put(f"{url}/api/v1/customers/ann", json={}, headers=workspace.track, timeout=60)

    assert response.status_code == 200
    assert process.returncode == 0


def test_api_can_be_left_out(tmp_path: Path) -> None:
    port = free_port()

    with running_operator(tmp_path, "off") as process:
        wait_until((tmp_path / "store.db").exists)

        assert status_of(f"http://127.0.0.1:{port}/openapi.json") == 0

    assert process.returncode == 0


@pytest.mark.parametrize("address", ["", "8100", ":8100", "localhost", "localhost:http", "localhost:"])
def test_address_must_be_host_and_port(tmp_path: Path, address: str) -> None:
    with running_operator(tmp_path, address) as process:
        process.wait(300)

    assert process.returncode == 64


def test_taken_address_ends_it_at_once(tmp_path: Path) -> None:
    with running_operator(tmp_path, "203.0.113.1:1") as process:
        _, told = process.communicate(timeout=300)

    assert process.returncode == 1
    assert "cannot listen on 203.0.113.1:1" in told
