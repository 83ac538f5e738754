"""Runs functions concurrently."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
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


@contextmanager
def repeating(work: Callable[[], object], *, pause: float = 0.0) -> Iterator[None]:
    """Call a function again and again in a thread, with a pause in seconds, until the context ends."""
    stop = Event()

    def run() -> None:
        while not stop.is_set():
            work()
            stop.wait(pause)

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run)
        try:
            yield
        finally:
            stop.set()
            running.result()  # raises what the function raised
