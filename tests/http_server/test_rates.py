"""Rates of clients: a burst, then so many a second, and the memory of clients is bounded."""

from dataclasses import dataclass

from workspace_operator.http_server.rates import MAX_BUCKETS, Rates


@dataclass
class Time:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_client_may_send_a_burst_and_then_waits() -> None:
    rates = Rates(per_second=2, at_once=3, monotonic=Time())

    waits = [rates.seconds_until_free("ann") for _ in range(4)]

    assert waits == [0, 0, 0, 0.5]


def test_waiting_allows_more() -> None:
    time = Time()
    rates = Rates(per_second=2, at_once=1, monotonic=time)
    rates.seconds_until_free("ann")

    time.now += 0.5

    assert rates.seconds_until_free("ann") == 0
    assert rates.seconds_until_free("ann") == 0.5


def test_pause_saves_no_more_than_a_burst() -> None:
    time = Time()
    rates = Rates(per_second=2, at_once=2, monotonic=time)
    rates.seconds_until_free("ann")

    time.now += 3600

    assert [rates.seconds_until_free("ann") > 0 for _ in range(3)] == [False, False, True]


def test_clients_do_not_share() -> None:
    rates = Rates(per_second=1, at_once=1, monotonic=Time())

    assert [rates.seconds_until_free(name) for name in ("ann", "bob")] == [0, 0]


def test_client_seen_longest_ago_is_forgotten() -> None:
    rates = Rates(per_second=1, at_once=1, monotonic=Time())

    for number in range(MAX_BUCKETS + 1):
        rates.seconds_until_free(number)

    assert rates.seconds_until_free(1) == 1
    assert rates.seconds_until_free(0) == 0
