"""Loop of the worker: run the jobs that are due, then wait, longer after failures."""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from workspace_operator.errors import StoreUnavailable

logger = logging.getLogger(__name__)

MAX_DOUBLINGS = 30
"""Limit of the exponent: a database may be unavailable for days, and a larger power would overflow a float."""


class Job(Protocol):
    """A periodic job."""

    def work_once(self) -> bool:
        """Do one piece of work; False if none is left for now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLoop:
    """Runs jobs in turn until ``stopping`` is set. Times are in seconds.

    Attributes:
        is_writable: whether the store accepts writes of this version; while not, jobs wait.
        healthy: set if the last round of all jobs succeeded.
    """

    jobs: Sequence[Job]
    stopping: threading.Event
    is_writable: Callable[[], bool] = lambda: True
    idle: float = 0.5
    max_wait: float = 30.0
    jitter: Callable[[], float] = random.random
    healthy: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Run jobs until ``stopping`` is set; an error neither ends the loop nor skips the other jobs."""
        failures = 0
        while not self.stopping.is_set():
            if not self.is_writable():
                self.stopping.wait(self._pause(0))
                continue
            results = [self._run_job(job) for job in self.jobs if not self.stopping.is_set()]
            failures = failures + 1 if None in results else 0
            (self.healthy.clear if failures else self.healthy.set)()
            if failures or not any(results):
                self.stopping.wait(self._pause(failures))

    def _run_job(self, job: Job) -> bool | None:
        """Whether there was work; None if it failed."""
        try:
            return job.work_once()
        except StoreUnavailable as error:
            logger.warning("worker: %s", error)
        except Exception:
            logger.exception("worker: a step failed and will be retried")
        return None

    def _pause(self, failures: int) -> float:
        """Delay of the next round: doubled with each failure, with jitter so that workers do not synchronize."""
        limit = min(self.idle * 2.0 ** min(failures, MAX_DOUBLINGS), self.max_wait)
        return limit * (0.5 + 0.5 * self.jitter())
