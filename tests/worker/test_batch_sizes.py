"""How much a worker does in a transaction: as much as it can, and no more than those who wait for it can bear."""

import pytest

from workspace_operator.application.batch_sizes import next_size
from workspace_operator.application.ports import Batch

MOST = 3200


@pytest.mark.parametrize(
    ("size", "batch", "after"),
    [
        (400, Batch(done=False), 1600),
        (1600, Batch(done=False), MOST),
        (1600, Batch(done=False, lock_time_ratio=5.0), MOST),
        (400, Batch(done=False, contended=True), 1600),
        (400, Batch(done=False, contended=True, lock_time_ratio=2.0), 200),
        (400, Batch(done=False, contended=True, lock_time_ratio=0.5), 800),
        (400, Batch(done=False, contended=True, lock_time_ratio=0.01), 1600),
        (400, Batch(done=False, contended=True, lock_time_ratio=1000.0), 100),
    ],
    ids=str,
)
def test_next_batch_is_as_large_as_others_can_wait_for(size: int, batch: Batch, after: int) -> None:
    assert next_size(size, batch, most=MOST) == after


def test_something_is_always_done() -> None:
    assert next_size(1, Batch(done=False, contended=True, lock_time_ratio=1000.0), most=3) == 1
