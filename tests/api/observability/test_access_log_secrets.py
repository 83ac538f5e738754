"""Nothing of a request that could be somebody's gets into the access log or the metrics, whatever is sent where."""

import io
import json
from dataclasses import replace

import anyio
import httpx
from hypothesis import given
from hypothesis import strategies as st

from tests.api.servers import MadeWorkspace
from tests.api.threaded_server import NOW, ThreadedServer
from workspace_operator.web.app import all_routes, make_app
from workspace_operator.web.observability.access_log import AccessLog
from workspace_operator.web.observability.metrics import PrometheusMetrics

SHOP = ThreadedServer()
WORKSPACE = SHOP.open()
ROUTES = all_routes(SHOP.services())

FIELDS = {"time", "request", "method", "route", "status", "received", "sent", "ms", "workspace"}

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
