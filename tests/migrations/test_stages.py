"""The stages of an identifier change (design §6)."""

from workspace_operator.migrations.stages import BEFORE_SWITCH, ENDED, FOLLOWERS, Stage


def reachable(start: Stage) -> set[Stage]:
    found: set[Stage] = set()
    ahead = {start}
    while ahead:
        stage = ahead.pop()
        found.add(stage)
        ahead |= FOLLOWERS[stage] - found
    return found


def test_every_stage_has_followers_named() -> None:
    assert set(FOLLOWERS) == set(Stage)


def test_only_ended_stages_end() -> None:
    assert {stage for stage in Stage if not FOLLOWERS[stage]} == ENDED


def test_taken_back_exactly_before_switch() -> None:
    assert {stage for stage in Stage if Stage.CANCELLED in FOLLOWERS[stage]} == BEFORE_SWITCH


def test_no_way_back_from_switch() -> None:
    assert reachable(Stage.SWITCHED) == {Stage.SWITCHED, Stage.FOLDING, Stage.COMPLETED}


def test_every_change_can_complete() -> None:
    assert all(Stage.COMPLETED in reachable(stage) for stage in set(Stage) - {Stage.CANCELLED})
