"""Runs functions concurrently."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")


def run_together(*works: Callable[[], T]) -> list[T]:
    """Call functions in threads that start at the same moment; return their results or raise the first failure."""
    all_started = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        all_started.wait(120)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))
