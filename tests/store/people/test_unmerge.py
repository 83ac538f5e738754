"""The contract of the port MergeJournal: undo of a merge, with all records of the secondary."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from tests.store.fixtures import WorkspaceEnv, backfill, cut_over, start_backfill
from tests.store.merge_builders import append_events, device, devices, event, events, merge, person, undo
from workspace_operator.application.ports import UndoResult
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.model.person_events import DeviceUpserted
from workspace_operator.identity.values.rules import EMAIL, Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.unmerges import undo_merges
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive, read_settings

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


def undo_together(env: WorkspaceEnv, merge_ids: Sequence[str]) -> Mapping[str, object]:
    """Undo merges in one transaction, in order; returns their results."""
    now = int(env.store.clock().timestamp())

    def work(connection: sa.Connection) -> Mapping[str, object]:
        lock_exclusive(connection, env.workspace_id)
        settings = read_settings(connection, env.workspace_id)
        return undo_merges(connection, settings, merge_ids, now=now, new_id=CioIDGenerator(lambda: now))

    return env.store.sql_database.writing(work)


def test_merges_that_are_undone_together(sql_env: WorkspaceEnv) -> None:
    """As if one by one: a survivor of two of them was then merged, and one merge does not exist."""
    zero, one, two, three = (sql_env.add(str(number), plan=f"p{number}") for number in range(4))
    before = [person(sql_env, each) for each in (zero, one, two, three)]
    append_events(
        sql_env,
        *(event(each, f"of {each}") for each in (one, two, three)),
        *(DeviceUpserted(cio_id=each, device=device("shared")) for each in (two, three)),
        DeviceUpserted(cio_id=three, device=device("own")),
    )
    kept = [merge(sql_env, one, two), merge(sql_env, one, three), merge(sql_env, zero, one)]
    order = [*(each.merge_id for each in reversed(kept)), "none"]

    results = undo_together(sql_env, order)

    assert [type(results[each]) for each in order] == [UndoResult, UndoResult, UndoResult, NotFound]
    assert [person(sql_env, each) for each in (zero, one, two, three)] == before
    assert [events(sql_env, each) for each in (zero, one, two, three)] == [
        [],
        [f"of {one}"],
        [f"of {two}"],
        [f"of {three}"],
    ]
    assert [devices(sql_env, each) for each in (zero, one)] == [(), ()]
    assert devices(sql_env, two) == (device("shared"),)
    assert devices(sql_env, three) == (device("own"), device("shared"))
    assert all(sql_env.store.merges.get(sql_env.workspace_id, each.merge_id).undone_at for each in kept)


def test_merge_whose_survivor_is_merged_is_undone_only_after_that(sql_env: WorkspaceEnv) -> None:
    one, other, third = sql_env.add("1"), sql_env.add("2"), sql_env.add("3")
    earlier, later = merge(sql_env, other, third), merge(sql_env, one, other)

    results = undo_together(sql_env, [earlier.merge_id, later.merge_id])

    assert [type(results[each.merge_id]) for each in (earlier, later)] == [Conflict, UndoResult]
    assert sql_env.store.merges.get(sql_env.workspace_id, earlier.merge_id).holder == other
