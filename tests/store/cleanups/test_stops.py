"""Somebody stops a cleanup while it is applied or undone, and continues it, or undoes what was done."""

from unittest.mock import patch

import pytest

from tests.store.cleanups.cleanup_env import ACTOR, UNDO_PERIOD, CleanupEnv
from tests.store.cleanups.test_apply_and_undo import DECISIONS, decided
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.cleanups.worker import CleanupWorker
from workspace_operator.application.ports import Batch
from workspace_operator.cleanups.model import CleanupState, Outcome
from workspace_operator.errors import Conflict, InvalidInput, StaleRevision
from workspace_operator.identity.values.rules import Mode


def test_stop(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work_and_stop(batches=1)

    assert (draft.cleanup.state, draft.cleanup.applied) == (CleanupState.APPLIED, 1)
    assert draft.person("m-2") is None
    with pytest.raises(Conflict, match="there is nothing to stop"):
        draft.cleanups.stop(draft.env.workspace_id, draft.number, actor=ACTOR, now=draft.env.store.clock())
    draft.undo()
    draft.work()
    assert draft.cleanup.state is CleanupState.UNDONE
    assert draft.person("m-2") is not None


def stopped(sql_env: WorkspaceEnv, batches: int = 1) -> CleanupEnv:
    """A cleanup that was stopped while it was applied."""
    draft = decided(sql_env)
    draft.apply()
    draft.work_and_stop(batches=batches)
    return draft


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_stopped_cleanup_is_continued_by_applying_it_again(sql_env: WorkspaceEnv, batches: int) -> None:
    draft = stopped(sql_env, batches)
    before = draft.cleanup
    assert (before.applied, before.left) == (batches, 5 - batches)
    assert before.can_be_continued(sql_env.store.clock())

    draft.apply()
    draft.work(batch=2)

    cleanup = draft.cleanup
    assert (cleanup.state, cleanup.applied, cleanup.skipped, cleanup.left) == (CleanupState.APPLIED, 5, 0, 0)
    assert draft.person("m-2") is draft.person("m-5") is None
    [entry] = sql_env.store.audit_log.entries(sql_env.workspace_id, limit=1)
    assert (entry.action, entry.detail) == ("applied", {"decisions": 5 - batches})
    draft.undo()
    draft.work()
    assert (draft.cleanup.state, draft.cleanup.undone) == (CleanupState.UNDONE, 5)
    with pytest.raises(Conflict, match="cleanup 1 is Undone"):
        draft.apply()


def test_continuing_names_what_was_seen(sql_env: WorkspaceEnv) -> None:
    draft = stopped(sql_env)
    with pytest.raises(StaleRevision):
        draft.apply(version=draft.cleanup.version - 1)
    with pytest.raises(InvalidInput, match="2 is not the number of people that would be deleted, which is 1"):
        draft.apply(deletions=2)
    draft.env.pause()
    with pytest.raises(Conflict, match="suspended"):
        draft.apply()
    assert draft.cleanup.state is CleanupState.APPLIED


def test_cleanup_that_was_applied_as_a_whole_has_nothing_to_continue(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()

    with pytest.raises(Conflict, match="cleanup 1 is Applied: none of its decisions is left"):
        draft.apply()


@pytest.mark.parametrize("ends", ["undone", "undo ended"])
def test_cleanup_cannot_be_continued_for_ever(sql_env: WorkspaceEnv, ends: str) -> None:
    draft = stopped(sql_env, batches=2)
    if ends == "undone":
        draft.undo("m-2")
        draft.work()
    else:
        sql_env.store.clock.advance(UNDO_PERIOD.total_seconds())

    assert not draft.cleanup.can_be_continued(sql_env.store.clock())
    with pytest.raises(Conflict, match=r"cleanup 1 cannot be continued.* the 3 decisions that are left in another"):
        draft.apply()


def test_cleanup_of_an_earlier_change_is_not_continued(sql_env: WorkspaceEnv) -> None:
    draft = stopped(sql_env)
    draft.env.cancel()
    while draft.env.work():
        pass
    with pytest.raises(Conflict, match="no identifier change of this workspace is blocked"):
        draft.apply()
    first = draft.env.migration.number
    draft.env.migrate_to(Mode.EMAIL_OR_ID)

    with pytest.raises(Conflict, match=f"people block identifier change {draft.env.migration.number}, not {first}"):
        draft.apply()


def test_undo_that_was_stopped_is_known_until_the_next_one(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    draft.undo()
    draft.work_and_stop(batches=1)
    assert (draft.cleanup.has_stopped_undo, draft.cleanup.tried_to_undo) == (True, 1)
    draft.undo("m-2")
    draft.work()
    assert not draft.cleanup.has_stopped_undo


@pytest.mark.parametrize("batches", [0, 1])
def test_undo_of_single_decisions_that_was_stopped(sql_env: WorkspaceEnv, batches: int) -> None:
    """The decisions that it did not come to can be undone as before, and are no part of another undo."""
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    draft.undo("m-2", "m-5")
    draft.work_and_stop(batches=batches)

    assert (draft.cleanup.state, draft.cleanup.undone) == (CleanupState.APPLIED, batches)
    assert draft.preview().decisions == len(draft.preview().examined) == 5 - batches
    draft.undo("m-4")
    draft.work()
    assert draft.cleanup.undone == batches + 1
    assert draft.person("m-2") is None
    draft.undo("m-2")
    draft.work()
    assert draft.person("m-2") is not None
    draft.undo()
    draft.work()
    assert (draft.cleanup.state, draft.cleanup.undone) == (CleanupState.UNDONE, 5)


def test_stopped_undo_leaves_the_number_of_what_did_not_come_back(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    draft.env.identify_person(id="m-3", body={"email": "later@example.com"})
    draft.undo("m-3")
    draft.work()
    for ids in ((), ("m-3",)):
        before = (draft.cleanup.not_undone, draft.cleanup.undone)
        draft.undo(*ids)
        draft.work_and_stop(batches=0)

        outcomes = [stored.outcome for id_ in DECISIONS if (stored := draft.stored(id_))]
        assert draft.cleanup.not_undone == outcomes.count(Outcome.NOT_UNDONE) == before[0] - len(ids)
        assert Outcome.UNDO_REQUESTED not in outcomes
    draft.undo()
    draft.work()
    assert (draft.cleanup.undone, draft.cleanup.not_undone) == (4, 1)


def test_others_get_more_time_after_a_batch_that_blocks_them(sql_env: WorkspaceEnv) -> None:
    """On PostgreSQL, only commands about its own people wait while decisions are applied."""
    draft, ratios = decided(sql_env), dict[CleanupState, set[float]]()

    def note(_: CleanupWorker, batch: Batch, size: int, _started: float) -> int:
        ratios.setdefault(draft.cleanup.state, set()).add(batch.pause_ratio)
        return size

    with patch.object(CleanupWorker, "size_after", note):
        draft.apply()
        draft.work(batch=8)
        draft.undo()
        draft.work(batch=8)

    is_sqlite = draft.env.store.sql_database.is_sqlite
    assert ratios == {CleanupState.APPLYING: {1.2 if is_sqlite else 0.3}, CleanupState.UNDOING: {1.2}}
