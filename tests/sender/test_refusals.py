"""Counts of messages that servers refused, by hour."""

from datetime import UTC, datetime, timedelta

from workspace_operator.application.ports import EndedAttempt, RefusedMessages
from workspace_operator.application.sending.handover.refusals import RefusalCounts
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState

HOUR = datetime(2026, 11, 29, 8, tzinfo=UTC)


def ended(outcome: AttemptOutcome = AttemptOutcome.REFUSED, code: int | None = 550) -> EndedAttempt:
    return EndedAttempt(delivery_id="d", number=1, outcome=outcome, code=code, reply="", state=DeliveryState.FAILED)


def refused(hour: datetime, count: int, code: int = 550) -> RefusedMessages:
    return RefusedMessages(transport="default", hour=hour, code=code, count=count)


def test_refusals_count_by_hour_and_code() -> None:
    counts = RefusalCounts()

    for minutes, codes in ((59, (550, 550)), (61, (554,)), (30, (550,))):
        counts.add("default", [ended(code=code) for code in codes], now=HOUR + timedelta(minutes=minutes))

    later = HOUR + timedelta(hours=1)
    assert counts.recent(later) == [refused(HOUR, 3), refused(later, 1, 554)]


def test_other_outcomes_do_not_count() -> None:
    counts = RefusalCounts()
    outcomes = [ended(outcome) for outcome in AttemptOutcome if outcome is not AttemptOutcome.REFUSED]

    counts.add("default", [*outcomes, ended(code=None)], now=HOUR)

    assert counts.recent(HOUR) == []


def test_refusals_of_yesterday_are_dropped() -> None:
    counts = RefusalCounts()
    counts.add("default", [ended()], now=HOUR)

    assert counts.recent(HOUR + timedelta(hours=24, seconds=-1)) == [refused(HOUR, 1)]
    assert counts.recent(HOUR + timedelta(hours=24)) == []
