"""The worker's loop: take what is due, else wait a moment; a database that is away is waited for."""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from workspace_operator.errors import StoreUnavailable

logger = logging.getLogger(__name__)

MAX_DOUBLINGS = 30
"""A database may be away for days; two to the power of that is no number any more."""


class Job(Protocol):
    """Something that there is work for now and then."""

    def work_once(self) -> bool:
        """Do a piece of it; False if there was none, or no more for now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLoop:
    """Attends to duties in turn until told to stop. Times are seconds.

    Attributes:
        well: set while the last round through all duties went well.
    """

    jobs: Sequence[Job]
    stopping: threading.Event
    idle: float = 0.5
    max_wait: float = 30.0
    jitter: Callable[[], float] = random.random
    healthy: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Work until ``stopping`` is set; no error ends it, or keeps the other duties from their turn."""
        failures = 0
        while not self.stopping.is_set():
            results = [self._run_job(each) for each in self.jobs if not self.stopping.is_set()]
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
            logger.exception("worker: a step failed; it will be tried again")
        return None

    def _pause(self, failures: int) -> float:
        """How long to rest: longer with each failure, and never in step with other workers."""
        limit = min(self.idle * 2.0 ** min(failures, MAX_DOUBLINGS), self.max_wait)
        return limit * (0.5 + 0.5 * self.jitter())
