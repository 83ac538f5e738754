"""Outcomes by the replies of a server: each row of the table of sending §6.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.mail.replies import EnvelopeReplies, Reply, final_outcome, printable, refusal
from workspace_operator.sending.deliveries import AttemptOutcome

OK, GO_ON = Reply(250, "ok"), Reply(354, "go on")
LATER, NEVER, CLOSING = Reply(450, "later"), Reply(550, "no"), Reply(421, "closing")
NONSENSE = Reply(-1, "HTTP/1.1 400")

SENT, DEFERRED, BOUNCED = AttemptOutcome.SENT, AttemptOutcome.DEFERRED, AttemptOutcome.BOUNCED
REFUSED, NOT_SENT, UNKNOWN = AttemptOutcome.REFUSED, AttemptOutcome.NOT_SENT, AttemptOutcome.UNKNOWN


def envelope(sender: Reply, *recipients: Reply, data: Reply | None = None) -> EnvelopeReplies:
    answers = tuple((f"{number}@a.example", reply) for number, reply in enumerate(recipients))
    return EnvelopeReplies(sender=sender, recipients=answers, data=data)


REFUSALS = {
    "all is taken": (envelope(OK, OK, OK, data=GO_ON), None),
    "forwarded recipient is taken": (envelope(OK, Reply(251, "will forward"), data=GO_ON), None),
    "421 to MAIL": (envelope(CLOSING), NOT_SENT),
    "421 to RCPT": (envelope(OK, OK, CLOSING), NOT_SENT),
    "421 to DATA": (envelope(OK, OK, data=CLOSING), NOT_SENT),
    "login wanted by MAIL": (envelope(Reply(530, "5.7.0 Authentication required")), NOT_SENT),
    "TLS wanted by RCPT": (envelope(OK, Reply(538, "5.7.11 Encryption required")), NOT_SENT),
    "no SMTP": (envelope(NONSENSE), NOT_SENT),
    "354 to MAIL": (envelope(GO_ON), NOT_SENT),
    "4xx to MAIL": (envelope(LATER), DEFERRED),
    "5xx to MAIL": (envelope(NEVER, NEVER, data=NEVER), REFUSED),
    "4xx to all RCPT": (envelope(OK, LATER, LATER, data=NEVER), DEFERRED),
    "4xx and 5xx to RCPT": (envelope(OK, NEVER, LATER), DEFERRED),
    "5xx to all RCPT": (envelope(OK, NEVER, NEVER, data=NEVER), BOUNCED),
    "5xx to all RCPT, and DATA is taken": (envelope(OK, NEVER, data=GO_ON), BOUNCED),
    "5xx to some RCPT": (envelope(OK, NEVER, OK, data=GO_ON), None),
    "4xx to some RCPT": (envelope(OK, OK, LATER, data=GO_ON), None),
    "DATA not yet sent": (envelope(OK, OK), None),
    "4xx to DATA": (envelope(OK, OK, data=LATER), DEFERRED),
    "5xx to DATA": (envelope(OK, OK, data=NEVER), REFUSED),
    "2xx to DATA": (envelope(OK, OK, data=OK), NOT_SENT),
}


@pytest.mark.parametrize(("replies", "outcome"), REFUSALS.values(), ids=REFUSALS)
def test_replies_before_the_message(replies: EnvelopeReplies, outcome: AttemptOutcome | None) -> None:
    found = refusal(replies)

    assert (found and found.outcome) == outcome


FINAL = {
    "2xx": (OK, SENT),
    "4xx": (LATER, DEFERRED),
    "5xx": (NEVER, REFUSED),
    "421": (CLOSING, NOT_SENT),
    "login wanted": (Reply(530, "5.7.0 Authentication required"), NOT_SENT),
    "no SMTP": (NONSENSE, UNKNOWN),
    "354 again": (GO_ON, UNKNOWN),
}


@pytest.mark.parametrize(("reply", "outcome"), FINAL.values(), ids=FINAL)
def test_reply_to_the_final_dot(reply: Reply, outcome: AttemptOutcome) -> None:
    assert final_outcome(reply) is outcome


@pytest.mark.parametrize("deciding", [NEVER, LATER], ids=["for good", "for now"])
def test_refusal_has_the_reply_that_decided(deciding: Reply) -> None:
    found = refusal(envelope(OK, OK, data=deciding))

    assert found is not None
    assert found.reply is deciding


INVALID = {
    "unknown mailbox": (Reply(550, "5.1.1 unknown user"), True),
    "unknown domain": (Reply(550, "5.1.2 no such domain"), True),
    "code alone": (Reply(550, "5.1.1"), True),
    "policy": (Reply(550, "5.7.1 relaying denied"), False),
    "mailbox full": (Reply(552, "5.2.2 full"), False),
    "sender's mailbox": (Reply(550, "5.1.7 bad sender"), False),
    "sender's domain": (Reply(553, "5.1.8 bad sender's domain"), False),
    "for now": (Reply(450, "5.1.1 greylisted"), False),
    "no enhanced code": (Reply(550, "no such user"), False),
    "a longer number": (Reply(550, "5.1.1234 no such user"), False),
    "a version": (Reply(550, "5.1.1.9 mailer"), False),
}


@pytest.mark.parametrize(("reply", "is_invalid"), INVALID.values(), ids=INVALID)
def test_recipients_that_do_not_exist(reply: Reply, *, is_invalid: bool) -> None:
    replies = envelope(OK, OK, reply)

    assert replies.refused == {"1@a.example"}
    assert replies.invalid_addresses == ({"1@a.example"} if is_invalid else set())


def test_reply_is_recorded_on_one_line() -> None:
    assert printable("5.7.1 no\nsee\t\x00https://a.example \u202eback") == "5.7.1 no see https://a.example back"


@given(st.text(max_size=1000))
def test_any_reply_is_printable(text: str) -> None:
    recorded = printable(text)

    assert recorded.isprintable()
    assert len(recorded) <= 300
