"""One mail transaction: from MAIL to the reply to the final dot, or to the moment when the time is over (sending §6.2).

The bytes of a message cannot end it; the final dot does. It is in the last piece that is written, and the clock is read
directly before that.
"""

from dataclasses import replace
from typing import Final

from workspace_operator.mail import envelopes
from workspace_operator.mail.deadlines import Deadline, DeadlinePassed
from workspace_operator.mail.replies import GO_ON, EnvelopeReplies, Refusal, Reply, final_outcome, printable, refusal
from workspace_operator.mail.sessions import Session, SessionLost
from workspace_operator.sending.deliveries import AttemptOutcome
from workspace_operator.sending.messages import OutgoingMail
from workspace_operator.sending.outcomes import HandoverResult

DATA: Final = b"DATA\r\n"
FINAL_DOT: Final = b"\r\n.\r\n"


def hand_over(session: Session, mail: OutgoingMail, deadline: Deadline) -> HandoverResult:
    """Hand over a message. The session is closed if it cannot be used any more."""
    if (words := envelopes.problem(mail, session)) is not None:
        return HandoverResult(delivery_id=mail.delivery_id, outcome=AttemptOutcome.REFUSED, reply=words)
    session.deadline = deadline
    try:
        replies = _write_envelope(session, mail)
        refused = refusal(replies)
        if refused is None:
            _write_message(session, mail)
    except (DeadlinePassed, SessionLost) as error:
        return _not_sent(session, mail, str(error))
    if refused is not None:
        return _refused(session, mail, replies, refused)
    return _read_outcome(session, mail, replies)


def _write_envelope(session: Session, mail: OutgoingMail) -> EnvelopeReplies:
    """Send MAIL, RCPT and DATA, at once if the server offers that (RFC 2920), and read the replies."""
    lines, at_once = envelopes.commands(mail, session), session.has_extn("pipelining")
    if at_once:
        session.send(b"".join((*lines, DATA)))
    answer = _next_reply if at_once else _command
    sender = answer(session, lines[0])
    if sender.is_unusable or not (at_once or sender.is_positive):
        return EnvelopeReplies(sender=sender)
    recipients: list[tuple[str, Reply]] = []
    for address, line in zip(mail.recipients, lines[1:], strict=True):
        recipients.append((address, answer(session, line)))
        if recipients[-1][1].is_unusable:
            return EnvelopeReplies(sender=sender, recipients=tuple(recipients))
    replies = EnvelopeReplies(sender=sender, recipients=tuple(recipients))
    if not at_once and refusal(replies) is not None:
        return replies
    return replace(replies, data=answer(session, DATA))


def _write_message(session: Session, mail: OutgoingMail) -> None:
    """Write the message and its final dot, which is last in a piece that the clock is read before."""
    session.limit_kernel()
    session.send(envelopes.stuffed(mail.data) + FINAL_DOT)


def _read_outcome(session: Session, mail: OutgoingMail, replies: EnvelopeReplies) -> HandoverResult:
    """The reply to the final dot, which the server has got, or may get until the deadline."""
    try:
        reply = session.reply()
    except (DeadlinePassed, SessionLost) as error:
        session.abort()
        words = f"no answer to the final dot: {error}"
        return HandoverResult(delivery_id=mail.delivery_id, outcome=AttemptOutcome.UNKNOWN, reply=words)
    outcome = final_outcome(reply)
    if outcome in {AttemptOutcome.NOT_SENT, AttemptOutcome.UNKNOWN}:
        session.abort()
    if outcome is not AttemptOutcome.SENT:
        return _result(mail, Refusal(outcome, reply), replies)
    session.taken += 1
    return HandoverResult(
        delivery_id=mail.delivery_id,
        outcome=outcome,
        code=reply.code,
        reply=_sent_words(reply, replies),
        invalid_addresses=replies.invalid_addresses,
        refused=replies.refused,
    )


def _refused(session: Session, mail: OutgoingMail, replies: EnvelopeReplies, refused: Refusal) -> HandoverResult:
    """A message that was not begun: leave the session ready for the next one, or close it."""
    awaits_message = replies.data is not None and replies.data.code == GO_ON
    if refused.outcome is AttemptOutcome.NOT_SENT or awaits_message or not _reset(session):
        session.abort()
    return _result(mail, refused, replies)


def _reset(session: Session) -> bool:
    """Clear the server's envelope; whether it did."""
    try:
        return _command(session, b"RSET\r\n").is_positive
    except (DeadlinePassed, SessionLost):
        return False


def _result(mail: OutgoingMail, refused: Refusal, replies: EnvelopeReplies) -> HandoverResult:
    return HandoverResult(
        delivery_id=mail.delivery_id,
        outcome=refused.outcome,
        code=refused.reply.code if refused.reply.code > 0 else None,
        reply=printable(refused.reply.text),
        invalid_addresses=replies.invalid_addresses,
    )


def _not_sent(session: Session, mail: OutgoingMail, words: str) -> HandoverResult:
    session.abort()
    return HandoverResult(delivery_id=mail.delivery_id, outcome=AttemptOutcome.NOT_SENT, reply=words)


def _sent_words(reply: Reply, replies: EnvelopeReplies) -> str:
    """The reply, after the recipients that were refused."""
    refused = (
        f"{address} refused: {answer.code} {answer.text};"
        for address, answer in replies.recipients
        if not answer.is_positive
    )
    return printable(" ".join((*refused, reply.text)))


def _command(session: Session, line: bytes) -> Reply:
    session.send(line)
    return session.reply()


def _next_reply(session: Session, _sent: bytes) -> Reply:
    return session.reply()
