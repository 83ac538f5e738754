"""A kube-apiserver that goes and comes back, and operators that do."""

from tests.controlplane.launcher import ControlPlane
from tests.e2e.fixtures import NamespaceEnv, condition_is_stable
from tests.e2e.waiting import wait_until


def test_edit_after_restart_is_seen(env: NamespaceEnv, interruptible_control_plane: ControlPlane) -> None:
    env.apply()
    env.apply("untouched")
    env.wait_until_ready()
    env.wait_until_ready("untouched")

    interruptible_control_plane.kill()
    interruptible_control_plane.start()
    env.apply(color="123456")
    env.apply("new")

    env.wait_until_ready(within=30)
    env.wait_until_ready("new")
    assert env.stored().settings.color == "123456"
    assert env.operator.is_alive(within=1)


def test_blocked_migration_is_reported_after_an_absence(
    env: NamespaceEnv, interruptible_control_plane: ControlPlane
) -> None:
    env.apply(identifiers={"mode": "IDOnly"})
    env.wait_until_ready()
    env.import_people([("1", "twin@example.com"), ("2", "twin@example.com")])
    env.apply(identifiers={"mode": "EmailOrID"})
    env.wait_for_reason("MigrationBlocked")

    interruptible_control_plane.kill()
    env.operator.workspacectl("people", "delete", "--workspace", f"{env.namespace}/shop", "--id", "2")
    wait_until(lambda: env.stored().mode == "EmailOrID", within=60)
    interruptible_control_plane.start()

    document = env.wait_until_ready(within=30)
    assert document["status"]["identifiers"]["mode"] == "EmailOrID"


def test_operator_waits_for_its_cluster(env: NamespaceEnv, interruptible_control_plane: ControlPlane) -> None:
    env.operator.stop()
    env.apply()
    interruptible_control_plane.kill()

    env.operator.start()
    wait_until(lambda: "retrying every" in env.operator.log.read_text())
    is_alive, is_ready = env.operator.is_alive(), env.operator.is_ready()
    interruptible_control_plane.start()

    env.wait_until_ready(within=30)
    assert (is_alive, is_ready) == (True, False)


def test_work_left_by_an_absent_operator_is_done(env: NamespaceEnv) -> None:
    env.apply()
    env.apply("leaving", deletionPolicy="Delete")
    env.wait_until_ready("leaving")
    env.operator.stop()
    env.apply(color="123456")
    env.annotate("workspace-operator.dev/confirm-delete", "leaving", "leaving")
    env.delete("leaving", "--wait=false")

    env.operator.start()

    env.wait_until_ready()
    wait_until(lambda: env.names() == ["shop"])
    assert env.stored_names() == ["shop"]
    assert condition_is_stable(env.get())["Ready"] == "True"
