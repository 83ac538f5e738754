"""Monitor of the write path of the store, for readiness probes, which must neither wait for the store nor load it."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from workspace_operator.application.ports import WritePath
from workspace_operator.errors import WorkspaceOperatorError

logger = logging.getLogger(__name__)

CHECK_INTERVAL_SECONDS = 5.0
RETRY_INTERVAL_SECONDS = 1.0
"""Interval after a failed check, so that a store that is available again is used soon."""

CHECK_TIMEOUT_SECONDS = 15.0
"""Maximum duration of a check; after that the store counts as not writable."""


@dataclass(slots=True, kw_only=True)
class WriteMonitor:
    """Checks the store periodically in a thread of its own, and keeps the result of the last check."""

    write_path: WritePath
    monotonic: Callable[[], float] = time.monotonic
    _succeeded: float | None = None
    _is_failing: bool = True

    def is_writable(self) -> bool:
        """Whether the last check succeeded and is recent. Never blocks."""
        succeeded = self._succeeded
        if succeeded is None or self._is_failing:
            return False
        return self.monotonic() - succeeded <= CHECK_INTERVAL_SECONDS + CHECK_TIMEOUT_SECONDS

    def run(self, stopping: threading.Event) -> None:
        """Check until ``stopping`` is set."""
        while not stopping.is_set():
            self.check()
            stopping.wait(RETRY_INTERVAL_SECONDS if self._is_failing else CHECK_INTERVAL_SECONDS)

    def check(self) -> None:
        """Check once, and log a change of the result."""
        try:
            self.write_path.check_writable()
        except WorkspaceOperatorError as error:
            self._record(str(error))
        except Exception:
            logger.exception("the check of the write path of the store failed")
            self._record("the check failed")
        else:
            self._record("")

    def _record(self, failure: str) -> None:
        is_first = self._succeeded is None
        if failure and (is_first or not self._is_failing):
            logger.warning("the store does not accept writes: %s", failure)
        elif not failure and self._is_failing and not is_first:
            logger.info("the store accepts writes again")
        self._is_failing = bool(failure)
        if not failure:
            self._succeeded = self.monotonic()
