"""What a preview says of both ways to meet conflicts."""

import pytest

from workspace_operator.migrations.model import OnConflict, ViolationCounts
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.workspaces.model import PeopleCounts

SHARING = ViolationCounts(duplicate_email=4, people_concerned=4)
MIXED = ViolationCounts(duplicate_email=4, suppressed_email=2, id_is_another_email=1, people_concerned=5)


def preview(counts: ViolationCounts, beside: int) -> Preview:
    return Preview(people=PeopleCounts(total=9), violations=counts, people_concerned_beside_sharing=beside)


@pytest.mark.parametrize(
    ("counts", "beside", "blocks", "merges"),
    [
        pytest.param(ViolationCounts(), 0, True, True, id="nobody"),
        pytest.param(SHARING, 0, False, True, id="people who share an address"),
        pytest.param(MIXED, 3, False, False, id="others, too"),
    ],
)
def test_merging_lets_sharers_pass(counts: ViolationCounts, beside: int, blocks: bool, merges: bool) -> None:
    seen = preview(counts, beside)

    assert seen.passes(OnConflict.BLOCK) is blocks
    assert seen.passes(OnConflict.MERGE) is merges


def test_nobody_is_in_the_way_of_merging_for_sharing() -> None:
    seen = preview(MIXED, 3)

    assert seen.blocking_violations(OnConflict.BLOCK) == MIXED
    assert seen.blocking_violations(OnConflict.MERGE) == ViolationCounts(
        suppressed_email=2, id_is_another_email=1, people_concerned=3
    )
