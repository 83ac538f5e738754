"""Edits while the cluster, the database or the operator fails: none is lost, and everything converges afterwards."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.launcher import ControlPlane
from tests.e2e.availability.edits import Edits
from tests.e2e.availability.faulty_cluster import FaultyCluster
from tests.e2e.clusters import MakeOperator, namespace, prepare
from tests.e2e.fixtures import NamespaceEnv, manifest
from tests.e2e.operators import Operator
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import wait_until
from tests.postgres import OwnPostgres
from workspace_operator.resources.schema import WORKSPACE

IS_PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))
SECONDS = 60.0 if IS_PROOF else 3.0
KILLS = 50 if IS_PROOF else 2
NAMES = tuple(f"ws-{number:02d}" for number in range(20 if IS_PROOF else 5))
EDITS_PER_SECOND = 10.0
CONVERGED_SECONDS = 150.0
PEOPLE = [("ana", "ana@example.com"), ("ben", "ben@example.com")]


@pytest.fixture
def faulty_cluster(control_plane: ControlPlane, cluster: Kubectl) -> Iterator[FaultyCluster]:  # noqa: ARG001 - prepared
    control_plane.ensure_running()
    with FaultyCluster(control_plane=control_plane) as proxy:
        yield proxy


@pytest.fixture
def operator(make_operator: MakeOperator, faulty_cluster: FaultyCluster, account: Kubectl, tmp_path: Path) -> Operator:
    """On SQLite, behind the proxy; it runs."""
    operator = make_operator()
    operator.account = faulty_cluster.account(account, tmp_path)
    operator.start()
    operator.wait_until_alive()
    return operator


@contextmanager
def edits(cluster: Kubectl, operator: Operator, recorder: StatusRecorder, folder: Path) -> Iterator[Edits]:
    """Resources that are in force, in a namespace of their own."""
    with namespace(cluster, recorder) as name:
        env = NamespaceEnv(kubectl=cluster, operator=operator, namespace=name, folder=folder, recorder=recorder)
        made = Edits(env=env, names=NAMES, per_second=EDITS_PER_SECOND)
        made.create_all()
        yield made


@pytest.fixture
def edited(cluster: Kubectl, operator: Operator, recorder: StatusRecorder, tmp_path: Path) -> Iterator[Edits]:
    with edits(cluster, operator, recorder, tmp_path) as made:
        yield made


def test_no_edit_is_lost_when_connections_are_cut(edited: Edits, faulty_cluster: FaultyCluster) -> None:
    with edited.running():
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            faulty_cluster.cut()
            time.sleep(1)

    edited.assert_none_lost(within=CONVERGED_SECONDS)


@pytest.mark.proof
def test_no_edit_is_lost_in_a_black_hole(edited: Edits, faulty_cluster: FaultyCluster) -> None:
    with edited.running():
        faulty_cluster.begin_black_hole()
        time.sleep(SECONDS)
        assert edited.env.operator.is_alive(within=1)
        faulty_cluster.end_black_hole()

    edited.assert_none_lost(within=CONVERGED_SECONDS)


def test_no_edit_is_lost_among_refusals(edited: Edits, faulty_cluster: FaultyCluster) -> None:
    with edited.running():
        faulty_cluster.refused = 0.3
        time.sleep(SECONDS)
        faulty_cluster.refused = 0.0

    assert faulty_cluster.refusals > 0
    edited.assert_none_lost(within=CONVERGED_SECONDS)


@pytest.mark.proof
def test_no_edit_is_lost_by_a_stopped_and_killed_api_server(
    edited: Edits, interruptible_control_plane: ControlPlane
) -> None:
    pid = interruptible_control_plane.pid
    assert pid is not None
    with edited.running():
        os.kill(pid, signal.SIGSTOP)
        time.sleep(SECONDS)
        os.kill(pid, signal.SIGCONT)
        time.sleep(SECONDS / 10)
        interruptible_control_plane.kill()
        time.sleep(SECONDS / 10)
        interruptible_control_plane.start()

    edited.assert_none_lost(within=CONVERGED_SECONDS)


@pytest.mark.proof
def test_no_edit_is_lost_by_kills_of_the_operator(edited: Edits) -> None:
    chance = random.Random(15)
    with edited.running():
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 2.0))
            edited.env.operator.kill()
            edited.env.operator.start()

    edited.assert_none_lost(within=CONVERGED_SECONDS)


@pytest.mark.proof
def test_no_edit_is_lost_between_two_operators(edited: Edits, make_operator: MakeOperator) -> None:
    second = make_operator(database=edited.env.operator.database)
    second.start()
    second.wait_until_alive()

    with edited.running():
        time.sleep(SECONDS)
        edited.env.operator.kill()
        time.sleep(SECONDS / 2)

    edited.assert_none_lost(within=CONVERGED_SECONDS)


@pytest.mark.proof
def test_definition_that_is_made_anew_keeps_people(
    edited: Edits, cluster: Kubectl, request: pytest.FixtureRequest
) -> None:
    env, name = edited.env, NAMES[0]
    env.import_people(PEOPLE, name=name)
    numbers = {name: document["status"]["workspaceID"] for name, document in edited.documents().items()}

    cluster("delete", "crd", WORKSPACE.crd_name)
    time.sleep(SECONDS / 3)
    prepare(cluster, request.config.rootpath)
    items = [manifest(name, env.namespace) for name in NAMES]
    cluster("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    edited.acknowledged.clear()

    edited.assert_none_lost(within=CONVERGED_SECONDS)
    documents = edited.documents()
    assert {name: document["status"]["workspaceID"] for name, document in documents.items()} == numbers
    assert documents[name]["status"]["people"]["total"] == len(PEOPLE)


@pytest.mark.proof
def test_definition_that_is_made_anew_is_watched_in_one_namespace(
    cluster: Kubectl,
    make_operator: MakeOperator,
    recorder: StatusRecorder,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """An operator of one namespace may not watch definitions, so nothing tells it of a new one."""
    with namespace(cluster, recorder) as name:
        operator = make_operator("--namespace", name)
        operator.start()
        operator.wait_until_alive()
        env = NamespaceEnv(kubectl=cluster, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)
        edited = Edits(env=env, names=NAMES, per_second=EDITS_PER_SECOND)
        edited.create_all()

        cluster("delete", "crd", WORKSPACE.crd_name)
        wait_until(lambda: "Unresolved resources" in operator.log.read_text(encoding="utf-8"), within=CONVERGED_SECONDS)
        time.sleep(SECONDS)
        prepare(cluster, request.config.rootpath)
        edited.create_all(within=2 * CONVERGED_SECONDS)

        edited.assert_none_lost()
        assert "workspaces: not watched" in operator.log.read_text(encoding="utf-8")


@pytest.mark.proof
def test_no_edit_is_lost_while_the_database_is_away(
    cluster: Kubectl,
    recorder: StatusRecorder,
    make_operator: MakeOperator,
    own_postgres: OwnPostgres,
    tmp_path: Path,
) -> None:
    operator = make_operator(database=own_postgres.create_database("store"))
    operator.start()
    operator.wait_until_alive()
    with edits(cluster, operator, recorder, tmp_path) as edited:
        with edited.running():
            own_postgres.stop()
            time.sleep(SECONDS)
            wait_until(lambda: any(map(is_not_ready, edited.documents().values())))
            own_postgres.start()

        edited.assert_none_lost(within=CONVERGED_SECONDS)


def is_not_ready(document: dict[str, dict[str, list[dict[str, str]]]]) -> bool:
    """Whether a status says that the store is away."""
    return any(condition["reason"] == "StoreUnavailable" for condition in document["status"]["conditions"])
