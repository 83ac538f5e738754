"""Changes that merge people who share an address: who survives, what moves, what still stands in the way."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.store.adapters import Store
from tests.store.couples import device, devices, event, events, leave, person, segments, undo
from tests.store.crowds import ANN, BEN, cio_id_of, crowd_in, everybody, finish, switched
from tests.store.invariants import assert_sound
from tests.store.scenes import Scene, begun, destroy, prepare, settle, switch
from workspace_operator.errors import Conflict, Moved, NotFound
from workspace_operator.identity.outcomes import Effect
from workspace_operator.identity.rules import EMAIL, IDUpdates, Mode
from workspace_operator.identity.trail import ActivityType, DeviceSet, Membership
from workspace_operator.migrations.records import OnConflict
from workspace_operator.migrations.stages import Stage
from workspace_operator.store import folding
from workspace_operator.store.writing import write_people


def test_sharers_become_one(scene: Scene, crowd: dict[str, str]) -> None:
    change = scene.change_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert (change.stage, scene.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
    assert (change.people_total, change.people_merged, change.people_folded, change.ids_given_up) == (6, 3, 3, 3)
    assert everybody(scene) == {crowd[each]: each for each in ("1", "4", "6")}
    assert scene.say(email=ANN, body={"plan": "pro"}).effect is Effect.UPDATED
    if scene.store.database is not None:
        assert_sound(scene.store.database)


def test_nobody_to_merge_is_fine(scene: Scene) -> None:
    scene.add("1", ANN)

    change = scene.change_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert (change.stage, change.people_merged, change.ids_given_up) == (Stage.COMPLETED, 0, 0)


def test_nobody_is_merged_before_the_switch(scene: Scene, crowd: dict[str, str]) -> None:
    scene.request(on_conflict=OnConflict.MERGE)
    lease = begun(scene)
    prepare(scene, lease)
    settle(scene, lease)

    assert everybody(scene) == {cio_id: id_ for id_, cio_id in crowd.items()}
    assert scene.say(id="2", body={"plan": "pro"}).effect is Effect.UPDATED

    scene.cancel()
    while scene.work():
        pass
    assert len(everybody(scene)) == len(crowd)


def test_oldest_by_age_survives_with_the_id_of_the_next(scene: Scene) -> None:
    scene.add("1", ANN, created_at=1_000_000_500)
    oldest = scene.add("2", ANN, created_at=1_000_000_100, plan="old")
    scene.add("3", ANN, created_at=1_000_000_300, plan="new", note="n")
    scene.change_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    found = person(scene, oldest)

    assert (found.id, found.attributes) == ("2", {"created_at": 1_000_000_100, "plan": "old", "note": "n"})


def test_survivor_without_id_takes_that_of_the_oldest_other(store: Store) -> None:
    scene = Scene.create(store, Mode.EMAIL_OR_ID)
    outcome = scene.say(email=ANN)
    assert outcome.person is not None
    scene.change_to(Mode.ID_ONLY)
    store.clock.forward(1)
    for id_, seconds in (("young", 60), ("old", 30)):
        store.clock.forward(1)
        scene.add(id_, ANN, created_at=int(store.clock().timestamp()) + seconds)

    change = scene.change_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert everybody(scene) == {outcome.person.cio_id: "young"}  # both told times to come, so creation decides
    assert (change.people_merged, change.ids_given_up) == (2, 1)
    assert scene.say(id="old").effect is Effect.CREATED


def test_belongings_move_to_the_survivor(scene: Scene, crowd: dict[str, str]) -> None:
    first, second, third = (crowd[each] for each in "123")
    leave(
        scene,
        event(second, "bought"),
        DeviceSet(cio_id=first, device=device("t-1", "ios")),
        DeviceSet(cio_id=second, device=device("t-1", "android")),
        DeviceSet(cio_id=third, device=device("t-2")),
        Membership(cio_id=second, segment=7, member=True),
        Membership(cio_id=third, segment=7, member=True),
    )
    lease = switched(scene)

    assert list(scene.store.belongings.members(scene.workspace_id, 7)) == [first]
    assert events(scene, first) == ["bought"]
    assert devices(scene, first) == (device("t-1", "ios"), device("t-2"))
    assert segments(scene, first) == (7,)
    assert (devices(scene, second), segments(scene, third), events(scene, second)) == ((), (), [])
    finish(scene, lease)


def test_each_merge_is_in_the_journal(scene: Scene, crowd: dict[str, str]) -> None:
    at = scene.store.clock()
    finish(scene, switched(scene))

    found = scene.store.merges.merges(scene.workspace_id, cio_id=crowd["1"], limit=10)

    assert [(each.primary.id, each.secondary.id) for each in found] == [("1", "3"), ("1", "2")]
    assert {(each.at, each.automatic, each.holder, each.undone_at) for each in found} == {(at, True, crowd["1"], None)}
    told = scene.store.belongings.activities(scene.workspace_id, type=ActivityType.PROFILE_MERGE, limit=10)
    assert sorted((each.cio_id, each.at) for each in told) == sorted(
        (crowd[each], int(at.timestamp())) for each in ("1", "1", "4")
    )


def test_merge_is_taken_back(scene: Scene, crowd: dict[str, str]) -> None:
    leave(
        scene,
        event(crowd["3"], "bought"),
        DeviceSet(cio_id=crowd["3"], device=device("t-1")),
        Membership(cio_id=crowd["3"], segment=7, member=True),
    )
    lease = switched(scene)
    scene.find(email=ANN)
    [newest, _] = scene.store.merges.merges(scene.workspace_id, cio_id=crowd["1"], limit=10)

    undone = undo(scene, newest)

    assert (undone.restored.cio_id, undone.restored.id, undone.restored.email) == (crowd["3"], "3", None)
    assert list(undone.not_free) == [(EMAIL, ANN)]
    assert (events(scene, crowd["3"]), segments(scene, crowd["3"])) == (["bought"], (7,))
    assert (devices(scene, crowd["1"]), devices(scene, crowd["3"])) == ((), (device("t-1"),))
    finish(scene, lease)
    assert everybody(scene) == {crowd[each]: each for each in ("1", "3", "4", "6")}


def test_merge_is_taken_back_once(scene: Scene, crowd: dict[str, str]) -> None:
    finish(scene, switched(scene))
    [newest, first] = scene.store.merges.merges(scene.workspace_id, cio_id=crowd["1"], limit=10)

    undo(scene, first)

    with pytest.raises(Conflict):
        undo(scene, first)
    undo(scene, newest)
    assert everybody(scene) == {crowd[each]: each for each in ("1", "2", "3", "4", "6")}


OTHERS: dict[str, Callable[[Scene], object]] = {
    "invalid": lambda scene: scene.say(id="6", body={"email": "no address"}),
    "suppressed": lambda scene: scene.suppress(email="cy@example.com"),
    "id is another email": lambda scene: scene.say(cio_id=cio_id_of(scene, "6"), body={"id": "dee@example.com"}),
}


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
@pytest.mark.parametrize("other", OTHERS)
def test_others_in_the_way_still_block(scene: Scene, crowd: dict[str, str], other: str, moment: str) -> None:
    scene.put_in_force(id_updates=IDUpdates.BY_CIO_ID)
    if moment == "before":
        OTHERS[other](scene)
    scene.request(on_conflict=OnConflict.MERGE)
    if moment == "meanwhile":
        lease = begun(scene)
        prepare(scene, lease)
        OTHERS[other](scene)
        scene.release(lease)

    scene.work()

    assert (scene.stage, scene.mode) == (Stage.BLOCKED, Mode.ID_ONLY)
    assert scene.change.violations.people_concerned == 1
    assert scene.change.violations.duplicate_email == 0
    assert [each.cio_id for each in scene.violations()] == [crowd["6"]]


def test_suppressed_group_blocks_as_a_whole(scene: Scene, crowd: dict[str, str]) -> None:
    scene.suppress(email=ANN)

    change = scene.change_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert (change.stage, change.violations.suppressed_email) == (Stage.BLOCKED, 3)
    assert [each.cio_id for each in scene.violations()] == [crowd[each] for each in "123"]
    scene.unsuppress(email=ANN)
    scene.store.clock.forward(10)
    assert scene.work()
    assert (scene.stage, scene.change.people_merged) == (Stage.COMPLETED, 3)


JOINS: dict[str, tuple[Callable[[Scene], object], int]] = {
    "somebody joins": (lambda scene: scene.add("7", ANN), 4),
    "somebody leaves": (lambda scene: scene.say(id="3", body={"email": None}), 2),
    "a group ends": (lambda scene: scene.delete(id="4"), 2),
    "a group begins": (lambda scene: scene.add("7", "cy@example.com"), 4),
    "the oldest goes": (lambda scene: scene.delete(id="1"), 2),
    "another is oldest": (lambda scene: scene.say(id="3", body={"created_at": "1970-01-01"}), 3),
}


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("write", JOINS)
def test_what_is_written_meanwhile_counts(scene: Scene, write: str) -> None:
    what, merged = JOINS[write]
    scene.request(on_conflict=OnConflict.MERGE)
    lease = begun(scene)
    prepare(scene, lease)
    what(scene)

    assert switch(scene, lease).stage is Stage.SWITCHED
    finish(scene, lease)
    assert scene.change.people_merged == merged
    ids = set(everybody(scene).values())
    assert ("3" in ids) is (write in {"somebody leaves", "another is oldest"})


def test_address_is_plain_again_afterwards(scene: Scene, crowd: dict[str, str]) -> None:
    finish(scene, switched(scene))

    change = scene.change_to(Mode.ID_ONLY)

    assert (change.stage, scene.mode, change.people_merged) == (Stage.COMPLETED, Mode.ID_ONLY, 0)
    assert everybody(scene) == {crowd[each]: each for each in ("1", "4", "6")}
    scene.add("2", ANN)
    again = scene.change_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)
    assert (again.stage, again.people_merged, again.ids_given_up) == (Stage.COMPLETED, 1, 1)
    if scene.store.database is not None:
        assert_sound(scene.store.database)


@pytest.mark.usefixtures("crowd")
def test_another_worker_goes_on_folding(scene: Scene) -> None:
    lease = switched(scene)
    migrations, now = scene.store.migrations, scene.store.clock()
    change = migrations.start_folding(scene.change, lease, now=now)
    migrations.fold_batch(change, lease, size=1, now=now)
    scene.store.clock.forward(61)

    assert scene.worker("w2").work_once()

    assert (scene.stage, scene.change.people_folded) == (Stage.COMPLETED, 3)
    assert len(everybody(scene)) == 3
    if scene.store.database is not None:
        assert_sound(scene.store.database)


@pytest.mark.parametrize("most", [1, 3, 4, 5])
def test_few_people_are_locked_at_a_time(sql_scene: Scene, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Groups of three, two, two and two; one that is larger than the bound is folded whole."""
    crowd = crowd_in(sql_scene)
    for number, email in enumerate(["cy@example.com", "dan@example.com", "dan@example.com"]):
        crowd[f"x{number}"] = sql_scene.add(f"x{number}", email)
    lease = switched(sql_scene)
    monkeypatch.setattr(folding, "PEOPLE_AT_ONCE", most)
    assert sql_scene.store.database is not None
    folder = folding.Folder(sql_scene.store.database)

    keys = [ANN, BEN, "cy@example.com", "dan@example.com", "nobody@x.com"]
    folds = folder.fold(sql_scene.workspace_id, keys)

    assert folds.transactions == {1: 4, 3: 4, 4: 3, 5: 2}[most]
    assert folder.fold(sql_scene.workspace_id, [ANN, BEN]).transactions == 1
    finish(sql_scene, lease)
    assert len(everybody(sql_scene)) == 4


def test_batches_of_groups_are_folded_side_by_side(sql_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd_in(sql_scene)
    lease = switched(sql_scene)
    monkeypatch.setattr(folding, "GROUPS_AT_ONCE", 1)
    assert sql_scene.store.database is not None
    folder = folding.Folder(sql_scene.store.database)

    assert folder.fold(sql_scene.workspace_id, [BEN, "nobody@x.com", ANN]).transactions == 3

    finish(sql_scene, lease)
    assert_sound(sql_scene.store.database)
    destroy(sql_scene.store, sql_scene.owner)
    with pytest.raises(NotFound):
        folder.fold(sql_scene.workspace_id, [ANN, BEN])


def test_batch_of_groups_tells_how_long_it_kept_them(sql_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd_in(sql_scene)
    lease = switched(sql_scene)
    now = sql_scene.store.clock()
    change = sql_scene.store.migrations.start_folding(sql_scene.change, lease, now=now)

    def slowly(*arguments: Any) -> None:
        time.sleep(0.3)
        write_people(*arguments)

    monkeypatch.setattr(folding, "write_people", slowly)
    batch = sql_scene.store.migrations.fold_batch(change, lease, size=10, now=now)

    assert batch.hold > 1.9, "0.3 seconds are twice as long as anybody may wait, at least"


def test_destroyed_workspace_is_no_failure_of_a_fold(sql_scene: Scene) -> None:
    crowd_in(sql_scene)
    lease = switched(sql_scene)
    migrations, now = sql_scene.store.migrations, sql_scene.store.clock()
    change = migrations.start_folding(sql_scene.change, lease, now=now)

    with pytest.MonkeyPatch.context() as patched:
        fold = folding.Folder.fold

        def destroy_before(self: folding.Folder, workspace_id: int, keys: Sequence[str]) -> folding.Folds:
            destroy(sql_scene.store, sql_scene.owner)
            return fold(self, workspace_id, keys)

        patched.setattr(folding.Folder, "fold", destroy_before)
        with pytest.raises(Moved):
            migrations.fold_batch(change, lease, size=10, now=now)


@pytest.mark.usefixtures("crowd")
def test_nobody_is_held_up_by_a_change_after_the_switch(scene: Scene) -> None:
    lease = switched(scene)
    scene.pause()

    assert scene.work() is False
    assert scene.say(email=BEN, body={"plan": "pro"}).effect is Effect.UPDATED
    scene.resume()
    assert scene.work()
    assert (lease.worker, scene.stage) == ("w1", Stage.COMPLETED)
