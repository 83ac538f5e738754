"""Pending status updates of a migration: stages and progress."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv, backfill_batch, start_backfill
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.schema.tables import migration


def test_moved_migration_is_unreported(env: WorkspaceEnv) -> None:
    env.request()
    assert env.store.workspaces.pending_status_updates() == []

    env.work()

    assert env.store.workspaces.pending_status_updates() == [(env.owner, env.migration)]


def test_reported_migration_is_quiet(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID)

    env.store.workspaces.mark_status_written(env.migration)

    assert env.store.workspaces.pending_status_updates() == []


def test_only_the_new_migration_is_reported(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID)

    env.request(Mode.ID_ONLY)

    assert env.store.workspaces.pending_status_updates() == []


def test_old_report_does_not_hide_news(env: WorkspaceEnv) -> None:
    before = env.request()
    env.work()
    env.store.workspaces.mark_status_written(env.migration)

    env.store.workspaces.mark_status_written(before)

    assert env.store.workspaces.pending_status_updates() == []
    assert replace(env.migration, revision=0) != before


def test_moved_numbers_are_unreported(env: WorkspaceEnv) -> None:
    env.request()

    change = with_progress(env)

    assert (change.people_checked, change.progress) == (5, 1)
    assert env.store.workspaces.pending_status_updates() == [(env.owner, change)]


def test_reported_numbers_are_quiet(env: WorkspaceEnv) -> None:
    env.request()

    env.store.workspaces.mark_status_written(with_progress(env))

    assert env.store.workspaces.pending_status_updates() == []


def test_old_report_does_not_hide_numbers(env: WorkspaceEnv) -> None:
    before = env.request()
    change = with_progress(env)

    env.store.workspaces.mark_status_written(before)
    was_unreported = env.store.workspaces.pending_status_updates()
    env.store.workspaces.mark_status_written(change)
    env.store.workspaces.mark_status_written(before)

    assert was_unreported == [(env.owner, change)]
    assert env.store.workspaces.pending_status_updates() == []


def test_numbers_of_an_earlier_migration_are_past(env: WorkspaceEnv) -> None:
    env.request()
    with_progress(env)
    env.cancel()

    env.request()

    assert env.store.workspaces.pending_status_updates() == []


def with_progress(env: WorkspaceEnv) -> Migration:
    """The migration, after a due report of progress."""
    change, workspaces = env.migration, env.store.workspaces
    moved: dict[str, Any] = {"people_checked": change.people_checked + 5, "progress": change.progress + 1}
    if env.store.database is None:
        assert isinstance(workspaces, FakeWorkspaces)
        workspaces.memory.states[change.workspace_id].update_migration(**moved)
    else:
        statement = sa.update(migration).filter_by(workspace_id=change.workspace_id, number=change.number)
        env.store.database.writing(lambda connection: connection.execute(statement.values(moved)).rowcount)
    return env.migration


def test_numbers_are_worth_it_every_five_seconds(sql_env: WorkspaceEnv) -> None:
    sql_env.add_many({str(number): f"{number}@example.com" for number in range(12)})
    store = sql_env.store
    sql_env.request()
    lease = start_backfill(sql_env)
    store.workspaces.mark_status_written(sql_env.migration)

    reported = dict[int, int]()
    for second in range(1, 13):
        store.clock.advance(1)
        backfill_batch(sql_env, lease, size=1)
        for _, unreported in store.workspaces.pending_status_updates():
            reported[second] = unreported.people_checked
            store.workspaces.mark_status_written(unreported)

    assert reported == {5: 5, 10: 10}


def test_forecast_is_a_time(sql_env: WorkspaceEnv) -> None:
    sql_env.add_many({str(number): f"{number}@example.com" for number in range(20)})
    store, started = sql_env.store, sql_env.store.clock()
    sql_env.request()
    lease = start_backfill(sql_env)
    before = sql_env.migration

    store.clock.advance(10)
    backfill_batch(sql_env, lease, size=5)

    assert before.estimated_completion is None
    assert sql_env.migration.estimated_completion == started + timedelta(seconds=40)


def test_newest_migration_is_found(env: WorkspaceEnv) -> None:
    migrations = env.store.migrations
    before = migrations.newest(env.workspace_id)
    env.migrate_to(Mode.EMAIL_OR_ID)

    requested = env.request(Mode.ID_ONLY)

    assert before is None
    assert requested.number == 2
    assert migrations.newest(env.workspace_id) == requested
    assert migrations.newest(env.workspace_id + 1000) is None


def test_unfinished_migrations_are_listed_with_their_owners(store: Store) -> None:
    waiting, blocked, through = (WorkspaceEnv.create(store, Mode.ID_ONLY) for _ in range(3))
    blocked.add_many({"1": "same@example.com", "2": "same@example.com"})
    for env in (blocked, through):
        env.migrate_to(Mode.EMAIL_OR_ID)

    waiting.request()

    listed = store.migrations.unfinished()
    assert [(owner, each.stage) for owner, each in listed] == [
        (waiting.owner, Stage.REQUESTED),
        (blocked.owner, Stage.BLOCKED),
    ]
    assert [each for _, each in listed] == [waiting.migration, blocked.migration]
