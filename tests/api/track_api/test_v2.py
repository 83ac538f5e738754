"""Track v2: operations become calls, one a request or many; what is not taken is listed (track-api.md §1)."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.api.servers import MadeWorkspace
from tests.api.threaded_server import ServerClient
from workspace_operator.identity.model.commands import (
    DELETE,
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    Identify,
    MergePeople,
    Suppress,
    TrackAnonymousEvent,
    TrackEvent,
    Unsuppress,
)
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import EMAIL, ID, Mode
from workspace_operator.identity.values.tracked_events import TrackedEvent, TrackedEventType
from workspace_operator.web.track_api.v2 import BATCH_BYTES, ENTITY_BYTES

ANN = reference_of_kind("ann", ID, Mode.EMAIL_OR_ID)
ADDRESS = reference_of_kind("a@x.y", EMAIL, Mode.EMAIL_OR_ID)

ENTITY, BATCH = "/api/v2/entity", "/api/v2/batch"


id_only = pytest.mark.parametrize("mode", [Mode.ID_ONLY])


def operation(action: str, **said: Any) -> dict[str, Any]:
    """An operation about the id ann, unless it says otherwise; what is None is left out."""
    whole = {"type": "person", "action": action, "identifiers": {"id": "ann"}, **said}
    return {name: value for name, value in whole.items() if value is not None}


def device(**said: Any) -> AddDevice:
    return AddDevice(reference=ANN, device=Device(**{"token": "t", "platform": "ios", "attributes": {}, **said}))


def event(type_: TrackedEventType = TrackedEventType.EVENT, **said: Any) -> TrackEvent:
    return TrackEvent(reference=ANN, event=TrackedEvent(**{"type": type_, "name": "n", "data": {}, **said}))


THEN = 1_700_000_000

TABLE = [
    (operation("identify"), Identify(reference=ANN, attributes={})),
    (operation("identify", attributes={"a": 1}), Identify(reference=ANN, attributes={"a": 1})),
    (operation("identify", timestamp=THEN), Identify(reference=ANN, attributes={}, timestamp=THEN)),
    (
        operation("identify", timestamp=THEN, attributes={"_timestamp": THEN + 1, "email": None}),
        Identify(reference=ANN, attributes={}, timestamp=THEN + 1, email=DELETE),
    ),
    (
        operation("identify", timestamp=THEN, attributes={"_timestamp": None}),
        Identify(reference=ANN, attributes={}, timestamp=THEN),
    ),
    (
        operation("identify", identifiers={"email": "a@x.y", "id": ""}, attributes={"id": 7}),
        Identify(reference=ADDRESS, id="7", attributes={}),
    ),
    (
        operation("identify", identifiers={"id": 7}),
        Identify(reference=reference_of_kind("7", ID, Mode.ID_ONLY), attributes={}),
    ),
    (operation("delete"), DeletePerson(reference=ANN)),
    (operation("event", name="n"), event()),
    (operation("screen", name="n"), event(TrackedEventType.SCREEN)),
    (
        operation("page", name=" n ", id="e", timestamp=THEN, attributes={"b": 2}),
        event(TrackedEventType.PAGE, id="e", timestamp=THEN, data={"b": 2}),
    ),
    (operation("add_device", device={"token": "t", "platform": "ios"}), device()),
    (
        operation("add_device", device={"token": "t", "platform": "ios", "last_used": THEN, "attributes": {"v": 1}}),
        device(last_used=THEN, attributes={"v": 1}),
    ),
    (operation("add_device", device={"token": "t"}), device(platform="")),
    (
        operation("page", identifiers={"anonymous_id": "x", "id": ""}, name="n"),
        TrackAnonymousEvent(event=TrackedEvent(type=TrackedEventType.PAGE, name="n", data={}), anonymous_id="x"),
    ),
    (operation("event", identifiers={"anonymous_id": "x", "id": "ann"}, name="n"), event()),
    (operation("delete_device", device={"token": "t"}), DeleteDevice(reference=ANN, token="t")),
    (
        operation("merge", identifiers=None, primary={"id": "ann"}, secondary={"email": "a@x.y"}),
        MergePeople(primary=ANN, secondary=ADDRESS),
    ),
    (operation("suppress"), Suppress(reference=ANN)),
    (operation("unsuppress", identifiers={"email": "a@x.y"}), Unsuppress(reference=ADDRESS)),
]

WRONG: list[tuple[object, str, str]] = [
    (3, "invalid", ""),
    ({}, "required", "type"),
    ({"type": "person"}, "required", "action"),
    ({"type": "object", "action": "identify"}, "invalid", "type"),
    ({"type": ["person"], "action": "identify"}, "invalid", "type"),
    (operation("dance"), "invalid", "action"),
    (operation(["identify"]), "invalid", "action"),  # type: ignore[arg-type]  # what callers send
    (operation("identify", identifiers={}), "required", "identifiers"),
    (operation("identify", identifiers=None), "required", "identifiers"),
    (operation("identify", identifiers="ann"), "invalid", "identifiers"),
    (operation("identify", identifiers={"phone": "1"}), "invalid", "identifiers"),
    (operation("identify", identifiers={"id": "1", "email": "a@x.y"}), "invalid", "identifiers"),
    (operation("identify", identifiers={"email": "nobody"}), "invalid", "identifiers.email"),
    (operation("identify", identifiers={"id": " "}), "invalid", "identifiers.id"),
    (operation("identify", identifiers={"id": ["1"]}), "invalid", "identifiers.id"),
    (operation("identify", attributes=[]), "invalid", "attributes"),
    (operation("identify", attributes={"a": "b" * 1001}), "invalid", "attributes.a"),
    (operation("identify", timestamp="soon"), "invalid", "timestamp"),
    (operation("event"), "required", "name"),
    (operation("event", name="a", identifiers={"anonymous_id": ""}), "invalid", "identifiers"),
    (operation("event", name="a", identifiers={"anonymous_id": "undefined"}), "invalid", "identifiers.anonymous_id"),
    (operation("identify", identifiers={"anonymous_id": "x"}), "invalid", "identifiers"),
    (operation("identify", identifiers={"id": "undefined"}), "invalid", "identifiers.id"),
    (operation("identify", identifiers={"id": "cio_7"}), "invalid", "identifiers.id"),
    (operation("event", name="a", identifiers={"id": "free@x.org"}), "invalid", "identifiers.id"),
    (operation("event", name="a", timestamp=THEN * 10), "invalid", "timestamp"),
    (operation("identify", attributes={"email": True}), "invalid", "attributes.email"),
    (operation("merge", primary={"id": "1"}, secondary={"id": "null"}), "invalid", "secondary.id"),
    (operation("event", name=""), "required", "name"),
    (operation("event", name="a" * 101), "invalid", "name"),
    (operation("event", name="a", attributes={"b": "\0"}), "invalid", "attributes"),
    (operation("page", name="a", attributes=7), "invalid", "attributes"),
    (operation("add_device"), "required", "device"),
    (operation("add_device", device={"platform": "ios"}), "required", "device.token"),
    (operation("add_device", device="t"), "invalid", "device"),
    (operation("add_device", device={"token": 7, "platform": "ios"}), "invalid", "device.token"),
    (operation("delete_device", device={}), "required", "device"),
    (operation("merge", primary={"id": "1"}), "required", "secondary"),
    (operation("merge", primary={"id": "1", "email": "a@x.y"}, secondary={"id": "2"}), "invalid", "primary"),
]


@pytest.mark.parametrize(("said", "call"), TABLE)
def test_operation_becomes_a_call(
    server: ServerClient, client: httpx.Client, said: Mapping[str, Any], call: Command
) -> None:
    alone = client.post(ENTITY, json=said)
    among = client.post(BATCH, json={"batch": [said]})

    assert (alone.status_code, alone.content) == (200, b"{}\n"), alone.text
    assert (among.status_code, among.content) == (200, b"{}\n"), among.text
    assert server.server.commands == [call, call]


@pytest.mark.parametrize(("said", "reason", "field"), WRONG)
def test_wrong_operation_is_refused(client: httpx.Client, said: object, reason: str, field: str) -> None:
    alone = client.post(ENTITY, json=said)
    among = client.post(BATCH, json={"batch": [said]})

    [of_batch] = among.json()["errors"]
    assert among.status_code == 207
    assert (of_batch["batch_index"], of_batch["reason"], of_batch["field"]) == (0, reason, field)
    [of_entity] = alone.json()["errors"]
    assert alone.status_code == 400
    if isinstance(said, dict):
        assert {"batch_index": 0, **of_entity} == of_batch


@pytest.mark.parametrize("path", [ENTITY, BATCH])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a":NaN}', b"\xff", b"[" * 1000])
def test_what_is_no_json_object_is_a_parse_error(client: httpx.Client, path: str, body: bytes) -> None:
    response = client.post(path, content=body)

    assert response.status_code == 400
    assert [each["reason"] for each in response.json()["errors"]] == ["parse_error"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [({}, "required"), ({"batch": {}}, "invalid"), ({"batch": None}, "required"), ({"batch": []}, "required")],
)
def test_batch_must_be_a_list(client: httpx.Client, body: Any, reason: str) -> None:
    response = client.post(BATCH, json=body)

    assert response.status_code == 400
    assert [(each["reason"], each["field"]) for each in response.json()["errors"]] == [(reason, "batch")]


def test_others_of_a_batch_are_taken(server: ServerClient, client: httpx.Client, workspace: MadeWorkspace) -> None:
    wrong = [each for each, _, _ in WRONG]
    good = [operation("identify", identifiers={"id": f"p{number}"}) for number in range(len(wrong))]

    response = client.post(BATCH, json={"batch": [each for pair in zip(good, wrong, strict=True) for each in pair]})

    errors = response.json()["errors"]
    assert response.status_code == 207
    assert [each["batch_index"] for each in errors] == [2 * number + 1 for number in range(len(wrong))]
    assert [(each["reason"], each["field"]) for each in errors] == [(reason, field) for _, reason, field in WRONG]
    assert all(server.person(workspace, id=f"p{number}") for number in range(len(wrong)))


def test_operations_take_effect_in_order(server: ServerClient, client: httpx.Client, workspace: MadeWorkspace) -> None:
    said = [operation("identify", attributes={"n": 1}), operation("delete"), operation("identify", attributes={"m": 2})]

    client.post(BATCH, json={"batch": said})

    person = server.person(workspace, id="ann")
    assert person is not None
    assert person.attributes == {"m": 2}


def test_batch_is_one_transaction(server: ServerClient, client: httpx.Client) -> None:
    server.server.transactions.clear()

    client.post(BATCH, json={"batch": [operation("identify", identifiers={"id": number}) for number in range(900)]})

    assert server.server.transactions == [900]


@id_only
def test_what_is_no_identifier_here_is_refused(client: httpx.Client) -> None:
    said = [
        operation("identify", identifiers={"email": "a@x.y"}),
        operation("merge", primary={"id": "1"}, secondary={"email": "a@x.y"}),
        operation("identify"),
    ]

    response = client.post(BATCH, json={"batch": said})

    fields = [(each["batch_index"], each["reason"], each["field"]) for each in response.json()["errors"]]
    assert fields == [(0, "invalid", "identifiers.email"), (1, "invalid", "secondary.email")]


@id_only
@pytest.mark.parametrize("action", ["suppress", "unsuppress"])
def test_address_is_suppressed_in_every_mode(server: ServerClient, client: httpx.Client, action: str) -> None:
    response = client.post(ENTITY, json=operation(action, identifiers={"email": "a@x.y"}))

    assert response.status_code == 200
    assert [type(each) for each in server.server.commands] == [{"suppress": Suppress}.get(action, Unsuppress)]


def test_refused_changes_name_the_operation(client: httpx.Client) -> None:
    client.post(ENTITY, json=operation("identify", attributes={"email": "ann@example.com"}))
    change = operation("identify", attributes={"id": "other"})

    alone = client.post(ENTITY, json=change)
    among = client.post(BATCH, json={"batch": [operation("identify"), change]})

    said = alone.headers["x-refused-changes"]
    assert said.startswith('id; reason="')
    assert (among.status_code, among.headers["x-refused-changes"]) == (200, f"{said}; batch_index=1")


def test_header_of_many_refused_changes_is_bounded(client: httpx.Client) -> None:
    client.post(ENTITY, json=operation("identify"))
    change = operation("identify", attributes={"id": "other"})

    response = client.post(BATCH, json={"batch": [change] * 1000})

    assert response.headers["x-refused-changes"].count("batch_index=") == 20


def test_entity_may_have_32_kilobytes(client: httpx.Client) -> None:
    empty = len(b'{"type":"person","action":"delete","identifiers":{"id":"ann"},"rest":""}')
    rest = "x" * (ENTITY_BYTES - empty)
    most = '{"type":"person","action":"delete","identifiers":{"id":"ann"},"rest":"' + rest + '"}'

    assert client.post(ENTITY, content=most).status_code == 200
    response = client.post(ENTITY, content=most + " ")
    assert response.status_code == 413
    assert str(ENTITY_BYTES) in response.json()["errors"][0]["message"]


def test_operation_of_a_batch_may_have_32_kilobytes(client: httpx.Client) -> None:
    small, large = operation("delete"), operation("delete", rest="x" * ENTITY_BYTES)

    response = client.post(BATCH, json={"batch": [small, large, small]})

    assert response.status_code == 207
    [error] = response.json()["errors"]
    assert (error["batch_index"], error["reason"]) == (1, "invalid")
    assert str(ENTITY_BYTES) in error["message"]


def test_operation_that_is_taken_alone_is_taken_in_a_batch(client: httpx.Client) -> None:
    attributes = {f"{number:03}": "v" * 100 for number in range(295)}
    bare = len(json.dumps(operation("identify", attributes=attributes | {"rest": ""}), separators=(",", ":")))
    attributes["rest"] = "x" * (ENTITY_BYTES - bare)
    most = json.dumps(operation("identify", attributes=attributes), separators=(",", ":"))

    alone, among = client.post(ENTITY, content=most), client.post(BATCH, content=f'{{"batch":[{most}]}}')

    assert len(most) == ENTITY_BYTES
    assert (alone.status_code, among.status_code) == (200, 200)


def test_batch_may_have_500_kilobytes(client: httpx.Client) -> None:
    body = b'{"batch":[3]' + b" " * (BATCH_BYTES - 13) + b"}"

    assert client.post(BATCH, content=body).status_code == 207
    assert client.post(BATCH, content=body + b" ").status_code == 413
