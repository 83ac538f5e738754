"""Rates: what may begin now, and when one more may."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.mail import rates as rates_module
from workspace_operator.mail.rates import Rates, TokenBucket


@dataclass
class SetClock:
    """A clock that a test sets."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def rates(clock: SetClock, *, per_second: float = 10.0, per_workspace: float = 5.0) -> Rates:
    return Rates(per_second=per_second, per_workspace=per_workspace, clock=clock)


def capacity(limited: Rates, workspace: int) -> tuple[int, float]:
    number, seconds = limited.capacity(workspace)
    return number, round(seconds, 3)


def test_one_second_may_begin_at_once() -> None:
    assert capacity(rates(SetClock()), 1) == (5, 0.2)


def test_workspace_is_limited_by_its_own_rate() -> None:
    limited = rates(SetClock())

    limited.take(1, 5)

    assert capacity(limited, 1) == (0, 0.2)
    assert limited.capacity(2)[0] == 5


def test_all_workspaces_share_the_transport() -> None:
    limited = rates(SetClock())

    limited.take(1, 5)
    limited.take(2, 5)

    assert capacity(limited, 3) == (0, 0.1)


def test_tokens_come_back_with_time() -> None:
    clock = SetClock()
    limited = rates(clock)
    limited.take(1, 5)

    clock.now += 0.625

    assert capacity(limited, 1) == (3, 0.175)


def test_debt_is_paid_first() -> None:
    clock = SetClock()
    limited = rates(clock)
    limited.take(1, 8)

    assert capacity(limited, 1) == (0, 0.8)
    clock.now += 0.81
    assert limited.capacity(1)[0] == 1


def test_rate_below_one_a_second_lets_one_begin() -> None:
    clock = SetClock()
    limited = rates(clock, per_workspace=0.1)

    assert limited.capacity(1)[0] == 1
    limited.take(1, 1)
    assert capacity(limited, 1) == (0, 10)


def test_workspaces_that_rest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates_module, "MAX_BUCKETS", 3)
    clock = SetClock()
    limited = rates(clock, per_second=1000)
    limited.take(1, 5)

    for workspace in range(2, 20):
        limited.capacity(workspace)

    assert len(limited._workspaces) <= 4
    assert limited.capacity(1)[0] == 0


@given(st.floats(0.01, 1000), st.lists(st.tuples(st.integers(0, 50), st.floats(0, 10)), max_size=20))
def test_bucket_never_exceeds_its_rate(per_second: float, steps: list[tuple[int, float]]) -> None:
    clock, taken = 0.0, 0
    bucket = TokenBucket(per_second, clock)
    for wanted, seconds in steps:
        number = min(wanted, int(max(0.0, bucket.available(clock))))
        bucket.take(number, clock)
        taken += number
        clock += seconds

    assert taken <= max(1.0, per_second) + per_second * clock + 1e-6


@given(st.floats(0.01, 1000), st.integers(0, 100))
def test_one_more_may_begin_when_the_time_has_come(per_second: float, taken: int) -> None:
    bucket = TokenBucket(per_second, 0.0)
    bucket.take(taken, 0.0)
    before = max(0, int(bucket.available(0.0) // 1))
    wait = bucket.seconds_until_next(0.0)

    later = bucket.available(wait * (1 + 1e-9) + 1e-9)

    assert wait >= 0
    assert later >= min(before + 1, max(1.0, per_second)) - 1e-6
