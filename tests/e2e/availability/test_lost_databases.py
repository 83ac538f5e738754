"""A database that is lost, exchanged or restored too early: nothing is made anew, and the way back."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.fixtures import Document, NamespaceEnv, condition_is_stable, conditions
from tests.e2e.waiting import wait_until
from workspace_operator.bootstrap import open_store_lazily
from workspace_operator.resources.workspaces import CONFIRM_DELETE, RECREATE

PEOPLE = [("ana", "ana@example.com"), ("ben", "ben@example.com")]


def exchange(env: NamespaceEnv, database: Path) -> None:
    """Start the operator anew, with this database."""
    env.operator.stop()
    env.operator.database = f"sqlite:///{database}"
    env.operator.start()
    env.operator.wait_until_alive()


def file_of(env: NamespaceEnv) -> Path:
    return Path(env.operator.database.removeprefix("sqlite:///"))


def back_up(env: NamespaceEnv, to: Path) -> Path:
    """A copy of its file, as SQLite makes it."""
    with closing(sqlite3.connect(file_of(env))) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def people_of(env: NamespaceEnv, document: Document) -> int:
    with open_store_lazily(env.operator.database) as store:
        return store.people.count(document["status"]["workspaceID"]).total


@pytest.fixture
def club(own_env: NamespaceEnv) -> Document:
    """A workspace with people, whose operator runs."""
    own_env.operator.start()
    own_env.operator.wait_until_alive()
    own_env.apply("club")
    own_env.wait_until_ready("club")
    own_env.import_people(PEOPLE, name="club")
    own_env.request_reconcile("club")
    return own_env.wait_until(lambda document: document["status"].get("people", {}).get("total") == len(PEOPLE), "club")


def test_lost_database_makes_nothing_anew(own_env: NamespaceEnv, club: Document, tmp_path: Path) -> None:
    right, keys = file_of(own_env), own_env.keys("club")

    exchange(own_env, tmp_path / "empty.db")
    document = own_env.wait_for_reason("WorkspaceMissing", "club")

    assert condition_is_stable(document)["Stalled"] == "True"
    assert own_env.stored_names() == []
    assert own_env.keys("club") == keys
    assert "2 people" in conditions(document)["Ready"]["message"]
    kept = ("workspaceID", "storeID", "people", "identifiers", "credentials")
    assert {field: document["status"][field] for field in kept} == {field: club["status"][field] for field in kept}
    exchange(own_env, right)
    back = own_env.wait_until_ready("club")
    assert people_of(own_env, back) == len(PEOPLE)
    assert own_env.can_call(keys, "club")


def test_new_workspace_is_made_on_purpose_once(own_env: NamespaceEnv, club: Document, tmp_path: Path) -> None:
    number = str(club["status"]["workspaceID"])
    exchange(own_env, tmp_path / "second.db")
    own_env.wait_for_reason("WorkspaceMissing", "club")

    own_env.annotate(RECREATE, number, "club")
    made = own_env.wait_until_ready("club")

    assert made["status"]["storeID"] != club["status"]["storeID"]
    assert str(made["status"]["workspaceID"]) != number
    exchange(own_env, tmp_path / "third.db")
    own_env.wait_for_reason("WorkspaceMissing", "club")
    assert own_env.stored_names() == []


def test_database_that_has_the_name_is_accepted_on_purpose(
    own_env: NamespaceEnv, club: Document, tmp_path: Path
) -> None:
    number, right = str(club["status"]["workspaceID"]), file_of(own_env)
    exchange(own_env, tmp_path / "second.db")
    own_env.wait_for_reason("WorkspaceMissing", "club")
    own_env.annotate(RECREATE, number, "club")
    second = own_env.wait_until_ready("club")["status"]["workspaceID"]

    exchange(own_env, right)
    own_env.wait_for_reason("WorkspaceMissing", "club")
    own_env.annotate(RECREATE, str(second), "club")

    assert people_of(own_env, own_env.wait_until_ready("club")) == len(PEOPLE)


def test_restored_too_early_says_what_is_missing(own_env: NamespaceEnv, club: Document, tmp_path: Path) -> None:
    right, early = file_of(own_env), back_up(own_env, tmp_path / "early.db")
    own_env.apply("later")
    own_env.wait_until_ready("later")
    own_env.import_people(PEOPLE, name="later")

    exchange(own_env, early)
    own_env.wait_for_reason("WorkspaceMissing", "later")

    assert people_of(own_env, own_env.wait_until_ready("club")) == len(PEOPLE)
    assert own_env.stored_names() == ["club"]
    exchange(own_env, right)
    assert people_of(own_env, own_env.wait_until_ready("later")) == len(PEOPLE)
    assert own_env.get("club")["status"]["storeID"] == club["status"]["storeID"]


@pytest.mark.usefixtures("club")
def test_deletion_destroys_nothing_of_another_database(own_env: NamespaceEnv, tmp_path: Path) -> None:
    right = file_of(own_env)
    own_env.apply("club", deletionPolicy="Delete", annotations={CONFIRM_DELETE: "club"})
    own_env.wait_until(lambda document: bool(document["metadata"].get("finalizers")), "club")
    exchange(own_env, tmp_path / "empty.db")
    own_env.wait_for_reason("WorkspaceMissing", "club")

    own_env.delete("club", "--wait=false")
    document = own_env.wait_until(lambda document: "deletionTimestamp" in document["metadata"], "club")
    own_env.wait_until(lambda document: "Nothing was destroyed" in conditions(document)["Ready"]["message"], "club")

    assert "WorkspaceDestroyed" not in [reason for _, reason, _ in own_env.events("club")]
    own_env.patch({"deletionPolicy": "Retain"}, "club")
    wait_until(lambda: own_env.names() == [])
    exchange(own_env, right)
    assert people_of(own_env, document) == len(PEOPLE)


@pytest.mark.usefixtures("club")
def test_deletion_continues_with_the_right_database(own_env: NamespaceEnv, tmp_path: Path) -> None:
    right = file_of(own_env)
    own_env.apply("club", deletionPolicy="Delete", annotations={CONFIRM_DELETE: "club"})
    own_env.wait_until(lambda document: bool(document["metadata"].get("finalizers")), "club")
    exchange(own_env, tmp_path / "empty.db")
    own_env.delete("club", "--wait=false")
    own_env.wait_until(lambda document: "Nothing was destroyed" in conditions(document)["Ready"]["message"], "club")

    exchange(own_env, right)
    wait_until(lambda: own_env.names() == [])

    assert "WorkspaceDestroyed" in [reason for _, reason, _ in own_env.events("club")]
    assert own_env.stored_names() == []
