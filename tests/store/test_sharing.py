"""Who shares an address, as the port People streams it."""

from itertools import groupby

import pytest

from tests.store.scenes import Scene
from workspace_operator.errors import NotFound
from workspace_operator.identity.rules import Mode


def shared(scene: Scene, *, newest_first: bool = False) -> list[tuple[str, list[str]]]:
    """The ids of each group, by its key."""
    ids = {each.cio_id: str(each.id) for each in scene.store.people.all(scene.workspace_id)}
    rows = scene.store.people.sharing_email(scene.workspace_id, newest_first=newest_first)
    return [(key, [ids[cio_id] for _, cio_id in group]) for key, group in groupby(rows, key=lambda row: row[0])]


def test_groups_come_by_key_and_age(scene: Scene) -> None:
    scene.add("1", "b@x.com")
    scene.add("2", "a@x.com", created_at=1_700_000_000)
    scene.add("3", "B@x.com", created_at=1_600_000_000)
    scene.add("4", "alone@x.com")
    scene.add("5", "A@x.com")
    scene.store.clock.forward(60)
    scene.add("6", "b@x.com")

    assert shared(scene) == [("a@x.com", ["2", "5"]), ("b@x.com", ["3", "1", "6"])]
    assert shared(scene, newest_first=True) == [("a@x.com", ["5", "2"]), ("b@x.com", ["6", "1", "3"])]


def test_people_of_one_age_come_as_they_were_made(scene: Scene) -> None:
    for id_ in "123":
        scene.add(id_, "a@x.com", created_at=1_000_000_005)

    assert shared(scene) == [("a@x.com", ["1", "2", "3"])]
    assert shared(scene, newest_first=True) == [("a@x.com", ["3", "2", "1"])]


def test_what_is_no_address_is_not_shared(scene: Scene) -> None:
    scene.add_many({"1": "none", "2": "none", "3": None, "4": None})

    assert shared(scene) == []


@pytest.mark.parametrize("mode", [Mode.EMAIL_OR_ID, Mode.EMAIL_ONLY])
def test_nobody_shares_an_identifier(scene: Scene, mode: Mode) -> None:
    other = Scene.create(scene.store, mode)
    other.say(email="a@x.com")
    scene.add("1", "a@x.com")

    assert shared(other) == []
    assert shared(scene) == []


def test_unknown_workspace_is_told(scene: Scene) -> None:
    with pytest.raises(NotFound):
        list(scene.store.people.sharing_email(999, newest_first=False))
