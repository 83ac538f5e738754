"""Whose a workspace is: names that are taken, workspaces that wait for their next owner."""

import pytest

from tests.e2e.fixtures import NamespaceEnv, condition_is_stable, conditions, has_reason
from workspace_operator.resources.workspaces import ADOPT


@pytest.fixture
def released(env: NamespaceEnv) -> int:
    """The number of a workspace "Shop" whose resource "old" is gone."""
    env.apply("old", displayName="Shop", color="123456")
    number = env.wait_until_ready("old")["status"]["workspaceID"]
    env.delete("old")
    return int(number)


def test_taken_name_is_a_conflict(env: NamespaceEnv) -> None:
    env.apply("first", displayName="Shop")
    env.wait_until_ready("first")

    env.apply("second", displayName="Shop")
    document = env.wait_for_reason("NameConflict", "second")

    assert condition_is_stable(document) == {"Ready": "False", "Stalled": "True", "IdentifiersApplied": "Unknown"}
    assert f"of {env.namespace}/first" in conditions(document)["Ready"]["message"]
    assert env.stored_names() == ["Shop"]


def test_another_account_may_have_the_name(env: NamespaceEnv) -> None:
    env.apply("first", displayName="Shop")
    env.apply("second", displayName="Shop", accountName="other")

    env.wait_until_ready("first")
    env.wait_until_ready("second")

    assert env.stored_names() == ["Shop", "Shop"]


def test_conflict_ends_with_another_name(env: NamespaceEnv) -> None:
    env.apply("first", displayName="Shop")
    env.wait_until_ready("first")
    env.apply("second", displayName="Shop")
    env.wait_for_reason("NameConflict", "second")

    env.apply("second", displayName="Second Shop")
    env.wait_until_ready("second")

    assert env.stored_names() == ["Second Shop", "Shop"]


def test_conflict_ends_when_holder_is_renamed(env: NamespaceEnv) -> None:
    env.apply("first", displayName="Shop")
    env.wait_until_ready("first")
    env.apply("second", displayName="Shop")
    env.wait_for_reason("NameConflict", "second")

    env.apply("first", displayName="First Shop")
    env.wait_until_ready("second", within=10)

    assert env.stored_names() == ["First Shop", "Shop"]


def test_rename_to_taken_name_changes_nothing(env: NamespaceEnv) -> None:
    env.apply("first", displayName="Shop")
    env.apply("second")
    env.wait_until_ready("first")
    env.wait_until_ready("second")

    env.apply("second", displayName="Shop", color="123456")
    document = env.wait_for_reason("NameConflict", "second")

    assert condition_is_stable(document)["Stalled"] == "True"
    assert (env.stored("second").settings.display_name, env.stored("second").settings.color) == ("second", "6B7280")


def test_same_name_takes_its_workspace_again(env: NamespaceEnv, released: int) -> None:
    env.apply("old", displayName="Shop")

    document = env.wait_until_ready("old")

    assert document["status"]["workspaceID"] == released
    assert env.stored("old").owner.uid == document["metadata"]["uid"]
    assert env.stored("old").settings.color == "6B7280"


def test_released_name_is_offered(env: NamespaceEnv, released: int) -> None:
    env.apply("new", displayName="Shop")

    document = env.wait_for_reason("NameConflict", "new")

    assert f'{ADOPT}: "{released}"' in conditions(document)["Ready"]["message"]


def test_released_workspace_is_adopted(env: NamespaceEnv, released: int) -> None:
    env.apply("new", displayName="Shop")
    env.wait_for_reason("NameConflict", "new")

    env.annotate(ADOPT, str(released), "new")
    document = env.wait_until_ready("new")

    assert document["status"]["workspaceID"] == released
    assert env.stored("new").workspace_id == released


def test_held_workspace_is_not_adopted(env: NamespaceEnv) -> None:
    env.apply("holder")
    number = env.wait_until_ready("holder")["status"]["workspaceID"]

    env.apply("thief", annotations={ADOPT: str(number)})
    document = env.wait_for_reason("OwnershipConflict", "thief")

    assert "that resource still exists" in conditions(document)["Ready"]["message"]
    assert condition_is_stable(document)["Stalled"] == "True"
    assert env.stored("holder").workspace_id == number


def test_adoption_waits_for_the_release(env: NamespaceEnv) -> None:
    env.apply("holder", displayName="Shop")
    number = env.wait_until_ready("holder")["status"]["workspaceID"]
    env.apply("heir", displayName="Shop", annotations={ADOPT: str(number)})
    env.wait_for_reason("OwnershipConflict", "heir")

    env.delete("holder")
    document = env.wait_until_ready("heir", within=60)  # new credentials are left to their maker for ten seconds

    assert document["status"]["workspaceID"] == number


@pytest.mark.parametrize(("number", "reason"), [("999999", "OwnershipConflict"), ("no number", "InvalidSpec")])
def test_impossible_adoption_is_reported(env: NamespaceEnv, number: str, reason: str) -> None:
    env.apply(annotations={ADOPT: number})

    document = env.wait_until(lambda document: has_reason(document, reason))

    assert ADOPT in conditions(document)["Ready"]["message"]
