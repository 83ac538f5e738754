"""Replies of SMTP servers, and the outcomes that they mean (sending §6.2).

A message goes out with its final dot. The replies before it decide whether it is begun; the one after it, whether the
server took it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from workspace_operator.sending.deliveries import AttemptOutcome

MAX_REPLY_CHARACTERS: Final = 300
GO_ON: Final = 354

NOT_ABOUT_THE_MESSAGE: Final = frozenset({421, 530, 534, 535, 538})
"""The server is closing, or wants TLS or a login first (RFC 4954, RFC 3207): a fault of the transport's settings."""

_enhanced = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)").match

# 5.1.7 and 5.1.8 are about the sender: servers that check it late answer so to RCPT, and the recipient exists.
_ABOUT_THE_SENDER = frozenset({"5.1.7", "5.1.8"})


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of a server; a code that is none of SMTP is -1."""

    code: int
    text: str

    @property
    def is_positive(self) -> bool:
        """2xx."""
        return self.code // 100 == 2

    @property
    def is_transient(self) -> bool:
        """4xx about the message."""
        return self.code // 100 == 4 and self.code not in NOT_ABOUT_THE_MESSAGE

    @property
    def is_permanent(self) -> bool:
        """5xx about the message."""
        return self.code // 100 == 5 and self.code not in NOT_ABOUT_THE_MESSAGE

    @property
    def is_unusable(self) -> bool:
        """It says nothing about the message: the server does not serve this client, or it does not speak SMTP."""
        return not (self.is_positive or self.is_transient or self.is_permanent)

    @property
    def enhanced(self) -> str | None:
        """The enhanced code of RFC 3463, such as 5.1.1."""
        found = _enhanced(self.text)
        return found and found[0]

    @property
    def names_invalid_address(self) -> bool:
        """A recipient that does not exist: 5.1.x, but not what is about the sender."""
        enhanced = self.enhanced or ""
        return self.is_permanent and enhanced.startswith("5.1.") and enhanced not in _ABOUT_THE_SENDER


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeReplies:
    """The replies to MAIL, to each RCPT, and to DATA; None for what was not sent any more."""

    sender: Reply
    recipients: tuple[tuple[str, Reply], ...] = ()
    data: Reply | None = None

    @property
    def all(self) -> tuple[Reply, ...]:
        """All replies, in order."""
        return (
            self.sender,
            *(reply for _, reply in self.recipients),
            *((self.data,) if self.data and self.data.code != GO_ON else ()),
        )

    @property
    def refused(self) -> frozenset[str]:
        """The recipients that were not taken."""
        return frozenset(address for address, reply in self.recipients if not reply.is_positive)

    @property
    def invalid_addresses(self) -> frozenset[str]:
        """The recipients that do not exist."""
        return frozenset(address for address, reply in self.recipients if reply.names_invalid_address)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The outcome of a message that is not begun, and the reply that decided it."""

    outcome: AttemptOutcome
    reply: Reply


def refusal(replies: EnvelopeReplies) -> Refusal | None:
    """Why a message is not begun: the first row that holds; None if the server waits for it."""
    return next((found for row in ENVELOPE_ROWS if (found := row(replies)) is not None), None)


def server_does_not_serve(replies: EnvelopeReplies) -> Refusal | None:
    """421, a demand for TLS or a login, or no SMTP, in reply to any command: nothing goes out."""
    unusable = next((reply for reply in replies.all if reply.is_unusable), None)
    return None if unusable is None else Refusal(AttemptOutcome.NOT_SENT, unusable)


def sender_refused(replies: EnvelopeReplies) -> Refusal | None:
    """4xx or 5xx to MAIL."""
    return None if replies.sender.is_positive else _refused(replies.sender)


def every_recipient_refused(replies: EnvelopeReplies) -> Refusal | None:
    """5xx to every RCPT."""
    answers = [reply for _, reply in replies.recipients]
    return Refusal(AttemptOutcome.BOUNCED, answers[0]) if all(reply.is_permanent for reply in answers) else None


def no_recipient_taken_yet(replies: EnvelopeReplies) -> Refusal | None:
    """4xx to some RCPT, and 2xx to none."""
    if any(reply.is_positive for _, reply in replies.recipients):
        return None
    transient = next(reply for _, reply in replies.recipients if reply.is_transient)
    return Refusal(AttemptOutcome.DEFERRED, transient)


def data_refused(replies: EnvelopeReplies) -> Refusal | None:
    """4xx or 5xx to DATA."""
    if replies.data is None or replies.data.code == GO_ON:
        return None
    return _refused(replies.data)


EnvelopeRow: TypeAlias = Callable[[EnvelopeReplies], Refusal | None]

ENVELOPE_ROWS: tuple[EnvelopeRow, ...] = (
    server_does_not_serve,
    sender_refused,
    every_recipient_refused,
    no_recipient_taken_yet,
    data_refused,
)
"""The rows of sending §6.2 for the replies before the message."""


def final_outcome(reply: Reply) -> AttemptOutcome:
    """The outcome by the reply to the final dot.

    421 and demands say that the server did not take it. A reply that is not SMTP leaves that open.
    """
    if reply.is_positive:
        return AttemptOutcome.SENT
    if reply.code in NOT_ABOUT_THE_MESSAGE:
        return AttemptOutcome.NOT_SENT
    return AttemptOutcome.UNKNOWN if reply.is_unusable else _refused(reply).outcome


def printable(text: str) -> str:
    """A reply on one line, for records: at most 300 printable characters."""
    words = "".join(character if character.isprintable() else " " for character in text).split()
    return " ".join(words)[:MAX_REPLY_CHARACTERS]


def _refused(reply: Reply) -> Refusal:
    """The refusal of a whole message: for now, or for good, which 2xx to DATA cannot be."""
    if reply.is_permanent:
        return Refusal(AttemptOutcome.REFUSED, reply)
    return Refusal(AttemptOutcome.DEFERRED if reply.is_transient else AttemptOutcome.NOT_SENT, reply)
