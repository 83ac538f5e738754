"""Headers of a 200 that list refused changes, ignored commands, and parts that are left out."""

from typing import Any

import pytest

from tests.api.track_api.track_client import TrackClient
from tests.fakes.people.people import FakePeople
from workspace_operator.identity.values.rules import Mode

REFUSED, IGNORED = "x-refused-changes", "x-ignored"
BATCH = "/api/v2/batch"


def operation(action: str, identifiers: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"type": "person", "action": action, "identifiers": identifiers, **said}


def test_refused_reference_names_the_changed_person(track: TrackClient) -> None:
    track.put("ann", {"email": "ann@example.com"})

    response = track.put("bob", {"email": "ann@example.com", "plan": "gold"})

    ann = track.person(id="ann")
    assert ann.attributes == {"plan": "gold"}
    reason = "The id can be changed only by a call that names the person by cio_id."
    assert response.headers[REFUSED] == f'id; reason="{reason}"; applied_to=cio_{ann.cio_id}'


def test_taken_reference_needs_no_telling(track: TrackClient) -> None:
    track.put("ann@example.com", {})

    response = track.put("ann", {"email": "ann@example.com", "cio_id": "other"})

    assert response.headers[REFUSED] == 'cio_id; reason="A cio_id cannot be set, changed or deleted."'


def test_batch_reports_position_and_person(track: TrackClient) -> None:
    track.put("ann", {"email": "ann@example.com"})
    strangers = operation("identify", {"id": "bob"}, attributes={"email": "ann@example.com"})

    response = track.accepted("POST", BATCH, {"batch": [operation("delete", {"id": "x"}), strangers]})

    header = response.headers[REFUSED]
    assert header.endswith(f"; batch_index=1; applied_to=cio_{track.person(id='ann').cio_id}")


@pytest.mark.parametrize("value", [45_322, "31.01.2024", 2024, "4102444800"])
def test_what_is_no_time_is_reported_with_the_value(track: TrackClient, value: object) -> None:
    track.put("ann", {"created_at": "2001-01-01"})

    response = track.put("ann", {"created_at": value})

    header = response.headers[REFUSED]
    assert header.startswith('created_at; reason="')
    assert str(value) in header
    assert track.person(id="ann").attributes == {"created_at": "2001-01-01"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "{ref}", {"plan": "gold"}),
        ("DELETE", "{ref}", None),
        ("PUT", "{ref}/devices", {"device": {"id": "t"}}),
        ("DELETE", "{ref}/devices/t", None),
        ("POST", "{ref}/events", {"name": "bought"}),
    ],
)
@pytest.mark.parametrize(("ref", "reason"), [("sue", "suppressed"), ("cio_0123", "unknown-cio-id")])
def test_ignored_call_says_why(track: TrackClient, method: str, path: str, body: Any, ref: str, reason: str) -> None:
    track.suppress("sue")

    response = track.accepted(method, f"/api/v1/customers/{path.format(ref=ref)}", body)

    assert response.headers[IGNORED] == reason


def test_unknown_people_are_reported(track: TrackClient) -> None:
    assert track.accepted("DELETE", "/api/v1/customers/nobody").headers[IGNORED] == "unknown"


@pytest.mark.parametrize("mode", [Mode.EMAIL_ONLY])
def test_id_that_makes_nobody_is_reported(track: TrackClient) -> None:
    assert track.put("nobody", {"plan": "gold"}).headers[IGNORED] == "unknown-id"


def test_batch_reports_twenty_and_counts_the_rest(track: TrackClient) -> None:
    track.suppress("sue")
    ignored = operation("identify", {"id": "sue"})
    refused = operation("identify", {"id": "ann"}, attributes={"id": "other"})

    response = track.accepted(
        "POST", BATCH, {"batch": [operation("identify", {"id": "ann"}), *[ignored, refused] * 23]}
    )

    entries = response.headers[IGNORED].split(", ")
    assert entries == [*(f"suppressed; batch_index={1 + 2 * number}" for number in range(20)), "more; count=3"]
    assert response.headers[REFUSED].endswith("; batch_index=40, more; count=3")


@pytest.mark.parametrize("value", ["undefined", "null", "[object Object]", "NaN", "none"])
def test_unset_anonymous_id_is_left_out_and_reported(track: TrackClient, value: str) -> None:
    track.accepted("POST", "/api/v1/events", {"name": "seen", "anonymous_id": "cookie"})

    response = track.put("ann", {"anonymous_id": value, "plan": "gold"})

    assert response.headers[IGNORED] == "anonymous-id"
    assert track.person(id="ann").attributes == {"plan": "gold"}


def test_batch_reports_whose_anonymous_id_was_left_out(track: TrackClient) -> None:
    unset = operation("identify", {"id": "ann"}, attributes={"anonymous_id": "undefined"})

    response = track.accepted("POST", BATCH, {"batch": [operation("identify", {"id": "bob"}), unset]})

    assert response.headers[IGNORED] == "anonymous-id; batch_index=1"


@pytest.mark.parametrize("verb", ["add_customers", "remove_customers"])
def test_segment_takes_the_others(track: TrackClient, verb: str) -> None:
    track.suppress("sue@example.com")
    track.put("ann@example.com", {})
    track.put("bob@example.com", {})
    ids = ["ann@example.com", "nonsense", None, ["x"], "sue@example.com", "who@example.com", "bob@example.com"]

    response = track.accepted("POST", f"/api/v1/segments/3/{verb}?id_type=email", {"ids": ids})

    entries = ("invalid; index=1", "invalid; index=2", "invalid; index=3", "suppressed; index=4", "unknown; index=5")
    assert response.headers[IGNORED] == ", ".join(entries)
    state = track.server.server.memory.states[track.workspace.workspace_id]
    members = {track.person(email=each).cio_id for each in ("ann@example.com", "bob@example.com")}
    assert {cio_id for cio_id, numbers in state.segments.items() if 3 in numbers} == (
        members if verb == "add_customers" else set()
    )


def test_segment_of_placeholders_takes_nobody(track: TrackClient) -> None:
    response = track.accepted("POST", "/api/v1/segments/3/add_customers", {"ids": ["undefined", "cio_7"]})

    assert response.headers[IGNORED] == "invalid; index=0, invalid; index=1"


@pytest.mark.parametrize("ref", ["undefined", "null", "%5Bobject%20Object%5D", "NaN", "None", "cio_undefined"])
def test_unset_variable_names_nobody(track: TrackClient, ref: str) -> None:
    response = track.client.put(f"/api/v1/customers/{ref}", json={"plan": "gold"})

    assert response.status_code == 400
    assert "looks like a variable that was not set" in response.text
    assert list(FakePeople(track.server.server.memory).all(track.workspace.workspace_id)) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "cio_7", {"plan": "gold"}),
        ("PUT", "cio_7/devices", {"device": {"id": "t"}}),
        ("DELETE", "cio_7/devices/t", None),
        ("POST", "cio_7/events", {"name": "bought"}),
        ("POST", "cio_7/suppress", None),
        ("DELETE", "cio_7", None),
    ],
)
def test_holder_of_a_reserved_id_is_found_by_it(track: TrackClient, method: str, path: str, body: Any) -> None:
    track.add_with_reserved_id("cio_7")

    response = track.accepted(method, f"/api/v1/customers/{path}", body)

    assert IGNORED not in response.headers


def test_holder_of_a_reserved_id_is_changed(track: TrackClient) -> None:
    track.add_with_reserved_id("cio_7")

    track.put("cio_7", {"plan": "gold"})

    assert track.person(id="cio_7").attributes == {"plan": "gold"}


@pytest.mark.parametrize("mode", [Mode.ID_ONLY])
@pytest.mark.parametrize(("email", "text"), [(True, "true"), (["a"], '["a"]'), ({"a": 1}, '{"a":1}'), (5.0, "5")])
def test_email_that_is_an_attribute_may_be_anything(track: TrackClient, email: object, text: str) -> None:
    response = track.put("ann", {"email": email, "plan": "gold"})

    assert not {REFUSED, IGNORED} & set(response.headers)
    assert (track.person(id="ann").email, track.person(id="ann").attributes) == (text, {"plan": "gold"})


def test_email_that_identifies_is_text(track: TrackClient) -> None:
    response = track.client.put("/api/v1/customers/ann", json={"email": True})

    assert response.status_code == 400
    assert response.json() == {
        "meta": {"errors": ["email true is neither text nor a number: send an email address as text."]}
    }


@pytest.mark.parametrize(
    ("mode", "ref", "kind"),
    [(Mode.EMAIL_OR_ID, "ann", "id"), (Mode.ID_ONLY, "ann", "id"), (Mode.EMAIL_ONLY, "ann@example.com", "email")],
)
def test_white_space_around_an_email_is_not_kept(track: TrackClient, ref: str, kind: str) -> None:
    track.put(ref, {"email": "\u00a0Ann@Example.com\u200b "})

    assert track.person(**{kind: ref}).email == "Ann@Example.com"


def test_white_space_around_an_address_in_a_path_is_not_kept(track: TrackClient) -> None:
    track.put("%C2%A0Ann@Example.com%20", {})

    assert track.person(email="ann@example.com").email == "Ann@Example.com"


def test_integral_numbers_are_their_digits(track: TrackClient) -> None:
    for ref, body in (("a@x.org", b'{"id": 5.0}'), ("b@x.org", b'{"id": 1e10}')):
        track.client.put(f"/api/v1/customers/{ref}", content=body)

    assert [track.person(email=each).id for each in ("a@x.org", "b@x.org")] == ["5", "10000000000"]
