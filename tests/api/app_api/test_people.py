"""People read back by the App API (track-api.md §2)."""

from typing import Any

import pytest

from tests.api.app_api_client import AppApiClient, identify, named
from tests.api.threaded_server import NOW
from workspace_operator.identity.model.commands import AddDevice, DeletePerson
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.workspaces.usage import Month

THEN = int(NOW.timestamp())


def test_person_is_read_whole(app_api: AppApiClient) -> None:
    call = identify({"email": "Ann@Example.com", "plan": "gold", "age": 41, "vip": True, "tags": ["a", "b"]}, id="ann")
    person = app_api.person(call)
    phone = Device(token="t1", platform="ios", last_used=5, attributes={"os": "18"})
    app_api.perform(AddDevice(reference=named(id="ann"), device=phone))

    customer = app_api.read("/v1/customers/ann/attributes")["customer"]

    assert customer == {
        "id": "ann",
        "identifiers": {"id": "ann", "email": "Ann@Example.com", "cio_id": person.cio_id},
        "attributes": {
            "id": "ann",
            "email": "Ann@Example.com",
            "cio_id": person.cio_id,
            "plan": "gold",
            "age": "41",
            "vip": "true",
            "tags": '["a","b"]',
        },
        "timestamps": dict.fromkeys(("id", "email", "cio_id", "plan", "age", "vip", "tags"), THEN),
        "unsubscribed": False,
        "devices": [{"id": "t1", "platform": "ios", "last_used": 5, "attributes": {"os": "18"}}],
    }


def test_person_without_id_has_null(app_api: AppApiClient) -> None:
    app_api.perform(identify(email="ann@example.com"))

    customer = app_api.read("/v1/customers/ann@example.com/attributes", id_type="email")["customer"]

    assert customer["id"] is None
    assert customer["identifiers"]["id"] is None
    assert "id" not in customer["attributes"]


def test_id_only_workspace_identifies_by_id_only() -> None:
    app_api = AppApiClient.of(Mode.ID_ONLY)
    person = app_api.person(identify({"email": "ann@example.com"}, id="ann", mode=Mode.ID_ONLY))

    customer = app_api.read("/v1/customers/ann/attributes")["customer"]

    assert customer["identifiers"] == {"id": "ann"}
    assert customer["attributes"]["email"] == "ann@example.com"
    assert customer["attributes"]["cio_id"] == person.cio_id


# By what people can be read in each mode (identity-rules §2): ids of EmailOnly are generated, and find.
KINDS = {
    Mode.EMAIL_OR_ID: {IdentifierKind.ID: 200, IdentifierKind.EMAIL: 200, IdentifierKind.CIO_ID: 200},
    Mode.ID_ONLY: {IdentifierKind.ID: 200, IdentifierKind.EMAIL: 400, IdentifierKind.CIO_ID: 200},
    Mode.EMAIL_ONLY: {IdentifierKind.ID: 200, IdentifierKind.EMAIL: 200, IdentifierKind.CIO_ID: 200},
}


@pytest.mark.parametrize(("mode", "kind"), [(mode, kind) for mode in Mode for kind in IdentifierKind])
def test_mode_says_by_what_people_are_read(mode: Mode, kind: IdentifierKind) -> None:
    app_api = AppApiClient.of(mode)
    if mode is Mode.EMAIL_ONLY:
        person = app_api.person(identify(email="ann@example.com", mode=mode))
    else:
        person = app_api.person(identify({"email": "ann@example.com"}, id="ann", mode=mode))
    names = {IdentifierKind.ID: person.id, IdentifierKind.EMAIL: person.email, IdentifierKind.CIO_ID: person.cio_id}

    one = app_api.get(f"/v1/customers/{names[kind]}/attributes", id_type=kind.value)
    many = app_api.post("/v1/customers/attributes", {"ids": [names[kind]]}, id_type=kind.value)
    activities = app_api.get("/v1/activities", customer_id=str(names[kind]), id_type=kind.value)

    assert [each.status_code for each in (one, many, activities)] == [KINDS[mode][kind]] * 3


def test_timestamps_are_those_of_attributes(app_api: AppApiClient) -> None:
    app_api.perform(identify({"plan": "gold", "city": "Rome"}, id="ann"))
    later = identify({"plan": "silver"}, id="ann")
    app_api.now = NOW.replace(hour=7)
    app_api.perform(later)

    timestamps = app_api.read("/v1/customers/ann/attributes")["customer"]["timestamps"]

    assert timestamps == {"id": THEN, "cio_id": THEN, "city": THEN, "plan": THEN + 2 * 3600}


@pytest.mark.parametrize(
    ("value", "unsubscribed"),
    [(True, True), (1, True), ("true", True), ("1", True), (False, False), (0, False), ("no", False), (None, False)],
)
def test_unsubscribed_is_reported_as_merges_see_it(app_api: AppApiClient, value: object, unsubscribed: bool) -> None:
    app_api.perform(identify({"unsubscribed": value}, id="ann"))

    assert app_api.read("/v1/customers/ann/attributes")["customer"]["unsubscribed"] is unsubscribed


@pytest.mark.parametrize("prefix", ["", "cio_"])
def test_cio_id_is_taken_with_and_without_prefix(app_api: AppApiClient, prefix: str) -> None:
    person = app_api.person(identify(id="ann"))

    read = app_api.read(f"/v1/customers/{prefix}{person.cio_id}/attributes", id_type="cio_id")

    assert read["customer"]["id"] == "ann"


@pytest.mark.parametrize("path", ["a%2Fb%20c", "a%2Fb c"])
def test_id_is_decoded_once(app_api: AppApiClient, path: str) -> None:
    app_api.perform(identify(id="a/b c"))

    assert app_api.read(f"/v1/customers/{path}/attributes")["customer"]["id"] == "a/b c"


def test_unknown_person_is_not_found() -> None:
    response = AppApiClient.of().get("/v1/customers/ann/attributes")

    assert response.status_code == 404
    assert response.json() == {
        "errors": [{"detail": "no person has the id 'ann'", "status": "404"}],
        "meta": {"error": "no person has the id 'ann'"},
    }


# Mode, what is asked for, and what the answer complains about.
REFUSED = [
    (Mode.ID_ONLY, "ann@example.com", "email", "email is no identifier in mode IDOnly"),
    (Mode.EMAIL_OR_ID, "ann", "phone", "id_type 'phone' is unknown"),
    (Mode.EMAIL_OR_ID, "ann", "email", "is not a valid email address"),
    (Mode.EMAIL_OR_ID, "a" * 151, "id", "151 bytes"),
    (Mode.EMAIL_OR_ID, "cio_", "cio_id", "is empty"),
]


@pytest.mark.parametrize(("mode", "value", "id_type", "complaint"), REFUSED)
def test_impossible_name_is_refused(mode: Mode, value: str, id_type: str, complaint: str) -> None:
    response = AppApiClient.of(mode).get(f"/v1/customers/{value}/attributes", id_type=id_type)

    assert response.status_code == 400
    assert complaint in response.json()["errors"][0]["detail"]


def test_many_are_read_without_the_unknown(app_api: AppApiClient) -> None:
    app_api.perform(identify({"plan": "gold"}, id="ann"), identify(id="bob"), identify(id="7"))

    response = app_api.post("/v1/customers/attributes", {"ids": ["bob", "nobody", "ann", 7, "bob"]})

    customers = response.json()["customers"]
    assert [each["id"] for each in customers] == ["bob", "ann", "7"]
    assert customers[1]["attributes"]["plan"] == "gold"


def test_many_are_read_by_another_identifier(app_api: AppApiClient) -> None:
    app_api.perform(identify(email="ann@example.com"))

    response = app_api.post("/v1/customers/attributes", {"ids": ["ANN@example.com"]}, id_type="email")

    assert [each["identifiers"]["email"] for each in response.json()["customers"]] == ["ann@example.com"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "ids must be a list"),
        ({"ids": "ann"}, "ids must be a list"),
        ({"ids": ["x"] * 101}, "at most 100"),
        ({"ids": ["ann", ""]}, "ids[1] is empty"),
        ({"ids": [{"id": "ann"}]}, 'ids[0] is {"id": "ann"}'),
        (b"{", "not valid JSON"),
    ],
)
def test_bad_list_of_ids_is_refused(body: Any, complaint: str) -> None:
    response = AppApiClient.of().post("/v1/customers/attributes", body)

    assert response.status_code == 400
    assert complaint in response.json()["errors"][0]["detail"]


def test_hundred_are_read_at_once(app_api: AppApiClient) -> None:
    ids = [f"p{number}" for number in range(100)]
    app_api.perform(*(identify(id=each) for each in ids))

    response = app_api.post("/v1/customers/attributes", {"ids": ids})

    assert [each["id"] for each in response.json()["customers"]] == ids


def test_email_finds_its_person(app_api: AppApiClient) -> None:
    person = app_api.person(identify({"id": "ann"}, email="Ann@example.com"))

    found = app_api.read("/v1/customers", email="ann@EXAMPLE.com")
    assert app_api.read("/v1/customers", email="\N{ZERO WIDTH SPACE}ann@example.com\N{NO-BREAK SPACE}") == found

    assert found == {"results": [{"email": "Ann@example.com", "id": "ann", "cio_id": person.cio_id}]}


def test_email_of_nobody_finds_nobody(app_api: AppApiClient) -> None:
    app_api.perform(
        identify(email="ann@example.com"), DeletePerson(reference=identify(email="ann@example.com").reference)
    )

    assert app_api.read("/v1/customers", email="ann@example.com") == {"results": []}


def test_email_finds_all_where_it_is_an_attribute() -> None:
    app_api = AppApiClient.of(Mode.ID_ONLY)
    app_api.perform(*(identify({"email": "x@example.com"}, id=f"p{n}", mode=Mode.ID_ONLY) for n in range(101)))

    results = app_api.read("/v1/customers", email="x@example.com")["results"]

    assert [each["id"] for each in results] == [f"p{n}" for n in range(100)]


@pytest.mark.parametrize("query", [{}, {"email": ""}, {"email": "ann"}])
def test_look_up_needs_an_address(query: dict[str, str]) -> None:
    response = AppApiClient.of().get("/v1/customers", **query)

    assert response.status_code == 400
    detail = response.json()["errors"][0]["detail"]
    assert f"email must be a valid email address, not {query.get('email', '')!r}" in detail


def test_key_reaches_no_other_workspace(app_api: AppApiClient) -> None:
    other = AppApiClient.of(beside=app_api)
    person = other.person(identify({"email": "ann@example.com"}, id="ann"))

    assert app_api.get("/v1/customers/ann/attributes").status_code == 404
    assert app_api.get(f"/v1/customers/{person.cio_id}/attributes", id_type="cio_id").status_code == 404
    assert app_api.read("/v1/customers", email="ann@example.com") == {"results": []}
    assert app_api.post("/v1/customers/attributes", {"ids": ["ann"]}).json() == {"customers": []}


@pytest.mark.parametrize("key", ["", "wrong"])
def test_wrong_key_is_unauthorized(key: str) -> None:
    response = AppApiClient.of().get("/v1/customers", key=key, email="ann@example.com")

    assert response.status_code == 401
    assert response.json() == {
        "errors": [{"detail": "unauthorized", "status": "401"}],
        "meta": {"error": "unauthorized"},
    }


def test_workspaces_are_the_key_s_own(app_api: AppApiClient) -> None:
    AppApiClient.of(beside=app_api)
    app_api.perform(identify(id="ann"), identify(id="bob"))
    app_api.memory.state(app_api.number).sending.sent.update({Month("2026-10"): 7, Month("2026-11"): 3})

    assert app_api.read("/v1/workspaces") == {
        "workspaces": [{"id": app_api.number, "name": "crm-0", "people": 2, "messages_sent": 3}]
    }


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/customers", {"email": "ann@example.com", "mail": "x"}),
        ("/v1/customers/ann/attributes", {"type": "id"}),
        ("/v1/exports", {"page": "2"}),
        ("/v1/exports/1", {"a": ""}),
        ("/v1/exports/1/download", {"a": "b"}),
        ("/v1/workspaces", {"limit": "1"}),
    ],
)
def test_unknown_parameters_are_refused(path: str, query: dict[str, str]) -> None:
    response = AppApiClient.of().get(path, **query)

    assert response.status_code == 400
    assert "is unknown" in response.json()["meta"]["error"]
    assert response.json()["errors"][0]["detail"] == response.json()["meta"]["error"]


def test_answers_are_kept_nowhere(app_api: AppApiClient) -> None:
    app_api.perform(identify(id="ann"))

    for path in ("/v1/customers/ann/attributes", "/v1/customers/bob/attributes", "/v1/activities"):
        assert app_api.get(path).headers["cache-control"] == "no-store"
