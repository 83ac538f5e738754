"""``kubectl ws`` found and started by the real kubectl; the test API server has no kubelet, so `exec` runs here."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.fixtures import NamespaceEnv, manifest
from tests.fakes.cluster.kubectl_program import KubectlProgram

Plugin = Callable[..., "subprocess.CompletedProcess[str]"]

LABELS = {"app.kubernetes.io/name": "workspace-operator", "app.kubernetes.io/component": "operator"}


@pytest.fixture
def plugin(env: NamespaceEnv, tmp_path: Path) -> Plugin:
    """Runs `kubectl ws` as a user types it, with a pod of the operator in the test's namespace."""
    kubectl = env.kubectl
    run_pod(env)
    program = KubectlProgram.install(tmp_path / "bin", database=env.operator.database, real=kubectl.program)
    script = program.folder / "kubectl-ws"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m workspace_operator.cli.plugin "$@"\n')
    script.chmod(0o755)
    path = f"{program.folder}{os.pathsep}{os.environ['PATH']}"

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        where = ("--operator-namespace", env.namespace, "--namespace", env.namespace)
        command = [str(kubectl.program), "ws", *where, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=kubectl.environment() | {"PATH": path}, cwd=tmp_path
        )

    return run


def run_pod(env: NamespaceEnv) -> None:
    """A pod that a kubelet would have started."""
    where = ("-n", env.namespace)
    env.kubectl("create", "serviceaccount", "operator", *where)
    spec = {"serviceAccountName": "operator", "containers": [{"name": "operator", "image": "workspace-operator"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator", "labels": LABELS}, "spec": spec}
    env.kubectl("create", *where, "-f", "-", input=json.dumps(pod))
    running = json.dumps({"status": {"phase": "Running"}})
    env.kubectl("patch", "pod", "operator", *where, "--subresource=status", "--type=merge", "-p", running)


def test_plan_agrees_with_the_operator(env: NamespaceEnv, plugin: Plugin) -> None:
    env.apply()
    env.wait_until_ready()
    changed = manifest("shop", env.namespace, color="FF0000")
    del changed["metadata"]["namespace"]
    (env.folder / "shop.json").write_text(json.dumps(changed))

    done = plugin("plan", "-f", str(env.folder / "shop.json"))

    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith(f"{env.namespace}/shop: would change\n  set spec.color 6B7280 → FF0000\n")


def test_report_reads_the_cluster(env: NamespaceEnv, plugin: Plugin) -> None:
    env.apply(sendBehavior={"mode": "Test", "testAddress": "ana@shop.example"})
    env.wait_until_ready()

    done = plugin("report")

    assert (done.returncode, done.stderr) == (0, "")
    assert f"{env.namespace}/shop: generation 1, observed 1" in done.stdout
    assert "serverVersion: v" in done.stdout
    assert "  Ready InForce: 1" in done.stdout
    assert "ana@" not in done.stdout
