"""The worker's loop outlives whatever its worker runs into."""

import threading
from collections.abc import Callable

import pytest

from workspace_operator.errors import StoreUnavailable
from workspace_operator.worker.loop import WorkerLoop


class Failing:
    """A duty that fails so many times, then tells the loop to stop."""

    def __init__(self, error: Exception, times: int, stop: Callable[[], None]) -> None:
        self.error, self.left, self.stop = error, times, stop

    def work_once(self) -> bool:
        self.left -= 1
        if self.left <= 0:
            self.stop()
        raise self.error


@pytest.mark.parametrize(("error", "times"), [(StoreUnavailable("away"), 1500), (RuntimeError("a mistake"), 3)])
def test_failures_end_nothing(error: Exception, times: int) -> None:
    stopping = threading.Event()
    failing = Failing(error, times=times, stop=stopping.set)
    loop = WorkerLoop(jobs=[failing], stopping=stopping, idle=0.1, max_wait=0)

    loop.run()

    assert failing.left == 0


def test_pauses_grow_up_to_longest() -> None:
    loop = WorkerLoop(jobs=[], stopping=threading.Event(), jitter=lambda: 1.0)

    assert [loop._pause(failures) for failures in (0, 1, 2, 5, 6, 7, 5000)] == [0.5, 1, 2, 16, 30, 30, 30]


class Counting:
    """A duty with so much to do; it tells the loop to stop when it is asked once more."""

    def __init__(self, pieces: int, stop: Callable[[], None]) -> None:
        self.left, self.stop = pieces, stop

    def work_once(self) -> bool:
        self.left -= 1
        if self.left < 0:
            self.stop()
        return self.left >= 0


class Unpaused(threading.Event):
    """Ends no pause by the clock, but at once, and counts them."""

    pauses = 0

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - the event's signature
        self.pauses += 1
        return self.is_set()


def test_failing_duty_keeps_no_other_waiting() -> None:
    stopping = threading.Event()
    failing, counting = Failing(RuntimeError("a mistake"), 10**9, stopping.set), Counting(5, stopping.set)
    loop = WorkerLoop(jobs=[failing, counting], stopping=stopping, idle=0, max_wait=0)

    loop.run()

    assert counting.left == -1


class Intermittent:
    """A duty that fails at first, and notes how the loop was by then."""

    def __init__(self, failures: int, rounds: int) -> None:
        self.failures, self.rounds = failures, rounds
        self.seen: list[bool] = []
        self.loop: WorkerLoop | None = None

    def work_once(self) -> bool:
        assert self.loop is not None
        self.seen.append(self.loop.healthy.is_set())
        if len(self.seen) == self.rounds:
            self.loop.stopping.set()
        if len(self.seen) <= self.failures:
            raise StoreUnavailable("away")
        return True


def test_loop_is_well_after_a_round_that_was() -> None:
    faltering = Intermittent(failures=2, rounds=4)
    faltering.loop = loop = WorkerLoop(jobs=[faltering], stopping=threading.Event(), idle=0, max_wait=0)

    loop.run()

    assert faltering.seen == [False, False, False, True]


def test_busy_loop_does_not_pause() -> None:
    stopping = Unpaused()
    counting = Counting(100, stopping.set)
    loop = WorkerLoop(jobs=[counting], stopping=stopping, idle=10)

    loop.run()

    assert counting.left == -1
    assert stopping.pauses == 1  # once there is nothing left to do


def test_jobs_wait_until_the_store_accepts_writes() -> None:
    stopping = Unpaused()
    seen: list[int] = []

    class Noting:
        def work_once(self) -> bool:
            seen.append(stopping.pauses)
            stopping.set()
            return False

    loop = WorkerLoop(jobs=[Noting()], stopping=stopping, is_writable=lambda: stopping.pauses >= 3)

    loop.run()

    assert seen == [3]
