"""What a deletion leaves: everything with Retain, nothing with a confirmed Delete."""

import pytest

from tests.e2e.fixtures import NamespaceEnv, conditions
from tests.e2e.waiting import wait_until
from workspace_operator.resources.workspaces import CONFIRM_DELETE, FINALIZER


def finalizers(env: NamespaceEnv) -> list[str]:
    return list(env.get()["metadata"].get("finalizers", ()))


@pytest.fixture
def leaving(env: NamespaceEnv) -> NamespaceEnv:
    """A workspace with people and deletionPolicy Delete, being deleted without confirmation."""
    env.apply(displayName="Shop", deletionPolicy="Delete")
    env.wait_until_ready()
    env.import_people([("1", "a@example.com")])
    env.delete("shop", "--wait=false")
    env.wait_until(lambda document: conditions(document)["Ready"]["reason"] == "DeletionNotConfirmed")
    return env


def test_retained_workspace_outlives_its_resource(env: NamespaceEnv) -> None:
    env.apply()
    env.wait_until_ready()
    env.import_people([("1", "a@example.com")])

    env.delete()

    assert env.names() == []
    assert "a@example.com" in env.operator.workspacectl("people", "export", "-w", f"{env.namespace}/shop")


def test_delete_policy_holds_the_resource(env: NamespaceEnv) -> None:
    env.apply(deletionPolicy="Delete")

    env.wait_until_ready()

    assert finalizers(env) == [FINALIZER]


def test_unconfirmed_deletion_waits(leaving: NamespaceEnv) -> None:
    said = conditions(leaving.get())

    assert said["Stalled"]["status"] == "True"
    assert f'{CONFIRM_DELETE} is missing. Set it to the exact display name, "Shop"' in said["Ready"]["message"]
    assert leaving.stored_names() == ["Shop"]


def test_wrong_confirmation_destroys_nothing(leaving: NamespaceEnv) -> None:
    leaving.annotate(CONFIRM_DELETE, "shop")

    document = leaving.wait_until(lambda document: "which is not its name" in conditions(document)["Ready"]["message"])

    assert document["metadata"]["finalizers"] == [FINALIZER]
    assert leaving.stored_names() == ["Shop"]


def test_confirmed_deletion_destroys(leaving: NamespaceEnv) -> None:
    leaving.annotate(CONFIRM_DELETE, "Shop")

    wait_until(lambda: leaving.names() == [])

    assert leaving.stored_names() == []
    assert wait_until(lambda: [told for told in leaving.events() if told[1] == "WorkspaceDestroyed"])


def test_confirmation_may_come_first(env: NamespaceEnv) -> None:
    env.apply(deletionPolicy="Delete", annotations={CONFIRM_DELETE: "shop"})
    env.wait_until_ready()

    env.delete("shop", "--timeout=20s")

    assert env.stored_names() == []


def test_suspended_deletion_is_not_held_up(env: NamespaceEnv) -> None:
    env.apply(deletionPolicy="Delete")
    env.wait_until_ready()
    env.apply(deletionPolicy="Delete", suspend=True, annotations={CONFIRM_DELETE: "shop"})

    env.delete("shop", "--timeout=20s")

    assert env.stored_names() == []


def test_retain_lets_go_of_leaving_resource(leaving: NamespaceEnv) -> None:
    leaving.kubectl(
        "patch", "ws", "shop", "-n", leaving.namespace, "--type=merge", "-p", '{"spec":{"deletionPolicy":"Retain"}}'
    )

    wait_until(lambda: leaving.names() == [])

    assert leaving.stored_names() == ["Shop"]


def test_retain_takes_the_finalizer_off(env: NamespaceEnv) -> None:
    env.apply(deletionPolicy="Delete")
    env.wait_until_ready()

    env.apply(deletionPolicy="Retain")

    wait_until(lambda: finalizers(env) == [])


def test_destroyed_name_begins_anew(leaving: NamespaceEnv) -> None:
    leaving.annotate(CONFIRM_DELETE, "Shop")
    wait_until(lambda: leaving.names() == [])

    leaving.apply(displayName="Shop")
    document = leaving.wait_until_ready()

    assert document["status"]["people"]["total"] == 0
