"""Errors: each part of the API has its own form, and nothing that a client sends is a fault of ours."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.threaded_server import ThreadedServer
from tests.api.track_api.track_client import TrackClient
from workspace_operator.application.ports import People, UnitOfWork
from workspace_operator.errors import (
    CommitUnknown,
    Conflict,
    NotFound,
    StoreUnavailable,
    Unavailable,
    UnsupportedSchema,
)
from workspace_operator.identity.model.commands import DeletePerson
from workspace_operator.identity.values.reserved_ids import is_placeholder
from workspace_operator.identity.values.text_limits import stripped
from workspace_operator.web.core.error_responses import error_format_of_path, response_for_error
from workspace_operator.web.core.router import ErrorFormat

T = TypeVar("T")


@dataclass(slots=True)
class Failing:
    """People that fail as they are told to."""

    people: People
    error: Exception | None = None

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:
        if self.error is not None:
            raise self.error
        return self.people.run_unit_of_work(workspace_id, work, exclusive=exclusive)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.people, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingClient(TrackClient):
    """A client whose commands can be made to fail."""

    failing: list[Failing] = field(default_factory=list)

    def failed(self, error: Exception, path: str = "/api/v1/customers/ann/suppress") -> httpx.Response:
        """A request whose call fails so."""
        self.failing[0].error = error
        try:
            said = {"type": "person", "action": "delete", "identifiers": {"id": "ann"}}
            return self.client.post(path, json=said)
        finally:
            self.failing[0].error = None


@pytest.fixture(scope="module")
def track() -> Iterator[FailingClient]:
    made: list[Failing] = []

    def between(people: People) -> Any:
        made.append(Failing(people))
        return made[0]

    api = ThreadedServer(wrap_people=between)
    workspace = api.open()
    with api.serving() as server, server.client(workspace.track) as client:
        yield FailingClient(server=server, workspace=workspace, client=client, failing=made)


V1, V2, APP = "/api/v1/nothing", "/api/v2/nothing", "/v1/nothing"


def v1(message: str) -> object:
    return {"meta": {"error": message}}


def v2(message: str) -> object:
    return {"errors": [{"reason": "invalid", "field": "", "message": message}]}


def app(message: str, status: int) -> object:
    return {"errors": [{"detail": message, "status": str(status)}], "meta": {"error": message}}


NOTHING = "no such path: see /openapi.json for all paths"


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/", v1(NOTHING)),
        (V1, v1(NOTHING)),
        ("/api/v1/customers", v1(NOTHING)),
        ("/api/v1/customers/ann//", v1(NOTHING)),
        (V2, v2(NOTHING)),
        (APP, app(NOTHING, 404)),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_unknown_path_has_the_form_of_its_part(track: FailingClient, method: str, path: str, document: object) -> None:
    response = track.client.request(method, path, json={})

    assert (response.status_code, response.json()) == (404, document)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/api/v1/customers/ann", "DELETE, OPTIONS, PUT"),
        ("PATCH", "/api/v1/customers/ann", "DELETE, OPTIONS, PUT"),
        ("TRACE", "/api/v1/events", "OPTIONS, POST"),
        ("HEAD", "/api/v1/events", "OPTIONS, POST"),
        ("GET", "/api/v2/entity", "OPTIONS, POST"),
        ("DELETE", "/v1/customers", "GET, HEAD, OPTIONS"),
        ("POST", "/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
def test_wrong_method_is_answered_with_the_right_ones(track: FailingClient, method: str, path: str, allow: str) -> None:
    response = track.client.request(method, path)

    assert (response.status_code, response.headers["allow"]) == (405, allow)
    assert method == "HEAD" or allow in response.text


def test_options_are_answered_without_a_key(track: FailingClient) -> None:
    with track.server.client() as client:
        response = client.options("/api/v1/customers/ann")

    assert (response.status_code, response.headers["allow"]) == (200, "DELETE, OPTIONS, PUT")


def test_head_has_the_headers_of_get(track: FailingClient) -> None:
    head, get = track.client.head("/api/v1/accounts/region"), track.client.get("/api/v1/accounts/region")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))


INSIDE = "postgresql+psycopg://postgres:***@127.0.0.1:30058/bugs3: cannot execute SELECT"
TRY_AGAIN = "the server is temporarily unavailable: try again in a moment (request "

STATUSES: list[tuple[Exception, int, str]] = [
    (NotFound("there is no workspace number 1"), 404, "no workspace"),
    (StoreUnavailable(INSIDE), 503, TRY_AGAIN),
    (Unavailable(INSIDE), 503, TRY_AGAIN),
    (Conflict(INSIDE), 503, TRY_AGAIN),
    (CommitUnknown(INSIDE), 503, "the outcome of the command is unknown: read it back, or send it again (request "),
    (UnsupportedSchema(INSIDE, field="database"), 503, TRY_AGAIN),
    (ZeroDivisionError(INSIDE), 500, "internal server error"),
]


@pytest.mark.parametrize(("error", "status", "words"), STATUSES)
@pytest.mark.parametrize("path", ["/api/v1/customers/ann/suppress", "/api/v2/entity"])
def test_error_of_the_store_has_a_status(
    track: FailingClient, path: str, error: Exception, status: int, words: str
) -> None:
    response = track.failed(error, path)

    assert response.status_code == status
    assert words in response.text
    assert response.headers.get("retry-after") == ("1" if status == 503 else None)


@pytest.mark.parametrize(("error", "status", "words"), STATUSES)
def test_internal_errors_are_only_logged(
    track: FailingClient, caplog: pytest.LogCaptureFixture, error: Exception, status: int, words: str
) -> None:
    response = track.failed(error)

    told = response.text + repr(response.headers)
    assert [each for each in ("postgres", "psycopg", "30058", "bugs3", "SELECT") if each in told] == []
    if status >= 500:
        [number] = re.findall(r"[0-9a-f]{8}-[0-9]+", response.text)
        assert number in caplog.text
        assert INSIDE in caplog.text
    assert words in response.text


@pytest.mark.parametrize("form", ErrorFormat)
def test_every_format_has_the_message(form: ErrorFormat) -> None:
    for error, status, words in STATUSES:
        reply = response_for_error(form, error, request_id="abc-1")

        assert reply.status == status
        assert words in str(reply.document)
        assert ("abc-1" in str(reply.document)) is (status >= 500)


def test_v2_says_that_it_is_unavailable(track: FailingClient) -> None:
    response = track.failed(StoreUnavailable("away"), "/api/v2/entity")

    [error] = response.json()["errors"]
    assert (error["reason"], error["field"]) == ("unavailable", "")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; charset=us-ascii",
        "text/plain",
        "",
    ],
)
def test_utf_8_is_taken_whatever_the_type(track: FailingClient, content_type: str) -> None:
    response = track.client.put("/api/v1/customers/ann", content=b"{}", headers={"content-type": content_type})

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("content-type", "application/json; charset=latin-1"), ("content-encoding", "gzip"), ("content-encoding", "br")],
)
def test_what_cannot_be_read_is_refused(track: FailingClient, name: str, value: str) -> None:
    response = track.client.put("/api/v1/customers/ann", content=b"{}", headers={name: value})

    assert response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert "send" in response.json()["meta"]["error"]


def test_query_of_very_many_parameters_is_refused(track: FailingClient) -> None:
    response = track.client.post("/api/v1/segments/1/add_customers?" + "a&" * 500, json={"ids": ["1"]})

    assert response.status_code == 400
    assert "parameters" in response.text


def test_parameter_that_comes_twice_is_refused(track: FailingClient) -> None:
    response = track.client.post(
        "/api/v1/segments/1/add_customers?id_type=id&other=&id_type=email", json={"ids": ["1"]}
    )

    assert response.status_code == 400
    assert "'id_type' more than once" in response.text


def test_path_of_very_many_segments_leads_nowhere(track: FailingClient) -> None:
    assert track.client.put("/api/v1/customers" + "/%ff" * 500).status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/%6detrics"])
def test_callers_reach_no_probes(track: FailingClient, path: str) -> None:
    assert track.client.get(path).status_code == 404


@pytest.mark.parametrize("query", ["id_type=%ff", "%ff=1"])
def test_query_that_is_no_utf_8_is_refused(track: FailingClient, query: str) -> None:
    response = track.client.post(f"/api/v1/segments/1/add_customers?{query}", json={"ids": ["1"]})

    assert response.status_code == 400
    assert "UTF-8" in response.text


def test_error_format_follows_the_path_prefix() -> None:
    paths = {
        V1: ErrorFormat.V1,
        V2: ErrorFormat.V2,
        APP: ErrorFormat.APP,
        "/api/v3/x": ErrorFormat.V1,
        "": ErrorFormat.V1,
    }

    assert {path: error_format_of_path(path.encode()) for path in paths} == paths


TEMPLATES: list[Callable[[bytes], bytes]] = [
    lambda ref: b"PUT /api/v1/customers/%s" % ref,
    lambda ref: b"DELETE /api/v1/customers/%s" % ref,
    lambda ref: b"POST /api/v1/customers/%s/suppress" % ref,
    lambda ref: b"DELETE /api/v1/customers/ann/devices/%s" % ref,
    lambda ref: b"POST /api/v1/segments/%s/add_customers" % ref,
    lambda ref: b"GET /v1/customers/%s/attributes?id_type=%s" % (ref, ref),
    lambda ref: b"GET /v1/customers?email=%s" % ref,
    lambda ref: b"GET /v1/exports/%s" % ref,
    lambda ref: b"PUT %s" % ref,
]
PIECES = st.sampled_from(
    [b"%", b"%2", b"%2F", b"%00", b"%ff", b"%C3%9F", b"%40x.y", b"a@x.y", b"cio_", b"+", b"..", b"/"]
)
REFS = st.lists(PIECES | st.binary(max_size=3), max_size=6).map(b"".join)


@given(st.sampled_from(TEMPLATES), REFS)
def test_no_path_is_a_fault_of_ours(track: FailingClient, template: Callable[[bytes], bytes], ref: bytes) -> None:
    track_key, app_key = track.workspace.track["authorization"], track.workspace.app["authorization"]
    line = template(ref)
    header = app_key if b" /v1/" in line else track_key
    request = b"%s HTTP/1.1\r\nHost: here\r\nAuthorization: %s\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"

    raw = track.server.exchange(request % (line, header.encode()))

    assert 200 <= int(raw.split(b" ", 2)[1]) < 500, raw


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
UNRESERVED = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@"


def can_be_in_a_path(name: str) -> bool:
    """Whether it names a person by id there: clients and servers resolve dots, and cio_ begins a cio_id."""
    return bool(stripped(name)) and not is_placeholder(name) and name not in {".", ".."} and not name.startswith("cio_")


@given(NAMES.filter(can_be_in_a_path), st.integers(0, 2**120 - 1))
def test_person_is_the_same_however_the_path_is_encoded(track: FailingClient, name: str, bits: int) -> None:
    """Each byte may be percent-encoded or not, as long as it needs not be."""
    encoded = b"".join(
        bytes([byte]) if byte in UNRESERVED and bits >> place & 1 else b"%%%02x" % byte
        for place, byte in enumerate(name.encode())
    )
    track.server.server.commands.clear()

    response = track.client.delete(track.client.base_url.copy_with(raw_path=b"/api/v1/customers/" + encoded))

    assert response.status_code == 200
    [call] = track.server.server.commands
    assert isinstance(call, DeletePerson)
    assert call.reference.value == name
