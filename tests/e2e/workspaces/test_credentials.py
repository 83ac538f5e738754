"""The credentials of a Workspace: in its Secret, known to the store by digest, made anew when they have to be."""

import json
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.controlplane.launcher import ControlPlane
from tests.e2e.clusters import ACCOUNT
from tests.e2e.fixtures import NamespaceEnv, conditions
from tests.e2e.waiting import wait_until
from workspace_operator.resources.workspaces import (
    CONFIRM_DELETE,
    MANAGED_BY,
    MANAGER,
    ROTATE_CREDENTIALS_AT,
    WORKSPACE_ID,
)

OPTIONS = ("--resync-seconds", "1")
TWO_RESYNCS = 5.0  # a poll comes every other second, and each finds one due
OPERATOR = f"system:serviceaccount:{ACCOUNT[0]}:{ACCOUNT[1]}"

Keys = dict[str, str]


@pytest.fixture
def settled(env: NamespaceEnv) -> NamespaceEnv:
    """A workspace that is Ready."""
    env.apply()
    env.wait_until_ready()
    return env


def others_than(env: NamespaceEnv, keys: Keys) -> Keys:
    """The keys that replace some in the Secret."""
    return wait_until(lambda: found if (found := env.keys()) != keys else {})


def has_reason(env: NamespaceEnv, reason: str) -> list[tuple[str, str, str]]:
    """The events of a reason; they are emitted after everything else."""
    return wait_until(lambda: [event for event in env.events() if event[1] == reason])


def expiry_in_status(env: NamespaceEnv, field: str) -> str:
    """A field of status.credentials, as soon as it is there."""
    document = env.wait_until(lambda document: field in document.get("status", {}).get("credentials", {}))
    return str(document["status"]["credentials"][field])


def test_secret_holds_what_the_store_knows(settled: NamespaceEnv) -> None:
    secret, keys = settled.secret(), settled.keys()

    assert secret["type"] == "Opaque"
    assert keys.keys() == {"siteID", "apiKey", "appKey"}
    assert all(len(bytes.fromhex(key)) == 32 for key in keys.values())
    assert len(set(keys.values())) == 3
    assert settled.can_call(keys)


def test_secret_belongs_to_its_workspace(settled: NamespaceEnv) -> None:
    metadata, document = settled.secret()["metadata"], settled.get()
    (owner,) = metadata["ownerReferences"]

    assert (owner["kind"], owner["name"], owner["uid"]) == ("Workspace", "shop", document["metadata"]["uid"])
    assert (owner["controller"], owner["blockOwnerDeletion"]) == (True, False)
    assert metadata["labels"] == {MANAGED_BY: MANAGER, WORKSPACE_ID: str(document["status"]["workspaceID"])}


def test_status_names_the_secret(settled: NamespaceEnv) -> None:
    status = settled.get()["status"]["credentials"]

    assert status["secretName"] == settled.secret()["metadata"]["name"]
    assert status.keys() == {"secretName", "rotationTime"}


def test_keys_are_nowhere_else(settled: NamespaceEnv) -> None:
    settled.annotate(ROTATE_CREDENTIALS_AT, "monday")
    settled.wait_until_ready()
    described = settled.kubectl("describe", "ws", "shop", "-n", settled.namespace)
    places = described + repr((settled.recorder.seen, settled.events())) + settled.operator.log.read_text()

    assert "Secret Name:" in described
    assert [key for key in settled.keys().values() if key in places] == []


def test_annotation_rotates(settled: NamespaceEnv) -> None:
    before = settled.keys()

    settled.annotate(ROTATE_CREDENTIALS_AT, "monday")
    after = others_than(settled, before)

    assert settled.can_call(before)
    assert settled.can_call(after)
    assert expiry_in_status(settled, "previousExpirationTime") > expiry_in_status(settled, "rotationTime")
    assert has_reason(settled, "CredentialsRotated")[0][0] == "Normal"


def test_without_grace_old_keys_end_at_once(env: NamespaceEnv) -> None:
    env.apply(credentials={"rotationGraceSeconds": 0})
    env.wait_until_ready()
    before = env.keys()

    env.annotate(ROTATE_CREDENTIALS_AT, "monday")
    after = others_than(env, before)

    assert not env.can_call(before)
    assert env.can_call(after)


def test_end_of_the_grace_is_noticed(env: NamespaceEnv) -> None:
    env.apply(credentials={"rotationGraceSeconds": 2})
    env.wait_until_ready()
    before = env.keys()
    env.annotate(ROTATE_CREDENTIALS_AT, "monday")
    expiry_in_status(env, "previousExpirationTime")

    env.wait_until(lambda document: "previousExpirationTime" not in document["status"]["credentials"])

    assert not env.can_call(before)


def test_missing_secret_comes_back(settled: NamespaceEnv) -> None:
    before = settled.keys()
    settled.kubectl("delete", "secret", "shop-credentials", "-n", settled.namespace)

    after = settled.keys()

    assert after != before
    assert settled.can_call(before)
    assert settled.can_call(after)
    assert has_reason(settled, "CredentialsRotated")[0][0] == "Warning"


def test_edited_secret_is_put_right(settled: NamespaceEnv) -> None:
    edit = '{"stringData": {"apiKey": "mine", "host": "track.example.com"}, "metadata": {"labels": {"team": "growth"}}}'
    settled.kubectl("patch", "secret", "shop-credentials", "-n", settled.namespace, "-p", edit)
    edited = settled.keys()

    after = others_than(settled, edited)

    assert settled.can_call(after)
    assert after["host"] == "track.example.com"
    assert settled.secret()["metadata"]["labels"]["team"] == "growth"


def crash_between_store_and_secret(env: NamespaceEnv) -> None:
    where = (env.operator.database, str(env.operator.account.kubeconfig), env.namespace, "shop")
    answer = subprocess.run(
        [sys.executable, "-m", "tests.e2e.crashing_operator", *where], capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == -signal.SIGKILL, answer.stderr


def test_crash_between_store_and_secret_is_repaired(settled: NamespaceEnv) -> None:
    before = settled.keys()
    settled.operator.stop()
    settled.annotate(ROTATE_CREDENTIALS_AT, "monday")

    crash_between_store_and_secret(settled)
    left = settled.keys()
    settled.operator.start()
    after = others_than(settled, before)

    assert left == before
    assert settled.can_call(before)
    assert settled.can_call(after)
    assert has_reason(settled, "CredentialsRotated")[0][0] == "Warning"


def test_crash_at_creation_is_repaired(env: NamespaceEnv) -> None:
    env.operator.stop()
    env.apply()

    crash_between_store_and_secret(env)
    left = env.find_secret()
    env.operator.start()
    env.wait_until_ready()

    assert left is None
    assert env.can_call(env.keys())


def test_foreign_secret_is_left_alone(env: NamespaceEnv) -> None:
    env.make_secret()
    version = env.secret()["metadata"]["resourceVersion"]

    env.apply()
    said = conditions(env.wait_for_reason("CredentialsConflict"))

    assert said["Stalled"]["status"] == "True"
    assert "was not made for this Workspace" in said["Ready"]["message"]
    assert env.secret()["metadata"]["resourceVersion"] == version


def test_secret_is_handed_over_as_documented(env: NamespaceEnv) -> None:
    env.make_secret()
    env.apply()
    said = conditions(env.wait_for_reason("CredentialsConflict"))["Ready"]["message"]

    command = said.partition("`")[2].partition("`")[0]
    env.kubectl(*command.split()[1:])
    env.wait_until_ready()

    assert env.can_call(env.keys())


def test_confirmed_deletion_removes_the_secret(env: NamespaceEnv) -> None:
    env.apply(deletionPolicy="Delete", annotations={CONFIRM_DELETE: "shop"})
    env.wait_until_ready()

    env.delete("shop", "--timeout=20s")

    assert env.find_secret() is None


def test_successor_takes_the_secret_over(settled: NamespaceEnv) -> None:
    keys = settled.keys()
    settled.delete()

    settled.apply()
    document = settled.wait_until_ready()

    assert settled.keys() == keys
    assert settled.can_call(keys)
    (owner,) = settled.secret()["metadata"]["ownerReferences"]
    assert owner["uid"] == document["metadata"]["uid"]


def test_nothing_is_written_at_rest(settled: NamespaceEnv, control_plane: ControlPlane) -> None:
    version = settled.secret()["metadata"]["resourceVersion"]

    time.sleep(TWO_RESYNCS)  # nothing to wait for: that nothing happens is the point

    log: list[Any] = [each for each in control_plane.writes(resource="secrets") if each.namespace == settled.namespace]
    assert [(each.verb, each.user, each.code) for each in log] == [("create", OPERATOR, 201)]
    assert settled.secret()["metadata"]["resourceVersion"] == version


def test_refusal_is_reported_and_passes(env: NamespaceEnv) -> None:
    hard = {"hard": {"secrets": "0"}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-secrets"}, "spec": hard}
    counted = json.dumps({"status": hard | {"used": {"secrets": "0"}}})  # as the controller does that is not here
    where = ("resourcequota", "no-secrets", "-n", env.namespace)
    env.kubectl("create", "-n", env.namespace, "-f", "-", input=json.dumps(quota))
    env.kubectl("patch", *where, "--subresource=status", "--type=merge", "-p", counted)
    env.apply()
    env.wait_for_reason("CredentialsRefused")

    env.kubectl("delete", *where)
    env.wait_until_ready()

    assert env.can_call(env.keys())
