"""Waiting for what is bound to happen, and saying what was there instead when it does not."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.controlplane.failures import KubectlFailed

T = TypeVar("T")

SECONDS = 60.0
"""Only what never comes waits for so long; a busy machine may take its time."""
PAUSE_SECONDS = 0.05


def wait_until(
    look: Callable[[], T],
    *,
    within: float = SECONDS,
    every: float = PAUSE_SECONDS,
    what: Callable[[], object] = lambda: "",
) -> T:
    """The first answer of ``look`` that is true; times are in seconds."""
    limit = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > limit:
            raise AssertionError(f"not within {within:g} s: {what()}")
        time.sleep(every)
    return found


def succeeds(act: Callable[[], object]) -> bool:
    """Whether kubectl does it."""
    try:
        act()
    except KubectlFailed:
        return False
    return True
