"""A thousand Workspaces: made at once, a restart with nothing to do, and edits meanwhile."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import quantiles

import pytest
from kubernetes.client import ApiClient

from tests.benchmarks.measurement import print_table
from tests.controlplane.kubectl import Kubectl
from tests.e2e.clusters import namespace, operator_account, operators, prepare
from tests.e2e.fixtures import NamespaceEnv, has_reason, manifest
from tests.e2e.operators import Operator, environment_with
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import wait_until
from workspace_operator.cluster.access import load_client
from workspace_operator.cluster.api_client import MERGE_PATCH, request
from workspace_operator.resources.workspaces import API_VERSION

MANY = 1000
RUNS = 3
EDITS = 60
CLIENTS = 8
EMPTY = "tests.benchmarks.empty_operator"
COMPARED = re.compile(r"compared (\d+) listed resources")
TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def env(kubectl: Kubectl, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[NamespaceEnv]:
    """An operator of its own, on SQLite, and a namespace."""
    prepare(kubectl, pytestconfig.rootpath)
    recorder = StatusRecorder(kubectl=kubectl)  # not started: it would cost more than the operator
    with operators(operator_account(kubectl, tmp_path), tmp_path) as make, namespace(kubectl, recorder) as name:
        yield NamespaceEnv(kubectl=kubectl, operator=make(), namespace=name, folder=tmp_path, recorder=recorder)


@pytest.mark.bench
def test_thousand_workspaces(env: NamespaceEnv) -> None:
    created = creation(env)
    empty = [cost_of_an_empty_operator(env) for _ in range(RUNS)]
    restarts = [cost_of_a_restart(env) for _ in range(RUNS)]
    edits = edits_while_starting(env)

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
        ],
    )


def creation(env: NamespaceEnv) -> list[tuple[str, str, str]]:
    """All made at once by a client without a limit of its own, which kubectl has."""
    env.operator.start()
    env.operator.wait_until_alive()
    before, spent, start = requests(env), processor_seconds(env.operator.pid), time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(lambda number: create(env, number), range(MANY)))
    made = time.perf_counter() - start
    wait_until(lambda: count_ready(env) == MANY, within=300)
    took = time.perf_counter() - start
    spent = processor_seconds(env.operator.pid) - spent
    each = (requests(env) - before) / MANY - 1  # the client's own POST
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


def count_ready(env: NamespaceEnv) -> int:
    """How many are in force; the whole list, which costs the API server more than any of them, is read once."""
    time.sleep(0.1)
    path = f"/apis/{API_VERSION}/namespaces/{env.namespace}/workspaces"
    if request(env_client(env), "GET", f"{path}?limit=1&fieldSelector=status.workspaceID=")["items"]:
        return 0
    found = request(env_client(env), "GET", path)
    return sum(has_reason(each, "InForce") for each in found["items"])


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
        wait_until(lambda: compared(operator) == MANY, within=60)
        return time.perf_counter() - start, processor_seconds(operator.pid)


def edits_while_starting(env: NamespaceEnv) -> list[float]:
    """Seconds from an edit to its status, for edits that begin as the process does."""
    api = env_client(env)
    took = list[float]()
    with restarted(env) as (operator, _):
        operator.wait_until_alive()
        for number in range(EDITS):
            path = f"/apis/{API_VERSION}/namespaces/{env.namespace}/workspaces/ws-{number * 7:04d}"
            change = {"spec": {"color": f"{number:06d}"}}
            start = time.perf_counter()
            generation = request(api, "PATCH", path, change, content_type=MERGE_PATCH)["metadata"]["generation"]
            wait_until(lambda: request(api, "GET", path)["status"]["observedGeneration"] == generation, within=30)  # noqa: B023
            took.append(time.perf_counter() - start)
    return took


@contextmanager
def restarted(env: NamespaceEnv) -> Iterator[tuple[Operator, float]]:
    env.operator.stop()
    env.operator.log.unlink()
    start = time.perf_counter()
    env.operator.start()
    yield env.operator, start


def compared(operator: Operator) -> int:
    """How many listed resources the log says were compared."""
    text = operator.log.read_text() if operator.log.exists() else ""
    return sum(map(int, COMPARED.findall(text)))


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
