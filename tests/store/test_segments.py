"""The contract of the port Segments: names and numbers of manual segments, and how many are in them."""

import threading
from datetime import timedelta

import pytest

from tests.store.adapters import START, Store
from tests.store.scenes import Scene, begun, destroy, prepare, settle, switch
from workspace_operator.application.ports import Segment
from workspace_operator.errors import NameTaken, NotFound
from workspace_operator.identity.calls import SegmentCall
from workspace_operator.identity.rules import Mode
from workspace_operator.identity.segments import MAX_SEGMENT
from workspace_operator.identity.trail import Membership
from workspace_operator.migrations.records import OnConflict


def made(scene: Scene, name: str) -> int:
    return scene.store.segments.create(scene.workspace_id, name, now=scene.store.clock())


def join(scene: Scene, segment: int, *cio_ids: str) -> None:
    steps = [Membership(cio_id=each, segment=segment, member=True) for each in cio_ids]
    scene.store.leave(scene.workspace_id, steps)


def test_created_segment_is_listed(scene: Scene) -> None:
    first = made(scene, "to delete")
    scene.store.clock.forward(60)
    second = made(scene, "to keep")

    found = scene.store.segments.all(scene.workspace_id)

    assert found == [
        Segment(number=first, name="to delete", created_at=START, people=0),
        Segment(number=second, name="to keep", created_at=START + timedelta(seconds=60), people=0),
    ]
    assert (first, second) == (1, 2)


def test_number_is_above_all_that_are_used(scene: Scene) -> None:
    join(scene, 7, "x")

    assert made(scene, "a") == 8
    assert made(scene, "b") == 9


def test_gap_is_filled_when_numbers_end(scene: Scene) -> None:
    join(scene, MAX_SEGMENT, "x")
    join(scene, 1, "x")

    assert made(scene, "a") == 2
    assert made(scene, "b") == 3


def test_segment_that_only_calls_made_has_no_name(scene: Scene) -> None:
    number = made(scene, "a")
    join(scene, number, "x", "y")
    join(scene, 40, "x")

    assert scene.store.segments.all(scene.workspace_id) == [
        Segment(number=number, name="a", created_at=START, people=2),
        Segment(number=40, name=None, created_at=None, people=1),
    ]
    assert scene.store.segments.get(scene.workspace_id, number).people == 2
    assert scene.store.segments.get(scene.workspace_id, 40).name is None


def test_two_segments_never_have_one_name(scene: Scene) -> None:
    made(scene, "a")

    with pytest.raises(NameTaken, match="segment 1 is called 'a' already"):
        made(scene, "a")

    assert made(scene, "A") == 2


def test_segment_is_found_by_its_name(scene: Scene) -> None:
    made(scene, "a")
    made(scene, "b")

    assert scene.store.segments.named(scene.workspace_id, "b") == 2
    with pytest.raises(NotFound, match="there is no segment 'c': `workspacectl segments list` lists them"):
        scene.store.segments.named(scene.workspace_id, "c")


def test_removed_name_may_be_given_again(scene: Scene) -> None:
    number = made(scene, "a")

    scene.store.segments.remove(scene.workspace_id, number)
    scene.store.segments.remove(scene.workspace_id, number)

    assert scene.store.segments.all(scene.workspace_id) == []
    assert made(scene, "a") == number


def test_unknown_segment_is_not_found(scene: Scene) -> None:
    with pytest.raises(NotFound, match="there is no segment 5: it has no name, and nobody is in it"):
        scene.store.segments.get(scene.workspace_id, 5)


def test_unknown_workspace_takes_no_segment(store: Store) -> None:
    with pytest.raises(NotFound):
        store.segments.create(999, "a", now=START)

    assert store.segments.all(999) == []


def test_segments_of_workspaces_are_apart(store: Store) -> None:
    first, second = Scene.create(store, Mode.ID_ONLY), Scene.create(store, Mode.ID_ONLY)
    made(first, "a")
    join(first, 1, "x")

    assert made(second, "a") == 1
    assert store.segments.get(second.workspace_id, 1).people == 0


def test_destroyed_workspace_leaves_no_segment(scene: Scene) -> None:
    made(scene, "a")

    destroy(scene.store, scene.owner)

    assert scene.store.segments.all(scene.workspace_id) == []


def test_segments_made_at_once_differ(sql_scene: Scene) -> None:
    numbers: list[int] = []
    together = threading.Barrier(4)

    def make(name: str) -> None:
        together.wait()
        numbers.append(made(sql_scene, name))

    threads = [threading.Thread(target=make, args=(name,)) for name in "abcd"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(numbers) == [1, 2, 3, 4]


def test_people_who_became_one_count_once(scene: Scene) -> None:
    people = {"1": "a@x.com", "2": "a@x.com", "3": "c@x.com"}
    scene.add_many(people)
    for id_ in people:
        scene.perform(SegmentCall(reference=scene.reference(id=id_), segment=1, joins=True))
    scene.perform(SegmentCall(reference=scene.reference(id="2"), segment=2, joins=True))
    scene.request(on_conflict=OnConflict.MERGE)
    lease = begun(scene)
    prepare(scene, lease)
    settle(scene, lease)

    switch(scene, lease)

    counts = [(each.number, each.people) for each in scene.store.segments.all(scene.workspace_id)]
    assert counts == [(1, 2), (2, 1)]
    assert scene.store.segments.get(scene.workspace_id, 1).people == 2
