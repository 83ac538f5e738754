"""The state machine of a migration (design §6)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict
from workspace_operator.migrations.state_machine import BEFORE_CUTOVER, TERMINAL, TRANSITIONS, Stage, Step, Trigger

SUCCESSORS = {stage: {row.target for row in TRANSITIONS if row.source is stage} - {stage} for stage in Stage}
ENABLING = Migration(
    workspace_id=1,
    number=1,
    from_mode=Mode.ID_ONLY,
    to_mode=Mode.EMAIL_OR_ID,
    requested_at=datetime(2026, 3, 1, tzinfo=UTC),
)
MERGING = replace(ENABLING, on_conflict=OnConflict.MERGE)
DISABLING = replace(ENABLING, from_mode=Mode.EMAIL_OR_ID, to_mode=Mode.ID_ONLY)
ENABLING_IDS = replace(ENABLING, from_mode=Mode.EMAIL_ONLY)
PURGE, PREPARE = [Step.PURGE], [Step.BACKFILL, Step.APPLY_CHANGE_LOG]


def reachable(start: Stage) -> set[Stage]:
    found: set[Stage] = set()
    ahead = {start}
    while ahead:
        stage = ahead.pop()
        found.add(stage)
        ahead |= SUCCESSORS[stage] - found
    return found


def test_terminal_and_cancellable_stages() -> None:
    assert {Stage.COMPLETED, Stage.CANCELLED} == TERMINAL
    assert {Stage.REQUESTED, Stage.CHECKING, Stage.PREPARING, Stage.BLOCKED} == BEFORE_CUTOVER


def test_no_stage_before_the_cut_over_follows_it() -> None:
    assert reachable(Stage.SWITCHED) == {Stage.SWITCHED, Stage.MERGING, Stage.COMPLETED}


def test_every_migration_can_complete() -> None:
    assert all(Stage.COMPLETED in reachable(stage) for stage in set(Stage) - {Stage.CANCELLED})


@pytest.mark.parametrize("migration", [ENABLING, MERGING, DISABLING, ENABLING_IDS])
def test_worker_leaves_every_stage_by_one_transition(migration: Migration) -> None:
    for stage in set(Stage) - TERMINAL:
        assert len({Trigger.ADVANCE, Trigger.CUT_OVER} & set(replace(migration, stage=stage).transitions)) == 1


@pytest.mark.parametrize(
    ("migration", "expected"),
    [
        (ENABLING, {"Checking": PURGE, "Preparing": PREPARE, "Switched": PURGE, "Completed": []}),
        (MERGING, {"Checking": PURGE, "Preparing": PREPARE, "Switched": [], "Merging": [Step.MERGE, *PURGE]}),
        (DISABLING, {"Checking": [], "Preparing": [], "Switched": PURGE}),
        (ENABLING_IDS, {"Checking": [], "Preparing": [], "Switched": []}),
        (ENABLING, {"Requested": [], "Blocked": [], "Cancelled": PURGE}),
    ],
)
def test_steps_of_a_stage_depend_on_the_modes(migration: Migration, expected: dict[str, list[Step]]) -> None:
    assert {stage: list(replace(migration, stage=Stage(stage)).steps) for stage in expected} == expected
