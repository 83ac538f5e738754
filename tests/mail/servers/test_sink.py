"""The sink itself: what it records is what a client sent."""

import json
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from threading import Timer

import pytest

from tests.mail.sink import Sink

MESSAGE = b"Message-ID: <1@a.example>\r\n\r\n..hidden\r\n"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def client(sink: Sink) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", sink.port, local_hostname="test.example", timeout=10)


def test_sink_records_what_it_took(sink: Sink) -> None:
    with client(sink) as connection:
        connection.sendmail("a@a.example", ["b@b.example", "c@c.example"], MESSAGE)

    (message,) = sink.messages
    assert (message.sender, message.recipients) == ("a@a.example", ("b@b.example", "c@c.example"))
    assert message.message_id == "<1@a.example>"
    assert message.data == MESSAGE.replace(b"..", b"...")
    assert (sink.taken, sink.connections) == (1, 1)


def test_sink_takes_an_empty_message(sink: Sink) -> None:
    with client(sink) as connection:
        connection.sendmail("a@a.example", ["b@b.example"], b"\r\n")
        connection.docmd("MAIL", "FROM:<a@a.example>")
        connection.docmd("RCPT", "TO:<b@b.example>")
        connection.docmd("DATA")
        connection.docmd(".")

    assert [message.data for message in sink.messages] == [b"\r\n", b"\r\n"]


def test_sink_answers_pipelined_commands(sink: Sink) -> None:
    with client(sink) as connection:
        connection.ehlo()
        connection.send("MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n")
        codes = [connection.getreply()[0] for _ in range(3)]
        connection.send(b"x\r\n.\r\nNOOP\r\n")
        codes += [connection.getreply()[0] for _ in range(2)]

    assert codes == [250, 250, 354, 250, 250]


def test_waits_end_when_they_are_set_to_zero(sink: Sink) -> None:
    sink.before_354 = 60
    Timer(0.1, lambda: setattr(sink, "before_354", 0)).start()
    began = time.monotonic()

    with client(sink) as connection:
        connection.sendmail("a@a.example", ["b@b.example"], MESSAGE)

    (message,) = sink.messages
    assert 0.1 <= time.monotonic() - began < 30
    assert message.first_byte_at is not None
    assert message.first_byte_at >= began + 0.1


def test_unfinished_message_is_listed_but_not_taken(sink: Sink) -> None:
    with socket.create_connection(("127.0.0.1", sink.port), 10) as raw:
        raw.sendall(b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n")
        while b"354" not in raw.recv(1000):
            pass
        raw.sendall(b"part")
        while not sink.last_byte_at:
            time.sleep(0.001)

    assert (len(sink.transactions), sink.messages, sink.taken) == (1, [], 0)


def test_sink_runs_as_a_process() -> None:
    command = [sys.executable, "-m", "tests.mail.sink", "--record"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[1])
        with smtplib.SMTP("127.0.0.1", port, local_hostname="test.example", timeout=10) as connection:
            connection.sendmail("a@a.example", ["b@b.example"], MESSAGE)
        record = json.loads(process.stdout.readline())
        process.kill()

    assert record["message_id"] == "<1@a.example>"
