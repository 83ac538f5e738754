"""A cluster that was made anew on the database of an earlier one, and a renamed namespace (field cases U4, U5, D28)."""

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
from tests.e2e.scenes import Document, Scene, condition_stands, conditions, manifest
from tests.e2e.statuses import StatusRecorder
from tests.e2e.waiting import until
from workspace_operator.bootstrap import awaited
from workspace_operator.resources.workspaces import RECREATE

PEOPLE = [("ana", "ana@example.com"), ("ben", "ben@example.com")]
OLD = "0cfc6b8e-0000-4000-8000-00000000dead"
SILENT_AFTER = ("--cluster-silent-after", "5")


@pytest.fixture
def scene(cluster: Kubectl, recorder: StatusRecorder, make_operator: MakeOperator, tmp_path: Path) -> Iterator[Scene]:
    """A namespace whose workspace "club" has people, and belongs to a cluster that is no more."""
    with namespace(cluster, recorder) as name:
        operator = make_operator(*SILENT_AFTER)
        scene = Scene(kubectl=cluster, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)
        document = json.dumps(manifest("club", name))
        (tmp_path / "club.json").write_text(document)
        operator.workspacectl("apply", "-f", tmp_path / "club.json", "--cluster-id", OLD)
        scene.import_people(PEOPLE, name="club")
        yield scene


@contextmanager
def beating(scene: Scene) -> Iterator[None]:
    """The operator of the old cluster is alive."""
    stopping = threading.Event()

    def beat() -> None:
        with awaited(scene.operator.database) as store:
            while not stopping.wait(0.5):
                store.heartbeats.beat(OLD, now=store.clock())

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def people(scene: Scene, document: Document) -> int:
    with awaited(scene.operator.database) as store:
        return store.people.count(document["status"]["workspaceID"]).total


def stalled(scene: Scene) -> Document:
    """The new cluster's resource, once the old cluster is known to be silent."""
    scene.operator.start()
    scene.operator.wait_until_alive()
    scene.apply("club")
    return scene.until_reason("OwnershipConflict", "club", within=120)


def test_new_cluster_makes_nothing_beside_what_waits(scene: Scene) -> None:
    document = stalled(scene)

    message = conditions(document)["Ready"]["message"]
    assert condition_stands(document)["Stalled"] == "True"
    assert f"A workspace of {scene.namespace}/club waits" in message
    assert not re.search(r"0cfc6b8e|people|workspace \d", message)
    assert scene.stored_names() == ["club"]
    until(lambda: f"its cluster {OLD} is silent" in scene.operator.log.read_text())


def test_workspaces_are_moved_to_the_new_cluster(scene: Scene) -> None:
    stalled(scene)
    listed = scene.operator.workspacectl("workspaces", "list", "--orphans")
    move = ("workspaces", "move", "--from-cluster", OLD, "--namespace", scene.namespace)

    tried = scene.operator.workspacectl(*move, "--dry-run")
    scene.operator.workspacectl(*move)
    scene.request_reconcile("club")

    assert OLD in listed
    assert "1 workspace can be moved" in tried
    assert people(scene, scene.until_ready("club")) == len(PEOPLE)


def test_new_one_is_made_on_purpose(scene: Scene) -> None:
    stalled(scene)

    scene.annotate(RECREATE, "new", "club")

    assert people(scene, scene.until_ready("club")) == 0
    assert scene.stored_names() == ["club", "club"]


def test_living_cluster_is_no_obstacle(scene: Scene) -> None:
    with beating(scene):
        scene.operator.start()
        scene.operator.wait_until_alive()
        scene.apply("club")
        document = scene.until_ready("club", within=120)

    messages = [message for _, _, message in scene.events("club")]
    assert people(scene, document) == 0
    assert not any("cluster" in message for message in messages)


def test_renamed_namespace_tells_administrators_only(scene: Scene, cluster: Kubectl, recorder: StatusRecorder) -> None:
    with namespace(cluster, recorder) as name:
        renamed, operator = replace(scene, namespace=name), scene.operator
        stalled(scene)
        operator.workspacectl("workspaces", "move", "--from-cluster", OLD)
        scene.request_reconcile("club")
        number = scene.until_ready("club")["status"]["workspaceID"]
        scene.delete("club")

        renamed.apply("club")
        document = renamed.until_ready("club")

        assert scene.namespace not in json.dumps(document)
        kubeconfig = ("--kubeconfig", cluster.kubeconfig)
        listed = operator.workspacectl("workspaces", "list", "--orphans", *kubeconfig)
        [row] = [line.split() for line in listed.splitlines()[1:]]
        assert (row[0], row[4], row[-1]) == (str(number), scene.namespace, "gone")
        operator.workspacectl("workspaces", "assign", str(number), "--to", f"{name}/club", "--replace-empty")
        renamed.request_reconcile("club")
        renamed.until(lambda document: document["status"].get("workspaceID") == number, "club")
        assert people(renamed, renamed.until_ready("club")) == len(PEOPLE)
