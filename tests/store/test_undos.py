"""The contract of the port Merges: taking a merge back, with all that hung on the secondary."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.store.adapters import Store
from tests.store.couples import device, devices, event, events, leave, merge, person, segments, undo
from tests.store.scenes import Scene, begun, prepare, switch
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.rules import EMAIL, ID, Mode
from workspace_operator.identity.trail import ActivityType, DeviceSet, Membership
from workspace_operator.migrations.stages import Stage

A, B = "a@example.com", "b@example.com"


@pytest.fixture
def both(store: Store) -> Scene:
    """A workspace of mode EmailOrID."""
    return Scene.create(store, Mode.EMAIL_OR_ID)


def test_secondary_comes_back_whole(both: Scene) -> None:
    one, other = both.add("1", plan="p"), both.add("2", B, plan="q", note="q")
    before = person(both, one), person(both, other)
    both.store.clock.forward(60)
    kept = merge(both, one, other)
    both.store.clock.forward(60)

    undone = undo(both, kept)

    assert (undone.survivor, undone.restored, undone.not_free) == (*before, ())
    assert (person(both, one), person(both, other)) == before
    assert both.find(id="2") == both.find(email=B) == before[1]
    assert undone.merge.undone_at == both.store.clock()
    assert both.store.merges.get(both.workspace_id, kept.merge_id) == undone.merge


def test_what_was_written_since_stays(both: Scene) -> None:
    one, other = both.add("1"), both.add("2", B, note="q", plan="q")
    both.store.clock.forward(60)
    kept = merge(both, one, other)
    both.say(id="1", body={"note": "new"})

    undo(both, kept)

    assert person(both, one).attributes == {"note": "new"}
    assert person(both, other).attributes == {"note": "q", "plan": "q"}


def test_what_is_not_free_is_told(both: Scene) -> None:
    one, other = both.add("1", A), both.add("2", B)
    kept = merge(both, one, other)
    somebody = both.add("2")
    both.suppress(email=B)

    undone = undo(both, kept)

    assert undone.not_free == ((ID, "2"), (EMAIL, B))
    assert (undone.restored.id, undone.restored.email) == (None, None)
    assert person(both, other) == undone.restored
    assert both.find(id="2") == person(both, somebody)


def test_activities_come_back(both: Scene) -> None:
    one, other = both.add("1"), both.add("2")
    leave(both, event(one, "a"), event(other, "b"))
    kept = merge(both, one, other)
    leave(both, event(one, "since"))

    undo(both, kept)

    assert (events(both, one), events(both, other)) == (["a", "since"], ["b"])


def test_undo_is_an_activity_of_both(both: Scene) -> None:
    one, other = both.add("1"), both.add("2", B)
    kept = merge(both, one, other)

    undo(both, kept)

    newest = both.store.belongings.activities(both.workspace_id, limit=2)
    assert [(each.type, each.cio_id, each.email) for each in newest] == [
        (ActivityType.ATTRIBUTE_CHANGE, one, None),
        (ActivityType.PROFILE_CREATE, other, B),
    ]
    assert newest[0].data == {"email": {"from": B, "to": None}}


def test_devices_come_back(both: Scene) -> None:
    one, other = both.add("1"), both.add("2")
    leave(
        both,
        DeviceSet(cio_id=one, device=device("both", "mine")),
        *(DeviceSet(cio_id=other, device=device(token)) for token in ("both", "its", "used since", "dropped since")),
    )
    kept = merge(both, one, other)
    leave(both, DeviceSet(cio_id=one, device=device("used since", "new")), DeviceSet(cio_id=one, device=device("new")))

    undo(both, kept)

    assert devices(both, one) == (device("both", "mine"), device("new"), device("used since", "new"))
    assert devices(both, other) == tuple(map(device, ("both", "dropped since", "its", "used since")))


def test_segments_come_back(both: Scene) -> None:
    one, other = both.add("1"), both.add("2")
    leave(
        both,
        *(Membership(cio_id=one, segment=each, member=True) for each in (1, 2)),
        *(Membership(cio_id=other, segment=each, member=True) for each in (2, 3)),
    )
    kept = merge(both, one, other)
    leave(both, Membership(cio_id=one, segment=4, member=True))

    undo(both, kept)

    assert (segments(both, one), segments(both, other)) == ((1, 2, 4), (2, 3))


def test_undo_brings_back_whom_the_secondary_had_absorbed(both: Scene) -> None:
    one, other, third = both.add("1"), both.add("2"), both.add("3")
    leave(both, event(third, "c"), event(other, "b"), DeviceSet(cio_id=third, device=device("t")))
    earlier = merge(both, other, third)
    later = merge(both, one, other)
    assert events(both, one) == ["c", "b"]

    undo(both, later)
    assert (events(both, one), events(both, other)) == ([], ["c", "b"])
    assert both.store.merges.get(both.workspace_id, earlier.merge_id).holder == other

    undo(both, earlier)
    assert (events(both, other), events(both, third)) == (["b"], ["c"])
    assert (devices(both, one), devices(both, other), devices(both, third)) == ((), (), (device("t"),))


def test_later_merge_is_undone_first(both: Scene) -> None:
    one, other, third = both.add("1"), both.add("2"), both.add("3")
    earlier = merge(both, other, third)
    later = merge(both, one, other)

    with pytest.raises(Conflict, match=f"undo merge {later.merge_id} first"):
        undo(both, earlier)


def test_merges_into_one_survivor_are_undone_in_any_order(both: Scene) -> None:
    one, other, third = both.add("1"), both.add("2", note="b"), both.add("3", note="c", more="c")
    leave(both, event(other, "b"), event(third, "c"))
    first, second = merge(both, one, other), merge(both, one, third)

    undo(both, first)
    undo(both, second)

    assert [person(both, each).attributes for each in (one, other, third)] == [
        {},
        {"note": "b"},
        {"note": "c", "more": "c"},
    ]
    assert [events(both, each) for each in (one, other, third)] == [[], ["b"], ["c"]]


def test_merge_is_undone_only_once(both: Scene) -> None:
    kept = merge(both, both.add("1"), both.add("2"))
    undo(both, kept)

    with pytest.raises(Conflict, match="undone already"):
        undo(both, kept)


def test_merged_again_is_undone_again(both: Scene) -> None:
    one, other = both.add("1"), both.add("2", B)
    leave(both, event(other, "b"))
    before = person(both, other)
    for _ in range(3):
        kept = merge(both, one, other)
        undo(both, kept)

    assert person(both, other) == before
    assert events(both, other) == ["b"]
    assert len(both.store.merges.merges(both.workspace_id, limit=10)) == 3


def test_unknown_merge_is_not_found(both: Scene) -> None:
    with pytest.raises(NotFound):
        both.store.merges.get(both.workspace_id, "none")
    with pytest.raises(NotFound):
        both.store.merges.undo(both.workspace_id, "none", now=1)
    with pytest.raises(NotFound):
        both.store.merges.undo(10**12, "none", now=1)


def test_undo_obeys_the_identifiers_in_force(scene: Scene) -> None:
    one, other = scene.add("1", A), scene.add("2", "A@example.com")
    kept = merge(scene, one, other)
    scene.change_to(Mode.EMAIL_OR_ID)
    assert scene.mode is Mode.EMAIL_OR_ID

    undone = undo(scene, kept)

    assert undone.not_free == ((EMAIL, A),)
    assert scene.find(email=A) == person(scene, one)


def test_undo_while_preparing_counts(scene: Scene) -> None:
    one, other = scene.add("1", A), scene.add("2", "A@example.com")
    kept = merge(scene, one, other)
    scene.request(Mode.EMAIL_OR_ID)
    lease = begun(scene)
    prepare(scene, lease)

    undo(scene, kept)
    switch(scene, lease)

    assert scene.mode is Mode.ID_ONLY
    scene.finish(lease)
    assert [row.cio_id for row in scene.violations()] == [one, other]


def test_undo_wakes_a_blocked_change(scene: Scene) -> None:
    one, other = scene.add("1"), scene.add("2", "no address")
    kept = merge(scene, one, other)
    scene.change_to(Mode.EMAIL_OR_ID)
    assert scene.stage is Stage.BLOCKED

    undo(scene, kept)

    assert [row.cio_id for row in scene.violations()] == [one]
    scene.store.clock.forward(6)
    scene.work()
    assert [row.cio_id for row in scene.violations()] == [other]


def test_of_undos_at_once_one_succeeds(sql_scene: Scene) -> None:
    one, other = sql_scene.add("1"), sql_scene.add("2")
    leave(sql_scene, event(other, "b"))
    kept = merge(sql_scene, one, other)
    together = threading.Barrier(4)

    def try_to_undo(_: int) -> bool:
        together.wait()
        try:
            undo(sql_scene, kept)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        succeeded = list(threads.map(try_to_undo, range(4)))

    assert sorted(succeeded) == [False, False, False, True]
    assert events(sql_scene, other) == ["b"]
