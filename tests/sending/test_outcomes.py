"""What follows for a delivery when an attempt has ended: each row of sending §3.5 and §6.2."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.sending.deliveries import FINAL_STATES, AttemptOutcome, DeliveryState
from workspace_operator.sending.outcomes import (
    MAX_RETRY_NOT_SENT,
    RETRY_PERIOD,
    ROWS,
    Ended,
    FollowUp,
    HandoverResult,
    History,
    address_keys,
    follow_up,
)

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FIRST = History(attempts=0, tries=0, unknowns=0, first_tried_at=NOW)

SENT, DEFERRED, BOUNCED = AttemptOutcome.SENT, AttemptOutcome.DEFERRED, AttemptOutcome.BOUNCED
REFUSED, NOT_SENT, UNKNOWN = AttemptOutcome.REFUSED, AttemptOutcome.NOT_SENT, AttemptOutcome.UNKNOWN


def result(outcome: AttemptOutcome, code: int | None = None, reply: str | None = None) -> HandoverResult:
    return HandoverResult(delivery_id="17ab", outcome=outcome, code=code, reply=reply)


def history(*, tries: int = 0, unknowns: int = 0, not_sent: int = 0, first: timedelta = timedelta(0)) -> History:
    attempts = tries + unknowns + not_sent
    return History(attempts=attempts, tries=tries, unknowns=unknowns, first_tried_at=NOW - first)


def following(outcome: AttemptOutcome, earlier: History = FIRST, *, jitter: float = 0.5) -> FollowUp:
    return follow_up(result(outcome, 450, "later"), earlier, now=NOW, jitter=jitter)


def after(**delay: float) -> datetime:
    return NOW + timedelta(**delay)


STATES = {
    "a message that the server took is sent": (SENT, FIRST, DeliveryState.SENT, False),
    "one that ended before the dot waits": (NOT_SENT, FIRST, DeliveryState.WAITING, False),
    "an unknown outcome is tried once more": (UNKNOWN, FIRST, DeliveryState.WAITING, False),
    "a second unknown outcome is the end": (UNKNOWN, history(unknowns=1), DeliveryState.FAILED, False),
    "a refusal for now waits": (DEFERRED, FIRST, DeliveryState.WAITING, True),
    "a refusal for now after a day is the end": (
        DEFERRED,
        history(tries=24, first=timedelta(hours=23, minutes=30)),
        DeliveryState.FAILED,
        True,
    ),
    "refused recipients bounce": (BOUNCED, FIRST, DeliveryState.BOUNCED, True),
    "a refused message fails": (REFUSED, FIRST, DeliveryState.FAILED, True),
}


@pytest.mark.parametrize(("outcome", "earlier", "state", "counts"), STATES.values(), ids=STATES)
def test_state_after_an_attempt(
    outcome: AttemptOutcome, earlier: History, state: DeliveryState, *, counts: bool
) -> None:
    follows = following(outcome, earlier)

    assert (follows.state, follows.counts_as_try) == (state, counts)
    assert (follows.due_at is None) == (state in FINAL_STATES)
    assert (follows.failure is None) == (state is DeliveryState.SENT)


DELAYS = {
    "first refusal for now": (DEFERRED, FIRST, after(minutes=1)),
    "second": (DEFERRED, history(tries=1), after(minutes=5)),
    "third": (DEFERRED, history(tries=2), after(minutes=15)),
    "fourth": (DEFERRED, history(tries=3), after(hours=1)),
    "twentieth": (DEFERRED, history(tries=19), after(hours=1)),
    "the last within a day": (DEFERRED, history(tries=24, first=timedelta(hours=23)), after(hours=1)),
    "unknown outcome": (UNKNOWN, history(tries=2, not_sent=3), after(minutes=5)),
    "first connection that ended": (NOT_SENT, FIRST, after(seconds=2)),
    "third connection that ended": (NOT_SENT, history(not_sent=2, tries=1, unknowns=1), after(seconds=8)),
    "hundredth connection that ended": (NOT_SENT, history(not_sent=99), after(minutes=5)),
}


@pytest.mark.parametrize(("outcome", "earlier", "due_at"), DELAYS.values(), ids=DELAYS)
def test_next_try_is_due(outcome: AttemptOutcome, earlier: History, due_at: datetime) -> None:
    assert following(outcome, earlier).due_at == due_at


def test_jitter_spreads_what_failed_together() -> None:
    earliest, latest = (following(NOT_SENT, jitter=jitter).due_at for jitter in (0.0, 1.0))

    assert (earliest, latest) == (after(seconds=1), after(seconds=3))


WORDS = {
    "not sent": (NOT_SENT, FIRST, "it was not handed over: 450 later"),
    "unknown": (UNKNOWN, FIRST, "the server may have taken the message: 450 later"),
    "unknown again": (
        UNKNOWN,
        history(unknowns=1),
        "the outcome of two hand-overs is unknown, the message may have been taken: 450 later",
    ),
    "deferred": (DEFERRED, FIRST, "the server refused it for now: 450 later"),
    "deferred for a day": (
        DEFERRED,
        history(tries=24, first=RETRY_PERIOD),
        "the server refused it 25 times in 24 h, the last time with: 450 later",
    ),
    "bounced": (BOUNCED, FIRST, "the server refused every recipient: 450 later"),
    "refused": (REFUSED, FIRST, "the message or its sender was refused: 450 later"),
}


@pytest.mark.parametrize(("outcome", "earlier", "words"), WORDS.values(), ids=WORDS)
def test_failure_says_what_happened(outcome: AttemptOutcome, earlier: History, words: str) -> None:
    assert following(outcome, earlier).failure == words


def test_failure_without_an_answer_says_so() -> None:
    follows = follow_up(result(NOT_SENT), FIRST, now=NOW, jitter=0)

    assert follows.failure == "it was not handed over: no answer"


def test_a_server_that_always_defers_ends_within_a_day() -> None:
    now, tries, follows = NOW, 0, following(DEFERRED)
    while follows.due_at is not None:
        now, tries = follows.due_at, tries + 1
        earlier = History(attempts=tries, tries=tries, unknowns=0, first_tried_at=NOW)
        follows = follow_up(result(DEFERRED), earlier, now=now, jitter=0)

    assert follows.state is DeliveryState.FAILED
    assert timedelta(hours=23) <= now - NOW <= RETRY_PERIOD
    assert tries == 26


@given(
    outcome=st.sampled_from(AttemptOutcome),
    tries=st.integers(0, 100),
    unknowns=st.integers(0, 3),
    not_sent=st.integers(0, 10_000),
    jitter=st.floats(0, 1),
    age=st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_every_attempt_has_one_follow_up(
    outcome: AttemptOutcome, tries: int, unknowns: int, not_sent: int, jitter: float, age: timedelta
) -> None:
    earlier = history(tries=tries, unknowns=unknowns, not_sent=not_sent, first=age)

    follows = follow_up(result(outcome), earlier, now=NOW, jitter=jitter)

    assert (follows.due_at is not None) == (follows.state is DeliveryState.WAITING)
    assert follows.due_at is None or NOW < follows.due_at <= NOW + max(MAX_RETRY_NOT_SENT * 1.5, timedelta(hours=1))
    assert follows.counts_as_try == (outcome in {DEFERRED, BOUNCED, REFUSED})


HOLDS = {
    SENT: ["taken"],
    NOT_SENT: ["ended_before_the_dot"],
    UNKNOWN: ["unknown_once", "unknown_again"],
    DEFERRED: ["refused_for_now", "refused_for_a_day"],
    BOUNCED: ["every_recipient_refused"],
    REFUSED: ["message_refused"],
}


@pytest.mark.parametrize("outcome", AttemptOutcome)
def test_rows_hold_for_their_outcome_alone(outcome: AttemptOutcome) -> None:
    ended = Ended(result=result(outcome), history=FIRST, now=NOW, jitter=0)

    assert [row.__name__ for row in ROWS if row(ended) is not None] == HOLDS[outcome]


def test_invalid_addresses_become_keys() -> None:
    ended = HandoverResult(
        delivery_id="17ab", outcome=BOUNCED, invalid_addresses=frozenset({"Ann@A.Example", "no address"})
    )

    assert address_keys(ended) == {"ann@a.example"}
