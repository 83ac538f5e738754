"""What answers of the Kubernetes API mean, and that nothing of them is told; a server of our own gives them."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes import client

from tests.network_ports import free_port
from workspace_operator.cluster.access import RETRIES
from workspace_operator.cluster.api_client import request
from workspace_operator.cluster.resources import ClusterResources
from workspace_operator.cluster.secrets import ClusterSecrets
from workspace_operator.errors import ClusterForbidden, ClusterUnavailable, NotFound, StaleRevision
from workspace_operator.reconcile.model.secrets import Secret
from workspace_operator.workspaces.model import Owner

KEY = "5f1c0d"


@dataclass(slots=True)
class ScriptedResponses:
    """The answers to give, the last one for ever, and the requests that came."""

    answers: list[tuple[int, str]]
    asked: list[tuple[str, str, Any, str | None]] = field(default_factory=list)

    def next(self) -> tuple[int, str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass(slots=True)
class Server:
    api: client.ApiClient
    script: ScriptedResponses


@pytest.fixture
def server() -> Iterator[Server]:
    script = ScriptedResponses([(200, "{}")])

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            script.asked.append((self.command, self.path, body, self.headers.get("Authorization")))
            status, text = script.next()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Server(api=api_at(listening.server_port), script=script)
        listening.shutdown()
        thread.join()


def api_at(port: int) -> client.ApiClient:
    settings = client.Configuration(host=f"http://127.0.0.1:{port}", api_key={"authorization": "Bearer t0ken"})
    settings.retries = RETRIES
    return client.ApiClient(settings)


def test_request_is_logged_in(server: Server) -> None:
    request(server.api, "POST", "/api/v1/x", {"a": 1}, dry_run=True)

    assert server.script.asked == [("POST", "/api/v1/x?dryRun=All", {"a": 1}, "Bearer t0ken")]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ClusterForbidden),
        (401, ClusterUnavailable),
        (403, ClusterForbidden),
        (404, NotFound),
        (409, StaleRevision),
        (410, ClusterUnavailable),
        (422, ClusterForbidden),
        (500, ClusterUnavailable),
        (503, ClusterUnavailable),
    ],
)
def test_each_answer_has_its_error(server: Server, status: int, error: type[Exception]) -> None:
    server.script.answers = [(status, json.dumps({"message": KEY}))]

    with pytest.raises(error) as raised:
        request(server.api, "GET", "/api/v1/x")

    assert type(raised.value) is error
    assert f"{status} " in str(raised.value)
    assert "GET /api/v1/x" in str(raised.value)
    assert KEY not in repr((raised.value, raised.value.__cause__, raised.value.__context__))


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (
            403,
            json.dumps({"message": "unable to create new content in namespace x"}),
            ": unable to create new content ",
        ),
        (422, json.dumps({"message": "m" * 301}), f": {'m' * 299}…"),
        (403, json.dumps({"message": None}), "/workspaces"),
        (403, "[]", "/workspaces"),
        (403, "<html>", "/workspaces"),
    ],
    ids=["a reason", "a long one", "none", "no Status", "no JSON"],
)
def test_refusal_to_create_says_why(server: Server, status: int, answer: str, told: str) -> None:
    server.script.answers = [(status, answer)]

    with pytest.raises(ClusterForbidden) as raised:
        ClusterResources(server.api, "ours").create("x", {})

    assert told in str(raised.value)
    assert len(told) < 100 or str(raised.value).endswith(told)
    assert not told.startswith("/") or str(raised.value).endswith(told)


def test_conflict_of_a_creation_says_no_more(server: Server) -> None:
    server.script.answers = [(409, json.dumps({"message": KEY}))]

    with pytest.raises(StaleRevision) as raised:
        ClusterResources(server.api, "ours").create("x", {})

    assert KEY not in str(raised.value)


def test_busy_server_is_asked_again(server: Server) -> None:
    server.script.answers = [(429, "{}"), (200, '{"a": 1}')]

    assert request(server.api, "PATCH", "/api/v1/x", []) == {"a": 1}


def test_absent_server_is_unavailable() -> None:
    with pytest.raises(ClusterUnavailable, match="does not answer"):
        request(api_at(free_port()), "GET", "/api/v1/x")


def test_other_servers_are_distinguished(server: Server) -> None:
    server.script.answers = [(200, f"<html>{KEY}")]

    with pytest.raises(ClusterUnavailable, match="is not JSON") as raised:
        request(server.api, "GET", "/api/v1/x")

    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_secret_of_any_bytes_is_read(server: Server) -> None:
    document = {"metadata": {"resourceVersion": "7"}, "data": {"apiKey": "/w==", "siteID": "eA=="}}
    server.script.answers = [(200, json.dumps(document))]

    assert ClusterSecrets(server.api).read("team-a", "x") == Secret(
        values={"apiKey": "\ufffd", "siteID": "x"}, labels={}, owners=(), version="7"
    )


def test_secret_that_is_gone_was_moved(server: Server) -> None:
    server.script.answers = [(404, "{}")]

    with pytest.raises(StaleRevision):
        ClusterSecrets(server.api).write("team-a", "x", Secret(values={}, version="7"))


def test_secret_is_removed_at_its_version(server: Server) -> None:
    server.script.answers = [(404, "{}")]

    ClusterSecrets(server.api).remove("team-a", "x", version="7")

    ((method, path, body, _),) = server.script.asked
    assert (method, path) == ("DELETE", "/api/v1/namespaces/team-a/secrets/x")
    assert body == {"preconditions": {"resourceVersion": "7"}}


@pytest.mark.parametrize(("status", "owner_is_gone"), [(200, False), (404, True), (403, False)])
def test_refusal_releases_nothing(server: Server, status: int, owner_is_gone: bool) -> None:
    server.script.answers = [(status, "{}")]
    owner = Owner(cluster="ours", namespace="team-a", name="shop", uid="uid-1")

    assert ClusterResources(server.api, "ours").owner_is_gone(owner) is owner_is_gone


def test_all_names_are_listed_page_by_page(server: Server) -> None:
    pages = [("a", "crm", "next page&"), ("b", "club", "")]
    server.script.answers = [
        (
            200,
            json.dumps({"metadata": {"continue": token}, "items": [{"metadata": {"namespace": place, "name": name}}]}),
        )
        for place, name, token in pages
    ]

    names = ClusterResources(server.api, "ours").names()

    assert names == {("a", "crm"), ("b", "club")}
    assert [path.partition("?")[2] for _, path, _, _ in server.script.asked] == [
        "limit=500",
        "limit=500&continue=next%20page%26",
    ]
