"""Person events are written in order, with the same effect in every store."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.backends import Store, memory_store, recorded_statements, sql_store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import (
    ActivityLogged,
    ActivityType,
    AnonymousLinked,
    DeviceRemoved,
    DeviceUpserted,
    MembershipSet,
    PeopleMerged,
    PersonDeleted,
    PersonEvent,
)
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database

AT = 1_700_000_000
ANN, BOB, CARL = "a1", "b2", "c3"


def activity(
    cio_id: str | None, name: str = "", *, type_: ActivityType = ActivityType.EVENT, **values: object
) -> ActivityLogged:
    return ActivityLogged(type=type_, cio_id=cio_id, at=AT, name=name, **({"data": {}} | values))  # type: ignore[arg-type]


def device(token: str, platform: str = "ios", **values: object) -> Device:
    return Device(token=token, platform=platform, **({"attributes": {}} | values))  # type: ignore[arg-type]


def person(cio_id: str) -> Person:
    return Person(cio_id=cio_id, attributes={}, inserted_at=AT, created_at=AT)


def absorbed(primary: str, secondary: str) -> PeopleMerged:
    return PeopleMerged(
        primary=person(primary), secondary=person(secondary), survivor=person(primary), automatic=True, at=AT
    )


def member(cio_id: str, segment: int) -> MembershipSet:
    return MembershipSet(cio_id=cio_id, segment=segment, member=True)


def leaving(cio_id: str, segment: int) -> MembershipSet:
    return MembershipSet(cio_id=cio_id, segment=segment, member=False)


@dataclass(frozen=True, slots=True)
class EventEnv:
    """A workspace and the records of its people; the people need not exist."""

    env: WorkspaceEnv

    def append_events(self, *steps: PersonEvent) -> None:
        self.env.store.append_events(self.env.workspace_id, steps)

    def names(self, cio_id: str | None = None) -> list[str]:
        """The names of events, oldest first."""
        person_records = self.env.store.person_records
        found = person_records.activities(self.env.workspace_id, cio_id=cio_id, limit=1000)
        return [each.name for each in reversed(found)]

    def devices(self, cio_id: str) -> Sequence[Device]:
        return self.env.store.person_records.devices(self.env.workspace_id, [cio_id]).get(cio_id, ())

    def segments(self, cio_id: str) -> Sequence[int]:
        return self.env.store.person_records.segments(self.env.workspace_id, cio_id)


@pytest.fixture
def event_env(env: WorkspaceEnv) -> EventEnv:
    return EventEnv(env)


def test_activities_keep_their_order(event_env: EventEnv) -> None:
    event_env.append_events(*(activity(ANN, str(number)) for number in range(10)))
    event_env.append_events(activity(ANN, "10"), activity(BOB, "other"))

    assert event_env.names(ANN) == [str(number) for number in range(11)]
    assert event_env.names() == [*(str(number) for number in range(11)), "other"]


def test_event_with_an_id_is_kept_once(event_env: EventEnv) -> None:
    event_env.append_events(
        activity(ANN, "first", event_id="e1"), activity(ANN, "again", event_id="e1"), activity(BOB, "b", event_id="e2")
    )

    event_env.append_events(
        activity(BOB, "once more", event_id="e1"), activity(ANN, "without"), activity(ANN, "without")
    )

    assert event_env.names() == ["first", "b", "without", "without"]


def test_event_ids_are_of_one_workspace(store: Store) -> None:
    rooms = [EventEnv(WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)) for _ in range(2)]

    for each in rooms:
        each.append_events(activity(ANN, "mine", event_id="e1"))

    assert [each.names() for each in rooms] == [["mine"], ["mine"]]


def test_data_of_every_kind_is_kept(event_env: EventEnv) -> None:
    data = {"text": "a\ttab \\N \"quoted\" 'x' 🛍", "number": 12345678901234567890, "list": [None, 0.1, {"three": True}]}

    event_env.append_events(activity(ANN, "plain \\N", data=data), activity(ANN, "with id", event_id="e", data=data))

    found = event_env.env.store.person_records.activities(event_env.env.workspace_id, limit=2)
    assert [each.data for each in found] == [data, data]
    assert found[1].name == "plain \\N"


def test_many_activities_are_kept(event_env: EventEnv) -> None:
    event_env.append_events(*(activity(f"{number:04x}", type_=ActivityType.PROFILE_CREATE) for number in range(2000)))

    found = event_env.env.store.person_records.activities(event_env.env.workspace_id, limit=3000)
    assert [each.cio_id for each in reversed(found)] == [f"{number:04x}" for number in range(2000)]


def test_last_word_on_a_device_counts(event_env: EventEnv) -> None:
    event_env.append_events(
        DeviceUpserted(cio_id=ANN, device=device("gone")),
        DeviceRemoved(cio_id=ANN, token="back"),
        DeviceRemoved(cio_id=ANN, token="gone"),
        DeviceUpserted(cio_id=ANN, device=device("back")),
        DeviceRemoved(cio_id=BOB, token="never there"),
    )

    assert event_env.devices(ANN) == (device("back"),)
    assert event_env.devices(BOB) == ()


def test_anonymous_events_are_claimed_once(event_env: EventEnv) -> None:
    event_env.append_events(
        activity(None, "before", anonymous_id="x"),
        activity(None, "other", anonymous_id="y"),
        activity(None, "nobody's"),
    )

    event_env.append_events(
        AnonymousLinked(anonymous_id="x", cio_id=ANN),
        AnonymousLinked(anonymous_id="x", cio_id=BOB),
        activity(None, "after", anonymous_id="x"),
    )

    assert event_env.names(ANN) == ["before"]
    assert event_env.names(BOB) == []
    assert event_env.names() == ["before", "other", "nobody's", "after"]


def test_merge_moves_everything(event_env: EventEnv) -> None:
    event_env.append_events(
        activity(ANN, "a"),
        activity(BOB, "b"),
        DeviceUpserted(cio_id=ANN, device=device("both", "kept")),
        DeviceUpserted(cio_id=BOB, device=device("both", "dropped")),
        DeviceUpserted(cio_id=BOB, device=device("its")),
        member(ANN, 1),
        member(BOB, 1),
        member(BOB, 2),
    )

    event_env.append_events(absorbed(ANN, BOB), activity(ANN, "merged"))

    assert event_env.names(ANN) == ["a", "b", "merged"]
    assert event_env.devices(ANN) == (device("both", "kept"), device("its"))
    assert event_env.segments(ANN) == (1, 2)
    assert (event_env.names(BOB), event_env.devices(BOB), event_env.segments(BOB)) == ([], (), ())


def test_no_records_remain_of_a_deleted_person(event_env: EventEnv) -> None:
    event_env.append_events(
        activity(ANN, "a", event_id="e1"),
        activity(BOB, "b"),
        DeviceUpserted(cio_id=ANN, device=device("t")),
        member(ANN, 1),
        PersonDeleted(cio_id=ANN),
        activity(ANN, "deleted", type_=ActivityType.PROFILE_DELETE),
        activity(BOB, "the id is free again", event_id="e1"),
    )

    assert event_env.names() == ["b", "deleted", "the id is free again"]
    assert (event_env.devices(ANN), event_env.segments(ANN)) == ((), ())


def test_steps_of_other_people_share_statements(sql_env: WorkspaceEnv) -> None:
    database = sql_env.store.sql_database
    people = [f"{number:04x}" for number in range(100)]
    steps: list[PersonEvent] = [
        step
        for each in people
        for step in (
            AnonymousLinked(anonymous_id=each, cio_id=each),
            activity(each, type_=ActivityType.PROFILE_CREATE),
            DeviceUpserted(cio_id=each, device=device("t")),
            member(each, 1),
            activity(each),
            absorbed(f"primary {each}", f"secondary {each}"),
        )
    ]
    steps += [step for each in people for step in (PersonDeleted(cio_id=each), activity(each))]

    with recorded_statements(database) as sent:
        sql_env.store.append_events(sql_env.workspace_id, steps)

    assert len(sent) < 35


people = st.sampled_from([ANN, BOB, CARL])
steps = st.one_of(
    st.builds(
        activity,
        st.none() | people,
        st.sampled_from("uvw"),
        event_id=st.sampled_from([None, "e1", "e2"]),
        anonymous_id=st.sampled_from([None, "x", ANN]),
    ),
    st.builds(DeviceUpserted, cio_id=people, device=st.builds(device, st.sampled_from("st"), st.sampled_from("pq"))),
    st.builds(DeviceRemoved, cio_id=people, token=st.sampled_from("st")),
    st.builds(MembershipSet, cio_id=people, segment=st.sampled_from([1, 2]), member=st.booleans()),
    st.builds(AnonymousLinked, anonymous_id=st.sampled_from(["x", ANN]), cio_id=st.just(CARL)),
    st.sampled_from([(ANN, BOB), (BOB, ANN), (CARL, ANN), (CARL, BOB)]).map(lambda pair: absorbed(*pair)),
    st.builds(PersonDeleted, cio_id=people),
)


@given(batches=st.lists(st.lists(steps, max_size=12), max_size=4))
def test_batches_come_to_what_single_steps_do(sqlite_database: Database, batches: list[list[PersonEvent]]) -> None:
    stores = (memory_store(), sql_store(sqlite_database))
    rooms = [EventEnv(WorkspaceEnv.create(each, Mode.EMAIL_OR_ID)) for each in stores]

    for batch in batches:
        for each in rooms:
            each.append_events(*batch)

    one, other = map(everything, rooms)
    assert one == other


def everything(event_env: EventEnv) -> object:
    people = (ANN, BOB, CARL)
    return [
        (each, event_env.names(each), event_env.devices(each), event_env.segments(each)) for each in people
    ], event_env.names()
