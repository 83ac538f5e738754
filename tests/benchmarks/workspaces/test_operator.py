"""How soon a Workspace is Ready, and what the operator takes with a hundred of them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.benchmarks.measurement import print_table
from tests.controlplane.kubectl import Kubectl
from tests.e2e.clusters import namespace, operator_account, operators, prepare
from tests.e2e.fixtures import NamespaceEnv, has_reason, manifest
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import wait_until

GOAL_SECONDS = 1.0
GOAL_MEGABYTES = 130.0
RUNS = 50
MANY = 100


@pytest.fixture
def env(kubectl: Kubectl, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[NamespaceEnv]:
    """An operator of its own, on SQLite, and a namespace."""
    prepare(kubectl, pytestconfig.rootpath)
    recorder = StatusRecorder(kubectl=kubectl)
    recorder.start()
    with operators(operator_account(kubectl, tmp_path), tmp_path) as make, namespace(kubectl, recorder) as name:
        operator = make()
        operator.start()
        operator.wait_until_alive()
        yield NamespaceEnv(kubectl=kubectl, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)
    recorder.stop()


@pytest.mark.bench
def test_apply_is_ready_soon(env: NamespaceEnv) -> None:
    env.apply("warm-up")
    env.wait_until_ready("warm-up")
    took: list[float] = []
    kubectls: list[float] = []
    for number in range(RUNS):
        document = manifest(f"shop-{number}", env.namespace)
        start = time.perf_counter()
        env.kubectl("apply", "-f", "-", input=json.dumps(document))
        kubectls.append(time.perf_counter() - start)
        env.wait_until_ready(f"shop-{number}")
        took.append(time.perf_counter() - start)

    print_table(
        f"kubectl apply → Ready, {RUNS} workspaces one after the other",
        [
            ("median", f"< {GOAL_SECONDS:g} s", f"{median(took):.2f} s"),
            ("95 %", "", f"{quantiles(took, n=20)[-1]:.2f} s"),
            ("longest", "", f"{max(took):.2f} s"),
            ("median of kubectl alone, which is in them", "", f"{median(kubectls):.2f} s"),
        ],
    )
    assert median(took) < GOAL_SECONDS


@pytest.mark.bench
def test_hundred_workspaces_take_little(env: NamespaceEnv) -> None:
    before = env.operator.memory_megabytes()
    names = [f"shop-{number}" for number in range(MANY)]
    items = [manifest(name, env.namespace) for name in names]
    start = time.perf_counter()
    env.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    applied = time.perf_counter() - start

    wait_until(lambda: all(is_ready(env, name) for name in names), within=60)
    ready = time.perf_counter() - start

    after = env.operator.memory_megabytes()
    print_table(
        f"An operator (with its worker, on SQLite) and {MANY} workspaces, applied at once in {applied:.1f} s",
        [
            ("all Ready after", "", f"{ready:.1f} s"),
            ("RSS before", "", f"{before:.0f} MB"),
            ("RSS with all", f"< {GOAL_MEGABYTES:g} MB", f"{after:.0f} MB"),
        ],
    )
    assert after < GOAL_MEGABYTES


def is_ready(env: NamespaceEnv, name: str) -> bool:
    return any(has_reason(each, "InForce") for each in env.recorder.of(env.namespace, name)[-1:])
