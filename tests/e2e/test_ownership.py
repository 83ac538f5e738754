"""Whose a workspace is: names that are taken, workspaces that wait for their next owner."""

import pytest

from tests.e2e.scenes import Scene, condition_stands, conditions, says
from workspace_operator.resources.workspaces import ADOPT


@pytest.fixture
def released(scene: Scene) -> int:
    """The number of a workspace "Shop" whose resource "old" is gone."""
    scene.apply("old", displayName="Shop", color="123456")
    number = scene.until_ready("old")["status"]["workspaceID"]
    scene.delete("old")
    return int(number)


def test_taken_name_is_a_conflict(scene: Scene) -> None:
    scene.apply("first", displayName="Shop")
    scene.until_ready("first")

    scene.apply("second", displayName="Shop")
    document = scene.until_reason("NameConflict", "second")

    assert condition_stands(document) == {"Ready": "False", "Stalled": "True", "IdentifiersApplied": "Unknown"}
    assert f"of {scene.namespace}/first" in conditions(document)["Ready"]["message"]
    assert scene.stored_names() == ["Shop"]


def test_another_account_may_have_the_name(scene: Scene) -> None:
    scene.apply("first", displayName="Shop")
    scene.apply("second", displayName="Shop", accountName="other")

    scene.until_ready("first")
    scene.until_ready("second")

    assert scene.stored_names() == ["Shop", "Shop"]


def test_conflict_ends_with_another_name(scene: Scene) -> None:
    scene.apply("first", displayName="Shop")
    scene.until_ready("first")
    scene.apply("second", displayName="Shop")
    scene.until_reason("NameConflict", "second")

    scene.apply("second", displayName="Second Shop")
    scene.until_ready("second")

    assert scene.stored_names() == ["Second Shop", "Shop"]


def test_conflict_ends_when_holder_is_renamed(scene: Scene) -> None:
    scene.apply("first", displayName="Shop")
    scene.until_ready("first")
    scene.apply("second", displayName="Shop")
    scene.until_reason("NameConflict", "second")

    scene.apply("first", displayName="First Shop")
    scene.until_ready("second", within=10)

    assert scene.stored_names() == ["First Shop", "Shop"]


def test_rename_to_taken_name_changes_nothing(scene: Scene) -> None:
    scene.apply("first", displayName="Shop")
    scene.apply("second")
    scene.until_ready("first")
    scene.until_ready("second")

    scene.apply("second", displayName="Shop", color="123456")
    document = scene.until_reason("NameConflict", "second")

    assert condition_stands(document)["Stalled"] == "True"
    assert (scene.stored("second").settings.display_name, scene.stored("second").settings.color) == ("second", "6B7280")


def test_same_name_takes_its_workspace_again(scene: Scene, released: int) -> None:
    scene.apply("old", displayName="Shop")

    document = scene.until_ready("old")

    assert document["status"]["workspaceID"] == released
    assert scene.stored("old").owner.uid == document["metadata"]["uid"]
    assert scene.stored("old").settings.color == "6B7280"


def test_released_name_is_offered(scene: Scene, released: int) -> None:
    scene.apply("new", displayName="Shop")

    document = scene.until_reason("NameConflict", "new")

    assert f'{ADOPT}: "{released}"' in conditions(document)["Ready"]["message"]


def test_released_workspace_is_adopted(scene: Scene, released: int) -> None:
    scene.apply("new", displayName="Shop")
    scene.until_reason("NameConflict", "new")

    scene.annotate(ADOPT, str(released), "new")
    document = scene.until_ready("new")

    assert document["status"]["workspaceID"] == released
    assert scene.stored("new").workspace_id == released


def test_held_workspace_is_not_adopted(scene: Scene) -> None:
    scene.apply("holder")
    number = scene.until_ready("holder")["status"]["workspaceID"]

    scene.apply("thief", annotations={ADOPT: str(number)})
    document = scene.until_reason("OwnershipConflict", "thief")

    assert "that resource still exists" in conditions(document)["Ready"]["message"]
    assert condition_stands(document)["Stalled"] == "True"
    assert scene.stored("holder").workspace_id == number


def test_adoption_waits_for_the_release(scene: Scene) -> None:
    scene.apply("holder", displayName="Shop")
    number = scene.until_ready("holder")["status"]["workspaceID"]
    scene.apply("heir", displayName="Shop", annotations={ADOPT: str(number)})
    scene.until_reason("OwnershipConflict", "heir")

    scene.delete("holder")
    document = scene.until_ready("heir", within=60)  # new credentials are left to their maker for ten seconds

    assert document["status"]["workspaceID"] == number


@pytest.mark.parametrize(("number", "reason"), [("999999", "OwnershipConflict"), ("no number", "InvalidSpec")])
def test_impossible_adoption_is_told(scene: Scene, number: str, reason: str) -> None:
    scene.apply(annotations={ADOPT: number})

    document = scene.until(lambda document: says(document, reason))

    assert ADOPT in conditions(document)["Ready"]["message"]
