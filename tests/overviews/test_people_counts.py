"""Counts of people are made beside requests, once at a time, and kept for a minute."""

import threading
from collections.abc import Iterator

import pytest

from tests.store.backends import Clock
from workspace_operator.application.overviews import people_counts
from workspace_operator.application.overviews.people_counts import PeopleCounter
from workspace_operator.errors import NotFound, StoreUnavailable
from workspace_operator.workspaces.model import PeopleCounts

TWO = PeopleCounts(total=2)


class Counting:
    """Counts when it is let, and notes which workspaces."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.error: Exception | None = None

    def __call__(self, number: int) -> PeopleCounts:
        self.calls.append(number)
        assert self.may_go_on.wait(60)
        if self.error:
            raise self.error
        return TWO


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counter(counting: Counting, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[PeopleCounter]:
    monkeypatch.setattr(people_counts, "WAIT_SECONDS", 60)
    made = PeopleCounter(count=counting, clock=clock)
    yield made
    counting.may_go_on.set()
    made.close()


def test_small_workspaces_are_counted_at_once(counter: PeopleCounter) -> None:
    assert counter.counts([1, 2]) == {1: TWO, 2: TWO}


def test_counts_are_kept_for_a_minute(counter: PeopleCounter, counting: Counting, clock: Clock) -> None:
    counter.counts([1])
    clock.advance(60)
    counter.counts([1])
    kept = list(counting.calls)

    clock.advance(1)
    counter.counts([1])

    assert (kept, counting.calls) == ([1], [1, 1])


def test_large_workspace_is_waited_for_by_nobody(
    counter: PeopleCounter, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_counts, "WAIT_SECONDS", 0.01)
    counting.may_go_on.clear()

    first = [counter.counts([1]) for _ in range(3)]
    counting.may_go_on.set()
    monkeypatch.setattr(people_counts, "WAIT_SECONDS", 60)
    then = counter.counts([1])

    assert first == [{1: None}] * 3
    assert then == {1: TWO}
    assert counting.calls == [1]


@pytest.mark.parametrize("error", [StoreUnavailable("away"), NotFound("deleted")])
def test_failed_count_is_made_again(counter: PeopleCounter, counting: Counting, error: Exception) -> None:
    counting.error = error
    failed = counter.counts([1])
    counting.error = None

    assert failed == {1: None}
    assert counter.counts([1]) == {1: TWO}


def test_few_counts_are_kept(counter: PeopleCounter, monkeypatch: pytest.MonkeyPatch, counting: Counting) -> None:
    monkeypatch.setattr(people_counts, "MAX_KEPT", 2)
    for number in (1, 2, 3):
        counter.counts([number])

    counter.counts([3, 2, 1])

    assert counting.calls == [1, 2, 3, 1]
