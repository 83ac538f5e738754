"""A cluster that was made anew on the database of an earlier one, and a renamed namespace."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.clusters import MakeOperator, namespace
from tests.e2e.fixtures import Document, NamespaceEnv, condition_is_stable, conditions, manifest
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import wait_until
from workspace_operator.bootstrap import open_store_lazily
from workspace_operator.resources.workspaces import RECREATE

PEOPLE = [("ana", "ana@example.com"), ("ben", "ben@example.com")]
OLD = "0cfc6b8e-0000-4000-8000-00000000dead"
SILENT_AFTER = ("--cluster-silent-after", "5")


@pytest.fixture
def env(
    cluster: Kubectl, recorder: StatusRecorder, make_operator: MakeOperator, tmp_path: Path
) -> Iterator[NamespaceEnv]:
    """A namespace whose workspace "club" has people, and belongs to a cluster that is no more."""
    with namespace(cluster, recorder) as name:
        operator = make_operator(*SILENT_AFTER)
        env = NamespaceEnv(kubectl=cluster, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)
        document = json.dumps(manifest("club", name))
        (tmp_path / "club.json").write_text(document)
        operator.workspacectl("apply", "-f", tmp_path / "club.json", "--cluster-id", OLD)
        env.import_people(PEOPLE, name="club")
        yield env


@contextmanager
def beating(env: NamespaceEnv) -> Iterator[None]:
    """The operator of the old cluster is alive."""
    stopping = threading.Event()

    def beat() -> None:
        with open_store_lazily(env.operator.database) as store:
            while not stopping.wait(0.5):
                store.heartbeats.beat(OLD, now=store.clock())

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def people(env: NamespaceEnv, document: Document) -> int:
    with open_store_lazily(env.operator.database) as store:
        return store.people.count(document["status"]["workspaceID"]).total


def stalled(env: NamespaceEnv) -> Document:
    """The new cluster's resource, once the old cluster is known to be silent."""
    env.operator.start()
    env.operator.wait_until_alive()
    env.apply("club")
    return env.wait_for_reason("OwnershipConflict", "club", within=120)


def test_new_cluster_makes_nothing_beside_what_waits(env: NamespaceEnv) -> None:
    document = stalled(env)

    message = conditions(document)["Ready"]["message"]
    assert condition_is_stable(document)["Stalled"] == "True"
    assert f"has a workspace of {env.namespace}/club that belongs to another cluster" in message
    assert not re.search(r"0cfc6b8e|people|workspace \d", message)
    assert env.stored_names() == ["club"]
    wait_until(lambda: f"the cluster {OLD} of the workspace is silent" in env.operator.log.read_text())


def test_workspaces_are_moved_to_the_new_cluster(env: NamespaceEnv) -> None:
    stalled(env)
    listed = env.operator.workspacectl("workspaces", "list", "--orphans")
    move = ("workspaces", "move", "--from-cluster", OLD, "--namespace", env.namespace)

    tried = env.operator.workspacectl(*move, "--dry-run")
    env.operator.workspacectl(*move)
    env.request_reconcile("club")

    assert OLD in listed
    assert "1 workspace can be moved" in tried
    assert people(env, env.wait_until_ready("club")) == len(PEOPLE)


def test_new_one_is_made_on_purpose(env: NamespaceEnv) -> None:
    stalled(env)

    env.annotate(RECREATE, "new", "club")

    assert people(env, env.wait_until_ready("club")) == 0
    assert env.stored_names() == ["club", "club"]


def test_living_cluster_is_no_obstacle(env: NamespaceEnv) -> None:
    with beating(env):
        env.operator.start()
        env.operator.wait_until_alive()
        env.apply("club")
        document = env.wait_until_ready("club", within=120)

    messages = [message for _, _, message in env.events("club")]
    assert people(env, document) == 0
    assert not any("cluster" in message for message in messages)


def test_renamed_namespace_is_reported_to_administrators_only(
    env: NamespaceEnv, cluster: Kubectl, recorder: StatusRecorder
) -> None:
    with namespace(cluster, recorder) as name:
        renamed, operator = replace(env, namespace=name), env.operator
        stalled(env)
        operator.workspacectl("workspaces", "move", "--from-cluster", OLD)
        env.request_reconcile("club")
        number = env.wait_until_ready("club")["status"]["workspaceID"]
        env.delete("club")

        renamed.apply("club")
        document = renamed.wait_until_ready("club")

        assert env.namespace not in json.dumps(document)
        kubeconfig = ("--kubeconfig", cluster.kubeconfig)
        listed = operator.workspacectl("workspaces", "list", "--orphans", *kubeconfig)
        [row] = [line.split() for line in listed.splitlines()[1:]]
        assert (row[0], row[4], row[-1]) == (str(number), env.namespace, "gone")
        operator.workspacectl("workspaces", "assign", str(number), "--to", f"{name}/club", "--replace-empty")
        renamed.request_reconcile("club")
        renamed.wait_until(lambda document: document["status"].get("workspaceID") == number, "club")
        assert people(renamed, renamed.wait_until_ready("club")) == len(PEOPLE)
