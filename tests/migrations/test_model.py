"""Migrations: allowed modes, the effects of modes and counts, and the estimated completion of a stage."""

from datetime import UTC, datetime, timedelta

import pytest

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import (
    Migration,
    OnConflict,
    ViolationCounts,
    estimated_completion,
    is_mode_allowed,
)

BLOCK, MERGE = OnConflict.BLOCK, OnConflict.MERGE
ALLOWED_TRANSITIONS = {
    (Mode.ID_ONLY, Mode.EMAIL_OR_ID),
    (Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID),
    (Mode.EMAIL_OR_ID, Mode.ID_ONLY),
}
BEGAN = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("desired", list(Mode))
@pytest.mark.parametrize("in_force", list(Mode))
def test_allows_three_migrations_only(in_force: Mode, desired: Mode) -> None:
    assert is_mode_allowed(in_force, desired) == (in_force is desired or (in_force, desired) in ALLOWED_TRANSITIONS)


@pytest.mark.parametrize(
    ("before", "after", "on_conflict", "enables", "merges"),
    [
        (Mode.ID_ONLY, Mode.EMAIL_OR_ID, BLOCK, True, False),
        (Mode.ID_ONLY, Mode.EMAIL_OR_ID, MERGE, True, True),
        (Mode.EMAIL_OR_ID, Mode.ID_ONLY, MERGE, False, False),
        (Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID, MERGE, False, False),
    ],
)
def test_people_merge_only_where_email_is_enabled(
    before: Mode, after: Mode, on_conflict: OnConflict, enables: bool, merges: bool
) -> None:
    migration = Migration(
        workspace_id=1,
        number=1,
        from_mode=before,
        to_mode=after,
        on_conflict=on_conflict,
        requested_at=datetime(2026, 3, 1, tzinfo=UTC),
    )

    assert (migration.enables_email, migration.merges) == (enables, merges)


@pytest.mark.parametrize(
    ("counts", "blocks", "merges_too"),
    [
        (ViolationCounts(), False, False),
        (ViolationCounts(duplicate_email=2), True, False),
        (ViolationCounts(invalid_email=1), True, True),
        (ViolationCounts(suppressed_email=1), True, True),
        (ViolationCounts(duplicate_email=2, id_is_another_email=1), True, True),
    ],
)
def test_duplicate_emails_block_with_block_only(counts: ViolationCounts, blocks: bool, merges_too: bool) -> None:
    assert (counts.blocks(BLOCK), counts.blocks(MERGE)) == (blocks, merges_too)


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
def test_estimate_is_unknown_at_first(since: datetime | None, seconds: float, done: int) -> None:
    assert estimated_completion(since=since, now=after(seconds), done=done, total=100) is None
