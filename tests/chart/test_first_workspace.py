"""From a cluster without anything to the first Ready workspace, by the commands of the page, in a minute.

The test is the kubelet: it starts the operator as soon as its Deployment is there, and as the Deployment says. Pulling
the image is not counted. Once the operator runs from the image, once from this environment, which needs no image.
"""

import shutil
import time
from pathlib import Path

import pytest

from tests.chart.conftest import ReleaseCluster
from tests.chart.pods import ImageContainers, LocalPod, Processes, Runtime
from tests.docs.pages import REPOSITORY, runnable_blocks
from tests.e2e.waiting import succeeds, wait_until

LIMIT_SECONDS = 60
NAME = "workspace-operator"


@pytest.fixture(params=["processes", "image"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Runtime:
    folder = tmp_path / "pod"
    folder.mkdir()
    if request.param == "processes":
        return Processes(folder)
    return ImageContainers(request.getfixturevalue("image"), folder)


def test_first_workspace_is_ready_by_three_commands(
    release_cluster: ReleaseCluster, runtime: Runtime, tmp_path: Path
) -> None:
    block = next(block for block in runnable_blocks("docs/installing.md") if block.startswith("helm "))
    for folder in ("examples", "manifests"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    assert len(block.splitlines()) <= 3

    started = time.monotonic()
    script = release_cluster.run(block, tmp_path, IMAGE="registry.example/workspace-operator")
    pod = scheduled_pod(release_cluster, runtime, tmp_path)
    try:
        pod.start()
        wait_until(lambda: script.exit_code() is not None, what=runtime.said, within=2 * LIMIT_SECONDS)
        seconds = time.monotonic() - started
    finally:
        runtime.stop()
        code = script.end()

    said = (tmp_path / "script.log").read_text()
    assert code == 0, said
    assert said.endswith("workspace.workspace-operator.dev/shop condition met\n")
    print(f"first Ready workspace after {seconds:.1f} s")
    assert seconds <= LIMIT_SECONDS


def scheduled_pod(cluster: ReleaseCluster, runtime: Runtime, folder: Path) -> LocalPod:
    """The operator's pod, once its Deployment is there."""
    place = ("--namespace", NAME)
    wait_until(lambda: succeeds(lambda: cluster.kubectl("get", "deployment", NAME, *place)), within=LIMIT_SECONDS)
    account = cluster.kubectl.as_service_account(NAME, NAME, to=folder / "kubeconfig")
    return LocalPod(
        deployment=cluster.kubectl.json("get", "deployment", NAME, *place),
        kubeconfig=account.kubeconfig.read_text(encoding="utf-8"),
        runtime=runtime,
    )
