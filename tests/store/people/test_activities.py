"""The contract of the port PersonRecords: pages of records, and old activities' deletion."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.store.backends import START, Store
from tests.store.fixtures import WorkspaceEnv, destroy
from workspace_operator.application.ports import Activity, CredentialDigests
from workspace_operator.identity.model.person_events import (
    ActivityLogged,
    ActivityType,
    DeviceUpserted,
    MembershipSet,
    PeopleMerged,
)
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import metadata

ONE_HOUR = timedelta(hours=1)


def note(env: WorkspaceEnv, *names: str, cio_id: str | None = None, type_: ActivityType = ActivityType.EVENT) -> None:
    at = int(env.store.clock().timestamp())
    steps = [ActivityLogged(type=type_, cio_id=cio_id, at=at, name=each, data={}) for each in names]
    env.store.append_events(env.workspace_id, steps)


def listed(env: WorkspaceEnv, **arguments: object) -> list[Activity]:
    limit = {"limit": 100}
    return list(env.store.person_records.activities(env.workspace_id, **(limit | arguments)))  # type: ignore[arg-type]


def names(env: WorkspaceEnv, **arguments: object) -> list[str]:
    return [each.name for each in listed(env, type=ActivityType.EVENT, **arguments)]


def test_activity_is_read_as_written(both: WorkspaceEnv) -> None:
    cio_id = both.add("1", "Ann@example.com")
    logged = ActivityLogged(
        type=ActivityType.SCREEN,
        cio_id=cio_id,
        at=5,
        name="home",
        event_id="e1",
        anonymous_id="x",
        data={"a": [1, None]},
    )

    both.store.append_events(both.workspace_id, [logged])

    [found] = listed(both, type=ActivityType.SCREEN)
    assert found == Activity(
        activity_id=found.activity_id,
        type=ActivityType.SCREEN,
        at=5,
        cio_id=cio_id,
        id="1",
        email="Ann@example.com",
        name="home",
        anonymous_id="x",
        data={"a": [1, None]},
    )


def test_activity_names_its_current_person(both: WorkspaceEnv) -> None:
    cio_id = both.add("1")
    note(both, "a", cio_id=cio_id)
    note(both, "b", cio_id="nobody's")

    both.identify_person(id="1", body={"email": "ann@example.com"})

    found = listed(both, type=ActivityType.EVENT)
    assert [(each.name, each.cio_id, each.id, each.email) for each in found] == [
        ("b", "nobody's", None, None),
        ("a", cio_id, "1", "ann@example.com"),
    ]


def test_newest_activities_come_first(both: WorkspaceEnv) -> None:
    note(both, "a", "b")
    both.store.clock.advance(60)
    note(both, "c")

    assert names(both) == ["c", "b", "a"]
    assert names(both, limit=2) == ["c", "b"]


def test_types_are_listed_together_in_one_order(both: WorkspaceEnv) -> None:
    for number, type_ in enumerate(ActivityType):
        note(both, str(number), cio_id="p1", type_=type_)
    note(both, "last", cio_id="p1", type_=ActivityType.ATTRIBUTE_CHANGE)

    expected = ["last", *(str(number) for number in reversed(range(len(ActivityType))))]
    assert [each.name for each in listed(both)] == expected
    assert [each.name for each in listed(both, cio_id="p1")] == expected
    assert [each.name for each in listed(both, limit=3)] == expected[:3]


@pytest.mark.parametrize("type_", ActivityType)
def test_one_type_is_listed_alone(both: WorkspaceEnv, type_: ActivityType) -> None:
    for each in ActivityType:
        note(both, each.value, type_=each)

    assert [(each.type, each.name) for each in listed(both, type=type_)] == [(type_, type_.value)]


def test_one_person_is_listed_alone(both: WorkspaceEnv) -> None:
    for number in range(3):
        note(both, f"ann {number}", cio_id="ann")
        note(both, f"bob {number}", cio_id="bob")
    note(both, "created", cio_id="ann", type_=ActivityType.PROFILE_CREATE)

    assert names(both, cio_id="ann", limit=2) == ["ann 2", "ann 1"]
    assert [each.name for each in listed(both, cio_id="ann")] == ["created", "ann 2", "ann 1", "ann 0"]


@pytest.mark.parametrize("arguments", [{}, {"cio_id": "p1"}, {"type": ActivityType.EVENT}])
def test_pages_follow_each_other(both: WorkspaceEnv, arguments: dict[str, object]) -> None:
    note(both, *(str(number) for number in range(7)), cio_id="p1")

    pages, before = [], None
    while page := listed(both, before=before, limit=3, **arguments):
        pages.append([each.name for each in page])
        before = page[-1].activity_id

    assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"]]


def test_devices_are_reported_by_person(both: WorkspaceEnv) -> None:
    devices = [Device(token=token, platform="ios", last_used=3, attributes={"os": [17]}) for token in "zabc"]
    both.store.append_events(
        both.workspace_id,
        [DeviceUpserted(cio_id=cio_id, device=each) for cio_id, each in zip("xxyz", devices, strict=True)],
    )

    found = both.store.person_records.devices(both.workspace_id, ["x", "y", "nobody"])

    assert found == {"x": (devices[1], devices[0]), "y": (devices[2],)}


def test_members_stream_in_order(both: WorkspaceEnv) -> None:
    people = [f"{number:05}" for number in range(5000)]
    both.store.append_events(
        both.workspace_id, [MembershipSet(cio_id=each, segment=1, member=True) for each in reversed(people)]
    )
    both.store.append_events(both.workspace_id, [MembershipSet(cio_id="other", segment=2, member=True)])

    assert list(both.store.person_records.members(both.workspace_id, 1)) == people
    assert list(both.store.person_records.members(both.workspace_id, 3)) == []


def test_segments_of_a_person_are_reported_in_order(both: WorkspaceEnv) -> None:
    both.store.append_events(
        both.workspace_id, [MembershipSet(cio_id="x", segment=each, member=True) for each in (10, 2, 2**31, 1)]
    )

    assert both.store.person_records.segments(both.workspace_id, "x") == (1, 2, 10, 2**31)
    assert both.store.person_records.segments(both.workspace_id, "y") == ()


def test_workspaces_share_nothing(store: Store) -> None:
    first, second = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID), WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    note(first, "a", cio_id="x")
    device = DeviceUpserted(cio_id="x", device=Device(token="t", platform="ios", attributes={}))
    store.append_events(first.workspace_id, [device, MembershipSet(cio_id="x", segment=1, member=True)])

    assert listed(second) == []
    assert listed(second, cio_id="x") == []
    assert store.person_records.devices(second.workspace_id, ["x"]) == {}
    assert store.person_records.segments(second.workspace_id, "x") == ()
    assert list(store.person_records.members(second.workspace_id, 1)) == []


def test_old_activities_are_forgotten(store: Store) -> None:
    environments = [WorkspaceEnv.create(store, Mode.EMAIL_OR_ID) for _ in range(2)]
    for each in environments:
        note(each, "old")
        note(each, "old", type_=ActivityType.PROFILE_CREATE)
    store.clock.advance(3600)
    for each in environments:
        note(each, "new")

    forgotten = store.person_records.purge_activities(before=START + ONE_HOUR, size=100)

    assert forgotten == 4
    assert [[activity.name for activity in listed(each)] for each in environments] == [["new"], ["new"]]


def test_old_activities_are_forgotten_bit_by_bit(store: Store) -> None:
    for env in [WorkspaceEnv.create(store, Mode.EMAIL_OR_ID) for _ in range(2)]:
        note(env, "a", "b")
        note(env, "c", type_=ActivityType.PAGE)
    before = START + ONE_HOUR

    counts = [store.person_records.purge_activities(before=before, size=4) for _ in range(3)]

    assert counts == [4, 2, 0]


@pytest.mark.parametrize("before", [START, datetime.fromtimestamp(0, START.tzinfo)])
def test_what_is_recorded_from_then_on_is_kept(both: WorkspaceEnv, before: datetime) -> None:
    note(both, "a")

    assert both.store.person_records.purge_activities(before=before, size=10) == 0
    assert names(both) == ["a"]


def test_event_that_is_forgotten_may_come_again(both: WorkspaceEnv) -> None:
    event = ActivityLogged(type=ActivityType.EVENT, cio_id="x", at=1, name="a", event_id="e1", data={})
    both.store.append_events(both.workspace_id, [event])
    both.store.person_records.purge_activities(before=START + ONE_HOUR, size=10)

    both.store.append_events(both.workspace_id, [event, event])

    assert names(both) == ["a"]


def test_destroyed_workspace_leaves_no_row(sql_env: WorkspaceEnv) -> None:
    store, database, number = sql_env.store, sql_env.store.sql_database, sql_env.workspace_id
    cio_ids = [sql_env.add("1"), sql_env.add("2")]
    note(sql_env, "a", cio_id=cio_ids[0])
    one, other = (sql_env.find(cio_id=each) for each in cio_ids)
    assert one is not None
    assert other is not None
    device = DeviceUpserted(cio_id=one.cio_id, device=Device(token="t", platform="ios", attributes={}))
    absorbed = PeopleMerged(primary=one, secondary=other, survivor=one, automatic=True, at=1)
    store.append_events(number, [device, MembershipSet(cio_id=one.cio_id, segment=1, member=True), absorbed])
    digests = CredentialDigests(site_id=str(number), api_key="", app_key=str(number))
    store.credentials.rotate(number, digests, grace=ONE_HOUR, request="", now=store.clock())
    assert {"activity", "credential", "device", "workspace_lock", "membership", "merge", "person"} <= filled(
        database, number
    )

    destroy(store, sql_env.owner)

    assert filled(database, number) == set()


def filled(database: Database, workspace_id: int) -> set[str]:
    """The tables with rows of a workspace."""
    with database.reading() as connection:
        return {
            table.name
            for table in metadata.sorted_tables
            if "workspace_id" in table.columns
            and connection.execute(sa.select(table).where(table.c.workspace_id == workspace_id)).first() is not None
        }


def test_last_changes_are_reported_by_person(both: WorkspaceEnv) -> None:
    ann, bob, cleo = (both.add(id_) for id_ in ("ann", "bob", "cleo"))
    made = int(both.store.clock().timestamp())
    both.store.clock.advance(60)
    both.identify_person(id="ann", body={"plan": "pro"})
    both.store.append_events(
        both.workspace_id, [ActivityLogged(type=ActivityType.EVENT, cio_id=bob, at=made + 90, name="x", data={})]
    )

    found = both.store.person_records.last_changes(both.workspace_id, [ann, bob, "unknown"])

    assert found == {ann: made + 60, bob: made}
    assert cleo not in found
