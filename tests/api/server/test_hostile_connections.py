"""Connections that try to take more than their share: heads that never end, trailers, many at once, two readings."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from tests.api.servers import MadeWorkspace
from tests.api.threaded_server import ServerClient, ThreadedServer
from workspace_operator.http_server.header_checks import header_error
from workspace_operator.http_server.protocol import (
    MAX_ANSWERED_EXCESS_CONNECTIONS,
    BoundedProtocol,
    protocol_with_limits,
)
from workspace_operator.http_server.round_robin import RoundRobinReader
from workspace_operator.web.core.limits import Limits

LIMITS = Limits(path=300, headers=1000, header_count=20, connections=5)
PIECE = b"a" * 10_000
PERSON = b"PUT /api/v1/customers/ann HTTP/1.1\r\nHost: here\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[ServerClient]:
    with ThreadedServer(limits=LIMITS).serving() as server:
        yield server


@pytest.fixture(scope="module")
def workspace(server: ServerClient) -> MadeWorkspace:
    return server.server.open()


@pytest.fixture(scope="module")
def key(workspace: MadeWorkspace) -> bytes:
    return workspace.track["authorization"].encode()


def flooded(server: ServerClient, head: bytes, piece: bytes, *, most: int = 10_000_000) -> tuple[bytes, int]:
    """Send a piece again and again until the server answers or ends the connection; its answer, and bytes sent."""
    sent = 0
    with server.connected(timeout=20) as connection:
        connection.sendall(head)
        connection.setblocking(False)
        answer = b""
        while not answer and sent < most:
            with suppress(BlockingIOError, BrokenPipeError):
                sent += connection.send(piece)
            with suppress(BlockingIOError):
                answer = connection.recv(1000)
    return answer, sent


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (PERSON + b"A: ", PIECE),
        (PERSON, PIECE),
        (PERSON + b"A:", b" " * 10_000),
        (b"", b"\r\n" * 5_000),
    ],
    ids=["value", "name", "blanks", "blank lines"],
)
def test_header_that_never_ends_is_refused(server: ServerClient, head: bytes, piece: bytes) -> None:
    answer, sent = flooded(server, head, piece)

    assert answer.startswith(b"HTTP/1.1 431")
    assert b"cache-control: no-store" in answer
    assert sent < 10_000_000


CHUNKED = PERSON + b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"2;a=", PIECE),
        (b"2;a=" + b"b" * 500 + b"\r\n{}\r\n", b"1;a=" + b"b" * 500 + b"\r\n \r\n"),
        (b"2\r\n{}\r\n0\r\nA: ", PIECE),
        (b"2\r\n{}\r\n0\r\n", PIECE),
        (b"2\r\n{}\r\n0\r\n", b"A: b\r\n" * 1000),
    ],
    ids=["extension", "extensions", "trailer", "name of a trailer", "trailers"],
)
def test_what_a_chunked_body_has_beside_its_content_is_bounded(
    server: ServerClient, key: bytes, start: bytes, piece: bytes
) -> None:
    answer, sent = flooded(server, CHUNKED + b"Authorization: " + key + b"\r\n\r\n" + start, piece)

    assert answer.startswith(b"HTTP/1.1 431")
    assert sent < 10_000_000


def test_many_small_chunks_are_a_body_like_any(server: ServerClient, key: bytes) -> None:
    text = json.dumps({"plan": "x" * 900}).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % each for each in text) + b"0\r\n\r\n"

    answer = server.exchange(CHUNKED + b"Authorization: " + key + b"\r\nConnection: close\r\n\r\n" + chunks)

    assert answer.startswith(b"HTTP/1.1 200")


def test_trailers_are_dropped(server: ServerClient) -> None:
    """Else whoever may send a body through a proxy that checks heads would choose whose workspace it reaches."""
    ours, theirs = server.server.open(name="ours"), server.server.open(name="theirs")
    keys = [each.track["authorization"].encode() for each in (ours, theirs)]
    server.server.reached.clear()
    head = CHUNKED + b"Authorization: %s\r\nConnection: close\r\n\r\n" % keys[0]

    answer = server.exchange(head + b"2\r\n{}\r\n0\r\nAuthorization: %s\r\n\r\n" % keys[1])

    assert answer.startswith(b"HTTP/1.1 200")
    assert server.server.reached == [ours.workspace_id]


HOST = (b"host", b"here")
HEADS: list[tuple[str, bytes, list[tuple[bytes, bytes]], str]] = [
    ("1.1", b"GET", [HOST], ""),
    ("1.1", b"GET", [(b"host", b"")], ""),
    ("1.1", b"GET", [(b"host", b"people.example.com:8100")], ""),
    ("1.1", b"GET", [(b"host", b"[::1]:8100")], ""),
    ("1.0", b"GET", [], ""),
    ("1.1", b"POST", [HOST, (b"transfer-encoding", b"Chunked")], ""),
    ("0.9", b"GET", [], "use HTTP/1.1"),
    ("2.0", b"GET", [HOST], "use HTTP/1.1"),
    ("1.1", b"CONNECT", [HOST], "not a proxy"),
    ("1.1", b"GET", [], "no Host"),
    ("1.1", b"GET", [HOST, HOST], "2 Host headers"),
    ("1.0", b"GET", [HOST, HOST], "2 Host headers"),
    ("1.1", b"GET", [(b"host", b"user@here")], "Host header is no"),
    ("1.1", b"GET", [(b"host", b"here/there")], "Host header is no"),
    ("1.1", b"GET", [(b"host", b"one, two")], "Host header is no"),
    ("1.1", b"GET", [(b"host", b"here:123456")], "Host header is no"),
    ("1.1", b"GET", [(b"host", b"h\xc3\xb6st")], "Host header is no"),
    ("1.1", b"GET", [HOST, (b"authorization", b"a"), (b"authorization", b"a")], "2 Authorization headers"),
    ("1.1", b"POST", [HOST, (b"transfer-encoding", b"gzip, chunked")], "chunked"),
    ("1.1", b"POST", [HOST, (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], "chunked"),
    ("1.0", b"POST", [HOST, (b"transfer-encoding", b"chunked")], "Content-Length"),
]


@pytest.mark.parametrize(("version", "method", "headers", "words"), HEADS)
def test_head_that_two_readers_could_understand_differently_is_refused(
    version: str, method: bytes, headers: list[tuple[bytes, bytes]], words: str
) -> None:
    fault = header_error(version, method, headers)

    assert words in fault
    assert bool(fault) is bool(words)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /openapi.json\r\n\r\n",
        b"GET /openapi.json HTTP/0.9\r\n\r\n",
        b"GET /openapi.json HTTP/1.1\r\n\r\n",
        b"GET /openapi.json HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET /openapi.json HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /openapi.json HTTP/1.1\r\nHost: a\r\nAuthorization: Basic a\r\nAuthorization: Basic a\r\n\r\n",
        b"CONNECT here:443 HTTP/1.1\r\nHost: here\r\n\r\n",
        b"CONNECT / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET http://here HTTP/1.1\r\nHost: here\r\n\r\n",
        PERSON + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n ",
        PERSON + b"Content-Length: +1\r\n\r\n ",
        PERSON + b"Content-Length: 1, 1\r\n\r\n ",
        PERSON + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        PERSON + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        PERSON + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        PERSON + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        PERSON + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        PERSON + b"A: b\r\n folded\r\n\r\n",
        PERSON + b"A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PUT /api/v1/customers/ann HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_request_that_is_not_clear_is_refused(server: ServerClient, raw: bytes) -> None:
    answer = server.exchange(raw + b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"connection: close" in answer
    assert answer.count(b"content-type") == 1


@pytest.mark.parametrize("target", [b"/nothing", b"http://here/nothing"])
@pytest.mark.parametrize("version", [b"1.0\r\n", b"1.1\r\nHost: here\r\n"])
def test_every_form_of_a_target_is_taken(server: ServerClient, target: bytes, version: bytes) -> None:
    answer = server.exchange(b"GET %s HTTP/%sConnection: close\r\n\r\n" % (target, version))

    assert answer.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_upgrade_request_is_ignored(server: ServerClient, key: bytes, protocol: bytes) -> None:
    """Java's client sends it with its first request, and goes on in HTTP/1.1 when nobody takes it up."""
    head = PERSON + b"Authorization: %s\r\nContent-Length: 2\r\n" % key
    chunked = CHUNKED + b"Authorization: %s\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n2\r\n{}\r\n0\r\n\r\n" % key
    first = head + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\nHTTP2-Settings: AAMA\r\n\r\n{}" % protocol
    without_body = b"GET /nothing HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n" % protocol

    answer = server.exchange(first + without_body + chunked + head + b"Connection: close\r\n\r\n{}")

    assert [each[:3] for each in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200", b"200"]
    assert [each.received for each in server.server.served[-4:]] == [2, 0, 2, 2]


def test_fault_is_no_answer_to_the_request_before_it(server: ServerClient, key: bytes) -> None:
    good = PERSON + b"Authorization: %s\r\nContent-Length: 2\r\n\r\n{}" % key

    answer = server.exchange(good + b"no HTTP\r\n\r\n" + good)

    assert [each[:3] for each in answer.split(b"HTTP/1.1 ")[1:]] == [b"200"]
    assert b"connection: close" in answer


def test_fault_in_a_body_is_reported(server: ServerClient, key: bytes) -> None:
    answer = server.exchange(CHUNKED + b"Authorization: %s\r\n\r\n1\r\n{\r\n" % key, b"no number\r\n")

    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_fault_in_a_body_behind_another_request_ends_the_connection(server: ServerClient, key: bytes) -> None:
    """No answer is better than one that the client takes for the answer to the request before it."""
    good = PERSON + b"Authorization: %s\r\nContent-Length: 2\r\n\r\n{}" % key
    answer = b""

    with suppress(ConnectionError):
        answer = server.exchange(good + CHUNKED + b"\r\nno number\r\n")

    assert b"400" not in answer


def test_connections_that_show_no_key_give_way(server: ServerClient, workspace: MadeWorkspace) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(server.connected()) for _ in range(3 * LIMITS.connections)]
        held[-1].sendall(b"GET /nothing HTTP/1.1\r\nHost: here\r\n\r\n")
        held[-1].recv(1000)

        with server.client(workspace.track) as client:
            statuses = [client.put("/api/v1/customers/ann", json={}).status_code for _ in range(3)]
            for _ in range(2 * LIMITS.connections):
                stack.enter_context(server.connected())
            statuses.append(client.put("/api/v1/customers/ann", json={}).status_code)
        told = held[0].recv(1000)

    assert statuses == [200] * 4
    assert told.startswith(b"HTTP/1.1 503"), "the oldest went first"


def test_requests_without_a_key_give_way_too(server: ServerClient, workspace: MadeWorkspace) -> None:
    """Bodies that never come hold no place that somebody with a key could have."""
    with ExitStack() as stack:
        for _ in range(LIMITS.connections):
            connection = stack.enter_context(server.connected())
            connection.sendall(PERSON + b"Content-Length: 1000\r\n\r\n{")
        with server.client(workspace.track) as client:
            assert client.put("/api/v1/customers/ann", json={}).status_code == 200


def test_connections_far_beyond_the_limit_are_reported_at_once(server: ServerClient, key: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(LIMITS.connections):
            connection = stack.enter_context(server.connected())
            connection.sendall(PERSON + b"Authorization: %s\r\nContent-Length: 2\r\n\r\n{}" % key)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")

        others = [
            stack.enter_context(server.connected()) for _ in range(MAX_ANSWERED_EXCESS_CONNECTIONS + LIMITS.connections)
        ]
        answer = others[-1].recv(1000)

    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in answer


class Transport(asyncio.Transport):
    """Nothing is sent over it; it keeps whether it is read from."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)})
        self.is_read = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def is_closing(self) -> bool:
        return False


def test_connections_that_send_much_are_read_in_turns() -> None:
    """One of them in each turn of the event loop; whoever waits for more of a body cannot change that."""
    buffer = memoryview(bytearray(10))
    kind = protocol_with_limits(Limits())

    def connected() -> tuple[RoundRobinReader, Transport, BoundedProtocol]:
        protocol = kind(config=Config(app=None), server_state=ServerState(), app_state={})  # type: ignore[arg-type]  # no request is complete here
        reader, transport = RoundRobinReader(protocol, buffer), Transport()
        reader.connection_made(transport)
        return reader, transport, protocol

    def send(reader: RoundRobinReader, data: bytes) -> None:
        reader.get_buffer(-1)[: len(data)] = data
        reader.buffer_updated(len(data))

    async def scenario() -> list[list[bool]]:
        connections = [connected() for _ in range(3)]
        told = []
        for data in (b"PUT /", b"a" * 10):
            for reader, _, _ in connections:
                send(reader, data)
            told.append([transport.is_read for _, transport, _ in connections])
        for _ in connections:
            for _, _, protocol in connections:
                protocol.flow.resume_reading()
            await asyncio.sleep(0)
            told.append([transport.is_read for _, transport, _ in connections])
        return told

    assert asyncio.run(scenario()) == [
        [True, True, True],
        [False, False, False],
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
