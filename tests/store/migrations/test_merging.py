"""Migrations that merge: survivors, moved records, remaining violations."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.store.backends import Store
from tests.store.bulk_data import ANN, BEN, add_sharers, cio_id_of, cut_over_migration, finish, ids_by_cio_id
from tests.store.fixtures import WorkspaceEnv, apply_change_log, backfill, cut_over, destroy, start_backfill
from tests.store.invariants import assert_sound
from tests.store.merge_builders import append_events, device, devices, event, events, segments, undo
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.identity.model.person_events import ActivityType, DeviceUpserted, MembershipSet
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import EMAIL, IDUpdates, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage, Step
from workspace_operator.store.pending_merges import merge_on_touch
from workspace_operator.store.unit_of_work.flush import write_people


def test_sharers_become_one(env: WorkspaceEnv, people: dict[str, str]) -> None:
    migration = env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert (migration.stage, env.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
    assert (migration.people_total, migration.people_to_merge, migration.people_merged, migration.ids_given_up) == (
        6,
        3,
        3,
        3,
    )
    assert ids_by_cio_id(env) == {people[each]: each for each in ("1", "4", "6")}
    assert env.identify_person(email=ANN, body={"plan": "pro"}).effect is Effect.UPDATED
    if env.store.database is not None:
        assert_sound(env.store.database)


def test_migration_without_duplicates_merges_nothing(env: WorkspaceEnv) -> None:
    env.add("1", ANN)

    migration = env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert (migration.stage, migration.people_to_merge, migration.ids_given_up) == (Stage.COMPLETED, 0, 0)


def test_no_merge_happens_before_the_cut_over(env: WorkspaceEnv, people: dict[str, str]) -> None:
    env.request(on_conflict=OnConflict.MERGE)
    lease = start_backfill(env)
    backfill(env, lease)
    apply_change_log(env, lease)

    assert ids_by_cio_id(env) == {cio_id: id_ for id_, cio_id in people.items()}
    assert env.identify_person(id="2", body={"plan": "pro"}).effect is Effect.UPDATED

    env.cancel()
    while env.work():
        pass
    assert len(ids_by_cio_id(env)) == len(people)


def test_survivor_without_id_takes_that_of_the_oldest_other(store: Store) -> None:
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    outcome = env.identify_person(email=ANN)
    assert outcome.person is not None
    env.migrate_to(Mode.ID_ONLY)
    store.clock.advance(1)
    for id_, seconds in (("young", 60), ("old", 30)):
        store.clock.advance(1)
        env.add(id_, ANN, created_at=int(store.clock().timestamp()) + seconds)

    migration = env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert ids_by_cio_id(env) == {outcome.person.cio_id: "young"}  # both gave future times, so creation decides
    assert (migration.people_to_merge, migration.ids_given_up) == (2, 1)
    assert env.identify_person(id="old").effect is Effect.CREATED


def test_records_move_to_the_survivor(env: WorkspaceEnv, people: dict[str, str]) -> None:
    first, second, third = (people[each] for each in "123")
    append_events(
        env,
        event(second, "bought"),
        DeviceUpserted(cio_id=first, device=device("t-1", "ios")),
        DeviceUpserted(cio_id=second, device=device("t-1", "android")),
        DeviceUpserted(cio_id=third, device=device("t-2")),
        MembershipSet(cio_id=second, segment=7, member=True),
        MembershipSet(cio_id=third, segment=7, member=True),
    )
    lease = cut_over_migration(env)

    assert list(env.store.person_records.members(env.workspace_id, 7)) == [first]
    assert events(env, first) == ["bought"]
    assert devices(env, first) == (device("t-1", "ios"), device("t-2"))
    assert segments(env, first) == (7,)
    assert (devices(env, second), segments(env, third), events(env, second)) == ((), (), [])
    finish(env, lease)


def test_each_merge_is_in_the_journal(env: WorkspaceEnv, people: dict[str, str]) -> None:
    at = env.store.clock()
    finish(env, cut_over_migration(env))

    found = env.store.merges.merges(env.workspace_id, cio_id=people["1"], limit=10)

    assert [(each.primary.id, each.secondary.id) for each in found] == [("1", "3"), ("1", "2")]
    assert {(each.at, each.automatic, each.holder, each.undone_at) for each in found} == {(at, True, people["1"], None)}
    merge_activities = env.store.person_records.activities(env.workspace_id, type=ActivityType.PROFILE_MERGE, limit=10)
    assert sorted((each.cio_id, each.at) for each in merge_activities) == sorted(
        (people[each], int(at.timestamp())) for each in ("1", "1", "4")
    )


def test_merge_is_undone(env: WorkspaceEnv, people: dict[str, str]) -> None:
    append_events(
        env,
        event(people["3"], "bought"),
        DeviceUpserted(cio_id=people["3"], device=device("t-1")),
        MembershipSet(cio_id=people["3"], segment=7, member=True),
    )
    lease = cut_over_migration(env)
    env.find(email=ANN)
    [newest, _] = env.store.merges.merges(env.workspace_id, cio_id=people["1"], limit=10)

    undone = undo(env, newest)

    assert (undone.restored.cio_id, undone.restored.id, undone.restored.email) == (people["3"], "3", None)
    assert list(undone.unavailable) == [(EMAIL, ANN)]
    assert (events(env, people["3"]), segments(env, people["3"])) == (["bought"], (7,))
    assert (devices(env, people["1"]), devices(env, people["3"])) == ((), (device("t-1"),))
    finish(env, lease)
    assert ids_by_cio_id(env) == {people[each]: each for each in ("1", "3", "4", "6")}


OTHERS: dict[str, Callable[[WorkspaceEnv], object]] = {
    "invalid": lambda env: env.identify_person(id="6", body={"email": "no address"}),
    "suppressed": lambda env: env.suppress(email="cy@example.com"),
    "id is another email": lambda env: env.identify_person(cio_id=cio_id_of(env, "6"), body={"id": "dee@example.com"}),
}


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
@pytest.mark.parametrize("other", OTHERS)
def test_others_in_the_way_still_block(env: WorkspaceEnv, people: dict[str, str], other: str, moment: str) -> None:
    env.update_settings(id_updates=IDUpdates.BY_CIO_ID)
    if moment == "before":
        OTHERS[other](env)
    env.request(on_conflict=OnConflict.MERGE)
    if moment == "meanwhile":
        lease = start_backfill(env)
        backfill(env, lease)
        OTHERS[other](env)
        env.release_lease(lease)

    env.work()

    assert (env.stage, env.mode) == (Stage.BLOCKED, Mode.ID_ONLY)
    assert env.migration.violations.people_concerned == 1
    assert env.migration.violations.duplicate_email == 0
    assert [each.cio_id for each in env.violations()] == [people["6"]]


def test_suppressed_group_blocks_as_a_whole(env: WorkspaceEnv, people: dict[str, str]) -> None:
    env.suppress(email=ANN)

    migration = env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert (migration.stage, migration.violations.suppressed_email) == (Stage.BLOCKED, 3)
    assert [each.cio_id for each in env.violations()] == [people[each] for each in "123"]
    env.unsuppress(email=ANN)
    env.store.clock.advance(10)
    assert env.work()
    assert (env.stage, env.migration.people_to_merge) == (Stage.COMPLETED, 3)


JOINS: dict[str, tuple[Callable[[WorkspaceEnv], object], int]] = {
    "somebody joins": (lambda env: env.add("7", ANN), 4),
    "somebody leaves": (lambda env: env.identify_person(id="3", body={"email": None}), 2),
    "a group ends": (lambda env: env.delete(id="4"), 2),
    "a group begins": (lambda env: env.add("7", "cy@example.com"), 4),
    "the oldest goes": (lambda env: env.delete(id="1"), 2),
    "another is oldest": (lambda env: env.identify_person(id="3", body={"created_at": "1970-01-01"}), 3),
}


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("write", JOINS)
def test_what_is_written_meanwhile_counts(env: WorkspaceEnv, write: str) -> None:
    what, merged = JOINS[write]
    env.request(on_conflict=OnConflict.MERGE)
    lease = start_backfill(env)
    backfill(env, lease)
    what(env)

    assert cut_over(env, lease).stage is Stage.SWITCHED
    finish(env, lease)
    assert env.migration.people_to_merge == merged
    ids = set(ids_by_cio_id(env).values())
    assert ("3" in ids) is (write in {"somebody leaves", "another is oldest"})


def test_address_is_plain_again_afterwards(env: WorkspaceEnv, people: dict[str, str]) -> None:
    finish(env, cut_over_migration(env))

    migration = env.migrate_to(Mode.ID_ONLY)

    assert (migration.stage, env.mode, migration.people_to_merge) == (Stage.COMPLETED, Mode.ID_ONLY, 0)
    assert ids_by_cio_id(env) == {people[each]: each for each in ("1", "4", "6")}
    env.add("2", ANN)
    again = env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)
    assert (again.stage, again.people_to_merge, again.ids_given_up) == (Stage.COMPLETED, 1, 1)
    if env.store.database is not None:
        assert_sound(env.store.database)


@pytest.mark.usefixtures("people")
def test_another_worker_continues_merging(env: WorkspaceEnv) -> None:
    lease = cut_over_migration(env)
    env.advance(lease)
    env.run_batch(lease, Step.MERGE, size=1)
    env.store.clock.advance(61)

    assert env.worker("w2").work_once()

    assert (env.stage, env.migration.people_merged) == (Stage.COMPLETED, 3)
    assert len(ids_by_cio_id(env)) == 3
    if env.store.database is not None:
        assert_sound(env.store.database)


@pytest.mark.parametrize("most", [1, 3, 4, 5])
def test_few_people_are_locked_at_a_time(sql_env: WorkspaceEnv, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Groups of three, two, two and two; a group above the limit is merged at once."""
    people = add_sharers(sql_env)
    for number, email in enumerate(["cy@example.com", "dan@example.com", "dan@example.com"]):
        people[f"x{number}"] = sql_env.add(f"x{number}", email)
    lease = cut_over_migration(sql_env)
    monkeypatch.setattr(merge_on_touch, "MAX_PEOPLE_PER_TRANSACTION", most)
    merging = merge_on_touch.MergeOnTouch(sql_env.store.sql_database)

    keys = [ANN, BEN, "cy@example.com", "dan@example.com", "nobody@x.com"]
    merge_run = merging.merge(sql_env.workspace_id, keys)

    assert merge_run.transactions == {1: 4, 3: 4, 4: 3, 5: 2}[most]
    assert merging.merge(sql_env.workspace_id, [ANN, BEN]).transactions == 1
    finish(sql_env, lease)
    assert len(ids_by_cio_id(sql_env)) == 4


def test_batches_of_groups_are_merged_side_by_side(sql_env: WorkspaceEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sharers(sql_env)
    lease = cut_over_migration(sql_env)
    monkeypatch.setattr(merge_on_touch, "MAX_GROUPS_PER_TRANSACTION", 1)
    merging = merge_on_touch.MergeOnTouch(sql_env.store.sql_database)

    assert merging.merge(sql_env.workspace_id, [BEN, "nobody@x.com", ANN]).transactions == 3

    finish(sql_env, lease)
    assert_sound(sql_env.store.sql_database)
    destroy(sql_env.store, sql_env.owner)
    with pytest.raises(NotFound):
        merging.merge(sql_env.workspace_id, [ANN, BEN])


def test_batch_of_groups_reports_its_lock_time(sql_env: WorkspaceEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sharers(sql_env)
    lease = cut_over_migration(sql_env)
    sql_env.advance(lease)

    def slowly(*arguments: Any) -> None:
        time.sleep(0.3)
        write_people(*arguments)

    monkeypatch.setattr(merge_on_touch, "write_people", slowly)
    batch = sql_env.run_batch(lease, Step.MERGE, size=10)

    assert batch.lock_time_ratio > 1.9, "0.3 seconds are twice as long as anybody may wait, at least"


def test_destroyed_workspace_is_no_failure_of_a_bulk_merge(sql_env: WorkspaceEnv) -> None:
    add_sharers(sql_env)
    lease = cut_over_migration(sql_env)
    migration = sql_env.advance(lease)

    with pytest.MonkeyPatch.context() as patched:
        merge = merge_on_touch.MergeOnTouch.merge

        def destroy_before(
            self: merge_on_touch.MergeOnTouch, workspace_id: int, keys: Sequence[str]
        ) -> merge_on_touch.MergeRun:
            destroy(sql_env.store, sql_env.owner)
            return merge(self, workspace_id, keys)

        patched.setattr(merge_on_touch.MergeOnTouch, "merge", destroy_before)
        with pytest.raises(StaleRevision):
            sql_env.store.migrations.run_batch(migration, lease, Step.MERGE, size=10, now=sql_env.store.clock())


@pytest.mark.usefixtures("people")
def test_migration_blocks_no_command_after_the_cut_over(env: WorkspaceEnv) -> None:
    lease = cut_over_migration(env)
    env.pause()

    assert env.work() is False
    assert env.identify_person(email=BEN, body={"plan": "pro"}).effect is Effect.UPDATED
    env.resume()
    assert env.work()
    assert (lease.worker, env.stage) == ("w1", Stage.COMPLETED)
