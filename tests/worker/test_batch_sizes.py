"""How much a worker does in a transaction: as much as it can, and no more than those who wait for it can bear."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.absent import absent_port
from workspace_operator.application.batch_sizes import next_size
from workspace_operator.application.cleanups.worker import CleanupWorker
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


@pytest.mark.parametrize(("contended", "slept"), [(True, [2.4]), (False, [])], ids=["others write", "nobody writes"])
def test_worker_pauses_for_a_multiple_of_the_batch(contended: bool, slept: list[float]) -> None:
    pauses = list[float]()
    worker = CleanupWorker(
        cleanups=absent_port(),
        worker="w1",
        clock=lambda: datetime(2026, 11, 30, tzinfo=UTC),
        undo_period=timedelta(days=30),
        sleep=pauses.append,
        monotonic=lambda: 3.0,
    )

    worker.size_after(Batch(done=False, contended=contended, pause_ratio=1.2), 100, 1.0)

    assert pauses == pytest.approx(slept)
