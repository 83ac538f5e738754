"""Edits of many workspaces for a long time: latency, conflicts, memory and live objects stay what they were."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles

import pytest

from tests.benchmarks.measurement import print_table
from tests.benchmarks.workspaces import counted_operator
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.launcher import ControlPlane
from tests.e2e.availability.edits import Edits
from tests.e2e.clusters import ACCOUNT, namespace, operator_account, operators, prepare
from tests.e2e.fixtures import NamespaceEnv
from tests.e2e.operators import Operator
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import wait_until

MINUTES = int(os.environ.get("WORKSPACE_OPERATOR_SOAK_MINUTES", "20"))
WORKSPACES = 200
EDITS_PER_SECOND = 10.0
OPERATOR = f"system:serviceaccount:{ACCOUNT[0]}:{ACCOUNT[1]}"


@pytest.mark.bench
def test_soak(
    kubectl: Kubectl,
    control_plane: ControlPlane,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(counted_operator.FILE, str(tmp_path / "objects"))
    prepare(kubectl, pytestconfig.rootpath)
    recorder = StatusRecorder(kubectl=kubectl)  # not started: it would keep every status
    with operators(operator_account(kubectl, tmp_path), tmp_path) as make, namespace(kubectl, recorder) as name:
        operator = make()
        operator.program = (sys.executable, "-m", counted_operator.__name__)
        operator.start()
        operator.wait_until_alive()
        env = NamespaceEnv(kubectl=kubectl, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)
        edits = Edits(
            env=env,
            names=tuple(f"ws-{number:03d}" for number in range(WORKSPACES)),
            per_second=EDITS_PER_SECOND - 1,
        )
        edits.create_all()
        seconds, memory, objects = soak(edits, tmp_path / "objects")
        edits.assert_stored()
        codes = Counter(write.code for write in control_plane.writes(resource="workspaces") if write.user == OPERATOR)

    early, late = min(5, MINUTES - 1) - 1, MINUTES - 1
    conflicts, writes = codes[409], codes.total()
    print_table(
        f"{MINUTES} minutes, {EDITS_PER_SECOND:g} edits/s on {WORKSPACES} workspaces; load {os.getloadavg()[0]:.1f}",
        [
            ("edits, of which were acknowledged and are in force at the end", "all", f"{edits.count}"),
            ("edit → in force, p50 / p99", "- / < 1 s", f"{quantile(seconds, 50):.2f} / {quantile(seconds, 99):.2f} s"),
            (
                "RSS at the end against minute 5",
                "<= 1.05",
                f"{memory[late] / memory[early]:.2f} ({memory[late]:.0f} MB)",
            ),
            ("live objects at the end against minute 5", "flat", f"{objects[late] / objects[early]:.3f}"),
            ("writes of the operator; of these 409", "no storm", f"{writes}; {conflicts}"),
        ],
    )
    print("RSS, MB:", *(f"{value:.0f}" for value in memory))
    print("objects:", *objects)


def soak(edits: Edits, objects_file: Path) -> tuple[list[float], list[float], list[int]]:
    """Seconds of sampled edits until they are in force; memory in MB and live objects at the end of each minute."""
    seconds, memory, objects = list[float](), list[float](), list[int]()
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(1):
            seconds.append(edits.seconds_until_in_force(edits.edit()))

    sampler = threading.Thread(target=sample, name="sampler")
    with edits.running():
        sampler.start()
        for _ in range(MINUTES):
            time.sleep(60)
            memory.append(edits.env.operator.memory_megabytes())
            objects.append(live_objects(edits.env.operator, objects_file))
        ended.set()
        sampler.join()
    edits.wait_until_settled()
    return seconds, memory, objects


def live_objects(operator: Operator, file: Path) -> int:
    """How many objects the operator's process holds."""
    file.unlink(missing_ok=True)
    os.kill(operator.pid, signal.SIGUSR1)
    wait_until(file.exists, within=30)
    return int(file.read_text())


def quantile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1]
