"""What follows from a change's modes and counts."""

from datetime import UTC, datetime

import pytest

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict, ViolationCounts

BLOCK, MERGE = OnConflict.BLOCK, OnConflict.MERGE


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
    change = Migration(
        workspace_id=1,
        number=1,
        from_mode=before,
        to_mode=after,
        on_conflict=on_conflict,
        requested_at=datetime(2026, 3, 1, tzinfo=UTC),
    )

    assert (change.enables_email, change.merges) == (enables, merges)


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
def test_shared_addresses_stand_in_the_way_of_block_only(
    counts: ViolationCounts, blocks: bool, merges_too: bool
) -> None:
    assert (counts.blocks(BLOCK), counts.blocks(MERGE)) == (blocks, merges_too)
