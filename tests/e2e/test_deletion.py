"""What a deletion leaves: everything with Retain, nothing with a confirmed Delete."""

import pytest

from tests.e2e.scenes import Scene, conditions
from tests.e2e.waiting import until
from workspace_operator.resources.workspaces import CONFIRM_DELETE, FINALIZER


def finalizers(scene: Scene) -> list[str]:
    return list(scene.get()["metadata"].get("finalizers", ()))


@pytest.fixture
def leaving(scene: Scene) -> Scene:
    """A workspace with people and deletionPolicy Delete, being deleted without confirmation."""
    scene.apply(displayName="Shop", deletionPolicy="Delete")
    scene.until_ready()
    scene.import_people([("1", "a@example.com")])
    scene.delete("shop", "--wait=false")
    scene.until(lambda document: conditions(document)["Ready"]["reason"] == "DeletionNotConfirmed")
    return scene


def test_retained_workspace_outlives_its_resource(scene: Scene) -> None:
    scene.apply()
    scene.until_ready()
    scene.import_people([("1", "a@example.com")])

    scene.delete()

    assert scene.names() == []
    assert "a@example.com" in scene.operator.workspacectl("people", "export", "-w", f"{scene.namespace}/shop")


def test_delete_policy_holds_the_resource(scene: Scene) -> None:
    scene.apply(deletionPolicy="Delete")

    scene.until_ready()

    assert finalizers(scene) == [FINALIZER]


def test_unconfirmed_deletion_waits(leaving: Scene) -> None:
    said = conditions(leaving.get())

    assert said["Stalled"]["status"] == "True"
    assert f'{CONFIRM_DELETE} is missing. Set it to the display name exactly, "Shop"' in said["Ready"]["message"]
    assert leaving.stored_names() == ["Shop"]


def test_wrong_confirmation_destroys_nothing(leaving: Scene) -> None:
    leaving.annotate(CONFIRM_DELETE, "shop")

    document = leaving.until(lambda document: "which is not its name" in conditions(document)["Ready"]["message"])

    assert document["metadata"]["finalizers"] == [FINALIZER]
    assert leaving.stored_names() == ["Shop"]


def test_confirmed_deletion_destroys(leaving: Scene) -> None:
    leaving.annotate(CONFIRM_DELETE, "Shop")

    until(lambda: leaving.names() == [])

    assert leaving.stored_names() == []
    assert until(lambda: [told for told in leaving.events() if told[1] == "WorkspaceDestroyed"])


def test_confirmation_may_come_first(scene: Scene) -> None:
    scene.apply(deletionPolicy="Delete", annotations={CONFIRM_DELETE: "shop"})
    scene.until_ready()

    scene.delete("shop", "--timeout=20s")

    assert scene.stored_names() == []


def test_suspended_deletion_is_not_held_up(scene: Scene) -> None:
    scene.apply(deletionPolicy="Delete")
    scene.until_ready()
    scene.apply(deletionPolicy="Delete", suspend=True, annotations={CONFIRM_DELETE: "shop"})

    scene.delete("shop", "--timeout=20s")

    assert scene.stored_names() == []


def test_retain_lets_go_of_leaving_resource(leaving: Scene) -> None:
    leaving.kubectl(
        "patch", "ws", "shop", "-n", leaving.namespace, "--type=merge", "-p", '{"spec":{"deletionPolicy":"Retain"}}'
    )

    until(lambda: leaving.names() == [])

    assert leaving.stored_names() == ["Shop"]


def test_retain_takes_the_finalizer_off(scene: Scene) -> None:
    scene.apply(deletionPolicy="Delete")
    scene.until_ready()

    scene.apply(deletionPolicy="Retain")

    until(lambda: finalizers(scene) == [])


def test_destroyed_name_begins_anew(leaving: Scene) -> None:
    leaving.annotate(CONFIRM_DELETE, "Shop")
    until(lambda: leaving.names() == [])

    leaving.apply(displayName="Shop")
    document = leaving.until_ready()

    assert document["status"]["people"]["total"] == 0
