"""From a cluster without anything to the first Ready workspace, by the commands of the page, in a minute.

The test is the kubelet: it starts the operator as soon as its Deployment is there, and as the Deployment says. Pulling
the image is not counted.
"""

import shutil
import time
from pathlib import Path

from tests.chart.conftest import ReleaseCluster
from tests.chart.pods import LocalPod
from tests.docs.pages import REPOSITORY, runnable_blocks
from tests.e2e.waiting import succeeds, wait_until

LIMIT_SECONDS = 60
NAME = "workspace-operator"


def test_first_workspace_is_ready_by_three_commands(release_cluster: ReleaseCluster, tmp_path: Path) -> None:
    (block,) = runnable_blocks("docs/installing.md")
    for folder in ("examples", "manifests"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    assert len(block.splitlines()) <= 3

    started = time.monotonic()
    script = release_cluster.run(block, tmp_path, IMAGE="registry.example/workspace-operator")
    pod = scheduled_pod(release_cluster, tmp_path)
    try:
        pod.start()
        wait_until(lambda: script.exit_code() is not None, what=pod.log.read_text, within=2 * LIMIT_SECONDS)
        seconds = time.monotonic() - started
    finally:
        pod.stop()
        code = script.end()

    said = (tmp_path / "script.log").read_text()
    assert code == 0, said
    assert said.endswith("workspace.workspace-operator.dev/shop condition met\n")
    print(f"first Ready workspace after {seconds:.1f} s")
    assert seconds <= LIMIT_SECONDS


def scheduled_pod(cluster: ReleaseCluster, folder: Path) -> LocalPod:
    """The operator's pod, once its Deployment is there."""
    place = ("--namespace", NAME)
    wait_until(lambda: succeeds(lambda: cluster.kubectl("get", "deployment", NAME, *place)), within=LIMIT_SECONDS)
    room = folder / "pod"
    room.mkdir()
    return LocalPod(
        deployment=cluster.kubectl.json("get", "deployment", NAME, *place),
        account=cluster.kubectl.as_service_account(NAME, NAME, to=room / "kubeconfig"),
        folder=room,
    )
