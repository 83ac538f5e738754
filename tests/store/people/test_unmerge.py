"""The contract of the port MergeJournal: undo of a merge, with all records of the secondary."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.store.fixtures import WorkspaceEnv, backfill, cut_over, start_backfill
from tests.store.merge_builders import append_events, device, devices, event, events, merge, person, undo
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.model.person_events import DeviceUpserted
from workspace_operator.identity.values.rules import EMAIL, Mode
from workspace_operator.migrations.state_machine import Stage

A, B = "a@example.com", "b@example.com"


def test_secondary_comes_back_whole(both: WorkspaceEnv) -> None:
    one, other = both.add("1", plan="p"), both.add("2", B, plan="q", note="q")
    before = person(both, one), person(both, other)
    both.store.clock.advance(60)
    kept = merge(both, one, other)
    both.store.clock.advance(60)

    undone = undo(both, kept)

    assert (undone.survivor, undone.restored, undone.unavailable) == (*before, ())
    assert (person(both, one), person(both, other)) == before
    assert both.find(id="2") == both.find(email=B) == before[1]
    assert undone.merge.undone_at == both.store.clock()
    assert both.store.merges.get(both.workspace_id, kept.merge_id) == undone.merge


def test_undo_brings_back_whom_the_secondary_had_absorbed(both: WorkspaceEnv) -> None:
    one, other, third = both.add("1"), both.add("2"), both.add("3")
    append_events(both, event(third, "c"), event(other, "b"), DeviceUpserted(cio_id=third, device=device("t")))
    earlier = merge(both, other, third)
    later = merge(both, one, other)
    assert events(both, one) == ["c", "b"]

    undo(both, later)
    assert (events(both, one), events(both, other)) == ([], ["c", "b"])
    assert both.store.merges.get(both.workspace_id, earlier.merge_id).holder == other

    undo(both, earlier)
    assert (events(both, other), events(both, third)) == (["b"], ["c"])
    assert (devices(both, one), devices(both, other), devices(both, third)) == ((), (), (device("t"),))


def test_later_merge_is_undone_first(both: WorkspaceEnv) -> None:
    one, other, third = both.add("1"), both.add("2"), both.add("3")
    earlier = merge(both, other, third)
    later = merge(both, one, other)

    with pytest.raises(Conflict, match=f"undo merge {later.merge_id} first"):
        undo(both, earlier)


def test_merge_is_undone_only_once(both: WorkspaceEnv) -> None:
    kept = merge(both, both.add("1"), both.add("2"))
    undo(both, kept)

    with pytest.raises(Conflict, match="already undone"):
        undo(both, kept)


def test_unknown_merge_is_not_found(both: WorkspaceEnv) -> None:
    with pytest.raises(NotFound):
        both.store.merges.get(both.workspace_id, "none")
    with pytest.raises(NotFound):
        both.store.merges.undo(both.workspace_id, "none", now=1)
    with pytest.raises(NotFound):
        both.store.merges.undo(10**12, "none", now=1)


def test_undo_obeys_the_identifiers_in_force(env: WorkspaceEnv) -> None:
    one, other = env.add("1", A), env.add("2", "A@example.com")
    kept = merge(env, one, other)
    env.migrate_to(Mode.EMAIL_OR_ID)
    assert env.mode is Mode.EMAIL_OR_ID

    undone = undo(env, kept)

    assert undone.unavailable == ((EMAIL, A),)
    assert env.find(email=A) == person(env, one)


def test_undo_while_preparing_counts(env: WorkspaceEnv) -> None:
    one, other = env.add("1", A), env.add("2", "A@example.com")
    kept = merge(env, one, other)
    env.request(Mode.EMAIL_OR_ID)
    lease = start_backfill(env)
    backfill(env, lease)

    undo(env, kept)
    cut_over(env, lease)

    assert env.mode is Mode.ID_ONLY
    env.finish(lease)
    assert [row.cio_id for row in env.violations()] == [one, other]


def test_undo_wakes_a_blocked_migration(env: WorkspaceEnv) -> None:
    one, other = env.add("1"), env.add("2", "no address")
    kept = merge(env, one, other)
    env.migrate_to(Mode.EMAIL_OR_ID)
    assert env.stage is Stage.BLOCKED

    undo(env, kept)

    assert [row.cio_id for row in env.violations()] == [one]
    env.store.clock.advance(6)
    env.work()
    assert [row.cio_id for row in env.violations()] == [other]


def test_of_undos_at_once_one_succeeds(sql_env: WorkspaceEnv) -> None:
    one, other = sql_env.add("1"), sql_env.add("2")
    append_events(sql_env, event(other, "b"))
    kept = merge(sql_env, one, other)
    together = threading.Barrier(4)

    def try_to_undo(_: int) -> bool:
        together.wait()
        try:
            undo(sql_env, kept)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        succeeded = list(threads.map(try_to_undo, range(4)))

    assert sorted(succeeded) == [False, False, False, True]
    assert events(sql_env, other) == ["b"]
