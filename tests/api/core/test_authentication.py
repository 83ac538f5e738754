"""Who calls: what proves it reaches one workspace, all else gets one answer, and no secret leaves a trace."""

import base64
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.servers import MadeWorkspace, basic
from tests.api.threaded_server import ServerClient, ThreadedServer
from tests.e2e.waiting import wait_until
from tests.threads import run_together
from workspace_operator.application.ports import Credentials, StoredCredentials
from workspace_operator.errors import StoreUnavailable
from workspace_operator.web.core.credential_lookup import parse_basic, parse_bearer
from workspace_operator.web.core.limits import Limits

UNAUTHORIZED = b'{"meta":{"error":"unauthorized"}}\n'
PERSON = "/api/v1/customers/ann"
READ = "/v1/customers/ann/attributes"
UNICODE = st.characters(exclude_categories=["Cs"])


@dataclass(slots=True)
class CountingCredentials:
    """Credentials that count look-ups, and let a test come in between."""

    credentials: Credentials
    lookups: int = 0
    before: Callable[[], None] = field(default=lambda: None)

    def find_by_site_ids(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        self.lookups += 1
        self.before()
        return self.credentials.find_by_site_ids(digests, now=now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.credentials, name)


@pytest.fixture
def api() -> ThreadedServer:
    return ThreadedServer()


@pytest.fixture
def watched(api: ThreadedServer) -> CountingCredentials:
    watched = CountingCredentials(api.credentials)
    api.wrap_credentials = lambda _: watched
    return watched


@pytest.fixture
def server(api: ThreadedServer, watched: CountingCredentials) -> Iterator[ServerClient]:
    assert watched.lookups == 0
    with api.serving() as server:
        yield server


@pytest.fixture
def workspace(server: ServerClient) -> MadeWorkspace:
    return server.server.open()


def put(server: ServerClient, headers: dict[str, str], path: str = PERSON) -> httpx.Response:
    with server.client(headers) as client:
        return client.put(path, json={})


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("scheme", [b"Basic ", b"basic ", b"BASIC  "])
@pytest.mark.parametrize("padding", [b"==", b""])
def test_both_alphabets_are_read(encode: Callable[[bytes], bytes], scheme: bytes, padding: bytes) -> None:
    encoded = encode("site??>:api~~ÿ:rest".encode()).rstrip(b"=")

    assert parse_basic(scheme + encoded + padding) == ("site??>", "api~~ÿ:rest")


@given(st.text(UNICODE).filter(lambda text: ":" not in text), st.text(UNICODE))
def test_any_pair_is_read_as_it_was_sent(site_id: str, api_key: str) -> None:
    encoded = base64.urlsafe_b64encode(f"{site_id}:{api_key}".encode())

    assert parse_basic(b"Basic " + encoded) == (site_id, api_key)


@given(st.binary(max_size=80))
def test_any_header_is_read_or_none(header: bytes) -> None:
    for each in (header, b"Basic " + header, b"Bearer " + header):
        assert isinstance(parse_basic(each), tuple | None)
        assert isinstance(parse_bearer(each), str | None)


WRONG: list[Callable[[MadeWorkspace], str | bytes]] = [
    lambda _: "",
    lambda _: "Basic",
    lambda _: "Basic !!!",
    lambda _: "Basic " + base64.b64encode(b"no colon").decode(),
    lambda _: "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    lambda of: basic(of.keys.site_id, "")["authorization"],
    lambda of: basic(of.keys.site_id, of.keys.api_key[:-1])["authorization"],
    lambda of: basic(of.keys.site_id, of.keys.api_key.upper() + " ")["authorization"],
    lambda of: basic(of.keys.api_key, of.keys.site_id)["authorization"],
    lambda of: basic(of.keys.site_id, of.keys.app_key)["authorization"],
    lambda of: basic("unknown", of.keys.api_key)["authorization"],
    lambda of: basic(of.keys.app_key, "")["authorization"],
    lambda of: of.app["authorization"],
    lambda of: "Digest " + of.track["authorization"].removeprefix("Basic "),
    lambda _: b"Basic \xff\xfe",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_credentials_have_one_answer(
    workspace: MadeWorkspace, server: ServerClient, wrong: Callable[[MadeWorkspace], str]
) -> None:
    response = put(server, {"authorization": wrong(workspace)})

    assert (response.status_code, response.content) == (401, UNAUTHORIZED)
    assert response.headers["www-authenticate"].startswith("Basic ")
    assert server.person(workspace, id="ann") is None


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v2/entity", "/api/v2/batch", "/api/v1/merge_customers"])
def test_every_part_of_track_has_the_same_answer(server: ServerClient, path: str) -> None:
    with server.client() as client:
        response = client.post(path, json={})

    assert (response.status_code, response.content) == (401, UNAUTHORIZED)


def test_app_key_is_no_key_of_track_nor_the_other_way(workspace: MadeWorkspace, server: ServerClient) -> None:
    assert put(server, workspace.app).status_code == 401
    with server.client(workspace.track) as client:
        refused = client.get(READ)
    with server.client(workspace.app) as client:
        read = client.get(READ)

    both_forms = {"errors": [{"detail": "unauthorized", "status": "401"}], "meta": {"error": "unauthorized"}}
    assert (refused.status_code, refused.json()) == (401, both_forms)
    assert refused.headers["www-authenticate"] == "Bearer"
    assert read.status_code == 404


def test_unknown_path_needs_no_key(server: ServerClient) -> None:
    with server.client() as client:
        assert client.get("/api/v1/nothing").status_code == 404


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWorkspaces:
    """One server with two workspaces."""

    server: ServerClient
    ours: MadeWorkspace
    theirs: MadeWorkspace


@pytest.fixture(scope="module")
def two_workspaces() -> Iterator[TwoWorkspaces]:
    api = ThreadedServer(limits=Limits(wrong_keys=1_000_000))
    with api.serving() as server:
        yield TwoWorkspaces(server=server, ours=api.open(name="ours"), theirs=api.open(name="theirs"))


@given(st.data())
def test_key_of_one_workspace_reaches_no_other(two_workspaces: TwoWorkspaces, data: st.DataObject) -> None:
    """Whatever parts of two workspaces' keys are put together, at most their owner's people are reached."""
    api, both = two_workspaces.server.server, (two_workspaces.ours, two_workspaces.theirs)
    keys = [key for each in both for key in (each.keys.site_id, each.keys.api_key, each.keys.app_key)]
    part = st.sampled_from([*keys, "x"])
    first, second = data.draw(part), data.draw(part)
    headers = data.draw(st.sampled_from([basic(first, second), {"authorization": f"Bearer {first}"}]))
    owners = [each.workspace_id for each in both if each.track == headers]
    api.reached.clear()

    response = put(two_workspaces.server, headers)

    assert response.status_code == (200 if owners else 401)
    assert api.reached == owners


def test_revoked_key_works_for_no_more_than_a_second(workspace: MadeWorkspace, server: ServerClient) -> None:
    assert put(server, workspace.track).status_code == 200

    server.server.credentials.revoke(workspace.workspace_id)
    time.sleep(1.05)

    assert put(server, workspace.track).status_code == 401


def test_key_before_a_rotation_works_for_the_grace_time(server: ServerClient) -> None:
    old = server.server.open()
    newest = server.server.rotate(old.workspace_id, grace=timedelta(hours=1))

    statuses = [put(server, each.track).status_code for each in (old, newest)]

    assert statuses == [200, 200]


def test_key_after_the_grace_time_is_wrong(server: ServerClient) -> None:
    old = server.server.open()
    newest = server.server.rotate(old.workspace_id, grace=timedelta(0))

    statuses = [put(server, each.track).status_code for each in (old, newest)]

    assert statuses == [401, 200]


def test_wrong_key_is_looked_up_each_time(
    workspace: MadeWorkspace, server: ServerClient, watched: CountingCredentials
) -> None:
    for _ in range(3):
        assert put(server, basic(workspace.keys.site_id, "wrong")).status_code == 401

    assert watched.lookups == 3


def test_many_at_once_share_a_look_up(
    workspace: MadeWorkspace, server: ServerClient, watched: CountingCredentials
) -> None:
    watched.before = lambda: time.sleep(2)

    responses = run_together(*[partial(put, server, workspace.track)] * 10)

    assert [each.status_code for each in responses] == [200] * 10
    assert watched.lookups == 1


def test_strangers_hold_nobody_up_who_is_known(
    workspace: MadeWorkspace, server: ServerClient, watched: CountingCredentials
) -> None:
    """However many wrong keys wait for a database that does not get on with them."""
    put(server, workspace.track)
    gate, is_held = threading.Event(), threading.Event()

    def hold() -> None:
        is_held.set()
        assert gate.wait(120)

    watched.before = hold
    with ExitStack() as stack:
        for number in range(40):
            key = basic("guess", f"{number}")["authorization"]
            head = f"PUT {PERSON} HTTP/1.1\r\nHost: here\r\nAuthorization: {key}\r\nContent-Length: 0\r\n\r\n"
            stack.enter_context(server.connected()).sendall(head.encode())
        assert is_held.wait(120)
        watched.before = lambda: None
        time.sleep(1.05)  # what is remembered has to be looked up again

        status = put(server, workspace.track).status_code
        gate.set()

    assert status == 200


def test_store_that_is_away_is_reported(
    workspace: MadeWorkspace, server: ServerClient, watched: CountingCredentials
) -> None:
    def away() -> None:
        raise StoreUnavailable("the database db does not answer: connection refused")

    watched.before = away
    response = put(server, workspace.track)

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert "try again" in response.json()["meta"]["error"]


def test_no_secret_is_logged(
    workspace: MadeWorkspace, server: ServerClient, watched: CountingCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def fault() -> None:
        raise ZeroDivisionError

    put(server, workspace.track)
    put(server, basic(workspace.keys.site_id, "wrong-secret"))
    watched.before = fault
    failed = put(server, basic(workspace.keys.site_id, "other-secret"))

    assert failed.status_code == 500
    assert "ZeroDivisionError" in caplog.text
    message = failed.json()["meta"]["error"]
    wait_until(lambda: [each for each in server.server.served if message.endswith(each.request_id)])
    told = caplog.text + failed.text + repr(server.server.served)
    secrets = [workspace.keys.api_key, workspace.track["authorization"], "wrong-secret", "other-secret"]
    assert [each for each in secrets if each in told] == []
