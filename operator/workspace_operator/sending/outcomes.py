"""Outcomes of hand-overs, and what follows for a delivery: sent, tried again, or over (sending §3.5, §6.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState

RETRY_DELAYS: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
"""Delay after each refusal for now (4xx); the last one repeats."""

RETRY_PERIOD: Final = timedelta(hours=24)
"""A delivery is not tried again when its next try would be longer than this after its first one."""

RETRY_NOT_SENT: Final = timedelta(seconds=2)
"""Delay after a connection that ended before the final dot; it doubles with each of them in a delivery."""

MAX_RETRY_NOT_SENT: Final = timedelta(minutes=5)
RETRY_UNKNOWN_OUTCOME: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverResult:
    """How one hand-over ended.

    Attributes:
        code: the server's SMTP code; None without an answer, and for a message that cannot be written in SMTP.
        reply: the server's reply, or why there is none; printable, at most 300 characters.
        invalid_addresses: recipients, as in the envelope, that the server does not know (enhanced code 5.1.x).
        refused: recipients that the server refused while it took the message for others.
    """

    delivery_id: str
    outcome: AttemptOutcome
    code: int | None = None
    reply: str | None = None
    invalid_addresses: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The earlier attempts of a delivery.

    Attributes:
        attempts: number of attempts before the one that ended now, of any outcome.
        tries: those that used up a try; ``unknowns`` those whose outcome is unknown.
        first_tried_at: when the first attempt of the delivery began, be it this one.
    """

    attempts: int
    tries: int
    unknowns: int
    first_tried_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """What follows for a delivery.

    Attributes:
        failure: why it was not sent, in words; None for a message that was sent.
        due_at: of the next try, if ``state`` is waiting.
        counts_as_try: whether the attempt uses up a try.
    """

    state: DeliveryState
    failure: str | None = None
    due_at: datetime | None = None
    counts_as_try: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt that ended at ``now``; ``jitter`` is from 0 to 1, and spreads what failed at the same moment."""

    result: HandoverResult
    history: History
    now: datetime
    jitter: float

    @property
    def answer(self) -> str:
        """Code and reply, as far as there are any."""
        return " ".join(str(part) for part in (self.result.code, self.result.reply) if part) or "no answer"


def follow_up(result: HandoverResult, history: History, *, now: datetime, jitter: float) -> FollowUp:
    """What follows for the delivery of an attempt: the first row that holds."""
    ended = Ended(result=result, history=history, now=now, jitter=jitter)
    return next(following for row in ROWS if (following := row(ended)) is not None)


def address_keys(result: HandoverResult) -> frozenset[str]:
    """The e-mail keys of the recipients that the server does not know."""
    return frozenset(key for key in map(email_key, result.invalid_addresses) if key is not None)


def taken(ended: Ended) -> FollowUp | None:
    """The server took the message, for all recipients or for some."""
    return FollowUp(state=DeliveryState.SENT) if ended.result.outcome is AttemptOutcome.SENT else None


def ended_before_the_dot(ended: Ended) -> FollowUp | None:
    """Nothing went out: the connection ended, the server is closing (421), or time was over. No try is used up."""
    if ended.result.outcome is not AttemptOutcome.NOT_SENT:
        return None
    history = ended.history
    doublings = max(0, history.attempts - history.tries - history.unknowns)
    delay = min(RETRY_NOT_SENT * 2 ** min(doublings, 16), MAX_RETRY_NOT_SENT) * (0.5 + ended.jitter)
    return FollowUp(
        state=DeliveryState.WAITING, due_at=ended.now + delay, failure=f"it was not handed over: {ended.answer}"
    )


def unknown_once(ended: Ended) -> FollowUp | None:
    """The server may have taken the message: one more try, which may make a second copy."""
    if ended.result.outcome is not AttemptOutcome.UNKNOWN or ended.history.unknowns:
        return None
    return FollowUp(
        state=DeliveryState.WAITING,
        due_at=ended.now + RETRY_UNKNOWN_OUTCOME,
        failure=f"the server may have taken the message: {ended.answer}",
    )


def unknown_again(ended: Ended) -> FollowUp | None:
    """The second unknown outcome of a delivery: a third copy would be worse than a loss."""
    if ended.result.outcome is not AttemptOutcome.UNKNOWN:
        return None
    return FollowUp(
        state=DeliveryState.FAILED,
        failure=f"the outcome of two hand-overs is unknown, the message may have been taken: {ended.answer}",
    )


def refused_for_now(ended: Ended) -> FollowUp | None:
    """A 4xx: tried again, longer after each refusal, within a day of the first try."""
    if ended.result.outcome is not AttemptOutcome.DEFERRED:
        return None
    due_at = ended.now + RETRY_DELAYS[min(ended.history.tries, len(RETRY_DELAYS) - 1)]
    if due_at - ended.history.first_tried_at > RETRY_PERIOD:
        return None
    failure = f"the server refused it for now: {ended.answer}"
    return FollowUp(state=DeliveryState.WAITING, due_at=due_at, counts_as_try=True, failure=failure)


def refused_for_a_day(ended: Ended) -> FollowUp | None:
    """A 4xx when all tries are used up."""
    if ended.result.outcome is not AttemptOutcome.DEFERRED:
        return None
    tries, hours = ended.history.tries + 1, RETRY_PERIOD / timedelta(hours=1)
    failure = f"the server refused it {tries} times in {hours:g} h, the last time with: {ended.answer}"
    return FollowUp(state=DeliveryState.FAILED, counts_as_try=True, failure=failure)


def every_recipient_refused(ended: Ended) -> FollowUp | None:
    """A 5xx to every RCPT."""
    if ended.result.outcome is not AttemptOutcome.BOUNCED:
        return None
    failure = f"the server refused every recipient: {ended.answer}"
    return FollowUp(state=DeliveryState.BOUNCED, counts_as_try=True, failure=failure)


def message_refused(ended: Ended) -> FollowUp | None:
    """A 5xx to MAIL or DATA, or a message that cannot be written in SMTP."""
    if ended.result.outcome is not AttemptOutcome.REFUSED:
        return None
    failure = f"the message or its sender was refused: {ended.answer}"
    return FollowUp(state=DeliveryState.FAILED, counts_as_try=True, failure=failure)


Row: TypeAlias = Callable[[Ended], FollowUp | None]

ROWS: tuple[Row, ...] = (
    taken,
    ended_before_the_dot,
    unknown_once,
    unknown_again,
    refused_for_now,
    refused_for_a_day,
    every_recipient_refused,
    message_refused,
)
"""The rows of sending §3.5 and §6.2, one of which holds for every outcome."""
