"""Between a switch that merges people and the fold of their rows: nobody can tell that there is anything to fold."""

from collections.abc import Callable

import pytest

from tests.store.couples import device, devices, event, events, leave, merge, person, segments
from tests.store.crowds import ANN, BEN, everybody, finish, switched
from tests.store.scenes import Scene
from workspace_operator.identity.calls import AddDeviceCall, EventCall, SegmentCall
from workspace_operator.identity.events import event_of
from workspace_operator.identity.outcomes import Effect
from workspace_operator.identity.rules import EMAIL, ID, Mode
from workspace_operator.identity.trail import ActivityType
from workspace_operator.migrations.records import OnConflict


def test_activities_are_the_survivors_at_once(scene: Scene, crowd: dict[str, str]) -> None:
    leave(scene, event(crowd["2"], "bought"), event(crowd["5"], "sold"))
    lease = switched(scene)

    found = scene.store.belongings.activities(scene.workspace_id, type=ActivityType.EVENT, limit=10)

    assert [(each.cio_id, each.id, each.email) for each in found] == [(crowd["4"], "4", BEN), (crowd["1"], "1", ANN)]
    finish(scene, lease)


def test_everybody_is_counted_as_they_are(scene: Scene, crowd: dict[str, str]) -> None:
    lease = switched(scene)

    counts = scene.store.people.count(scene.workspace_id)

    assert (counts.total, counts.with_email, counts.without_id) == (3, 3, 0)
    assert everybody(scene) == {crowd[each]: each for each in ("1", "4", "6")}
    finish(scene, lease)


NAMES: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "own id": lambda _: {"id": "1"},
    "address": lambda _: {"email": "Ann@Example.com"},
    "cio_id": lambda crowd: {"cio_id": crowd["1"]},
}
LOST: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "id": lambda _: {"id": "3"},
    "cio_id": lambda crowd: {"cio_id": crowd["2"]},
}


@pytest.mark.parametrize("name", NAMES)
def test_survivor_is_found(scene: Scene, crowd: dict[str, str], name: str) -> None:
    lease = switched(scene)

    found = scene.find(**NAMES[name](crowd))

    assert found is not None
    assert (found.cio_id, found.id, found.attributes) == (crowd["1"], "1", {"number": "1"})
    finish(scene, lease)
    assert person(scene, crowd["1"]) == found


@pytest.mark.parametrize("name", LOST)
def test_others_are_gone(scene: Scene, crowd: dict[str, str], name: str) -> None:
    lease = switched(scene)

    assert scene.find(**LOST[name](crowd)) is None
    finish(scene, lease)


def test_owners_of_an_address_are_one(scene: Scene, crowd: dict[str, str]) -> None:
    lease = switched(scene)

    having = scene.store.people.having_email(scene.workspace_id, ANN, limit=10)

    assert [each.cio_id for each in having] == [crowd["1"]]
    finish(scene, lease)


@pytest.mark.parametrize("text", [ANN[:4], "1"])
def test_survivor_is_found_by_the_beginning(scene: Scene, crowd: dict[str, str], text: str) -> None:
    lease = switched(scene)

    found = scene.store.people.beginning_with(scene.workspace_id, text, limit=10)

    assert [each.cio_id for each in found] == [crowd["1"]]
    finish(scene, lease)


def test_call_comes_to_the_survivor(scene: Scene, crowd: dict[str, str]) -> None:
    lease = switched(scene)

    outcome = scene.say(email=ANN, body={"plan": "pro"})

    assert outcome.person == scene.find(cio_id=crowd["1"])
    assert outcome.person is not None
    assert outcome.person.attributes == {"number": "1", "plan": "pro"}
    finish(scene, lease)
    assert person(scene, crowd["1"]) == outcome.person


@pytest.mark.usefixtures("crowd")
def test_id_given_up_makes_somebody_new(scene: Scene) -> None:
    lease = switched(scene)

    outcome = scene.say(id="2", body={"email": "new@example.com"})

    assert outcome.effect is Effect.CREATED
    finish(scene, lease)
    assert len(everybody(scene)) == 4


def test_only_ids_given_up_are_free(scene: Scene, crowd: dict[str, str]) -> None:
    lease = switched(scene)

    outcome = scene.say(cio_id=crowd["6"], body={"id": "5"})

    assert outcome.refusals == ()
    assert scene.say(cio_id=crowd["6"], body={"id": "4"}).refusals[0].kind is ID
    finish(scene, lease)
    assert everybody(scene)[crowd["6"]] == "5"


def test_call_of_two_groups(scene: Scene, crowd: dict[str, str]) -> None:
    lease = switched(scene)

    outcome = scene.say(id="1", body={"email": BEN})

    assert [each.kind for each in outcome.refusals] == [EMAIL]
    finish(scene, lease)
    assert everybody(scene) == {crowd[each]: each for each in ("1", "4", "6")}


def test_rows_of_an_import(scene: Scene, crowd: dict[str, str]) -> None:
    lease = switched(scene)

    outcomes = scene.identify(*(scene.call(id=id_, body={"plan": "pro"}) for id_ in ("1", "4", "6", "5")))

    assert [each.effect for each in outcomes] == [*[Effect.UPDATED] * 3, Effect.CREATED]
    finish(scene, lease)
    assert len(everybody(scene)) == 4
    assert person(scene, crowd["4"]).attributes == {"number": "4", "plan": "pro"}


def test_what_is_hung_on_a_group(scene: Scene, crowd: dict[str, str]) -> None:
    lease = switched(scene)
    of_ann = scene.reference(email=ANN)

    scene.perform(
        EventCall(reference=of_ann, event=event_of({"name": "bought"})),
        AddDeviceCall(reference=of_ann, device=device("t-1")),
        SegmentCall(reference=of_ann, segment=7, joins=True),
    )

    finish(scene, lease)
    assert events(scene, crowd["1"]) == ["bought"]
    assert devices(scene, crowd["1"]) == (device("t-1"),)
    assert segments(scene, crowd["1"]) == (7,)


@pytest.mark.parametrize("suppressing", [True, False])
def test_survivor_goes_as_a_whole(scene: Scene, crowd: dict[str, str], suppressing: bool) -> None:
    leave(scene, event(crowd["3"], "bought"))
    lease = switched(scene)

    assert (scene.suppress if suppressing else scene.delete)(email=ANN)

    finish(scene, lease)
    assert everybody(scene) == {crowd[each]: each for each in ("4", "6")}
    assert events(scene, crowd["1"]) == []
    assert [each.holder for each in scene.store.merges.merges(scene.workspace_id, limit=10)] == [crowd["4"]]


def test_survivors_are_merged(scene: Scene, crowd: dict[str, str]) -> None:
    lease = switched(scene)

    kept = merge(scene, crowd["4"], crowd["1"])

    assert (kept.survivor.id, kept.survivor.email, kept.automatic) == ("4", BEN, False)
    finish(scene, lease)
    assert everybody(scene) == {crowd[each]: each for each in ("4", "6")}
    assert len(scene.store.merges.merges(scene.workspace_id, limit=10)) == 4


def test_earlier_reports_list_nobody_who_is_gone(scene: Scene, crowd: dict[str, str]) -> None:
    scene.change_to(Mode.EMAIL_OR_ID, OnConflict.BLOCK)
    assert len(scene.violations()) == 5
    scene.cancel()
    while scene.work():
        pass

    lease = switched(scene)

    assert [each.cio_id for each in scene.violations()] == [crowd["1"], crowd["4"]]
    finish(scene, lease)
    assert [each.cio_id for each in scene.violations()] == [crowd["1"], crowd["4"]]


@pytest.mark.usefixtures("crowd")
def test_earlier_reports_show_the_values_of_survivors(scene: Scene) -> None:
    scene.change_to(Mode.EMAIL_OR_ID, OnConflict.BLOCK)
    scene.say(id="3", body={"city": "Oslo"})
    scene.cancel()
    while scene.work():
        pass
    lease = switched(scene)

    def values() -> list[tuple[object, ...]]:
        return [each.values for each in scene.store.exports.violations(scene.workspace_id, 1, attributes=["city"])]

    assert values() == [("Oslo",), (None,)]
    finish(scene, lease)
    assert values() == [("Oslo",), (None,)]


def test_earlier_merges_are_held_by_survivors(scene: Scene, crowd: dict[str, str]) -> None:
    kept = merge(scene, crowd["2"], crowd["6"])
    lease = switched(scene)

    listed = scene.store.merges.merges(scene.workspace_id, limit=10)
    assert [each.holder for each in listed if each.merge_id == kept.merge_id] == [crowd["1"]]
    assert scene.store.merges.get(scene.workspace_id, kept.merge_id).holder == crowd["1"]
    finish(scene, lease)
    assert scene.store.merges.get(scene.workspace_id, kept.merge_id).holder == crowd["1"]
