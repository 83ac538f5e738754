"""Track v1: each request of track-api.md §1 becomes one command, and has the response that clients know."""

from typing import Any

import pytest

from tests.api.track_api.track_client import TrackClient
from workspace_operator.identity.model.commands import (
    DELETE,
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    Identify,
    MergePeople,
    SetMembership,
    Suppress,
    TrackAnonymousEvent,
    TrackEvent,
    Unsuppress,
)
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.references import Reference, reference_of_kind
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, IdentifierKind, Mode
from workspace_operator.identity.values.tracked_events import TrackedEvent, TrackedEventType

THEN = 1_700_000_000


id_only = pytest.mark.parametrize("mode", [Mode.ID_ONLY])


def of(kind: IdentifierKind, value: str) -> Reference:
    return reference_of_kind(value, kind, Mode.EMAIL_OR_ID)


ANN = of(ID, "ann")
BOUGHT = TrackedEvent(name="bought", data={})


def identified(reference: Reference = ANN, **said: Any) -> Identify:
    return Identify(reference=reference, **{"attributes": {}, **said})


TABLE = [
    ("PUT", "/customers/ann", {"plan": "gold"}, identified(attributes={"plan": "gold"})),
    ("PUT", "/customers/ann", {}, identified()),
    ("PUT", "/customers/ann", None, identified()),
    ("PUT", "/customers/ann", b"null", identified()),
    ("PUT", "/customers/ann", {"email": "a@x.y", "cio_id": "01"}, identified(email="a@x.y", cio_id="01")),
    ("PUT", "/customers/ann", {"email": None, "id": ""}, identified(email=DELETE, id=DELETE)),
    ("PUT", "/customers/ann", {"_update": True, "a": 1}, identified(update_only=True, attributes={"a": 1})),
    ("PUT", "/customers/ann", {"_timestamp": THEN, "a": None}, identified(timestamp=THEN, attributes={"a": None})),
    ("DELETE", "/customers/ann", {}, DeletePerson(reference=ANN)),
    ("DELETE", "/customers/ann", None, DeletePerson(reference=ANN)),
    ("DELETE", "/customers/ann", b"no JSON at all", DeletePerson(reference=ANN)),
    ("POST", "/customers/ann/suppress", {}, Suppress(reference=ANN)),
    ("POST", "/customers/ann/unsuppress", None, Unsuppress(reference=ANN)),
    (
        "PUT",
        "/customers/ann/devices",
        {"device": {"id": "t", "platform": "ios", "last_used": str(THEN), "attributes": None}},
        AddDevice(reference=ANN, device=Device(token="t", platform="ios", last_used=THEN, attributes={})),
    ),
    ("DELETE", "/customers/ann/devices/t%2F1", None, DeleteDevice(reference=ANN, token="t/1")),
    ("POST", "/customers/ann/events", {"name": " bought ", "data": None}, TrackEvent(reference=ANN, event=BOUGHT)),
    (
        "POST",
        "/customers/ann/events",
        {"type": "page", "name": "/hats", "id": "e1", "timestamp": THEN, "data": {"a": [1]}},
        TrackEvent(
            reference=ANN,
            event=TrackedEvent(type=TrackedEventType.PAGE, name="/hats", id="e1", timestamp=THEN, data={"a": [1]}),
        ),
    ),
    ("POST", "/events", {"name": "bought"}, TrackAnonymousEvent(event=BOUGHT)),
    ("POST", "/events", {"name": "bought", "anonymous_id": "c"}, TrackAnonymousEvent(event=BOUGHT, anonymous_id="c")),
    (
        "POST",
        "/merge_customers",
        {"primary": {"id": "ann"}, "secondary": {"email": "a@x.y"}},
        MergePeople(primary=ANN, secondary=of(EMAIL, "a@x.y")),
    ),
    (
        "POST",
        "/merge_customers",
        {"primary": {"cio_id": "01", "id": None}, "secondary": {"id": 7, "email": ""}},
        MergePeople(primary=of(CIO_ID, "01"), secondary=of(ID, "7")),
    ),
    ("POST", "/segments/7/add_customers", {"ids": ["ann"]}, SetMembership(reference=ANN, segment=7, member=True)),
    (
        "POST",
        "/segments/7/remove_customers?id_type=email",
        {"ids": ["a@x.y"]},
        SetMembership(reference=of(EMAIL, "a@x.y"), segment=7, member=False),
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "call"), TABLE)
def test_request_becomes_a_call(track: TrackClient, method: str, path: str, body: Any, call: Command) -> None:
    assert track.command(method, f"/api/v1{path}", body) == call


@pytest.mark.parametrize(
    ("segment", "kind", "value"),
    [
        ("ann", ID, "ann"),
        ("cio_01ab", CIO_ID, "cio_01ab"),
        ("a@x.y", EMAIL, "a@x.y"),
        ("a%40x.y", EMAIL, "a@x.y"),
        ("a+b@x.y", EMAIL, "a+b@x.y"),
        ("1%2F", ID, "1/"),
        ("a%20b", ID, "a b"),
        ("%2541", ID, "%41"),
        ("suppress", ID, "suppress"),
    ],
)
def test_reference_is_typed_by_its_shape(track: TrackClient, segment: str, kind: IdentifierKind, value: str) -> None:
    call = track.command("DELETE", f"/api/v1/customers/{segment}")

    assert call == DeletePerson(reference=of(kind, value))


@id_only
def test_address_is_an_id_where_email_is_no_identifier(track: TrackClient) -> None:
    call = track.command("PUT", "/api/v1/customers/a%40x.y", {"email": "b@x.y"})

    assert call == Identify(reference=of(ID, "a@x.y"), email="b@x.y", attributes={})


PERSON = "/api/v1/customers/ann"
REFUSED = [
    ("PUT", f"/api/v1/customers/{'a' * 151}", {}, "151 bytes, 150 are allowed"),
    ("PUT", "/api/v1/customers/%20", {}, "empty"),
    ("PUT", "/api/v1/customers/", {}, "empty"),
    ("PUT", "/api/v1/customers/cio_", {}, "empty"),
    ("POST", "/api/v1/customers//suppress", {}, "empty"),
    ("PUT", "/api/v1/customers/%00", {}, "NUL"),
    ("PUT", "/api/v1/customers/%ff", {}, "UTF-8"),
    ("PUT", PERSON, b"{", "not valid JSON"),
    ("PUT", PERSON, [], "must be a JSON object"),
    ("PUT", PERSON, {"a" * 151: 1}, "150 are allowed"),
    ("PUT", PERSON, {"a": "b" * 1001}, "1000 are allowed"),
    ("PUT", PERSON, {f"a{number}": 1 for number in range(301)}, "300 are allowed"),
    ("PUT", PERSON, b'{"a":"\\u0000"}', "NUL"),
    ("PUT", PERSON, b'{"a":"\\ud800"}', "Unicode"),
    ("PUT", PERSON, {"email": ["a" * 1001]}, "email"),
    ("PUT", PERSON, {"_timestamp": "yesterday"}, "_timestamp"),
    ("PUT", PERSON, {"_update": "yes"}, "_update"),
    ("PUT", f"{PERSON}/devices", {}, "device is missing"),
    ("PUT", f"{PERSON}/devices", {"device": "t"}, "device is 't'"),
    ("PUT", f"{PERSON}/devices", {"device": {"platform": "ios"}}, "device.id is missing"),
    ("PUT", f"{PERSON}/devices", {"device": {"id": "t", "platform": 7}}, "device.platform is 7"),
    ("DELETE", f"{PERSON}/devices/%20", None, "token is missing"),
    ("POST", f"{PERSON}/events", {}, "name is missing"),
    ("POST", f"{PERSON}/events", {"name": " "}, "name is missing"),
    ("POST", f"{PERSON}/events", {"name": "a" * 101}, "100 are allowed"),
    ("POST", f"{PERSON}/events", {"name": "a", "type": "scream"}, "type"),
    ("POST", f"{PERSON}/events", {"name": "a", "data": {"b": "c" * 100_000}}, "100000 are allowed"),
    ("POST", "/api/v1/events", {"name": "a", "anonymous_id": {}}, "anonymous_id"),
    ("POST", "/api/v1/events", {"name": "a", "anonymous_id": "undefined"}, "a variable that was not set"),
    ("POST", "/api/v1/segments/x/add_customers", {"ids": ["1"]}, "segment"),
    ("POST", "/api/v1/segments/0/add_customers", {"ids": ["1"]}, "segment"),
    ("POST", f"/api/v1/segments/{'9' * 19}/add_customers", {"ids": ["1"]}, "segment"),
    ("POST", "/api/v1/segments/1/add_customers", {"ids": []}, "1 to 1000"),
    ("POST", "/api/v1/segments/1/add_customers", {"ids": ["1"] * 1001}, "1 to 1000"),
    ("POST", "/api/v1/segments/1/add_customers", {"ids": "1"}, "1 to 1000"),
    ("POST", "/api/v1/segments/1/add_customers?id_type=phone", {"ids": ["1"]}, "id_type"),
]


@pytest.mark.parametrize(("method", "path", "body", "words"), REFUSED)
def test_wrong_request_is_refused(track: TrackClient, method: str, path: str, body: Any, words: str) -> None:
    assert words in track.refused(method, path, body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"primary": {"id": "1", "email": "a@x.y"}, "secondary": {"id": "2"}}, "primary must have exactly one"),
        ({"primary": {"id": "1"}, "secondary": {"id": "2", "cio_id": "3"}}, "secondary must have exactly one"),
        ({"primary": {}, "secondary": {"id": "2"}}, "it has 0"),
        ({"primary": {"id": "1"}}, "secondary is missing"),
        ({"primary": {"id": "1"}, "secondary": "2"}, "secondary is '2'"),
        ({"primary": {"id": "1"}, "secondary": {"email": "2"}}, "secondary.email"),
    ],
)
def test_wrong_merge_has_one_message(track: TrackClient, body: Any, words: str) -> None:
    response = track.send("POST", "/api/v1/merge_customers", body)

    assert response.status_code == 400
    assert words in response.json()["meta"]["error"]


@id_only
def test_merge_by_what_is_no_identifier_is_refused(track: TrackClient) -> None:
    response = track.send("POST", "/api/v1/merge_customers", {"primary": {"id": "1"}, "secondary": {"email": "a@x.y"}})

    assert response.status_code == 400
    assert "secondary.email" in response.json()["meta"]["error"]


@id_only
def test_segment_by_what_is_no_identifier_takes_nobody(track: TrackClient) -> None:
    path = "/api/v1/segments/7/add_customers?id_type=email"

    assert "no identifier" in track.refused("POST", path, {"ids": ["a@x.y", "b@x.y"]})


def test_merge_into_an_unknown_person_changes_nothing(track: TrackClient) -> None:
    track.put("bob", {"a": 1})

    merged = track.command("POST", "/api/v1/merge_customers", {"primary": {"id": "nobody"}, "secondary": {"id": "bob"}})

    assert isinstance(merged, MergePeople)
    assert track.person(id="bob").id == "bob"


def test_answer_is_seen_by_a_read_right_after(track: TrackClient) -> None:
    track.put("ann", {"email": "ann@example.com", "plan": "gold"})

    person = track.person(email="ANN@example.com")

    assert (person.id, person.attributes) == ("ann", {"plan": "gold"})


def test_success_has_the_headers_that_clients_expect(track: TrackClient) -> None:
    response = track.put("ann", {})

    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["content-length"] == "3"
    assert response.headers["cache-control"] == "no-store"
    assert not {"x-refused-changes", "x-ignored"} & set(response.headers)


def test_refused_changes_are_reported_in_a_header(track: TrackClient) -> None:
    track.put("ann", {"email": "ann@example.com"})
    track.put("bob", {"email": "bob@example.com"})

    response = track.put("ann", {"email": "bob@example.com", "id": "x", "plan": "gold"})

    others = 'email; reason="The identifier is already associated with a different profile."'
    assert response.headers["x-refused-changes"].startswith(f'{others}, id; reason="')
    person = track.person(id="ann")
    assert (person.email, person.attributes) == ("ann@example.com", {"plan": "gold"})


def test_region_names_the_workspace(track: TrackClient) -> None:
    response = track.send("GET", "/api/v1/accounts/region")

    url = f"http://127.0.0.1:{track.server.port}"
    assert response.json() == {"url": url, "region": "us", "environment_id": track.workspace.workspace_id}


def test_person_with_too_many_attributes_is_refused(track: TrackClient) -> None:
    track.put("ann", {f"a{number}": 1 for number in range(300)})

    response = track.send("PUT", "/api/v1/customers/ann", {"one more": 1})

    assert response.status_code == 400
    assert "300 attributes" in response.text
