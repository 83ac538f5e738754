"""What calls leave behind is kept, moved and taken away, step by step, in every store alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.adapters import Store, hearing, memory_store, sql_store
from tests.store.scenes import Scene
from workspace_operator.identity.devices import Device
from workspace_operator.identity.people import Person
from workspace_operator.identity.rules import Mode
from workspace_operator.identity.trail import (
    Absorbed,
    ActivityType,
    DeviceRemoved,
    DeviceSet,
    Gone,
    Membership,
    Noted,
    Recognized,
    Step,
)
from workspace_operator.store.engines import Database

AT = 1_700_000_000
ANN, BOB, CARL = "a1", "b2", "c3"


def noted(cio_id: str | None, name: str = "", *, type_: ActivityType = ActivityType.EVENT, **values: object) -> Noted:
    return Noted(type=type_, cio_id=cio_id, at=AT, name=name, **({"data": {}} | values))  # type: ignore[arg-type]


def device(token: str, platform: str = "ios", **values: object) -> Device:
    return Device(token=token, platform=platform, **({"attributes": {}} | values))  # type: ignore[arg-type]


def person(cio_id: str) -> Person:
    return Person(cio_id=cio_id, attributes={}, stored_at=AT, created_at=AT)


def absorbed(primary: str, secondary: str) -> Absorbed:
    return Absorbed(
        primary=person(primary), secondary=person(secondary), survivor=person(primary), automatic=True, at=AT
    )


def joins(cio_id: str, segment: int) -> Membership:
    return Membership(cio_id=cio_id, segment=segment, member=True)


def leaves(cio_id: str, segment: int) -> Membership:
    return Membership(cio_id=cio_id, segment=segment, member=False)


@dataclass(frozen=True, slots=True)
class Room:
    """A workspace, and what hangs on the people in it; whether there are such people makes no difference."""

    scene: Scene

    def leave(self, *steps: Step) -> None:
        self.scene.store.leave(self.scene.workspace_id, steps)

    def names(self, cio_id: str | None = None) -> list[str]:
        """The names of events, the oldest first."""
        belongings = self.scene.store.belongings
        found = belongings.activities(self.scene.workspace_id, cio_id=cio_id, limit=1000)
        return [each.name for each in reversed(found)]

    def devices(self, cio_id: str) -> Sequence[Device]:
        return self.scene.store.belongings.devices(self.scene.workspace_id, [cio_id]).get(cio_id, ())

    def segments(self, cio_id: str) -> Sequence[int]:
        return self.scene.store.belongings.segments(self.scene.workspace_id, cio_id)


@pytest.fixture
def room(scene: Scene) -> Room:
    return Room(scene)


def test_activities_keep_their_order(room: Room) -> None:
    room.leave(*(noted(ANN, str(number)) for number in range(10)))
    room.leave(noted(ANN, "10"), noted(BOB, "other"))

    assert room.names(ANN) == [str(number) for number in range(11)]
    assert room.names() == [*(str(number) for number in range(11)), "other"]


def test_event_with_an_id_is_kept_once(room: Room) -> None:
    room.leave(noted(ANN, "first", event_id="e1"), noted(ANN, "again", event_id="e1"), noted(BOB, "b", event_id="e2"))

    room.leave(noted(BOB, "once more", event_id="e1"), noted(ANN, "without"), noted(ANN, "without"))

    assert room.names() == ["first", "b", "without", "without"]


def test_event_ids_are_of_one_workspace(store: Store) -> None:
    rooms = [Room(Scene.create(store, Mode.EMAIL_OR_ID)) for _ in range(2)]

    for each in rooms:
        each.leave(noted(ANN, "mine", event_id="e1"))

    assert [each.names() for each in rooms] == [["mine"], ["mine"]]


def test_data_of_every_kind_is_kept(room: Room) -> None:
    data = {"text": "a\ttab \\N \"quoted\" 'x' 🛍", "number": 12345678901234567890, "list": [None, 0.1, {"three": True}]}

    room.leave(noted(ANN, "plain \\N", data=data), noted(ANN, "with id", event_id="e", data=data))

    found = room.scene.store.belongings.activities(room.scene.workspace_id, limit=2)
    assert [each.data for each in found] == [data, data]
    assert found[1].name == "plain \\N"


def test_many_activities_are_kept(room: Room) -> None:
    room.leave(*(noted(f"{number:04x}", type_=ActivityType.PROFILE_CREATE) for number in range(2000)))

    found = room.scene.store.belongings.activities(room.scene.workspace_id, limit=3000)
    assert [each.cio_id for each in reversed(found)] == [f"{number:04x}" for number in range(2000)]


def test_device_is_set_and_replaced(room: Room) -> None:
    room.leave(DeviceSet(cio_id=ANN, device=device("t1", attributes={"os": "17"}, last_used=5)))

    room.leave(
        DeviceSet(cio_id=ANN, device=device("t1", "android")),
        DeviceSet(cio_id=ANN, device=device("t0")),
        DeviceSet(cio_id=BOB, device=device("t1", "web")),
    )

    assert room.devices(ANN) == (device("t0"), device("t1", "android"))
    assert room.devices(BOB) == (device("t1", "web"),)


def test_last_word_on_a_device_counts(room: Room) -> None:
    room.leave(
        DeviceSet(cio_id=ANN, device=device("gone")),
        DeviceRemoved(cio_id=ANN, token="back"),
        DeviceRemoved(cio_id=ANN, token="gone"),
        DeviceSet(cio_id=ANN, device=device("back")),
        DeviceRemoved(cio_id=BOB, token="never there"),
    )

    assert room.devices(ANN) == (device("back"),)
    assert room.devices(BOB) == ()


def test_people_join_and_leave_segments(room: Room) -> None:
    room.leave(joins(ANN, 1), joins(ANN, 2), joins(BOB, 1), joins(ANN, 1))

    room.leave(leaves(ANN, 1), leaves(BOB, 2), joins(BOB, 1))

    assert room.segments(ANN) == (2,)
    assert room.segments(BOB) == (1,)


def test_anonymous_events_are_claimed_once(room: Room) -> None:
    room.leave(noted(None, "before", anonymous_id="x"), noted(None, "other", anonymous_id="y"), noted(None, "nobody's"))

    room.leave(
        Recognized(anonymous_id="x", cio_id=ANN),
        Recognized(anonymous_id="x", cio_id=BOB),
        noted(None, "after", anonymous_id="x"),
    )

    assert room.names(ANN) == ["before"]
    assert room.names(BOB) == []
    assert room.names() == ["before", "other", "nobody's", "after"]


def test_merge_moves_everything(room: Room) -> None:
    room.leave(
        noted(ANN, "a"),
        noted(BOB, "b"),
        DeviceSet(cio_id=ANN, device=device("both", "kept")),
        DeviceSet(cio_id=BOB, device=device("both", "dropped")),
        DeviceSet(cio_id=BOB, device=device("its")),
        joins(ANN, 1),
        joins(BOB, 1),
        joins(BOB, 2),
    )

    room.leave(absorbed(ANN, BOB), noted(ANN, "merged"))

    assert room.names(ANN) == ["a", "b", "merged"]
    assert room.devices(ANN) == (device("both", "kept"), device("its"))
    assert room.segments(ANN) == (1, 2)
    assert (room.names(BOB), room.devices(BOB), room.segments(BOB)) == ([], (), ())


def test_merges_in_a_row_move_on(room: Room) -> None:
    room.leave(
        noted(CARL, "c"),
        DeviceSet(cio_id=CARL, device=device("t")),
        joins(CARL, 7),
        absorbed(BOB, CARL),
        noted(BOB, "b"),
        absorbed(ANN, BOB),
    )

    assert room.names(ANN) == ["c", "b"]
    assert room.devices(ANN) == (device("t"),)
    assert room.segments(ANN) == (7,)


def test_nothing_remains_of_who_is_gone(room: Room) -> None:
    room.leave(
        noted(ANN, "a", event_id="e1"),
        noted(BOB, "b"),
        DeviceSet(cio_id=ANN, device=device("t")),
        joins(ANN, 1),
        Gone(cio_id=ANN),
        noted(ANN, "deleted", type_=ActivityType.PROFILE_DELETE),
        noted(BOB, "the id is free again", event_id="e1"),
    )

    assert room.names() == ["b", "deleted", "the id is free again"]
    assert (room.devices(ANN), room.segments(ANN)) == ((), ())


def test_steps_of_other_people_share_statements(sql_scene: Scene) -> None:
    database = sql_scene.store.database
    assert database is not None
    people = [f"{number:04x}" for number in range(100)]
    steps: list[Step] = [
        step
        for each in people
        for step in (
            Recognized(anonymous_id=each, cio_id=each),
            noted(each, type_=ActivityType.PROFILE_CREATE),
            DeviceSet(cio_id=each, device=device("t")),
            joins(each, 1),
            noted(each),
            absorbed(f"primary {each}", f"secondary {each}"),
        )
    ]
    steps += [step for each in people for step in (Gone(cio_id=each), noted(each))]

    with hearing(database) as sent:
        sql_scene.store.leave(sql_scene.workspace_id, steps)

    assert len(sent) < 35


people = st.sampled_from([ANN, BOB, CARL])
steps = st.one_of(
    st.builds(
        noted,
        st.none() | people,
        st.sampled_from("uvw"),
        event_id=st.sampled_from([None, "e1", "e2"]),
        anonymous_id=st.sampled_from([None, "x", ANN]),
    ),
    st.builds(DeviceSet, cio_id=people, device=st.builds(device, st.sampled_from("st"), st.sampled_from("pq"))),
    st.builds(DeviceRemoved, cio_id=people, token=st.sampled_from("st")),
    st.builds(Membership, cio_id=people, segment=st.sampled_from([1, 2]), member=st.booleans()),
    st.builds(Recognized, anonymous_id=st.sampled_from(["x", ANN]), cio_id=st.just(CARL)),
    st.sampled_from([(ANN, BOB), (BOB, ANN), (CARL, ANN), (CARL, BOB)]).map(lambda pair: absorbed(*pair)),
    st.builds(Gone, cio_id=people),
)


@given(batches=st.lists(st.lists(steps, max_size=12), max_size=4))
def test_batches_come_to_what_single_steps_do(sqlite_database: Database, batches: list[list[Step]]) -> None:
    stores = (memory_store(), sql_store(sqlite_database))
    rooms = [Room(Scene.create(each, Mode.EMAIL_OR_ID)) for each in stores]

    for batch in batches:
        for each in rooms:
            each.leave(*batch)

    one, other = map(everything, rooms)
    assert one == other


def everything(room: Room) -> object:
    people = (ANN, BOB, CARL)
    return [(each, room.names(each), room.devices(each), room.segments(each)) for each in people], room.names()
