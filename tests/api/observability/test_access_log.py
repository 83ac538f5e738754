"""The access log: one line per request, without anything that a client has sent."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import anyio
import httpx
from hypothesis import given
from hypothesis import strategies as st

from tests.api.servers import MadeWorkspace
from tests.api.threaded_server import ThreadedServer
from workspace_operator.http_server.access_log import AccessLog
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.web.app import all_routes, make_app
from workspace_operator.web.observability.metrics import PrometheusMetrics

NOW = datetime(2026, 11, 22, 5, 0, 0, 250_000, UTC)


class Unread(io.StringIO):
    """A stream whose reader has gone."""

    attempts = 0

    def write(self, _text: str) -> int:
        self.attempts += 1
        raise BrokenPipeError


def served(route: str = "/api/v1/customers/{ref}", workspace_id: int = 7) -> AccessRecord:
    return AccessRecord(
        request_id="5e3f-1",
        method="PUT",
        route=route,
        status=200,
        seconds=0.012_34,
        workspace_id=workspace_id,
        received=120,
        sent=3,
    )


def lines(*all_served: AccessRecord) -> list[dict[str, object]]:
    stream = io.StringIO()
    log = AccessLog(stream=stream, clock=lambda: NOW)
    for each in all_served:
        log(each)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_line_says_what_was_served() -> None:
    assert lines(served()) == [
        {
            "time": "2026-11-22T05:00:00.250+00:00",
            "level": "INFO",
            "logger": "access",
            "request": "5e3f-1",
            "method": "PUT",
            "route": "/api/v1/customers/{ref}",
            "status": 200,
            "received": 120,
            "sent": 3,
            "ms": 12.3,
            "workspace": 7,
        }
    ]


def test_each_request_has_a_line() -> None:
    assert len(lines(served(), served(), served())) == 3


def test_unknown_path_has_no_route() -> None:
    (line,) = lines(served(route="", workspace_id=0))

    assert line["route"] is None
    assert line["workspace"] is None


def test_lost_reader_fails_no_request() -> None:
    stream = Unread()
    log = AccessLog(stream=stream, clock=lambda: NOW)

    log(served())
    log(served())

    assert stream.attempts == 2


def test_closed_stream_fails_no_request() -> None:
    stream = io.StringIO()
    log = AccessLog(stream=stream, clock=lambda: NOW)

    stream.close()
    log(served())

    assert stream.closed


SHOP = ThreadedServer()
WORKSPACE = SHOP.open()
ROUTES = all_routes(SHOP.services())

FIELDS = {"time", "level", "logger", "request", "method", "route", "status", "received", "sent", "ms", "workspace"}

# Something that nothing but the request can have brought in: an id, an address, a key, a token.
secrets = st.builds(
    "{}s3cr3t{}{}".format,
    st.text("abcXYZ019", max_size=5),
    st.text("abcXYZ019-_.~", max_size=20),
    st.sampled_from(["", "@example.com", "/x", " y", "ü", "%2F", '"', "\\n", "{ref}"]),
)
patterns = st.sampled_from([route.pattern for route in ROUTES] + ["/nothing/{ref}", "/api/v1/customers/{ref}/{ref}"])


@st.composite
def requests(draw: st.DrawFn) -> httpx.Request:
    """A request with secrets wherever a client can put some."""
    path = "/".join(
        quoted(draw(secrets)) if segment.startswith("{") else segment for segment in draw(patterns).split("/")
    )
    known = draw(st.sampled_from([WORKSPACE.track, WORKSPACE.app, {"authorization": f"Bearer {draw(secrets)!a}"}]))
    names = draw(
        st.lists(st.sampled_from(["x-request-id", "traceparent", "user-agent", "cookie", "referer", "x-s3cr3t"]))
    )
    method = draw(st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "S3CR3T"]))
    body = {draw(secrets): draw(secrets), "email": draw(secrets), "id": draw(secrets), "name": draw(secrets)}
    return httpx.Request(
        method,
        f"http://people{path}?email={quoted(draw(secrets))}&{quoted(draw(secrets))}=1",
        headers={**{name: ascii(draw(secrets)) for name in names}, **known},
        content=draw(st.sampled_from([json.dumps(body).encode(), draw(secrets).encode(), b""])),
    )


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def logged_for(request: httpx.Request) -> tuple[str, str]:
    """The access log and the metrics after a request."""
    stream = io.StringIO()
    counts = PrometheusMetrics()
    services = replace(SHOP.services(), metrics=counts, access_log=AccessLog(stream=stream, clock=lambda: NOW))

    async def send() -> None:
        transport = httpx.ASGITransport(app=make_app(services))
        async with services.batcher.run(), httpx.AsyncClient(transport=transport) as client:
            await client.send(request)

    anyio.run(send)
    return stream.getvalue(), counts.text().decode()


@given(requests())
def test_no_part_of_a_request_is_logged(request: httpx.Request) -> None:
    log, metrics = logged_for(request)

    told = (log + metrics).lower()
    assert [each for each in ("s3cr3t", "example.com", *keys(WORKSPACE)) if each in told] == []
    (line,) = log.splitlines()
    assert set(json.loads(line)) == FIELDS


def keys(workspace: MadeWorkspace) -> tuple[str, ...]:
    return workspace.keys.site_id, workspace.keys.api_key, workspace.keys.app_key


def test_known_caller_is_logged_by_number() -> None:
    log, _ = logged_for(httpx.Request("GET", "http://people/v1/workspaces", headers=WORKSPACE.app))

    line = json.loads(log)
    assert (line["route"], line["status"], line["workspace"]) == ("/v1/workspaces", 200, WORKSPACE.workspace_id)
