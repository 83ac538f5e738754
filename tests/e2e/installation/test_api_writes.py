"""What the operator writes to the API server, counted by the API server."""

import time

from tests.controlplane.audit import Write
from tests.controlplane.launcher import ControlPlane
from tests.e2e.clusters import ACCOUNT
from tests.e2e.fixtures import NamespaceEnv

OPTIONS = ("--resync-seconds", "1")
TWO_RESYNCS = 5.0  # a poll comes every other second, and each finds one due

OPERATOR = f"system:serviceaccount:{ACCOUNT[0]}:{ACCOUNT[1]}"


def written(env: NamespaceEnv, control_plane: ControlPlane) -> list[Write]:
    """The operator's writes in the namespace so far, without events."""
    log = [write for write in control_plane.writes(resource="workspaces") if write.namespace == env.namespace]
    return [write for write in log if write.user == OPERATOR]


def settled(env: NamespaceEnv, control_plane: ControlPlane) -> int:
    """How many there are when it is Ready; the log is written a moment later."""
    env.wait_until_ready()
    time.sleep(0.5)
    return len(written(env, control_plane))


def test_creation_takes_one_patch(env: NamespaceEnv, control_plane: ControlPlane) -> None:
    env.apply()

    assert settled(env, control_plane) == 1
    (write,) = written(env, control_plane)
    assert (write.verb, write.subresource, write.code) == ("patch", "status", 200)


def test_settings_take_at_most_two_patches(env: NamespaceEnv, control_plane: ControlPlane) -> None:
    env.apply()
    before = settled(env, control_plane)

    env.apply(displayName="Renamed", color="123456", openTracking="Disabled")

    assert settled(env, control_plane) - before in (1, 2)


def test_migration_takes_at_most_three_patches(env: NamespaceEnv, control_plane: ControlPlane) -> None:
    env.apply(identifiers={"mode": "IDOnly"})
    env.wait_until_ready()
    env.import_people([(str(number), f"{number}@example.com") for number in range(100)])
    before = settled(env, control_plane)

    env.apply(identifiers={"mode": "EmailOrID"})

    assert settled(env, control_plane) - before in (1, 2, 3)


def test_finalizer_takes_one_patch_more(env: NamespaceEnv, control_plane: ControlPlane) -> None:
    env.apply(deletionPolicy="Delete")

    settled(env, control_plane)

    assert [write.subresource for write in written(env, control_plane)] == ["", "status"]


def test_nothing_is_written_at_rest(env: NamespaceEnv, control_plane: ControlPlane) -> None:
    env.apply()
    env.apply("changed", identifiers={"mode": "EmailOrID"})
    env.wait_until_ready("changed")
    env.apply("changed", identifiers={"mode": "IDOnly"})
    env.wait_until_ready("changed")
    settled(env, control_plane)
    before = written(env, control_plane)
    version = env.get()["metadata"]["resourceVersion"]

    time.sleep(TWO_RESYNCS)  # nothing to wait for: that nothing happens is the point

    assert written(env, control_plane) == before
    assert env.get()["metadata"]["resourceVersion"] == version


def test_conflict_is_written_once(env: NamespaceEnv, control_plane: ControlPlane) -> None:
    env.apply("first", displayName="Shop")
    env.wait_until_ready("first")
    env.apply("second", displayName="Shop")
    env.wait_for_reason("NameConflict", "second")

    time.sleep(TWO_RESYNCS)

    assert [write.name for write in written(env, control_plane)] == ["first", "second"]
