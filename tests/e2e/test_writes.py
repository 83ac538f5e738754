"""What the operator writes to the API server, counted by the API server."""

import time

from tests.controlplane.audit import Write
from tests.controlplane.launcher import ControlPlane
from tests.e2e.clusters import ACCOUNT
from tests.e2e.scenes import Scene

OPTIONS = ("--resync-seconds", "1")
TWO_RESYNCS = 5.0  # a sweep comes every other second, and each finds one due

OPERATOR = f"system:serviceaccount:{ACCOUNT[0]}:{ACCOUNT[1]}"


def written(scene: Scene, control_plane: ControlPlane) -> list[Write]:
    """The operator's writes in the scene's namespace so far, events apart."""
    log = [write for write in control_plane.writes(resource="workspaces") if write.namespace == scene.namespace]
    return [write for write in log if write.user == OPERATOR]


def settled(scene: Scene, control_plane: ControlPlane) -> int:
    """How many there are when it is Ready; the log is written a moment later."""
    scene.until_ready()
    time.sleep(0.5)
    return len(written(scene, control_plane))


def test_creation_takes_one_patch(scene: Scene, control_plane: ControlPlane) -> None:
    scene.apply()

    assert settled(scene, control_plane) == 1
    (write,) = written(scene, control_plane)
    assert (write.verb, write.subresource, write.code) == ("patch", "status", 200)


def test_settings_take_at_most_two_patches(scene: Scene, control_plane: ControlPlane) -> None:
    scene.apply()
    before = settled(scene, control_plane)

    scene.apply(displayName="Renamed", color="123456", openTracking="Disabled")

    assert settled(scene, control_plane) - before in (1, 2)


def test_identifier_change_takes_at_most_three_patches(scene: Scene, control_plane: ControlPlane) -> None:
    scene.apply(identifiers={"mode": "IDOnly"})
    scene.until_ready()
    scene.import_people([(str(number), f"{number}@example.com") for number in range(100)])
    before = settled(scene, control_plane)

    scene.apply(identifiers={"mode": "EmailOrID"})

    assert settled(scene, control_plane) - before in (1, 2, 3)


def test_finalizer_takes_one_patch_more(scene: Scene, control_plane: ControlPlane) -> None:
    scene.apply(deletionPolicy="Delete")

    settled(scene, control_plane)

    assert [write.subresource for write in written(scene, control_plane)] == ["", "status"]


def test_nothing_is_written_at_rest(scene: Scene, control_plane: ControlPlane) -> None:
    scene.apply()
    scene.apply("changed", identifiers={"mode": "EmailOrID"})
    scene.until_ready("changed")
    scene.apply("changed", identifiers={"mode": "IDOnly"})
    scene.until_ready("changed")
    settled(scene, control_plane)
    before = written(scene, control_plane)
    version = scene.get()["metadata"]["resourceVersion"]

    time.sleep(TWO_RESYNCS)  # nothing to wait for: that nothing happens is the point

    assert written(scene, control_plane) == before
    assert scene.get()["metadata"]["resourceVersion"] == version


def test_conflict_is_written_once(scene: Scene, control_plane: ControlPlane) -> None:
    scene.apply("first", displayName="Shop")
    scene.until_ready("first")
    scene.apply("second", displayName="Shop")
    scene.until_reason("NameConflict", "second")

    time.sleep(TWO_RESYNCS)

    assert [write.name for write in written(scene, control_plane)] == ["first", "second"]
