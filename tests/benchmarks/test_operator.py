"""How soon a Workspace is Ready, and what the operator takes with a hundred of them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.benchmarks.measuring import tell
from tests.controlplane.kubectl import Kubectl
from tests.e2e.clusters import namespace, operator_account, operators, prepare
from tests.e2e.scenes import Scene, manifest, says
from tests.e2e.statuses import StatusRecorder
from tests.e2e.waiting import until

GOAL_SECONDS = 1.0
GOAL_MEGABYTES = 130.0
RUNS = 50
MANY = 100


@pytest.fixture
def scene(kubectl: Kubectl, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Scene]:
    """An operator of its own, on SQLite, and a namespace."""
    prepare(kubectl, pytestconfig.rootpath)
    recorder = StatusRecorder(kubectl=kubectl)
    recorder.start()
    with operators(operator_account(kubectl, tmp_path), tmp_path) as make, namespace(kubectl, recorder) as name:
        operator = make()
        operator.start()
        operator.wait_until_alive()
        yield Scene(kubectl=kubectl, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)
    recorder.stop()


@pytest.mark.bench
def test_apply_is_ready_soon(scene: Scene) -> None:
    scene.apply("warm-up")
    scene.until_ready("warm-up")
    took: list[float] = []
    kubectls: list[float] = []
    for number in range(RUNS):
        document = manifest(f"shop-{number}", scene.namespace)
        start = time.perf_counter()
        scene.kubectl("apply", "-f", "-", input=json.dumps(document))
        kubectls.append(time.perf_counter() - start)
        scene.until_ready(f"shop-{number}")
        took.append(time.perf_counter() - start)

    tell(
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
def test_hundred_workspaces_take_little(scene: Scene) -> None:
    before = scene.operator.memory_megabytes()
    names = [f"shop-{number}" for number in range(MANY)]
    items = [manifest(name, scene.namespace) for name in names]
    start = time.perf_counter()
    scene.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    applied = time.perf_counter() - start

    until(lambda: all(is_ready(scene, name) for name in names), within=60)
    ready = time.perf_counter() - start

    after = scene.operator.memory_megabytes()
    tell(
        f"An operator (with its worker, on SQLite) and {MANY} workspaces, applied at once in {applied:.1f} s",
        [
            ("all Ready after", "", f"{ready:.1f} s"),
            ("RSS before", "", f"{before:.0f} MB"),
            ("RSS with all", f"< {GOAL_MEGABYTES:g} MB", f"{after:.0f} MB"),
        ],
    )
    assert after < GOAL_MEGABYTES


def is_ready(scene: Scene, name: str) -> bool:
    return any(says(each, "InForce") for each in scene.recorder.of(scene.namespace, name)[-1:])
