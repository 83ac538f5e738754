"""Sizes of the batches of long work, which adapt to how long their locks may be held, and the pauses between them."""

from typing import Final

from workspace_operator.application.ports import Batch

INITIAL_DIVISOR: Final = 8
MAX_GROWTH: Final = 4
MAX_DIVISOR: Final = 32
"""The first batch is an eighth of the maximum; a batch grows up to fourfold, and shrinks down to a thirty-second."""


def first_size(most: int) -> int:
    """Size of the first batch of a kind of work; ``most`` is the maximum."""
    return max(most // INITIAL_DIVISOR, 1)


def next_size(size: int, batch: Batch, *, most: int) -> int:
    """Size of the next batch; while others write, limited so that its locks are held no longer than allowed."""
    growth = min(1 / batch.lock_time_ratio, MAX_GROWTH) if batch.contended and batch.lock_time_ratio > 0 else MAX_GROWTH
    return min(max(int(size * growth), most // MAX_DIVISOR, 1), most)


def pause_after(batch: Batch, seconds: float) -> float:
    """How many seconds to pause after a batch that took ``seconds``, so that other writers get their turn."""
    return batch.pause_ratio * seconds if batch.contended else 0
