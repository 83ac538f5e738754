"""Everything a client sends is bounded, in bytes and in seconds, and whoever goes beyond gets to hear it."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

import httpx
import pytest

from tests.api.scenes import Counter, Shop
from tests.api.servers import MadeWorkspace
from tests.e2e.waiting import until
from workspace_operator.web.connections import MOST_AT_ONCE
from workspace_operator.web.services import Limits

LIMITS = Limits(
    path=300,
    headers=1000,
    header_count=20,
    header_seconds=0.5,
    body_seconds=0.5,
    idle_seconds=1,
    connections=5,
    bodies=2_000_000,
    write_seconds=1,
)
PATIENCE = 60.0
"""Longer than any limit here, and than what a busy machine takes."""

ROOMY = replace(LIMITS, header_seconds=60, body_seconds=60, idle_seconds=60, write_seconds=60)
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
class Guest:
    """A caller who writes requests by hand."""

    counter: Counter
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
        raw = self.counter.exchange(*pieces, timeout=PATIENCE)
        return parsed(raw, time.monotonic() - started)


def parsed(raw: bytes, seconds: float = 0.0) -> Parsed:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Parsed(status=int(first.split()[1]), headers=headers, body=body.decode(), seconds=seconds)


@pytest.fixture(scope="module")
def unhurried() -> Iterator[Guest]:
    shop = Shop(limits=ROOMY)
    with shop.serving() as counter:
        yield Guest(counter=counter, workspace=shop.open())


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    shop = Shop(limits=LIMITS)
    with shop.serving() as counter:
        yield Guest(counter=counter, workspace=shop.open())


def is_serving(guest: Guest) -> bool:
    with guest.counter.client(guest.workspace.track) as client, suppress(httpx.TransportError):
        return client.put("/api/v1/customers/bob", json={}).status_code == 200
    return False


def assert_still_serving(guest: Guest) -> None:
    """It does, once the server has noticed that others have left."""
    until(lambda: is_serving(guest))


def test_connection_is_kept_for_the_next_request(unhurried: Guest) -> None:
    reply = unhurried.sent(unhurried.request() + unhurried.request(Connection="close"))

    assert (reply.status, reply.body.count("HTTP/1.1 200")) == (200, 1)


@pytest.mark.parametrize("announced", [True, False])
def test_large_body_is_refused(unhurried: Guest, announced: bool) -> None:
    limit = 32 * 1024
    body = b"x" * (limit + 1)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    head = unhurried.request(
        method="POST",
        path="/api/v2/entity",
        Content_Length=str(len(body)) if announced else "",
        Transfer_Encoding="" if announced else "chunked",
    )

    reply = unhurried.sent(head, (body if announced else chunked) + unhurried.request(Connection="close"))

    assert reply.status == 413
    assert f"more than {limit} bytes" in reply.body
    assert "HTTP/1.1 200" in reply.body, "the connection goes on after it"


def test_endless_body_is_cut_off(guest: Guest) -> None:
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with guest.counter.connected(timeout=PATIENCE) as connection:
        connection.sendall(guest.request(Content_Length="", Transfer_Encoding="chunked"))
        with pytest.raises(ConnectionError):
            connection.sendall(piece * 2000)

    assert_still_serving(guest)


def test_huge_announcement_is_refused_at_once(unhurried: Guest) -> None:
    reply = unhurried.sent(unhurried.request(Content_Length=str(10**12), Expect="100-continue"))

    assert (reply.status, reply.headers["connection"]) == (413, "close")


def test_expected_body_is_asked_for(unhurried: Guest) -> None:
    with unhurried.counter.connected(timeout=PATIENCE) as connection:
        connection.sendall(unhurried.request(Content_Length="2", Expect="100-continue"))
        first = connection.recv(1000)
        connection.sendall(b"{}")
        second = connection.recv(1000)

    assert first.startswith(b"HTTP/1.1 100")
    assert second.startswith(b"HTTP/1.1 200")


def test_slow_body_is_given_up(guest: Guest) -> None:
    reply = guest.sent(guest.request(Content_Length="10"), b'{"a"')

    assert (reply.status, reply.headers["connection"]) == (408, "close")
    assert "did not come within" in reply.body


def test_body_that_is_cut_off_has_no_reply(guest: Guest) -> None:
    guest.counter.shop.heard.clear()

    with guest.counter.connected() as connection:
        connection.sendall(guest.request(Content_Length="10") + b'{"a"')

    until(lambda: any(each.status == 499 for each in guest.counter.shop.served))
    assert guest.counter.shop.heard == []


def test_slow_headers_are_given_up(guest: Guest) -> None:
    reply = guest.sent(b"PUT /api/v1/customers/ann HTTP/1.1\r\nHost: he")

    assert (reply.status, reply.headers["connection"]) == (408, "close")
    assert "headers did not come in time" in reply.body


def test_headers_in_drops_are_given_up_all_the_same(guest: Guest) -> None:
    with guest.counter.connected(timeout=PATIENCE) as connection:
        connection.sendall(b"PUT / HTTP/1.1\r\n")

        until(lambda: is_cut_off(connection, b"a: b\r\n"), within=PATIENCE)


def is_cut_off(connection: socket.socket, more: bytes) -> bool:
    """Whether the other side takes no more."""
    try:
        connection.sendall(more)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("said", [b"", b"\r\n"])
def test_silent_connection_is_closed(guest: Guest, said: bytes) -> None:
    started = time.monotonic()

    raw = guest.counter.exchange(said, timeout=PATIENCE)

    assert raw == b""
    assert LIMITS.header_seconds - TICK <= time.monotonic() - started


def test_idle_connection_is_closed(guest: Guest) -> None:
    reply = guest.sent(guest.request())

    assert reply.status == 200
    assert LIMITS.idle_seconds - TICK <= reply.seconds


@pytest.mark.parametrize("blank", [b"\r\n", b"P"])
def test_idle_connection_cannot_be_held_with_drops(guest: Guest, blank: bytes) -> None:
    with guest.counter.connected(timeout=PATIENCE) as connection:
        connection.sendall(guest.request())
        connection.recv(1000)
        connection.sendall(blank)

        rest = b"".join(iter(lambda: connection.recv(1000), b""))

    assert b"HTTP/1.1 200" not in rest


def test_long_path_is_refused(unhurried: Guest) -> None:
    reply = unhurried.sent(unhurried.request(path="/api/v1/customers/" + "a" * LIMITS.path))

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
def test_large_headers_are_refused(unhurried: Guest, headers: dict[str, str]) -> None:
    reply = unhurried.sent(unhurried.request(**headers))

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
def test_what_is_no_http_is_refused(unhurried: Guest, raw: bytes) -> None:
    reply = unhurried.sent(raw)

    assert reply.status in {400, 404, 405}
    assert "meta" in reply.body


def test_clients_that_take_nothing_are_cut_off(guest: Guest, caplog: pytest.LogCaptureFixture) -> None:
    requests = guest.request(method="GET", path="/openapi.json") * (MOST_AT_ONCE - 1)
    with ExitStack() as stack:
        held = [stack.enter_context(guest.counter.connected(buffer=4096)) for _ in range(LIMITS.connections)]
        for each in held:
            each.sendall(requests)

        assert_still_serving(guest)
    assert "Traceback" not in caplog.text


def test_too_many_requests_at_once_end_the_connection(unhurried: Guest) -> None:
    replies = b""

    with suppress(ConnectionError):
        replies = unhurried.counter.exchange(unhurried.request() * (MOST_AT_ONCE + 10), timeout=PATIENCE)

    assert replies.count(b"HTTP/1.1 200 OK") <= MOST_AT_ONCE
    assert_still_serving(unhurried)


def test_requests_at_once_are_answered_in_order(unhurried: Guest) -> None:
    requests = [unhurried.request(path=path, method="GET") for path in ("/openapi.json", "/nothing", "/v1/workspaces")]
    last = unhurried.request(path="/api/v1/accounts/region", method="GET", Connection="close")

    raw = unhurried.counter.exchange(b"".join([*requests, last]), timeout=PATIENCE)

    assert [int(each[:3]) for each in raw.split(b"HTTP/1.1 ")[1:]] == [200, 404, 401, 200]


def test_connection_too_many_is_told_so(unhurried: Guest) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(unhurried.counter.connected(timeout=PATIENCE)) for _ in range(LIMITS.connections)]
        for each in held:
            each.sendall(unhurried.request())
            assert each.recv(1000).startswith(b"HTTP/1.1 200")

        reply = unhurried.sent(unhurried.request())

        assert (reply.status, reply.headers["retry-after"], reply.headers["connection"]) == (503, "1", "close")
        assert reply.headers["cache-control"] == "no-store"
        held[0].sendall(unhurried.request())
        assert held[0].recv(1000).startswith(b"HTTP/1.1 200"), "those who are served go on being served"

    assert_still_serving(unhurried)


def test_bodies_share_a_room(unhurried: Guest) -> None:
    announced, most = str(900_000), b"{" + b" " * 899_998
    with ExitStack() as stack:
        held = [stack.enter_context(unhurried.counter.connected()) for _ in range(2)]
        for each in held:
            each.sendall(unhurried.request(Content_Length=announced) + most)
        another = unhurried.request(Content_Length=announced, Connection="close") + most + b" "

        # Until both have come there is room for a third.
        reply = until(lambda: [reply for reply in [unhurried.sent(another)] if reply.status != 200])[0]

        assert (reply.status, reply.headers["retry-after"]) == (503, "1")

    assert_still_serving(unhurried)
