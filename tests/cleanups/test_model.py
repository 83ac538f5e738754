"""A cleanup and its numbers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import DRAFTS, OPEN, Cleanup, CleanupState

NOW = datetime(2026, 3, 1, tzinfo=UTC)
APPLIED = Cleanup(
    workspace_id=7,
    number=1,
    migration_number=4,
    state=CleanupState.APPLIED,
    version=3,
    decisions={DecisionKind.KEEP: 2, DecisionKind.DELETE: 1},
    refused=0,
    deletions=1,
    people_blocking=None,
    people_blocking_after=None,
    applied=3,
    skipped=0,
    undone=0,
    undone_in_part=0,
    not_undone=0,
    created_at=NOW,
    created_by="ada@nordlicht.example",
    applied_at=NOW,
    applied_by="ada@nordlicht.example",
    ended_at=NOW,
    undo_until=NOW + timedelta(days=30),
)


def test_total_counts_every_decision() -> None:
    assert APPLIED.total == 3


@pytest.mark.parametrize(
    ("cleanup", "later", "possible"),
    [
        (APPLIED, timedelta(days=29), True),
        (APPLIED, timedelta(days=30), False),
        (replace(APPLIED, undo_until=None), timedelta(), False),
        (replace(APPLIED, state=CleanupState.UNDONE), timedelta(), False),
        (replace(APPLIED, state=CleanupState.DRAFT), timedelta(), False),
    ],
)
def test_undo_is_possible_for_a_while(cleanup: Cleanup, later: timedelta, possible: bool) -> None:
    assert cleanup.can_be_undone(NOW + later) is possible


def test_draft_is_open() -> None:
    assert DRAFTS < OPEN
