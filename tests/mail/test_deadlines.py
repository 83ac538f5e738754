"""After the deadline of a hand-over nothing of it leaves, wherever it is at that moment (sending §3.4)."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event

import pytest

from tests.e2e.waiting import wait_until
from tests.mail.servers.scripted_server import scripted
from tests.mail.sink import Sink
from tests.mail.transports import mail, open_pool, results, transport
from workspace_operator.mail.deadlines import Deadline, DeadlinePassed
from workspace_operator.sending.deliveries import AttemptOutcome

LONG = b"Subject: s\r\n\r\n" + b"QUJD\r\n" * 2_500_000
"""More than kernels buffer."""

LATER_READ_BYTES = 600_000
"""What the kernel takes at once while the server reads nothing."""

END = b"\r\n.\r\n"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@contextmanager
def handing_over(port: int, *, seconds: float, size: int = 1000) -> Iterator["subprocess.Popen[str]"]:
    """A process that hands over a message; it is ended afterwards, even if it is stopped."""
    command = [sys.executable, "-m", "tests.mail.handing_over", str(port), str(seconds), str(size)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def outcome_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def stop(process: "subprocess.Popen[str]") -> None:
    """Stop a process, and wait until all its threads are stopped: a thread can go on for a moment."""
    process.send_signal(signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])


class Stalling:
    """A server that reads the message only after ``go_on``; ``reached``: the first byte of it is there."""

    def __init__(self) -> None:
        self.reached, self.go_on, self.received = Event(), Event(), bytearray()

    def __call__(self, client: socket.socket) -> None:
        client.sendall(b"220 stalling\r\n")
        client.recv(1000)
        client.sendall(b"250-stalling\r\n250 PIPELINING\r\n")
        client.recv(1000)
        client.sendall(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        client.recv(1, socket.MSG_PEEK)
        self.reached.set()
        self.go_on.wait(20)
        while part := client.recv(65536):
            self.received.extend(part)


def say_nothing(client: socket.socket) -> None:
    client.recv(1000)
    client.recv(1000)


def test_deadline_before_354(sink: Sink) -> None:
    sink.before_354 = 60
    began = time.monotonic()

    with open_pool(transport(sink.port)) as running:
        (result,) = results(running, mail(), seconds=0.3)

    assert (result.outcome, result.reply) == (AttemptOutcome.NOT_SENT, "the deadline passed")
    assert 0.3 <= time.monotonic() - began < 5
    assert (len(sink.transactions), sink.last_byte_at) == (1, 0)


def test_deadline_within_the_message() -> None:
    server = Stalling()

    with scripted(server) as port:
        with open_pool(transport(port)) as running:
            (result,) = results(running, mail(data=LONG), seconds=0.5)
        server.go_on.set()

    assert result.outcome is AttemptOutcome.NOT_SENT
    assert len(server.received) < len(LONG)
    assert END not in server.received


def test_what_the_kernel_holds_is_discarded_at_the_deadline() -> None:
    server = Stalling()

    with scripted(server) as port:
        with open_pool(transport(port)) as running:
            (result,) = results(running, mail(data=LONG[:LATER_READ_BYTES]), seconds=0.5)
        server.go_on.set()

    assert result.outcome in {AttemptOutcome.UNKNOWN, AttemptOutcome.NOT_SENT}
    assert 0 < len(server.received) < LATER_READ_BYTES
    assert END not in server.received


def test_deadline_before_the_250_leaves_the_outcome_unknown(sink: Sink) -> None:
    sink.before_250 = 60

    with open_pool(transport(sink.port)) as running:
        (result,) = results(running, mail(), seconds=0.3)

    assert (result.outcome, result.reply) == (
        AttemptOutcome.UNKNOWN,
        "no answer to the final dot: the deadline passed",
    )
    assert sink.transactions[0].dot_at is not None


def test_messages_that_were_not_begun_end_with_the_deadline(sink: Sink) -> None:
    sink.before_354 = 60

    with open_pool(transport(sink.port)) as running:
        ended = results(running, *(mail() for _ in range(10)), seconds=0.3)

    assert {result.outcome for result in ended} == {AttemptOutcome.NOT_SENT}
    assert len(sink.transactions) == 1


def test_results_of_a_blocked_transport_come_with_the_deadline() -> None:
    # The server never greets: the thread is not back yet when time is over, but the batch has ended.
    with scripted(say_nothing) as port, open_pool(transport(port)) as running:
        began = time.monotonic()
        (result,) = results(running, mail(), seconds=0.3)
        seconds = time.monotonic() - began

    assert (result.outcome, result.reply) == (AttemptOutcome.NOT_SENT, "the deadline passed")
    assert seconds < 10


def test_address_that_does_not_answer_leaves_time_for_the_next(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    # A listener with a full queue, as a host whose packets are dropped.
    with socket.socket() as silent, ExitStack() as waiting:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        for _ in range(2):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(silent.getsockname())
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", address)
            for address in (silent.getsockname(), ("127.0.0.1", sink.port))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

        with open_pool(transport(sink.port)) as running:
            (result,) = results(running, mail(), seconds=2)

    assert result.outcome is AttemptOutcome.SENT


def test_slow_reply_is_not_waited_for_beyond_the_deadline() -> None:
    # A byte from time to time must not prolong it.
    def script(client: socket.socket) -> None:
        client.sendall(b"220 slow\r\n")
        client.recv(1000)
        for _ in range(2000):
            client.sendall(b"2")
            time.sleep(0.02)

    with scripted(script) as port, open_pool(transport(port)) as running:
        began = time.monotonic()
        results(running, mail(), seconds=0.3)

        assert time.monotonic() - began < 20


def test_process_stopped_before_354_sends_nothing_when_it_goes_on(sink: Sink) -> None:
    sink.before_354 = 60

    with handing_over(sink.port, seconds=1) as process:
        wait_until(lambda: sink.transactions, within=20, every=0.001)
        stop(process)
        sink.before_354 = 0
        time.sleep(1.2)
        process.send_signal(signal.SIGCONT)
        outcome = outcome_of(process)

    assert outcome == AttemptOutcome.NOT_SENT
    assert sink.last_byte_at == 0


def test_process_stopped_within_a_message_sends_no_more_when_it_goes_on() -> None:
    server = Stalling()

    with scripted(server) as port, handing_over(port, seconds=1.5, size=len(LONG)) as process:
        assert server.reached.wait(20)
        time.sleep(0.2)  # it fills the buffers of the kernel
        stop(process)
        server.go_on.set()
        time.sleep(1.4)
        before = len(server.received)
        process.send_signal(signal.SIGCONT)
        outcome = outcome_of(process)
        time.sleep(0.1)

    assert outcome == AttemptOutcome.NOT_SENT
    assert 0 < before < len(LONG)
    assert len(server.received) == before


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such option")
def test_kernel_gives_up_while_the_process_is_stopped() -> None:
    # The whole message is written in time, but the server reads only later: the kernel would go on to deliver it.
    server = Stalling()

    with scripted(server) as port, handing_over(port, seconds=1, size=LATER_READ_BYTES) as process:
        assert server.reached.wait(20)
        time.sleep(0.5)
        stop(process)
        time.sleep(2.5)
        server.go_on.set()
        time.sleep(0.3)
        before = len(server.received)
        process.send_signal(signal.SIGCONT)
        outcome = outcome_of(process)

    assert outcome == AttemptOutcome.UNKNOWN
    assert 0 < before < LATER_READ_BYTES
    assert END not in server.received


def test_deadline_counts_from_its_moment_not_from_the_call(sink: Sink) -> None:
    with open_pool(transport(sink.port)) as running:
        late = running.monotonic() - 0.001
        handover = running.hand_over("default", 1, [mail()], deadline=late)

        assert handover.wait(1)
    assert [result.outcome for result in handover.take_ended()] == [AttemptOutcome.NOT_SENT]
    assert sink.transactions == []


def test_deadline_is_over_when_it_has_passed() -> None:
    deadline = Deadline.after(-1)

    assert deadline.is_over
    assert deadline.seconds_left == 0
    with pytest.raises(DeadlinePassed):
        deadline.remaining()


def test_earlier_deadline_counts() -> None:
    deadline = Deadline.after(5)

    assert deadline.within(1).at < deadline.at
    assert deadline.within(60).at == deadline.at
