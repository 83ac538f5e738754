"""A database that is lost, exchanged or restored too early: nothing is made anew, and the way back (field case U1)."""

import sqlite3
from pathlib import Path

import pytest

from tests.e2e.scenes import Document, Scene, condition_stands, conditions
from tests.e2e.waiting import until
from workspace_operator.bootstrap import awaited
from workspace_operator.resources.workspaces import CONFIRM_DELETE, RECREATE

PEOPLE = [("ana", "ana@example.com"), ("ben", "ben@example.com")]


def exchange(scene: Scene, database: Path) -> None:
    """Start the operator anew, with this database."""
    scene.operator.stop()
    scene.operator.database = f"sqlite:///{database}"
    scene.operator.start()
    scene.operator.wait_until_alive()


def file_of(scene: Scene) -> Path:
    return Path(scene.operator.database.removeprefix("sqlite:///"))


def back_up(scene: Scene, to: Path) -> Path:
    """As docs/operating.md says."""
    with sqlite3.connect(file_of(scene)) as source, sqlite3.connect(to) as target:
        source.backup(target)
    return to


def people_of(scene: Scene, document: Document) -> int:
    with awaited(scene.operator.database) as store:
        return store.people.count(document["status"]["workspaceID"]).total


@pytest.fixture
def club(place: Scene) -> Document:
    """A workspace with people, whose operator runs."""
    place.operator.start()
    place.operator.wait_until_alive()
    place.apply("club")
    place.until_ready("club")
    place.import_people(PEOPLE, name="club")
    place.request_reconcile("club")
    return place.until(lambda document: document["status"].get("people", {}).get("total") == len(PEOPLE), "club")


def test_lost_database_makes_nothing_anew(place: Scene, club: Document, tmp_path: Path) -> None:
    right, keys = file_of(place), place.keys("club")

    exchange(place, tmp_path / "empty.db")
    document = place.until_reason("WorkspaceMissing", "club")

    assert condition_stands(document)["Stalled"] == "True"
    assert place.stored_names() == []
    assert place.keys("club") == keys
    assert "2 people" in conditions(document)["Ready"]["message"]
    kept = ("workspaceID", "storeID", "people", "identifiers", "credentials")
    assert {field: document["status"][field] for field in kept} == {field: club["status"][field] for field in kept}
    exchange(place, right)
    back = place.until_ready("club")
    assert people_of(place, back) == len(PEOPLE)
    assert place.can_call(keys, "club")


def test_new_workspace_is_made_on_purpose_once(place: Scene, club: Document, tmp_path: Path) -> None:
    number = str(club["status"]["workspaceID"])
    exchange(place, tmp_path / "second.db")
    place.until_reason("WorkspaceMissing", "club")

    place.annotate(RECREATE, number, "club")
    made = place.until_ready("club")

    assert made["status"]["storeID"] != club["status"]["storeID"]
    assert str(made["status"]["workspaceID"]) != number
    exchange(place, tmp_path / "third.db")
    place.until_reason("WorkspaceMissing", "club")
    assert place.stored_names() == []


def test_database_that_has_the_name_is_accepted_on_purpose(place: Scene, club: Document, tmp_path: Path) -> None:
    number, right = str(club["status"]["workspaceID"]), file_of(place)
    exchange(place, tmp_path / "second.db")
    place.until_reason("WorkspaceMissing", "club")
    place.annotate(RECREATE, number, "club")
    second = place.until_ready("club")["status"]["workspaceID"]

    exchange(place, right)
    place.until_reason("WorkspaceMissing", "club")
    place.annotate(RECREATE, str(second), "club")

    assert people_of(place, place.until_ready("club")) == len(PEOPLE)


def test_restored_too_early_says_what_is_missing(place: Scene, club: Document, tmp_path: Path) -> None:
    right, early = file_of(place), back_up(place, tmp_path / "early.db")
    place.apply("later")
    place.until_ready("later")
    place.import_people(PEOPLE, name="later")

    exchange(place, early)
    place.until_reason("WorkspaceMissing", "later")

    assert people_of(place, place.until_ready("club")) == len(PEOPLE)
    assert place.stored_names() == ["club"]
    exchange(place, right)
    assert people_of(place, place.until_ready("later")) == len(PEOPLE)
    assert place.get("club")["status"]["storeID"] == club["status"]["storeID"]


@pytest.mark.usefixtures("club")
def test_deletion_destroys_nothing_of_another_database(place: Scene, tmp_path: Path) -> None:
    right = file_of(place)
    place.apply("club", deletionPolicy="Delete", annotations={CONFIRM_DELETE: "club"})
    place.until(lambda document: bool(document["metadata"].get("finalizers")), "club")
    exchange(place, tmp_path / "empty.db")
    place.until_reason("WorkspaceMissing", "club")

    place.delete("club", "--wait=false")
    document = place.until(lambda document: "deletionTimestamp" in document["metadata"], "club")
    place.until(lambda document: "Nothing was destroyed" in conditions(document)["Ready"]["message"], "club")

    assert "WorkspaceDestroyed" not in [reason for _, reason, _ in place.events("club")]
    place.patch({"deletionPolicy": "Retain"}, "club")
    until(lambda: place.names() == [])
    exchange(place, right)
    assert people_of(place, document) == len(PEOPLE)


@pytest.mark.usefixtures("club")
def test_deletion_goes_on_with_the_right_database(place: Scene, tmp_path: Path) -> None:
    right = file_of(place)
    place.apply("club", deletionPolicy="Delete", annotations={CONFIRM_DELETE: "club"})
    place.until(lambda document: bool(document["metadata"].get("finalizers")), "club")
    exchange(place, tmp_path / "empty.db")
    place.delete("club", "--wait=false")
    place.until(lambda document: "Nothing was destroyed" in conditions(document)["Ready"]["message"], "club")

    exchange(place, right)
    until(lambda: place.names() == [])

    assert "WorkspaceDestroyed" in [reason for _, reason, _ in place.events("club")]
    assert place.stored_names() == []
