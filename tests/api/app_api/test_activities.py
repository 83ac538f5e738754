"""Activities read back by the App API (track-api.md §2)."""

from typing import Any

import pytest

from tests.api.app_api_client import AppApiClient, identify, named
from tests.api.threaded_server import NOW
from workspace_operator.identity.model.commands import (
    DeletePerson,
    MergePeople,
    TrackAnonymousEvent,
    TrackEvent,
    identify_from_fields,
)
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.rules import Mode
from workspace_operator.identity.values.tracked_events import TrackedEvent, TrackedEventType
from workspace_operator.web.app_api import activity_pages

THEN = int(NOW.timestamp())


def event(name: str, *, of: str = "ann", data: dict[str, object] | None = None) -> TrackEvent:
    return TrackEvent(reference=named(id=of), event=TrackedEvent(name=name, data=data or {}))


def activities(app_api: AppApiClient, **query: str | int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app_api.read("/v1/activities", **query)["activities"]
    return found


def test_creation_and_change_are_reported_newest_first(app_api: AppApiClient) -> None:
    person = app_api.person(identify({"plan": "gold"}, id="ann"))
    app_api.perform(identify({"plan": "silver"}, id="ann"))

    newest, *_, oldest = activities(app_api)

    assert newest == {
        "id": newest["id"],
        "type": "attribute_change",
        "timestamp": THEN,
        "customer_id": "ann",
        "customer_identifiers": {"id": "ann", "email": None, "cio_id": person.cio_id},
        "data": {"plan": {"from": "gold", "to": "silver"}},
    }
    assert oldest["type"] == "profile_create"


def test_refused_change_is_reported_with_its_reason(app_api: AppApiClient) -> None:
    app_api.perform(identify(email="bob@example.com"), identify({"email": "ann@example.com"}, id="ann"))
    app_api.perform(identify({"email": "bob@example.com"}, id="ann"))

    [refused] = activities(app_api, type="failed_attribute_change")

    reason = "The identifier is already associated with a different profile."
    assert refused["data"] == {"email": {"reason": reason, "value": "bob@example.com"}}


def test_identifiers_are_those_of_now(app_api: AppApiClient) -> None:
    app_api.perform(identify(email="ann@example.com"))
    app_api.perform(identify({"id": "ann"}, email="ann@example.com"))

    assert {each["customer_id"] for each in activities(app_api)} == {"ann"}


def test_person_without_id_is_null(app_api: AppApiClient) -> None:
    person = app_api.person(identify(email="ann@example.com"))

    [created] = activities(app_api, type="profile_create")

    assert created["customer_id"] is None
    assert created["customer_identifiers"] == {"id": None, "email": "ann@example.com", "cio_id": person.cio_id}


def test_id_only_workspace_identifies_by_id_only() -> None:
    app_api = AppApiClient.of(Mode.ID_ONLY)
    app_api.perform(identify({"email": "ann@example.com"}, mode=Mode.ID_ONLY, id="ann"))

    assert activities(app_api, type="profile_create")[0]["customer_identifiers"] == {"id": "ann"}


def test_event_has_its_name_and_data(app_api: AppApiClient) -> None:
    app_api.perform(event("bought", data={"what": "a hat"}))

    [bought] = activities(app_api, type="event")

    assert (bought["name"], bought["data"]) == ("bought", {"what": "a hat"})


def test_anonymous_event_is_nobody_s(app_api: AppApiClient) -> None:
    page = TrackedEvent(type=TrackedEventType.PAGE, name="/prices", data={})
    app_api.perform(TrackAnonymousEvent(event=page, anonymous_id="cookie"))

    [seen] = activities(app_api, type="page")

    assert (seen["customer_id"], seen["customer_identifiers"]) == (None, None)
    assert (seen["name"], seen["anonymous_id"]) == ("/prices", "cookie")


def test_deletion_is_found_by_cio_id(app_api: AppApiClient) -> None:
    person = app_api.person(identify(id="ann"))
    app_api.perform(DeletePerson(reference=named(id="ann")))

    found = activities(app_api, customer_id=f"cio_{person.cio_id}", id_type="cio_id")

    assert [each["type"] for each in found] == ["profile_delete"]
    assert found[0]["customer_identifiers"] == {"id": None, "email": None, "cio_id": person.cio_id}


def test_skipped_update_is_nobody_s(app_api: AppApiClient) -> None:
    app_api.perform(identify_from_fields(named(id="ann"), {"plan": "gold"}, update_only=True))

    [skipped] = activities(app_api, type="skipped_update")

    assert skipped["customer_identifiers"] is None


def test_merged_person_s_activities_are_the_survivor_s(app_api: AppApiClient) -> None:
    app_api.perform(identify(id="ann"), event("seen", of="bob"))
    app_api.perform(MergePeople(primary=named(id="ann"), secondary=named(id="bob")))

    assert [each["name"] for each in activities(app_api, type="event", customer_id="ann")] == ["seen"]
    assert len(activities(app_api, type="profile_merge", customer_id="ann")) == 1


def test_activities_of_one_person_are_chosen(app_api: AppApiClient) -> None:
    app_api.perform(event("one"), event("other", of="bob"))

    found = activities(app_api, customer_id="ann", type="event")

    assert [each["name"] for each in found] == ["one"]


@pytest.mark.parametrize("query", [{"customer_id": "nobody"}, {"customer_id": "no@body.example", "id_type": "email"}])
def test_unknown_person_has_no_activities(app_api: AppApiClient, query: dict[str, str]) -> None:
    app_api.perform(event("one"))

    assert app_api.read("/v1/activities", **query) == {"activities": [], "next": ""}


def test_every_type_can_be_asked_for(app_api: AppApiClient) -> None:
    assert [activities(app_api, type=each.value) for each in ActivityType] == [[]] * len(ActivityType)


@pytest.mark.parametrize(("limit", "pages"), [(1, [1] * 5), (2, [2, 2, 1]), (4, [4, 1]), (5, [5]), (100, [5])])
def test_pages_follow_each_other_to_the_end(app_api: AppApiClient, limit: int, pages: list[int]) -> None:
    app_api.perform(*(event(f"e{number}") for number in range(5)))

    names: list[list[str]] = []
    start = ""
    while True:
        page = app_api.read("/v1/activities", type="event", limit=limit, start=start)
        names.append([each["name"] for each in page["activities"]])
        start = page["next"]
        if not start:
            break

    assert [len(each) for each in names] == pages
    assert [name for page in names for name in page] == ["e4", "e3", "e2", "e1", "e0"]


def test_page_has_ten_by_default(app_api: AppApiClient) -> None:
    app_api.perform(*(event(f"e{number}") for number in range(11)))

    assert len(activities(app_api, type="event")) == 10


BAD_QUERIES: list[tuple[dict[str, str], str]] = [
    ({"limit": "0"}, "limit '0' must be a number from 1 to 100"),
    ({"limit": "101"}, "limit"),
    ({"limit": "-1"}, "limit"),
    ({"limit": "ten"}, "limit"),
    ({"limit": "²"}, "limit"),
    ({"limit": "9" * 5000}, "limit"),
    ({"limit": ""}, "limit"),
    ({"type": "Sent Email"}, "type 'Sent Email' is not a type of activity: use one of attribute_change"),
    ({"deleted": "perhaps"}, "deleted 'perhaps' must be true or false"),
    ({"types": "event"}, "the query parameter 'types' is unknown: use one of type, name, deleted"),
    ({"type": ""}, "type"),
    ({"start": "\0"}, "start"),
    ({"start": "a" * 151}, "start"),
    ({"customer_id": ""}, "customer_id is empty"),
    ({"customer_id": "ann", "id_type": "phone"}, "id_type"),
    ({"id_type": "phone"}, "id_type"),
    ({"customer_id": "ann", "id_type": "email"}, "customer_id 'ann' is not a valid email address"),
]


@pytest.mark.parametrize(("query", "complaint"), BAD_QUERIES)
def test_bad_query_is_refused(query: dict[str, str], complaint: str) -> None:
    response = AppApiClient.of().get("/v1/activities", **query)

    assert response.status_code == 400
    assert response.json()["errors"][0]["detail"].startswith(complaint)


def test_email_is_no_filter_where_it_is_an_attribute() -> None:
    response = AppApiClient.of(Mode.ID_ONLY).get("/v1/activities", customer_id="ann@example.com", id_type="email")

    assert response.status_code == 400


def test_key_reaches_no_other_workspace(app_api: AppApiClient) -> None:
    other = AppApiClient.of(beside=app_api)
    person = other.person(identify(id="ann"))

    assert activities(app_api) == []
    assert activities(app_api, customer_id=person.cio_id, id_type="cio_id") == []


def test_types_that_are_not_kept_have_no_activities(app_api: AppApiClient) -> None:
    app_api.perform(event("one"))

    for type_ in ("device_change", "sent_email"):
        assert app_api.read("/v1/activities", type=type_) == {"activities": [], "next": ""}


def test_name_selects_events_and_changed_attributes(app_api: AppApiClient) -> None:
    app_api.perform(
        event("plan"), event("other"), identify({"plan": "gold"}, id="bob"), identify({"city": "x"}, id="bob")
    )
    app_api.perform(identify({"id": "eve"}, id="bob"), identify({"plan": "pro", "city": "y"}, id="bob"))

    named = [(each["type"], each["data"]) for each in activities(app_api, name="plan")]

    assert named == [
        ("attribute_change", {"plan": {"from": "gold", "to": "pro"}, "city": {"from": "x", "to": "y"}}),
        ("event", {}),
    ]
    assert [each["type"] for each in activities(app_api, name="id")] == ["failed_attribute_change"]
    assert activities(app_api, name="plan", type="page") == []
    assert len(activities(app_api, name="plan", customer_id="ann")) == 1


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ({"deleted": "true"}, {"profile_delete"}),
        ({"deleted": "true", "type": "event"}, set()),
        ({"deleted": "true", "type": "profile_delete"}, {"profile_delete"}),
        ({"deleted": "false"}, {"profile_create", "event"}),
        ({"deleted": "false", "type": "profile_delete"}, set()),
        ({"deleted": "false", "type": "event"}, {"event"}),
    ],
)
def test_deleted_selects_whose_activities(app_api: AppApiClient, query: dict[str, str], types: set[str]) -> None:
    app_api.perform(event("one"), event("other", of="bob"), DeletePerson(reference=named(id="bob")))

    assert {each["type"] for each in activities(app_api, **query)} == types


def test_names_are_searched_page_by_page(app_api: AppApiClient) -> None:
    app_api.perform(*(event("seldom" if number % 3 == 0 else "often") for number in range(13)))

    first = app_api.read("/v1/activities", name="seldom", type="event", limit=3)
    second = app_api.read("/v1/activities", name="seldom", type="event", limit=3, start=first["next"])

    assert [len(each["activities"]) for each in (first, second)] == [3, 2]
    assert second["next"] == ""
    ids = [each["id"] for page in (first, second) for each in page["activities"]]
    assert ids == sorted(ids, reverse=True)


def test_request_reads_a_limited_number_of_activities(app_api: AppApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity_pages, "MAX_EXAMINED", 5)
    app_api.perform(event("seldom"), *(event("often") for _ in range(7)))

    first = app_api.read("/v1/activities", name="seldom", type="event")
    second = app_api.read("/v1/activities", name="seldom", type="event", start=first["next"])

    assert first["activities"] == []
    assert [each["name"] for each in second["activities"]] == ["seldom"]
    assert second["next"] == ""
