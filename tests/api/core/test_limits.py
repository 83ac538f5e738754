"""Everything a client sends is bounded, in bytes and in seconds, and whoever goes beyond gets to hear it."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

import httpx
import pytest

from tests.api.servers import MadeWorkspace
from tests.api.threaded_server import ServerClient, ThreadedServer
from tests.e2e.waiting import wait_until
from workspace_operator.http_server.protocol import MAX_PIPELINED_REQUESTS
from workspace_operator.web.core.limits import Limits

LIMITS = Limits(
    path=300,
    headers=1000,
    header_count=20,
    header_seconds=0.5,
    body_seconds=0.5,
    idle_seconds=1,
    connections=5,
    body_budget=2_000_000,
    write_seconds=1,
)
CLIENT_TIMEOUT = 60.0
"""Longer than any limit here, and than what a busy machine takes."""

WITHIN_LIMITS = replace(LIMITS, header_seconds=60, body_seconds=60, idle_seconds=60, write_seconds=60)
"""The same without haste, for what is not about time."""

TICK = 0.01
"""The server's clock counts milliseconds: seen from here it may be one early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A reply as it came over a bare connection."""

    status: int
    headers: dict[str, str]
    body: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RawClient:
    """A caller who writes requests by hand."""

    server: ServerClient
    workspace: MadeWorkspace

    def request(self, *, method: str = "PUT", path: str = "/api/v1/customers/ann", **headers: str) -> bytes:
        """The head of a request; a header whose value is empty is left out."""
        said = {"Host": "here", **{name.title(): value for name, value in self.workspace.track.items()}}
        said |= {"Content-Length": "0"} | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items() if value)]
        return "\r\n".join((*lines, "", "")).encode()

    def sent(self, *pieces: bytes) -> Parsed:
        """What comes back on a connection of its own until the server closes it."""
        started = time.monotonic()
        raw = self.server.exchange(*pieces, timeout=CLIENT_TIMEOUT)
        return parsed(raw, time.monotonic() - started)


def parsed(raw: bytes, seconds: float = 0.0) -> Parsed:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Parsed(status=int(first.split()[1]), headers=headers, body=body.decode(), seconds=seconds)


@pytest.fixture(scope="module")
def untimed() -> Iterator[RawClient]:
    api = ThreadedServer(limits=WITHIN_LIMITS)
    with api.serving() as server:
        yield RawClient(server=server, workspace=api.open())


@pytest.fixture(scope="module")
def raw_client() -> Iterator[RawClient]:
    api = ThreadedServer(limits=LIMITS)
    with api.serving() as server:
        yield RawClient(server=server, workspace=api.open())


def is_serving(raw_client: RawClient) -> bool:
    with raw_client.server.client(raw_client.workspace.track) as client, suppress(httpx.TransportError):
        return client.put("/api/v1/customers/bob", json={}).status_code == 200
    return False


def assert_still_serving(raw_client: RawClient) -> None:
    """It does, once the server has noticed that others have left."""
    wait_until(lambda: is_serving(raw_client))


def test_connection_is_kept_for_the_next_request(untimed: RawClient) -> None:
    reply = untimed.sent(untimed.request() + untimed.request(Connection="close"))

    assert (reply.status, reply.body.count("HTTP/1.1 200")) == (200, 1)


@pytest.mark.parametrize("announced", [True, False])
def test_large_body_is_refused(untimed: RawClient, announced: bool) -> None:
    limit = 32 * 1024
    body = b"x" * (limit + 1)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    head = untimed.request(
        method="POST",
        path="/api/v2/entity",
        Content_Length=str(len(body)) if announced else "",
        Transfer_Encoding="" if announced else "chunked",
    )

    reply = untimed.sent(head, (body if announced else chunked) + untimed.request(Connection="close"))

    assert reply.status == 413
    assert f"more than {limit} bytes" in reply.body
    assert "HTTP/1.1 200" in reply.body, "the connection goes on after it"


def test_endless_body_is_cut_off(raw_client: RawClient) -> None:
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with raw_client.server.connected(timeout=CLIENT_TIMEOUT) as connection:
        connection.sendall(raw_client.request(Content_Length="", Transfer_Encoding="chunked"))
        with pytest.raises(ConnectionError):
            connection.sendall(piece * 2000)

    assert_still_serving(raw_client)


def test_huge_announcement_is_refused_at_once(untimed: RawClient) -> None:
    reply = untimed.sent(untimed.request(Content_Length=str(10**12), Expect="100-continue"))

    assert (reply.status, reply.headers["connection"]) == (413, "close")


def test_expected_body_is_asked_for(untimed: RawClient) -> None:
    with untimed.server.connected(timeout=CLIENT_TIMEOUT) as connection:
        connection.sendall(untimed.request(Content_Length="2", Expect="100-continue"))
        first = connection.recv(1000)
        connection.sendall(b"{}")
        second = connection.recv(1000)

    assert first.startswith(b"HTTP/1.1 100")
    assert second.startswith(b"HTTP/1.1 200")


def test_slow_body_is_given_up(raw_client: RawClient) -> None:
    reply = raw_client.sent(raw_client.request(Content_Length="10"), b'{"a"')

    assert (reply.status, reply.headers["connection"]) == (408, "close")
    assert "did not arrive within" in reply.body


def test_body_that_is_cut_off_has_no_reply(raw_client: RawClient) -> None:
    raw_client.server.server.commands.clear()

    with raw_client.server.connected() as connection:
        connection.sendall(raw_client.request(Content_Length="10") + b'{"a"')

    wait_until(lambda: any(each.status == 499 for each in raw_client.server.server.served))
    assert raw_client.server.server.commands == []


def test_slow_headers_are_given_up(raw_client: RawClient) -> None:
    reply = raw_client.sent(b"PUT /api/v1/customers/ann HTTP/1.1\r\nHost: he")

    assert (reply.status, reply.headers["connection"]) == (408, "close")
    assert "headers did not arrive in time" in reply.body


def test_headers_in_drops_are_given_up_all_the_same(raw_client: RawClient) -> None:
    with raw_client.server.connected(timeout=CLIENT_TIMEOUT) as connection:
        connection.sendall(b"PUT / HTTP/1.1\r\n")

        wait_until(lambda: is_cut_off(connection, b"a: b\r\n"), within=CLIENT_TIMEOUT)


def is_cut_off(connection: socket.socket, more: bytes) -> bool:
    """Whether the other side takes no more."""
    try:
        connection.sendall(more)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("said", [b"", b"\r\n"])
def test_silent_connection_is_closed(raw_client: RawClient, said: bytes) -> None:
    started = time.monotonic()

    raw = raw_client.server.exchange(said, timeout=CLIENT_TIMEOUT)

    assert raw == b""
    assert LIMITS.header_seconds - TICK <= time.monotonic() - started


def test_idle_connection_is_closed(raw_client: RawClient) -> None:
    reply = raw_client.sent(raw_client.request())

    assert reply.status == 200
    assert LIMITS.idle_seconds - TICK <= reply.seconds


@pytest.mark.parametrize("blank", [b"\r\n", b"P"])
def test_idle_connection_cannot_be_held_with_drops(raw_client: RawClient, blank: bytes) -> None:
    with raw_client.server.connected(timeout=CLIENT_TIMEOUT) as connection:
        connection.sendall(raw_client.request())
        connection.recv(1000)
        connection.sendall(blank)

        rest = b"".join(iter(lambda: connection.recv(1000), b""))

    assert b"HTTP/1.1 200" not in rest


def test_long_path_is_refused(untimed: RawClient) -> None:
    reply = untimed.sent(untimed.request(path="/api/v1/customers/" + "a" * LIMITS.path))

    assert reply.status == 414
    assert "path" in reply.body


@pytest.mark.parametrize(
    "headers",
    [
        {"A": "b" * 2000},
        {"A" * 2000: "b"},
        {f"A{number}": "b" for number in range(30)},
    ],
)
def test_large_headers_are_refused(untimed: RawClient, headers: dict[str, str]) -> None:
    reply = untimed.sent(untimed.request(**headers))

    assert (reply.status, reply.headers["connection"]) == (431, "close")
    assert "headers" in reply.body


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\r\n\r\n",
        b"PUT /\x00 HTTP/1.1\r\n\r\n",
        b"PUT  HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PUT /a HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"PUT /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"PUT /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PUT /a HTTP/1.1\r\nA b: c\r\n\r\n",
        b"PUT /\xff HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(untimed: RawClient, raw: bytes) -> None:
    reply = untimed.sent(raw)

    assert reply.status in {400, 404, 405}
    assert "meta" in reply.body


def test_clients_that_take_nothing_are_cut_off(raw_client: RawClient, caplog: pytest.LogCaptureFixture) -> None:
    requests = raw_client.request(method="GET", path="/openapi.json") * (MAX_PIPELINED_REQUESTS - 1)
    with ExitStack() as stack:
        held = [stack.enter_context(raw_client.server.connected(buffer=4096)) for _ in range(LIMITS.connections)]
        for each in held:
            each.sendall(requests)

        assert_still_serving(raw_client)
    assert "Traceback" not in caplog.text


def test_too_many_requests_at_once_end_the_connection(untimed: RawClient) -> None:
    replies = b""

    with suppress(ConnectionError):
        replies = untimed.server.exchange(untimed.request() * (MAX_PIPELINED_REQUESTS + 10), timeout=CLIENT_TIMEOUT)

    assert replies.count(b"HTTP/1.1 200 OK") <= MAX_PIPELINED_REQUESTS
    assert_still_serving(untimed)


def test_requests_at_once_are_answered_in_order(untimed: RawClient) -> None:
    requests = [untimed.request(path=path, method="GET") for path in ("/openapi.json", "/nothing", "/v1/workspaces")]
    last = untimed.request(path="/api/v1/accounts/region", method="GET", Connection="close")

    raw = untimed.server.exchange(b"".join([*requests, last]), timeout=CLIENT_TIMEOUT)

    assert [int(each[:3]) for each in raw.split(b"HTTP/1.1 ")[1:]] == [200, 404, 401, 200]


def test_connection_too_many_is_refused(untimed: RawClient) -> None:
    with ExitStack() as stack:
        held = [
            stack.enter_context(untimed.server.connected(timeout=CLIENT_TIMEOUT)) for _ in range(LIMITS.connections)
        ]
        for each in held:
            each.sendall(untimed.request())
            assert each.recv(1000).startswith(b"HTTP/1.1 200")

        reply = untimed.sent(untimed.request())

        assert (reply.status, reply.headers["retry-after"], reply.headers["connection"]) == (503, "1", "close")
        assert reply.headers["cache-control"] == "no-store"
        held[0].sendall(untimed.request())
        assert held[0].recv(1000).startswith(b"HTTP/1.1 200"), "those who are served go on being served"

    assert_still_serving(untimed)


def test_bodies_share_a_room(untimed: RawClient) -> None:
    announced, most = str(900_000), b"{" + b" " * 899_998
    with ExitStack() as stack:
        held = [stack.enter_context(untimed.server.connected()) for _ in range(2)]
        for each in held:
            each.sendall(untimed.request(Content_Length=announced) + most)
        another = untimed.request(Content_Length=announced, Connection="close") + most + b" "

        # Until both have come there is room for a third.
        reply = wait_until(lambda: [reply for reply in [untimed.sent(another)] if reply.status != 200])[0]

        assert (reply.status, reply.headers["retry-after"]) == (503, "1")

    assert_still_serving(untimed)
