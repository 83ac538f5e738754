"""Preview of an undo: its numbers are those of the undo, which changes nobody before it is asked for."""

from unittest.mock import patch

import pytest

from tests.store.cleanups.cleanup_env import CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, correct_to, merge_into
from workspace_operator.cleanups.undo import UndoPreview, UndoReason
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.model.commands import MergePeople
from workspace_operator.store.repositories.cleanups import undo_previews as repository

ADA, BOB = "ada@example.com", "bob@example.com"
PEOPLE = {"m-1": ADA, "m-2": ADA, "m-3": ADA, "m-4": "broken@", "m-5": BOB, "m-6": BOB, "m-7": BOB}
DECISIONS = {
    "m-1": KEEP,
    "m-2": merge_into("m-1"),
    "m-3": correct_to("m3@example.com"),
    "m-4": CLEAR,
    "m-5": DELETE,
    "m-6": CLEAR,
    "m-7": CLEAR,
}


def applied_cleanup(sql_env: WorkspaceEnv) -> CleanupEnv:
    """A cleanup that was applied, after which nobody blocks the change, which has not gone through yet."""
    return CleanupEnv.applied(sql_env, PEOPLE, DECISIONS)


def undone(draft: CleanupEnv) -> tuple[int, int, int]:
    """The numbers of an undo: whole, in part, not."""
    draft.undo()
    draft.work()
    return draft.cleanup.undone, draft.cleanup.undone_in_part, draft.cleanup.not_undone


def numbers(preview: UndoPreview) -> tuple[int, int, int]:
    return preview.whole, preview.in_part, preview.not_undone


def test_everything_comes_back(sql_env: WorkspaceEnv) -> None:
    applied = applied_cleanup(sql_env)
    before = applied.people()

    preview = applied.preview()

    assert (preview.decisions, len(preview.examined)) == (7, 7)
    assert {each.reason for each in preview.examined} == {None}
    assert applied.people() == before
    assert numbers(preview) == undone(applied)


def test_later_changes(sql_env: WorkspaceEnv) -> None:
    applied = applied_cleanup(sql_env)
    applied.env.identify_person(id="m-3", body={"email": "new@example.com"})
    applied.env.identify_person(id="m-5")
    applied.env.suppress(id="m-4")
    primary, secondary = (applied.env.reference(cio_id=applied.cio_ids[id_]) for id_ in ("m-6", "m-1"))
    applied.env.perform(MergePeople(primary=primary, secondary=secondary))

    preview = applied.preview()

    assert preview.reasons == {
        UndoReason.CHANGED: 2,
        UndoReason.ERASED: 1,
        UndoReason.MERGED_AGAIN: 1,
        UndoReason.IDENTIFIERS_MISSING: 1,
    }
    assert numbers(preview) == undone(applied)


def test_each_decision_sees_what_those_before_it_give_back(sql_env: WorkspaceEnv) -> None:
    """After the change an address is an identifier: only one of three people can have it."""
    applied = applied_cleanup(sql_env)
    while applied.env.work():
        pass

    preview = applied.preview()

    assert preview.reasons == {
        UndoReason.EMAIL_TAKEN: 2,
        UndoReason.EMAIL_INVALID: 1,
        UndoReason.IDENTIFIERS_MISSING: 2,
    }
    assert numbers(preview) == undone(applied)


def test_survivor_that_is_gone_and_merge_undone_by_hand(sql_env: WorkspaceEnv) -> None:
    applied = applied_cleanup(sql_env)
    stored = applied.stored("m-2")
    assert stored is not None
    now = int(applied.env.store.clock().timestamp())
    applied.env.store.merges.undo(applied.env.workspace_id, str(stored.merge_id), now=now)
    by_hand = applied.preview()
    applied.env.delete(id="m-1")

    gone = applied.preview()

    # The record of m-3 has the address of the deleted person.
    assert (by_hand.reasons, gone.reasons) == ({}, {UndoReason.SURVIVOR_GONE: 1, UndoReason.ERASED: 1})


def test_decisions_that_came_back_are_left_out(sql_env: WorkspaceEnv) -> None:
    applied = applied_cleanup(sql_env)
    applied.undo("m-2", "m-4")
    applied.work()

    assert applied.preview().decisions == 5


def test_decisions_about_some_people(sql_env: WorkspaceEnv) -> None:
    applied = applied_cleanup(sql_env)
    applied.env.identify_person(id="m-3", body={"email": "new@example.com"})

    preview = applied.preview("m-2", "m-3")

    assert (preview.decisions, numbers(preview)) == (2, (1, 0, 1))
    assert {each.stored.cio_id: each.reason for each in preview.examined} == {
        applied.cio_ids["m-2"]: None,
        applied.cio_ids["m-3"]: UndoReason.CHANGED,
    }


@pytest.mark.parametrize("size", [1, 6])
def test_preview_of_many_is_about_the_first_ones(sql_env: WorkspaceEnv, size: int) -> None:
    applied = applied_cleanup(sql_env)
    with patch.object(repository, "MAX_EXAMINED", size):
        preview = applied.preview()

    assert (preview.decisions, len(preview.examined), preview.whole) == (7, size, size)


def test_only_what_can_be_undone_has_a_preview(sql_env: WorkspaceEnv) -> None:
    draft = CleanupEnv.blocked(sql_env, PEOPLE)

    with pytest.raises(Conflict, match="cleanup 1 is Draft: only one that was applied can be undone"):
        draft.preview()
    draft.number = 2
    with pytest.raises(NotFound, match="there is no cleanup 2"):
        draft.preview()
