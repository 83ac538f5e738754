"""A transport whose server fails is paused and comes back; nothing of that counts against messages."""

import logging
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from tests.e2e.waiting import wait_until
from tests.mail.servers.scripted_server import answering, scripted
from tests.mail.servers.smtp_server import running
from tests.mail.sink import Sink
from tests.mail.transports import WORKSPACE, mail, open_pool, results, transport
from tests.network_ports import free_port
from workspace_operator.mail import transport_threads
from workspace_operator.mail.deadlines import Deadline
from workspace_operator.mail.handovers import QueuedHandover
from workspace_operator.mail.transport_threads import TransportThreads
from workspace_operator.sending.deliveries import AttemptOutcome

SENT, NOT_SENT = AttemptOutcome.SENT, AttemptOutcome.NOT_SENT


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def smtp_threads() -> list[str]:
    from threading import enumerate as all_threads  # noqa: PLC0415 - hides the builtin elsewhere

    return [thread.name for thread in all_threads() if thread.name == "smtp-default"]


def test_unreachable_server_pauses_the_transport(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()

    with open_pool(transport(port, connections=4)) as sending:
        ended = results(sending, *(mail() for _ in range(20)))
        capacity, seconds = sending.capacity("default", WORKSPACE)
        states = sending.states()

    assert {result.outcome for result in ended} == {NOT_SENT}
    assert {result.code for result in ended} == {None}
    assert (capacity, states) == (0, [("default", False)])
    assert 0 < seconds <= 1
    assert f"transport default is paused for 1 s: 127.0.0.1:{port}: Connection refused" in caplog.text


def test_paused_transport_ends_messages_at_once() -> None:
    with open_pool(transport(free_port())) as sending:
        results(sending, mail())
        (result,) = results(sending, mail())

    assert (result.outcome, result.reply) == (NOT_SENT, "the transport is paused")


def test_transport_is_tried_with_one_message_after_a_pause(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="workspace_operator")
    with Sink() as sink:
        port = sink.port
    with open_pool(transport(port)) as sending:
        results(sending, mail())
        wait_until(lambda: sending.capacity("default", WORKSPACE)[0], within=20, every=0.001)
        on_trial = sending.capacity("default", WORKSPACE)[0]
        with Sink(port=port) as sink:
            (result,) = results(sending, mail())
            after = sending.capacity("default", WORKSPACE)[0]

    assert "transport default works again" in caplog.text
    assert (on_trial, result.outcome) == (1, SENT)
    assert after > 1000


def test_failure_after_a_pause_makes_a_longer_one() -> None:
    with open_pool(transport(free_port())) as sending:
        results(sending, mail())
        wait_until(lambda: sending.capacity("default", WORKSPACE)[0], within=20, every=0.001)
        results(sending, mail())

        assert sending.capacity("default", WORKSPACE)[1] > 0.9


def test_server_that_restarts_is_found_again(sink: Sink) -> None:
    with open_pool(transport(sink.port)) as sending:
        first = results(sending, mail())
        sink.cut()
        wait_until(lambda: not sink.open, within=20, every=0.001)
        second = results(sending, mail(), mail())

    assert [result.outcome for result in (*first, *second)] == [SENT] * 3
    assert sink.connections == 2


def test_server_with_fewer_connections_than_configured_is_not_paused() -> None:
    # It greets the first connection only, as a server with a limit for each client.
    greeted: list[bool] = []

    def one_alone(client: Any) -> None:
        client.sendall(b"220 hello\r\n" if not greeted else b"421 too many connections\r\n")
        greeted.append(True)
        if len(greeted) == 1:
            Thread(target=serve, args=(client.dup(),), daemon=True).start()

    def serve(client: Any) -> None:
        with client:
            client.settimeout(10)
            while lines := client.recv(65536):
                time.sleep(0.002)
                client.sendall(b"354 go on\r\n" if lines.startswith(b"DATA") else b"250 ok\r\n")

    with scripted(one_alone) as port, open_pool(transport(port, connections=4)) as sending:
        ended = results(sending, *(mail() for _ in range(30)))
        tried = len(greeted)
        ended += results(sending, *(mail() for _ in range(30)))
        states = sending.states()

    assert {result.outcome for result in ended} == {SENT}
    assert states == [("default", True)]
    assert 1 < tried == len(greeted)


def test_connections_that_break_one_after_the_other_pause_the_transport() -> None:
    with scripted(answering(b"250 hello\r\n")) as port, open_pool(transport(port)) as sending:
        ended = results(sending, *(mail() for _ in range(10)))
        states = sending.states()

    assert {result.outcome for result in ended} == {NOT_SENT}
    assert [result.reply for result in ended][5:] == [
        "the transport is paused: its connections break before it has taken a message"
    ] * 5
    assert states == [("default", False)]


def test_missing_answers_to_the_final_dot_pause_the_transport() -> None:
    def silent_at_the_end(client: Any) -> None:
        client.sendall(b"220 hello\r\n")
        with client:
            while lines := client.recv(65536):
                if lines.endswith(b"\r\n.\r\n"):
                    return
                client.sendall(b"354 go on\r\n" if lines.startswith(b"DATA") else b"250 ok\r\n")

    with scripted(silent_at_the_end) as port, open_pool(transport(port, connections=1)) as sending:
        ended = results(sending, *(mail() for _ in range(8)))
        states = sending.states()

    assert [result.outcome for result in ended] == [AttemptOutcome.UNKNOWN] * 5 + [NOT_SENT] * 3
    assert states == [("default", False)]


def test_one_message_that_breaks_connections_does_not_pause_the_transport() -> None:
    with running() as server, open_pool(transport(server.port)) as sending:
        for _ in range(8):
            broken, sent = results(sending, mail("data-cut@a.example"), mail())

            assert (broken.outcome, sent.outcome) == (NOT_SENT, SENT)

        assert sending.states() == [("default", True)]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_missing_login_pauses_the_transport_and_fails_no_message() -> None:
    with running(auth=True) as server, open_pool(transport(server.port)) as sending:
        ended = results(sending, *(mail() for _ in range(10)))
        states = sending.states()

    assert {result.outcome for result in ended} == {NOT_SENT}
    assert ended[0].code == 530
    assert states == [("default", False)]


def test_expired_batch_opens_no_connection(sink: Sink) -> None:
    with open_pool(transport(sink.port)) as sending:
        handover = sending.hand_over("default", WORKSPACE, [mail()], deadline=sending.monotonic() - 1)

        assert handover.wait(1)
        wait_until(lambda: not sending._threads["default"]._first(), within=20, every=0.001)
        time.sleep(0.05)
    assert sink.connections == 0


def test_idle_connection_is_checked_before_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_threads, "CHECK_SECONDS", 0.0)

    with running() as server, open_pool(transport(server.port)) as sending:
        results(sending, mail())
        results(sending, mail())

    assert server.handler.commands == ["MAIL", "NOOP", "MAIL"]
    assert len(server.handler.sessions) == 1


def test_connection_that_does_not_answer_the_check_is_replaced(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_threads, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(transport_threads, "NOOP_SECONDS", 0.0)

    with open_pool(transport(sink.port)) as sending:
        ended = results(sending, mail()) + results(sending, mail())

    assert [result.outcome for result in ended] == [SENT, SENT]
    assert sink.connections == 2


def test_connections_without_work_are_closed(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_threads, "IDLE_SECONDS", 0.05)

    with open_pool(transport(sink.port, connections=3)) as sending:
        results(sending, *(mail() for _ in range(30)))
        wait_until(lambda: not sink.open, within=20, every=0.001)
        wait_until(lambda: not smtp_threads(), within=20, every=0.001)
        (result,) = results(sending, mail())

    assert result.outcome is SENT


def test_closed_pool_has_no_threads_and_connections(sink: Sink) -> None:
    with open_pool(transport(sink.port, connections=3)) as sending:
        results(sending, *(mail() for _ in range(30)))

    wait_until(lambda: not sink.open, within=20, every=0.001)
    assert smtp_threads() == []


def test_close_ends_what_has_not_begun(sink: Sink) -> None:
    sink.before_354 = 60

    with open_pool(transport(sink.port)) as sending:
        handover = sending.hand_over("default", WORKSPACE, [mail(), mail(), mail()], deadline=sending.monotonic() + 1)
        wait_until(lambda: sink.transactions, within=20, every=0.001)
        sending.close()

        assert handover.wait(5)
    ended = handover.take_ended()
    assert sorted(result.reply or "" for result in ended) == [
        "the deadline passed",
        "the sender is stopping",
        "the sender is stopping",
    ]


@pytest.mark.parametrize("stopping", [False, True])
def test_message_that_is_put_back_waits_or_ends(*, stopping: bool) -> None:
    threads, message = TransportThreads(transport(25)), mail()
    handover = QueuedHandover([message], Deadline.after(10))
    taken = handover.take_mail()
    if stopping:
        threads.close(0)

    threads._put_back(handover, message)

    assert taken == message
    assert [result.reply for result in handover.take_ended()] == ["the sender is stopping"] * stopping
    assert threads._next_mail() == (None if stopping else (handover, message))


def test_fault_of_the_program_leaves_the_outcome_unknown(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    words = "about ann@a.example"

    def fail(*_: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr("workspace_operator.mail.transactions.hand_over", fail)
    caplog.set_level(logging.DEBUG, logger="workspace_operator")

    with open_pool(transport(sink.port)) as sending:
        (result,) = results(sending, mail())

    assert (result.outcome, result.reply) == (AttemptOutcome.UNKNOWN, "internal error RuntimeError")
    assert "a hand-over failed with RuntimeError" in caplog.text
    assert "ann@" not in caplog.text
