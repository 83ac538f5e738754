"""When a stage should be through, at the pace so far."""

from datetime import UTC, datetime, timedelta

import pytest

from workspace_operator.migrations.progress import estimated_completion

BEGAN = datetime(2026, 5, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "done", "total", "expected"),
    [(10, 25, 100, 40), (10, 100, 100, 10), (10, 120, 100, 10), (10, 3, 10, 33)],
    ids=["a quarter", "all", "more than all", "whole seconds"],
)
def test_pace_stays_constant(seconds: float, done: int, total: int, expected: int) -> None:
    assert estimated_completion(since=BEGAN, now=after(seconds), done=done, total=total) == after(expected)


@pytest.mark.parametrize(
    ("since", "seconds", "done"),
    [(None, 10, 5), (BEGAN, 10, 0), (BEGAN, 0, 5), (BEGAN, -1, 5)],
    ids=["not begun", "nothing done", "just begun", "clock set back"],
)
def test_nobody_can_say_at_first(since: datetime | None, seconds: float, done: int) -> None:
    assert estimated_completion(since=since, now=after(seconds), done=done, total=100) is None
