"""Each reply of a real server ends a hand-over as the table of sending §6.2 says, with and without pipelining."""

from collections.abc import Iterator

import pytest

from tests.mail.servers.scripted_server import answering, scripted
from tests.mail.servers.smtp_server import Running, running
from tests.mail.transports import mail, open_pool, results, transport
from workspace_operator.mail.pools import SMTPTransportPool
from workspace_operator.sending.deliveries import AttemptOutcome
from workspace_operator.sending.messages import OutgoingMail

SENT, DEFERRED, BOUNCED = AttemptOutcome.SENT, AttemptOutcome.DEFERRED, AttemptOutcome.BOUNCED
REFUSED, NOT_SENT, UNKNOWN = AttemptOutcome.REFUSED, AttemptOutcome.NOT_SENT, AttemptOutcome.UNKNOWN


@pytest.fixture(params=[True, False], ids=["pipelining", "one by one"])
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    with running(pipelining=request.param) as server:
        yield server


@pytest.fixture
def pool(server: Running) -> Iterator[SMTPTransportPool]:
    with open_pool(transport(server.port)) as pool:
        yield pool


def to(*names: str) -> OutgoingMail:
    return mail(*(f"{name}@a.example" for name in names))


ROWS = {
    "2xx to the end": (to("ann"), SENT, 250),
    "421 to MAIL": (mail(sender="mail-closing@a.example"), NOT_SENT, 421),
    "4xx to MAIL": (mail(sender="mail-later@a.example"), DEFERRED, 451),
    "5xx to MAIL": (mail(sender="mail-never@a.example"), REFUSED, 550),
    "421 to RCPT": (to("ann", "closing"), NOT_SENT, 421),
    "4xx to all RCPT": (to("later", "later"), DEFERRED, 450),
    "4xx and 5xx to RCPT": (to("never", "later"), DEFERRED, 450),
    "5xx to all RCPT": (to("never", "never"), BOUNCED, 550),
    "5xx to some RCPT": (to("never", "ann"), SENT, 250),
    "421 to DATA": (to("data-closing"), NOT_SENT, 421),
    "4xx to DATA": (to("data-later"), DEFERRED, 452),
    "5xx to DATA": (to("data-never"), REFUSED, 554),
    "cut before 354": (to("data-cut"), NOT_SENT, None),
    "421 after the dot": (to("dot-closing"), NOT_SENT, 421),
    "4xx after the dot": (to("dot-later"), DEFERRED, 451),
    "5xx after the dot": (to("dot-never"), REFUSED, 554),
    "cut after the dot": (to("dot-cut"), UNKNOWN, None),
}


@pytest.mark.parametrize(("sent", "outcome", "code"), ROWS.values(), ids=ROWS)
def test_reply_decides_the_outcome(
    pool: SMTPTransportPool, sent: OutgoingMail, outcome: AttemptOutcome, code: int | None
) -> None:
    (result,) = results(pool, sent)

    assert (result.outcome, result.code) == (outcome, code)
    assert result.reply


@pytest.mark.parametrize("sent", [row[0] for row in ROWS.values()], ids=ROWS)
def test_next_message_is_sent_after_any_reply(pool: SMTPTransportPool, server: Running, sent: OutgoingMail) -> None:
    following = to("bob")

    ended = results(pool, sent, following)

    assert (ended[1].delivery_id, ended[1].outcome) == (following.delivery_id, SENT)
    assert server.handler.envelopes[-1].rcpt_tos == ["bob@a.example"]


def test_unknown_recipients_are_named(pool: SMTPTransportPool) -> None:
    (result,) = results(pool, to("unknown", "never"))

    assert result.outcome is BOUNCED
    assert result.invalid_addresses == {"unknown@a.example"}


def test_refused_recipients_of_a_sent_message_are_recorded(pool: SMTPTransportPool, server: Running) -> None:
    (result,) = results(pool, to("unknown", "ann", "later"))

    assert server.handler.envelopes[0].rcpt_tos == ["ann@a.example"]
    assert result.refused == {"unknown@a.example", "later@a.example"}
    assert result.invalid_addresses == {"unknown@a.example"}
    assert result.reply == (
        "unknown@a.example refused: 550 5.1.1 no such user; later@a.example refused: 450 4.2.1 greylisted; 2.0.0 queued"
    )


def test_refusal_keeps_the_connection(pool: SMTPTransportPool, server: Running) -> None:
    ended = results(pool, to("ann"), to("never"), to("bob"))

    assert [result.outcome for result in ended] == [SENT, BOUNCED, SENT]
    assert len(server.handler.sessions) == 1


def test_server_that_ends_connections_gets_all_messages(pool: SMTPTransportPool, server: Running) -> None:
    # 421 instead of the reply to MAIL, as after a number of messages: the message goes by the next connection.
    first, second = to("ann"), mail(sender="mail-closing@a.example")

    ended = results(pool, first, second)

    assert [result.outcome for result in ended] == [SENT, NOT_SENT]
    assert server.handler.commands.count("MAIL") == 3


def test_connection_that_cannot_be_reset_is_not_used_again() -> None:
    script = answering(b"250 hello\r\n", b"250 ok\r\n", b"550 no\r\n")
    with scripted(script) as port, open_pool(transport(port)) as pool:
        ended = results(pool, to("ann"), to("bob"))

    assert [result.outcome for result in ended] == [BOUNCED, BOUNCED]


def test_larger_message_than_the_server_takes_is_refused(server: Running) -> None:
    with (
        running(pipelining=server.handler.pipelining, data_size_limit=1000) as small,
        open_pool(transport(small.port)) as pool,
    ):
        (result,) = results(pool, mail(data=b"Subject: s\r\n\r\n" + b"x" * 990 + b"\r\n"))

    assert (result.outcome, result.code) == (REFUSED, 552)
