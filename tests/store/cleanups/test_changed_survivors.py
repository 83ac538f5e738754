"""Nobody is merged into a person whose address is not the one that was seen."""

import pytest

from tests.store.cleanups.cleanup_env import CleanupEnv
from tests.store.cleanups.test_apply_and_undo import BOB, PEOPLE
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.cleanups.decisions import KEEP, SURVIVOR_HAS_CHANGED, merge_into
from workspace_operator.cleanups.execution import SkipReason


@pytest.mark.parametrize("is_counted", [False, True])
def test_nobody_is_merged_into_a_person_with_another_address(sql_env: WorkspaceEnv, is_counted: bool) -> None:
    """Neither into one of the same group nor into one that was named, whether decisions were counted since or not."""
    draft = CleanupEnv.blocked(sql_env, {**PEOPLE, "m-7": "eve@example.com", "m-8": "dan@example.com"})
    draft.decide({"m-1": KEEP, "m-2": merge_into("m-1"), "m-3": merge_into("m-7"), "m-5": merge_into("m-8")})
    for id_ in ("m-1", "m-7"):
        draft.env.identify_person(id=id_, body={"email": BOB})
    if is_counted:
        draft.check_again()
        reasons = [stored.refusal for id_ in ("m-2", "m-3", "m-5") if (stored := draft.stored(id_))]
        assert reasons == [SURVIVOR_HAS_CHANGED, SURVIVOR_HAS_CHANGED, None]
    draft.apply()
    draft.work()

    outcomes = {id_: stored.reason for id_ in ("m-2", "m-3", "m-5") if (stored := draft.stored(id_))}
    assert outcomes == {"m-2": SkipReason.SURVIVOR_CHANGED, "m-3": SkipReason.SURVIVOR_CHANGED, "m-5": None}
    assert [id_ for id_ in ("m-2", "m-3", "m-5") if draft.person(id_)] == ["m-2", "m-3"]


def test_survivor_that_has_changed_before_the_decision_was_made(sql_env: WorkspaceEnv) -> None:
    """Whoever decides sees the address of the list: the merge would go into a person that they did not see."""
    draft = CleanupEnv.blocked(sql_env, PEOPLE)
    draft.env.identify_person(id="m-1", body={"email": "eve@example.com"})
    draft.decide({"m-2": merge_into("m-1")})
    draft.apply()
    draft.work()

    stored = draft.stored("m-2")
    assert stored is not None
    assert stored.reason == SkipReason.SURVIVOR_CHANGED


def test_keeping_somebody_who_was_erased_is_left_alone(sql_env: WorkspaceEnv) -> None:
    draft = CleanupEnv.blocked(sql_env, {"m-1": "a@example.com", "m-2": "a@example.com", "m-3": "broken@"})
    draft.decide({"m-2": KEEP, "m-3": KEEP, "m-1": KEEP})
    sql_env.suppress(id="m-2")
    draft.check_again()
    refused = draft.cleanup.refused

    draft.apply()
    draft.work()

    assert refused > 0
    assert draft.cleanup.skipped == refused
