"""The stages of an identifier change (design §6)."""

from workspace_operator.migrations.state_machine import BEFORE_CUTOVER, TERMINAL, TRANSITIONS, Stage


def reachable(start: Stage) -> set[Stage]:
    found: set[Stage] = set()
    ahead = {start}
    while ahead:
        stage = ahead.pop()
        found.add(stage)
        ahead |= TRANSITIONS[stage] - found
    return found


def test_every_stage_has_followers_named() -> None:
    assert set(TRANSITIONS) == set(Stage)


def test_only_ended_stages_end() -> None:
    assert {stage for stage in Stage if not TRANSITIONS[stage]} == TERMINAL


def test_taken_back_exactly_before_cut_over() -> None:
    assert {stage for stage in Stage if Stage.CANCELLED in TRANSITIONS[stage]} == BEFORE_CUTOVER


def test_no_way_back_from_cut_over() -> None:
    assert reachable(Stage.SWITCHED) == {Stage.SWITCHED, Stage.MERGING, Stage.COMPLETED}


def test_every_migration_can_complete() -> None:
    assert all(Stage.COMPLETED in reachable(stage) for stage in set(Stage) - {Stage.CANCELLED})
