"""What reaches the wire: the addresses that were meant or none, and bytes that cannot end the message themselves."""

import re
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mail.servers.scripted_server import scripted
from tests.mail.servers.smtp_server import running
from tests.mail.sink import Sink
from tests.mail.transports import mail, open_pool, results, transport
from workspace_operator.mail.envelopes import stuffed, verp
from workspace_operator.mail.pools import SMTPTransportPool
from workspace_operator.sending.deliveries import AttemptOutcome
from workspace_operator.sending.messages import OutgoingMail

CANNOT = "an address of the envelope cannot be written in SMTP"


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture(scope="module")
def sending(sink: Sink) -> Iterator[SMTPTransportPool]:
    with open_pool(transport(sink.port)) as running:
        yield running


ATTACKS = {
    "two addresses": "a@b.example,d@e.example",
    "source route": "@relay.example:a@b.example",
    "CRLF": "a@b.example\r\nRCPT TO:<d@e.example>",
    "CRLF in quotes": '"a\r\nDATA"@b.example',
    "line feed": "a@b.example\nx",
    "angle bracket": "a@b.example> SIZE=1 <d@e.example",
    "display name": "Ann <a@b.example>",
    "space": "a b@b.example",
    "NUL": "a\0@b.example",
    "comment": "a(b)@b.example",
    "parameter": "a@b.example>NOTIFY=NEVER",
    "no domain": "a",
    "empty": "",
    "empty local part": "@b.example",
    "dots": "a..b@b.example",
    "leading dot": ".a@b.example",
    "unclosed quote": '"a@b.example',
    "domain with a line end": "a@b.example\n",
    "domain that is not ASCII": "a@bücher.example",
    "domain with an underscore": "a@b_c.example",
    "literal": "a@[127.0.0.1]",
    "too long": "a" * 250 + "@b.example",
}


@pytest.mark.parametrize("address", ATTACKS.values(), ids=ATTACKS)
def test_address_is_never_another_one(sink: Sink, sending: SMTPTransportPool, address: str) -> None:
    before = sink.taken

    as_recipient, as_sender = results(sending, mail("ann@a.example", address), mail(sender=address))

    assert (as_recipient.outcome, as_recipient.reply) == (AttemptOutcome.REFUSED, CANNOT)
    assert (as_sender.outcome, as_sender.reply) == (AttemptOutcome.REFUSED, CANNOT)
    assert sink.taken == before


PLAIN = [
    "ann+tag@a.example",
    "o'neil@a.example",
    '"a b"@a.example',
    '"a@b,c"@a.example',
    "a@xn--bcher-kva.example",
    "a@b",
]


@pytest.mark.parametrize("address", PLAIN)
def test_address_is_written_as_it_is(sink: Sink, sending: SMTPTransportPool, address: str) -> None:
    (result,) = results(sending, mail(address, sender=address))

    assert result.outcome is AttemptOutcome.SENT
    assert (sink.messages[-1].sender, sink.messages[-1].recipients) == (address, (address,))


def test_message_without_recipients_is_refused(sending: SMTPTransportPool) -> None:
    (result,) = results(sending, replace(mail(), recipients=()))

    assert (result.outcome, result.reply) == (AttemptOutcome.REFUSED, "the envelope has no recipient")


@pytest.mark.parametrize(
    "data", [b"a\n.\n", b"a\r.\r", b"a\n.\r\nMAIL FROM:<>\r\n", b"a\r\n.\rb\r\n", b"a\0b\r\n", b"\r\r\n", b"a\r"]
)
def test_bare_line_ends_and_nul_are_refused(sink: Sink, sending: SMTPTransportPool, data: bytes) -> None:
    before = sink.taken

    (result,) = results(sending, mail(data=data))

    assert (result.outcome, result.reply) == (
        AttemptOutcome.REFUSED,
        "the message has a NUL, or a line end that is not CRLF",
    )
    assert sink.taken == before


LINES = st.lists(st.sampled_from([b"", b".", b"..", b".a", b"a", b"a.", b"QUIT", b"DATA"]), max_size=8)


@given(lines=LINES, has_end=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_lines_arrive_as_they_are(
    sink: Sink, sending: SMTPTransportPool, lines: list[bytes], *, has_end: bool
) -> None:
    data = b"\r\n".join(lines) + (b"\r\n" if has_end else b"")
    before = sink.taken

    (result,) = results(sending, mail(data=data))

    received = re.sub(rb"(?m)^\.", b"", sink.messages[-1].data)
    assert result.outcome is AttemptOutcome.SENT
    assert sink.taken == before + 1
    assert received == data.removesuffix(b"\r\n") + b"\r\n"


@given(st.lists(st.sampled_from([b".", b"\r\n", b"a"])).map(b"".join))
def test_stuffed_message_cannot_end_itself(data: bytes) -> None:
    written = b"\r\n" + stuffed(data) + b"\r\n.\r\n"

    assert written.find(b"\r\n.\r\n") == len(written) - 5


def test_non_ascii_local_part_needs_smtputf8() -> None:
    with running(enable_SMTPUTF8=False) as server, open_pool(transport(server.port)) as sending:
        (result,) = results(sending, mail("jürgen@a.example"))

    assert result.outcome is AttemptOutcome.REFUSED
    assert result.reply is not None
    assert result.reply.endswith("and the server does not offer SMTPUTF8")
    assert server.handler.commands == []


@pytest.mark.parametrize(
    ("sent", "options"),
    [
        (mail("jürgen@a.example"), ["SMTPUTF8", "BODY=8BITMIME"]),
        (mail(data="To: jürgen@a.example\r\n\r\nx\r\n".encode()), ["SMTPUTF8", "BODY=8BITMIME"]),
        (mail(), []),
    ],
    ids=["address", "header", "neither"],
)
def test_smtputf8_is_used_where_needed(sent: OutgoingMail, options: list[str]) -> None:
    with running(enable_SMTPUTF8=True) as server, open_pool(transport(server.port)) as sending:
        (result,) = results(sending, sent)

    (envelope,) = server.handler.envelopes
    assert result.outcome is AttemptOutcome.SENT
    assert [option for option in envelope.mail_options if not option.startswith("SIZE")] == options


def test_354_without_recipients_gets_no_message() -> None:
    # RFC 2920 allows this answer to commands that were sent at once.
    received = bytearray()

    def script(client: socket.socket) -> None:
        client.sendall(b"220 hello\r\n")
        for answer in (b"250-hello\r\n250 PIPELINING\r\n", b"250 ok\r\n550 no\r\n354 go on\r\n"):
            client.recv(1000)
            client.sendall(answer)
        received.extend(client.recv(1000))

    with scripted(script) as port, open_pool(transport(port)) as sending:
        (result,) = results(sending, mail())

    assert (result.outcome, result.code) == (AttemptOutcome.BOUNCED, 550)
    assert received == b""


def test_delivery_is_the_extension_of_the_bounce_address() -> None:
    assert verp("bounce@mail.example", "17ab") == "bounce+17ab@mail.example"
