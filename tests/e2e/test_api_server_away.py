"""A kube-apiserver that goes and comes back, and operators that do."""

from tests.controlplane.launcher import ControlPlane
from tests.e2e.scenes import Scene, condition_stands
from tests.e2e.waiting import until


def test_edit_after_restart_is_seen(scene: Scene, interruptible_control_plane: ControlPlane) -> None:
    scene.apply()
    scene.apply("untouched")
    scene.until_ready()
    scene.until_ready("untouched")

    interruptible_control_plane.kill()
    interruptible_control_plane.start()
    scene.apply(color="123456")
    scene.apply("new")

    scene.until_ready(within=30)
    scene.until_ready("new")
    assert scene.stored().settings.color == "123456"
    assert scene.operator.is_alive(within=1)


def test_blocked_change_is_told_after_an_absence(scene: Scene, interruptible_control_plane: ControlPlane) -> None:
    scene.apply(identifiers={"mode": "IDOnly"})
    scene.until_ready()
    scene.import_people([("1", "twin@example.com"), ("2", "twin@example.com")])
    scene.apply(identifiers={"mode": "EmailOrID"})
    scene.until_reason("MigrationBlocked")

    interruptible_control_plane.kill()
    scene.operator.workspacectl("people", "delete", "--workspace", f"{scene.namespace}/shop", "--id", "2")
    until(lambda: scene.stored().mode == "EmailOrID", within=60)
    interruptible_control_plane.start()

    document = scene.until_ready(within=30)
    assert document["status"]["identifiers"]["mode"] == "EmailOrID"


def test_operator_waits_for_its_cluster(scene: Scene, interruptible_control_plane: ControlPlane) -> None:
    scene.operator.stop()
    scene.apply()
    interruptible_control_plane.kill()

    scene.operator.start()
    until(lambda: "waiting for it" in scene.operator.log.read_text())
    interruptible_control_plane.start()

    scene.until_ready(within=30)


def test_work_left_by_an_absent_operator_is_done(scene: Scene) -> None:
    scene.apply()
    scene.apply("leaving", deletionPolicy="Delete")
    scene.until_ready("leaving")
    scene.operator.stop()
    scene.apply(color="123456")
    scene.annotate("workspace-operator.dev/confirm-delete", "leaving", "leaving")
    scene.delete("leaving", "--wait=false")

    scene.operator.start()

    scene.until_ready()
    until(lambda: scene.names() == ["shop"])
    assert scene.stored_names() == ["shop"]
    assert condition_stands(scene.get())["Ready"] == "True"
