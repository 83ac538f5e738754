"""Pauses: longer after each failure, and over with the first success."""

import pytest

from tests.mail.test_rates import SetClock
from workspace_operator.mail.pauses import MAX_BROKEN, Pause


def pause(clock: SetClock, jitter: float = 1.0) -> Pause:
    return Pause(clock, lambda: jitter)


def test_transport_is_not_paused_at_first() -> None:
    assert pause(SetClock()).remaining() == 0


def test_pause_doubles_up_to_five_minutes() -> None:
    failing = pause(SetClock())

    seconds = [failing.fail() for _ in range(40)]

    assert seconds[:5] == [1, 2, 4, 8, 16]
    assert seconds[8:] == [256, *[300] * 31]


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 0.5), (1.0, 1.0)])
def test_half_of_a_pause_is_random(jitter: float, seconds: float) -> None:
    assert pause(SetClock(), jitter).fail() == seconds


def test_pause_ends_with_time() -> None:
    clock = SetClock()
    failing = pause(clock)
    failing.fail()

    clock.now += 0.25
    assert failing.remaining() == 0.75
    clock.now += 1
    assert failing.remaining() == 0
    assert failing.failures == 1


def test_success_ends_the_pause() -> None:
    failing = pause(SetClock())
    failing.fail()

    failing.succeed()

    assert (failing.remaining(), failing.failures) == (0, 0)
    assert failing.fail() == 1


def test_some_broken_connections_are_no_failure() -> None:
    failing = pause(SetClock())

    broken = [failing.connection_broke() for _ in range(MAX_BROKEN - 1)]
    failing.succeed()

    assert broken == [False] * (MAX_BROKEN - 1)
    assert not failing.connection_broke()


def test_many_broken_connections_in_a_row_are_a_failure() -> None:
    failing = pause(SetClock())

    assert [failing.connection_broke() for _ in range(MAX_BROKEN)][-1]
