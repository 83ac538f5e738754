"""The contract of the port Credentials: one newest set, and grace for earlier sets."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import sqlalchemy as sa

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv, destroy
from tests.threads import run_together
from workspace_operator.application.ports import CredentialDigests, StoredCredentials
from workspace_operator.errors import NotFound
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.schema.tables import credential, workspace
from workspace_operator.workspaces.app_keys import AppKeyMay

DAY = timedelta(days=1)
_numbers = count(1)


def digests() -> CredentialDigests:
    """Unique digests."""
    number = next(_numbers)
    return CredentialDigests(site_id=f"site {number}", api_key=f"api {number}", app_key=f"app {number}")


def rotate(env: WorkspaceEnv, *, grace: timedelta = DAY, request: str = "") -> StoredCredentials:
    credentials = env.store.credentials
    return credentials.rotate(env.workspace_id, digests(), grace=grace, request=request, now=env.store.clock())


def valid(env: WorkspaceEnv) -> list[StoredCredentials]:
    return list(env.store.credentials.valid_sets(env.workspace_id, now=env.store.clock()))


def test_workspace_begins_without_credentials(env: WorkspaceEnv) -> None:
    assert valid(env) == []


def test_first_set_is_in_force(env: WorkspaceEnv) -> None:
    given, now = digests(), env.store.clock()

    made = env.store.credentials.rotate(env.workspace_id, given, grace=DAY, request="2026-03-01", now=now)

    assert made == StoredCredentials(
        workspace_id=env.workspace_id, number=1, digests=given, created_at=now, valid_until=None, request="2026-03-01"
    )
    assert valid(env) == [made]


def test_earlier_set_stays_for_the_grace_time(env: WorkspaceEnv) -> None:
    rotate(env)
    second = rotate(env, grace=DAY)

    newest, earlier = valid(env)
    assert (newest, earlier.number) == (second, 1)
    assert earlier.valid_until == env.store.clock() + DAY

    env.store.clock.advance(DAY.total_seconds())
    assert valid(env) == [second]


def test_no_grace_ends_earlier_sets_at_once(env: WorkspaceEnv) -> None:
    rotate(env)
    rotate(env, grace=DAY)

    third = rotate(env, grace=timedelta(0))

    assert valid(env) == [third]


def test_promised_end_is_never_put_off(env: WorkspaceEnv) -> None:
    rotate(env)
    rotate(env, grace=timedelta(hours=1))
    promised = env.store.clock() + timedelta(hours=1)

    rotate(env, grace=DAY)

    assert [each.valid_until for each in valid(env)] == [None, env.store.clock() + DAY, promised]


def test_numbers_are_never_given_twice(env: WorkspaceEnv) -> None:
    numbers = [rotate(env, grace=timedelta(0)).number for _ in range(3)]
    env.store.credentials.revoke(env.workspace_id)

    numbers.append(rotate(env).number)

    assert numbers == [1, 2, 3, 4]


def test_revoked_sets_end_at_once(env: WorkspaceEnv) -> None:
    made = rotate(env)
    rotate(env)

    assert env.store.credentials.revoke(env.workspace_id) == 2

    assert valid(env) == []
    assert (
        env.store.credentials.find_by_site_ids([made.digests.site_id], now=env.store.clock()).get(made.digests.site_id)
        is None
    )
    assert (
        env.store.credentials.find_by_app_keys([made.digests.app_key], now=env.store.clock()).get(made.digests.app_key)
        is None
    )
    assert env.store.credentials.revoke(env.workspace_id) == 0


def test_caller_is_found_by_digest(store: Store) -> None:
    first, second = (rotate(WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)) for _ in range(2))

    assert (
        store.credentials.find_by_site_ids([second.digests.site_id], now=store.clock()).get(second.digests.site_id)
        == second
    )
    assert (
        store.credentials.find_by_app_keys([first.digests.app_key], now=store.clock()).get(first.digests.app_key)
        == first
    )
    assert (
        store.credentials.find_by_site_ids([first.digests.app_key], now=store.clock()).get(first.digests.app_key)
        is None
    )
    assert (
        store.credentials.find_by_app_keys([first.digests.api_key], now=store.clock()).get(first.digests.api_key)
        is None
    )
    assert store.credentials.find_by_site_ids([""], now=store.clock()).get("") is None


def test_caller_is_found_for_the_grace_time(env: WorkspaceEnv) -> None:
    first = rotate(env)
    rotate(env, grace=DAY)
    env.store.clock.advance(DAY.total_seconds() - 1)

    found = env.store.credentials.find_by_site_ids([first.digests.site_id], now=env.store.clock()).get(
        first.digests.site_id
    )
    env.store.clock.advance(1)

    assert found is not None
    assert found.number == first.number
    assert (
        env.store.credentials.find_by_site_ids([first.digests.site_id], now=env.store.clock()).get(
            first.digests.site_id
        )
        is None
    )


def test_workspaces_rotate_apart(store: Store) -> None:
    first, second = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID), WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    kept = rotate(first)

    rotate(second, grace=timedelta(0))
    store.credentials.revoke(second.workspace_id)

    assert valid(first) == [kept]


def test_unknown_workspace_has_no_credentials(store: Store) -> None:
    with pytest.raises(NotFound):
        store.credentials.rotate(10**12, digests(), grace=DAY, request="", now=store.clock())
    with pytest.raises(NotFound):
        store.credentials.revoke(10**12)
    assert list(store.credentials.valid_sets(10**12, now=store.clock())) == []


def test_destroyed_workspace_takes_its_keys_along(env: WorkspaceEnv) -> None:
    made = rotate(env)

    destroy(env.store, env.owner)

    assert (
        env.store.credentials.find_by_site_ids([made.digests.site_id], now=env.store.clock()).get(made.digests.site_id)
        is None
    )
    assert (
        env.store.credentials.find_by_app_keys([made.digests.app_key], now=env.store.clock()).get(made.digests.app_key)
        is None
    )


def test_ended_sets_are_cleared_by_the_next_rotation(sql_env: WorkspaceEnv) -> None:
    rotate(sql_env)
    rotate(sql_env, grace=DAY)
    sql_env.store.clock.advance(DAY.total_seconds())

    rotate(sql_env)

    database = sql_env.store.sql_database
    with database.reading() as connection:
        numbers = connection.execute(sa.select(credential.c.number).order_by(credential.c.number)).scalars().all()
    assert numbers == [2, 3]


def test_rotations_at_once_leave_one_newest_set(sql_env: WorkspaceEnv) -> None:
    def rotate_often() -> None:
        for _ in range(5):
            rotate(sql_env, grace=DAY)

    run_together(*[rotate_often] * 6)

    sets = valid(sql_env)
    assert [each.number for each in sets] == list(range(30, 0, -1))
    assert [each.number for each in sets if each.valid_until is None] == [30]


def test_caller_carries_what_its_app_key_may_do(env: WorkspaceEnv) -> None:
    other = rotate(WorkspaceEnv.create(env.store, Mode.EMAIL_OR_ID))
    before = rotate(env)

    env.update_settings(app_key_may=AppKeyMay.CLEAN)
    after = rotate(env)

    now, digests = env.store.clock(), [before.digests, after.digests, other.digests]
    by_site_id = env.store.credentials.find_by_site_ids([each.site_id for each in digests], now=now)
    by_app_key = env.store.credentials.find_by_app_keys([each.app_key for each in digests], now=now)
    expected = [AppKeyMay.CLEAN, AppKeyMay.CLEAN, AppKeyMay.READ]
    assert (before.app_key_may, after.app_key_may) == (AppKeyMay.READ, AppKeyMay.CLEAN)
    assert [each.app_key_may for each in valid(env)] == [AppKeyMay.CLEAN, AppKeyMay.CLEAN]
    assert [by_site_id[each.site_id].app_key_may for each in digests] == expected
    assert [by_app_key[each.app_key].app_key_may for each in digests] == expected


def test_app_key_may_only_read_if_the_stored_value_is_unknown(sql_env: WorkspaceEnv) -> None:
    rotate(sql_env)
    later = sa.update(workspace).where(workspace.c.workspace_id == sql_env.workspace_id).values(app_key_may="Fly")
    sql_env.store.sql_database.writing(lambda connection: connection.execute(later))

    assert [each.app_key_may for each in valid(sql_env)] == [AppKeyMay.READ]
    assert rotate(sql_env).app_key_may is AppKeyMay.READ
    assert sql_env.workspace.settings.app_key_may is AppKeyMay.READ


def test_times_are_kept_exactly(env: WorkspaceEnv) -> None:
    now = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

    env.store.credentials.rotate(env.workspace_id, digests(), grace=DAY, request="", now=now)

    assert [each.created_at for each in env.store.credentials.valid_sets(env.workspace_id, now=now)] == [now]
