"""The worker's loop outlives whatever its worker runs into."""

import threading
from collections.abc import Callable
from typing import cast

import pytest

from workspace_operator.application.migrating import MigrationWorker
from workspace_operator.errors import StoreUnavailable
from workspace_operator.worker.loop import WorkerLoop


class Failing:
    """Stands in for the worker: fails so many times, then tells the loop to stop."""

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
    loop = WorkerLoop(worker=cast("MigrationWorker", failing), stopping=stopping, idle=0.1, longest_wait=0)

    loop.run()

    assert failing.left == 0


def test_pauses_grow_up_to_longest() -> None:
    loop = WorkerLoop(worker=cast("MigrationWorker", None), stopping=threading.Event(), chance=lambda: 1.0)

    assert [loop._pause(failures) for failures in (0, 1, 2, 5, 6, 7, 5000)] == [0.5, 1, 2, 16, 30, 30, 30]
