"""A thousand Workspaces: made at once, a restart with nothing or all to do, edits meanwhile; memory of 5000."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest
from kubernetes.client import ApiClient

from tests.benchmarks.measurement import print_table, processor_seconds
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.launcher import ControlPlane
from tests.e2e.clusters import ACCOUNT, namespace, operator_account, operators, prepare
from tests.e2e.fixtures import NamespaceEnv, has_reason, manifest
from tests.e2e.operators import Operator, environment_with
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import wait_until
from workspace_operator.cluster.access import load_client
from workspace_operator.cluster.api_client import MERGE_PATCH, request
from workspace_operator.resources.workspaces import API_VERSION

MANY = 1000
MEMORY_GOALS = {1000: 150.0, 5000: 300.0}
"""Megabytes of ``run operator`` by the number of workspaces."""

OPERATOR = f"system:serviceaccount:{ACCOUNT[0]}:{ACCOUNT[1]}"
RUNS = 3
EDITS = 60
CLIENTS = 8
EMPTY = "tests.benchmarks.workspaces.empty_operator"
COMPARED = re.compile(r"compared (\d+) listed Workspace resources")


@pytest.fixture
def env(kubectl: Kubectl, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[NamespaceEnv]:
    """An operator of its own, on SQLite, and a namespace."""
    prepare(kubectl, pytestconfig.rootpath)
    recorder = StatusRecorder(kubectl=kubectl)  # not started: it would cost more than the operator
    with operators(operator_account(kubectl, tmp_path), tmp_path) as make, namespace(kubectl, recorder) as name:
        yield NamespaceEnv(kubectl=kubectl, operator=make(), namespace=name, folder=tmp_path, recorder=recorder)


@pytest.mark.bench
def test_thousand_workspaces(env: NamespaceEnv, control_plane: ControlPlane) -> None:
    created = creation(env)
    empty = [cost_of_an_empty_operator(env) for _ in range(RUNS)]
    restarts = [cost_of_a_restart(env) for _ in range(RUNS)]
    edits = edits_while_starting(env)
    after_absence = work_of_an_absence(env, control_plane)

    best = [min(values) for values in zip(*empty, strict=True)]
    ours = [min(values) for values in zip(*restarts, strict=True)]
    print_table(
        f"{MANY} workspaces, SQLite; load average {os.getloadavg()[0]:.1f}",
        [
            *created,
            ("restart with nothing to do: wall, ours ÷ an empty Kopf operator", "<= 3", f"{ours[0] / best[0]:.2f}"),
            ("restart: processor, ours ÷ empty", "<= 3", f"{ours[1] / best[1]:.2f}"),
            ("restart: ours", "", f"{ours[0]:.2f} s, {ours[1]:.2f} s of processor"),
            ("restart: empty", "", f"{best[0]:.2f} s, {best[1]:.2f} s of processor"),
            ("edit → in force while 1000 start: p50", "", f"{quantiles(edits, n=100)[49]:.2f} s"),
            ("p99", "< 2 s", f"{quantiles(edits, n=100)[98]:.2f} s"),
            *after_absence,
        ],
    )


@pytest.mark.bench
def test_memory_of_many_workspaces(env: NamespaceEnv) -> None:
    env.operator.part = "operator"
    env.operator.start()
    env.operator.wait_until_alive()
    empty, made, rows = env.operator.memory_megabytes(), 0, list[tuple[str, str, str]]()
    for count, goal in MEMORY_GOALS.items():
        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(lambda number: create(env, number), range(made, count)))
        made = count
        wait_until(InForce(env, count).all, within=600)
        grown = env.operator.memory_megabytes()
        with restarted(env) as (operator, _):
            wait_until(partial(all_are_compared, operator, count), within=120)
            again = operator.memory_megabytes()
        rows.append((f"{count} made while it ran / after a restart", f"< {goal:g} MB", f"{grown:.0f} / {again:.0f} MB"))

    print_table(f"Memory of `run operator`; {empty:.0f} MB without workspaces", rows)


def creation(env: NamespaceEnv) -> list[tuple[str, str, str]]:
    """All made at once by a client without a limit of its own, which kubectl has."""
    env.operator.start()
    env.operator.wait_until_alive()
    before, spent, start = requests(env), processor_seconds(env.operator.pid), time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(lambda number: create(env, number), range(MANY)))
    made = time.perf_counter() - start
    in_force = InForce(env, MANY)
    wait_until(in_force.all, within=300)
    took = time.perf_counter() - start
    spent = processor_seconds(env.operator.pid) - spent
    each = (requests(env) - before - in_force.reads) / MANY - 1  # the client's own POST
    return [
        (f"made at once (in {made:.1f} s by {CLIENTS} connections) → all Ready", "< 20 s", f"{took:.1f} s"),
        ("requests to the API server for each, beside lists and watches", "<= 4", f"{each:.2f}"),
        ("processor time of the operator for each", "", f"{spent / MANY * 1000:.1f} ms"),
    ]


def create(env: NamespaceEnv, number: int) -> None:
    document = manifest(f"ws-{number:04d}", env.namespace)
    request(env_client(env), "POST", f"/apis/{API_VERSION}/namespaces/{env.namespace}/workspaces", document)


@cache
def client_of(kubeconfig: Path) -> ApiClient:
    return load_client(kubeconfig)


def env_client(env: NamespaceEnv) -> ApiClient:
    return client_of(env.kubectl.kubeconfig)


def requests(env: NamespaceEnv) -> int:
    """How many single objects of the kinds that the operator writes were asked for or written so far."""
    metrics = env.kubectl("get", "--raw", "/metrics")
    counted = 0.0
    for line in metrics.splitlines():
        if not line.startswith("apiserver_request_total{"):
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        if labels["resource"] in ("workspaces", "secrets", "events") and labels["verb"] not in ("LIST", "WATCH"):
            counted += float(line.rpartition(" ")[2])
    return int(counted)


@dataclass(slots=True)
class InForce:
    """Looks whether all are in force.

    The list of all costs the API server as much as 50 of its writes, so one that is not in force yet is read instead,
    and the list only when that one is.

    Attributes:
        reads: how many single ones it has read.
    """

    env: NamespaceEnv
    count: int
    reads: int = 0
    _pending: str | None = None

    def all(self) -> bool:
        client, path = env_client(self.env), f"/apis/{API_VERSION}/namespaces/{self.env.namespace}/workspaces"
        if self._pending is not None:
            self.reads += 1
            if not is_in_force(request(client, "GET", f"{path}/{self._pending}")):
                return False
        found = request(client, "GET", path)["items"]
        pending = [each["metadata"]["name"] for each in found if not is_in_force(each)]
        self._pending = pending[-1] if pending else None
        return not pending and len(found) == self.count


def is_in_force(document: Mapping[str, Any]) -> bool:
    return bool(document.get("status")) and has_reason(dict(document), "InForce")


def cost_of_an_empty_operator(env: NamespaceEnv) -> tuple[float, float]:
    """Wall and processor seconds until it has seen all."""
    command = [sys.executable, "-m", EMPTY, str(env.operator.account.kubeconfig), str(MANY)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment_with()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "seen all\n"
        cost = time.perf_counter() - start, processor_seconds(process.pid)
        process.terminate()
    return cost


def cost_of_a_restart(env: NamespaceEnv) -> tuple[float, float]:
    """Wall and processor seconds until the whole list was compared with the store."""
    with restarted(env) as (operator, start):
        wait_until(partial(all_are_compared, operator, MANY), within=60)
        return time.perf_counter() - start, processor_seconds(operator.pid)


def edits_while_starting(env: NamespaceEnv) -> list[float]:
    """Seconds from an edit to its status, for edits that begin as the process does."""
    with restarted(env) as (operator, _):
        operator.wait_until_alive()
        return [seconds_of_an_edit(env, number * 7, f"{number:06d}") for number in range(EDITS)]


def seconds_of_an_edit(env: NamespaceEnv, number: int, color: str) -> float:
    """How long an edit takes until it is in force."""
    start = time.perf_counter()
    generation = edit(env, number, color)
    path = path_of(env, number)
    wait_until(lambda: request(env_client(env), "GET", path)["status"]["observedGeneration"] == generation, within=30)
    return time.perf_counter() - start


def edit(env: NamespaceEnv, number: int, color: str) -> int:
    """Change a color: the generation of the edit."""
    change = {"spec": {"color": color}}
    edited = request(env_client(env), "PATCH", path_of(env, number), change, content_type=MERGE_PATCH)
    generation: int = edited["metadata"]["generation"]
    return generation


def path_of(env: NamespaceEnv, number: int) -> str:
    return f"/apis/{API_VERSION}/namespaces/{env.namespace}/workspaces/ws-{number:04d}"


def work_of_an_absence(env: NamespaceEnv, control_plane: ControlPlane) -> list[tuple[str, str, str]]:
    """All are edited while no operator runs; edits of some go on while the next one starts."""
    env.operator.stop()
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(lambda number: edit(env, number, "ABCDEF"), range(MANY)))
    before = status_writes(env, control_plane)
    with restarted(env) as (operator, start):
        operator.wait_until_alive()
        edits = [seconds_of_an_edit(env, number, f"{number:06d}") for number in range(EDITS)]
        wait_until(InForce(env, MANY).all, within=120)
        took = time.perf_counter() - start
    unedited = {f"ws-{number:04d}" for number in range(EDITS, MANY)}
    writes = status_writes(env, control_plane) - before
    each = {writes[name] for name in unedited}
    return [
        ("restart after all were edited → all in force", "<= 20 s", f"{took:.1f} s"),
        ("writes of each status, at least / at most", "1 / 1", f"{min(each)} / {max(each)}"),
        ("edits meanwhile, p99", "< 2 s", f"{quantiles(edits, n=100)[98]:.2f} s"),
    ]


def status_writes(env: NamespaceEnv, control_plane: ControlPlane) -> Counter[str]:
    """How often the operator has written the status of each resource so far."""
    return Counter(
        write.name
        for write in control_plane.writes(resource="workspaces")
        if (write.namespace, write.user, write.subresource) == (env.namespace, OPERATOR, "status")
    )


@contextmanager
def restarted(env: NamespaceEnv) -> Iterator[tuple[Operator, float]]:
    env.operator.stop()
    env.operator.log.unlink()
    start = time.perf_counter()
    env.operator.start()
    yield env.operator, start


def all_are_compared(operator: Operator, count: int) -> bool:
    return compared(operator) == count


def compared(operator: Operator) -> int:
    """How many listed resources the log says were compared."""
    text = operator.log.read_text() if operator.log.exists() else ""
    return sum(map(int, COMPARED.findall(text)))
