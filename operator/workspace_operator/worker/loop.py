"""The worker's loop: take what is due, else wait a moment; a database that is away is waited for."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from workspace_operator.application.migrating import MigrationWorker
from workspace_operator.errors import StoreUnavailable

logger = logging.getLogger(__name__)

MOST_DOUBLINGS = 30
"""A database may be away for days; two to the power of that is no number any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLoop:
    """Runs one migration worker until told to stop. Times are seconds."""

    worker: MigrationWorker
    stopping: threading.Event
    idle: float = 0.5
    longest_wait: float = 30.0
    chance: Callable[[], float] = random.random

    def run(self) -> None:
        """Work until ``stopping`` is set; no error ends it."""
        failures = 0
        while not self.stopping.is_set():
            try:
                busy = self.worker.work_once()
                failures = 0
            except StoreUnavailable as error:
                logger.warning("worker: %s", error)
                busy, failures = False, failures + 1
            except Exception:
                logger.exception("worker: a step failed; it will be tried again")
                busy, failures = False, failures + 1
            if not busy:
                self.stopping.wait(self._pause(failures))

    def _pause(self, failures: int) -> float:
        """How long to rest: longer with each failure, and never in step with other workers."""
        longest = min(self.idle * 2.0 ** min(failures, MOST_DOUBLINGS), self.longest_wait)
        return longest * (0.5 + 0.5 * self.chance())
