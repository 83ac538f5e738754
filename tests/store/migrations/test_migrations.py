"""The contract of the port Migrations: a migration from its request to its end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.backends import Store
from tests.store.fault_injection import BATCH, with_people
from tests.store.fixtures import WorkspaceEnv, apply_change_log, backfill, backfill_batch, cut_over, start_backfill
from tests.store.invariants import assert_sound
from workspace_operator.application.ports import Actor, Lease
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import CancelMigration, RequestMigration

ALLOWED = [
    (Mode.ID_ONLY, Mode.EMAIL_OR_ID),
    (Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID),
    (Mode.EMAIL_OR_ID, Mode.ID_ONLY),
]


@pytest.mark.parametrize(("before", "after"), ALLOWED)
@pytest.mark.parametrize("people", [0, 1, BATCH, BATCH * 2 + 1])
def test_clean_migration_completes(store: Store, before: Mode, after: Mode, people: int) -> None:
    env = with_people(store, before, people)
    requested = env.request(after)

    env.worker(batch=BATCH).work_once()

    assert requested.stage is Stage.REQUESTED
    assert (env.stage, env.mode) == (Stage.COMPLETED, after)
    assert env.migration.started_at == env.migration.completed_at == store.clock()
    assert env.migration.people_total == people
    assert env.migration.revision > requested.revision
    if store.database is not None:
        assert_sound(store.database)


def test_worker_of_one_workspace_leaves_the_others_alone(store: Store) -> None:
    first, second = (with_people(store, Mode.ID_ONLY, 1) for _ in range(2))
    for env in (first, second):
        env.request(Mode.EMAIL_OR_ID)
    worker = replace(second.worker(), workspace_id=second.workspace_id)

    assert worker.work_once()
    assert not worker.work_once()
    assert (first.stage, second.stage) == (Stage.REQUESTED, Stage.COMPLETED)


def test_addresses_find_people_once_enabled(env: WorkspaceEnv) -> None:
    cio_id = env.add("1", " Ann@Example.com")

    env.migrate_to(Mode.EMAIL_OR_ID)

    found = env.find(email="ann@example.com")
    assert found is not None
    assert found.cio_id == cio_id
    assert env.identify_person(id="2", body={"email": "ANN@example.com"}).refusals


def test_addresses_are_plain_once_disabled(store: Store) -> None:
    env = with_people(store, Mode.EMAIL_OR_ID, 1)

    env.migrate_to(Mode.ID_ONLY)

    outcome = env.identify_person(id="other", body={"email": "0@example.com"})
    assert outcome.refusals == ()
    assert env.find(id="0") is not None


def test_people_without_id_stay_when_email_is_disabled(store: Store) -> None:
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    outcome = env.identify_person(email="ann@example.com")
    assert outcome.person is not None

    env.migrate_to(Mode.ID_ONLY)

    found = env.find(cio_id=outcome.person.cio_id)
    assert found == outcome.person
    assert env.identify_person(cio_id=outcome.person.cio_id, body={"id": "1"}).effect is Effect.UPDATED


def test_generated_ids_stay_when_ids_are_enabled(store: Store) -> None:
    env = with_people(store, Mode.EMAIL_ONLY, 1)
    before = env.find(email="0@example.com")
    assert before is not None
    assert before.id is not None

    env.migrate_to(Mode.EMAIL_OR_ID)

    assert env.find(id=before.id) == before
    assert env.find(email="0@example.com") == before
    made = env.identify_person(email="new@example.com").person
    assert made is not None
    assert made.id is None


def test_migration_there_and_back_is_clean(store: Store) -> None:
    env = with_people(store, Mode.ID_ONLY, 3)

    for mode in (Mode.EMAIL_OR_ID, Mode.ID_ONLY, Mode.EMAIL_OR_ID):
        migration = env.migrate_to(mode)
        assert (migration.stage, env.mode) == (Stage.COMPLETED, mode)

    assert env.migration.number == 3


def test_second_request_is_refused(env: WorkspaceEnv) -> None:
    env.request()

    with pytest.raises(StaleRevision):
        env.request()


def test_request_from_another_mode_is_refused(env: WorkspaceEnv) -> None:
    action = RequestMigration(
        workspace_id=env.workspace_id,
        from_mode=Mode.EMAIL_OR_ID,
        to_mode=Mode.ID_ONLY,
        on_conflict=env.request().on_conflict,
    )
    env.cancel()

    with pytest.raises(StaleRevision):
        env.store.workspaces.apply(action, now=env.store.clock())


def test_requests_about_ended_changes_are_refused(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID)

    for action in (env.pause, env.resume, env.cancel, lambda: env.retry("x")):
        with pytest.raises(StaleRevision):
            action()


def test_requests_name_the_newest_migration(env: WorkspaceEnv) -> None:
    first = env.request()
    env.cancel()
    assert (env.stage, env.migration.revision) == (Stage.CANCELLED, first.revision + 1)
    second = env.request()

    with pytest.raises(StaleRevision):
        env.store.workspaces.apply(
            CancelMigration(workspace_id=env.workspace_id, number=first.number), now=env.store.clock()
        )

    assert env.migration == second


def test_migration_that_has_cut_over_is_not_cancelled(store: Store) -> None:
    env, lease = backfilling(store)
    backfill(env, lease)
    cut_over(env, lease)

    with pytest.raises(StaleRevision):
        env.cancel()

    assert env.stage is Stage.SWITCHED


def test_nothing_is_due_without_a_request(env: WorkspaceEnv) -> None:
    assert env.work() is False


def test_changes_are_taken_by_turns(store: Store) -> None:
    first, second = with_people(store, Mode.ID_ONLY, 1), with_people(store, Mode.ID_ONLY, 1)
    first.request()
    store.clock.advance(1)
    second.request()

    assert first.work() is True
    assert (first.stage, second.stage) == (Stage.COMPLETED, Stage.REQUESTED)
    assert first.work() is True
    assert second.stage is Stage.COMPLETED
    assert first.work() is False


def backfilling(store: Store, people: int = 3) -> tuple[WorkspaceEnv, Lease]:
    """A migration at the start of Preparing."""
    env = with_people(store, Mode.ID_ONLY, people)
    env.request()
    return env, start_backfill(env)


def test_writers_go_on_while_preparing(store: Store) -> None:
    env, _ = backfilling(store)

    assert env.identify_person(id="1", body={"plan": "pro"}).effect is Effect.UPDATED
    assert env.delete(id="2")
    assert env.suppress(email="blocked@example.com")
    assert env.unsuppress(email="blocked@example.com")
    assert env.identify_person(id="new", body={"email": "new@example.com"}).effect is Effect.CREATED
    assert (env.stage, env.mode) == (Stage.PREPARING, Mode.ID_ONLY)


def test_old_rules_hold_until_the_cut_over(store: Store) -> None:
    env, lease = backfilling(store)
    backfill(env, lease)

    outcome = env.identify_person(id="new", body={"email": "1@example.com"})

    assert (outcome.effect, outcome.refusals) == (Effect.CREATED, ())
    assert len(store.people.find_by_email(env.workspace_id, "1@example.com", limit=5)) == 2


def test_new_rules_hold_from_the_cut_over(store: Store) -> None:
    env, lease = backfilling(store)
    backfill(env, lease)

    cut_over(env, lease)

    assert (env.stage, env.mode) == (Stage.SWITCHED, Mode.EMAIL_OR_ID)
    assert env.identify_person(email="1@example.com", body={"plan": "pro"}).effect is Effect.UPDATED
    assert env.identify_person(id="new", body={"email": "1@example.com"}).refusals


WRITES: dict[str, Callable[[WorkspaceEnv], object]] = {
    "created": lambda env: env.add("new", "new@example.com"),
    "email set": lambda env: env.identify_person(id="bare", body={"email": "set@example.com"}),
    "email changed": lambda env: env.identify_person(id="1", body={"email": "changed@example.com"}),
    "emails swapped": lambda env: env.identify(
        env.call(id="0", body={"email": "1@example.com"}), env.call(id="1", body={"email": "0@example.com"})
    ),
    "email removed": lambda env: env.identify_person(id="1", body={"email": ""}),
    "deleted": lambda env: env.delete(id="1"),
    "deleted and made anew": lambda env: (env.delete(id="1"), env.add("again", "1@example.com")),
    "shared and fixed": lambda env: (env.add("twin", "1@example.com"), env.delete(id="1")),
    "suppressed and freed": lambda env: (
        env.suppress(email="1@example.com"),
        env.unsuppress(email="1@example.com"),
    ),
    "suppressed with their address": lambda env: env.suppress(id="1"),
    "invalid and fixed": lambda env: (
        env.identify_person(id="1", body={"email": "no address"}),
        env.identify_person(id="1", body={"email": "fixed@example.com"}),
    ),
}
STEPS: dict[str, Callable[[WorkspaceEnv, Lease], object]] = {
    "before any batch": backfill_batch,
    "after a batch": backfill,
    "after all batches": apply_change_log,
    "after settling": cut_over,
}


def prepare_and_cut_over(env: WorkspaceEnv, lease: Lease, write: Callable[[WorkspaceEnv], object], moment: str) -> None:
    """Carry out all steps up to the cut-over, with a write before one of them."""
    for name, step in STEPS.items():
        if name == moment:
            write(env)
        step(env, lease)


@pytest.mark.parametrize("moment", STEPS)
@pytest.mark.parametrize("write", WRITES)
def test_what_is_written_meanwhile_counts(store: Store, write: str, moment: str) -> None:
    env = with_people(store, Mode.ID_ONLY, 4)
    env.add("bare")
    env.request()
    lease = start_backfill(env)

    prepare_and_cut_over(env, lease, WRITES[write], moment)

    assert env.mode is Mode.EMAIL_OR_ID
    env.finish(lease)
    if store.database is not None:
        assert_sound(store.database)


VIOLATIONS: dict[str, Callable[[WorkspaceEnv], object]] = {
    "duplicate": lambda env: env.add("twin", "1@example.com"),
    "invalid": lambda env: env.identify_person(id="1", body={"email": "no address"}),
    "suppressed": lambda env: env.suppress(email="1@example.com"),
    "id is another email": lambda env: env.add("somebody@example.com"),
}


@pytest.mark.parametrize("moment", STEPS)
@pytest.mark.parametrize("violation", VIOLATIONS)
def test_violation_that_appears_meanwhile_stops_the_cut_over(store: Store, violation: str, moment: str) -> None:
    env, lease = backfilling(store, people=4)

    prepare_and_cut_over(env, lease, VIOLATIONS[violation], moment)

    assert (env.stage, env.mode) == (Stage.PREPARING, Mode.ID_ONLY)
    env.release_lease(lease)
    env.work()
    assert env.stage is Stage.BLOCKED
    assert env.migration.violations.people_concerned == (2 if violation == "duplicate" else 1)


def test_cut_over_is_retried_with_concurrent_changes(store: Store) -> None:
    env, lease = backfilling(store)
    backfill(env, lease)
    apply_change_log(env, lease)
    env.add("bad", "no address")
    cut_over(env, lease)
    env.add("last", "zzz@example.com")
    apply_change_log(env, lease)
    env.delete(id="bad")

    env.finish(lease)

    assert (env.stage, env.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
    if store.database is not None:
        assert_sound(store.database)


def test_violation_before_the_preparation_blocks(env: WorkspaceEnv) -> None:
    env.request()
    _, lease = env.claim()
    env.advance(lease)
    env.add("late", "no address")
    env.advance(lease)
    env.release_lease(lease)

    env.work()

    assert env.stage is Stage.BLOCKED
    assert env.identify_person(id="late", body={"email": None}).effect is Effect.UPDATED


def test_pause_keeps_what_is_prepared(store: Store) -> None:
    env, lease = backfilling(store, people=5)
    backfill_batch(env, lease)
    checked = env.migration.people_checked

    env.pause()
    env.identify_person(id="1", body={"email": "paused@example.com"})
    assert env.work() is False
    env.resume()

    assert (env.stage, env.migration.people_checked) == (Stage.PREPARING, checked)
    assert env.work() is True
    assert env.stage is Stage.COMPLETED
    if store.database is not None:
        assert_sound(store.database)


def test_migration_cancelled_while_preparing_leaves_no_rows(store: Store) -> None:
    env, lease = backfilling(store, people=5)
    backfill_batch(env, lease)

    env.cancel()
    env.identify_person(id="1", body={"email": "2@example.com"})
    while env.work():
        pass

    assert (env.stage, env.mode) == (Stage.CANCELLED, Mode.ID_ONLY)
    if store.database is not None:
        assert_sound(store.database)


def test_people_are_counted_when_email_is_disabled(store: Store) -> None:
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    env.identify_person(email="ann@example.com")
    env.add("1", "ben@example.com")

    migration = env.migrate_to(Mode.ID_ONLY)

    assert (migration.people_total, migration.people_without_id, migration.people_without_identifier) == (2, 1, 1)


def test_people_without_any_identifier_are_counted_on_the_way_back(store: Store) -> None:
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    outcome = env.identify_person(email="ann@example.com")
    assert outcome.person is not None
    env.identify_person(email="ben@example.com")
    env.migrate_to(Mode.ID_ONLY)
    env.identify_person(cio_id=outcome.person.cio_id, body={"email": ""})

    migration = env.migrate_to(Mode.EMAIL_OR_ID)

    assert (migration.stage, env.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
    assert (migration.people_without_id, migration.people_without_identifier) == (2, 1)


def test_progress_is_worth_telling_every_few_seconds(sql: Store) -> None:
    env, lease = backfilling(sql, people=8)
    before = env.migration
    for _ in range(3):
        sql.clock.advance(2)
        backfill_batch(env, lease)

    after = env.migration

    assert after.people_checked == 3 * BATCH
    assert (after.progress, after.revision) == (before.progress + 1, before.revision)
    assert after.estimated_completion == sql.clock() + timedelta(seconds=2)


def test_migrations_are_listed_newest_first(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID)
    env.migrate_to(Mode.ID_ONLY)
    env.request()

    listed = env.store.migrations.recent(env.workspace_id, limit=10)

    expected = [(3, Stage.REQUESTED), (2, Stage.COMPLETED), (1, Stage.COMPLETED)]
    assert [(migration.number, migration.stage) for migration in listed] == expected
    assert env.store.migrations.recent(env.workspace_id, limit=2) == listed[:2]
    assert env.store.migrations.get(env.workspace_id, 2) == listed[1]


def test_workspace_has_only_its_own_migrations(env: WorkspaceEnv) -> None:
    other = WorkspaceEnv.create(env.store, Mode.ID_ONLY)
    other.request()

    assert env.store.migrations.recent(env.workspace_id, limit=10) == []
    with pytest.raises(NotFound, match="there is no identifier change 1"):
        env.store.migrations.get(env.workspace_id, 1)


def test_blocked_migration_is_due_once_a_client_asks(env: WorkspaceEnv) -> None:
    env.add_many({"1": "broken@"})
    env.migrate_to(Mode.EMAIL_OR_ID)
    assert env.work() is False

    retried = env.store.migrations.retry(env.workspace_id, 1, actor=Actor.app_key(1), now=env.store.clock())

    assert retried == env.migration
    assert env.work() is True
