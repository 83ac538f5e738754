"""The contract of the port Migrations: blocked migrations, their fixes and their exports."""

from collections.abc import Callable

import pytest

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import Actor
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage

CLIENT = Actor.app_key(3)
FIXES: dict[str, Callable[[WorkspaceEnv], object]] = {
    "duplicate deleted": lambda env: env.delete(id="twin"),
    "duplicate changed": lambda env: env.identify_person(id="twin", body={"email": "other@example.com"}),
    "duplicate's email removed": lambda env: env.identify_person(id="twin", body={"email": ""}),
    "oldest deleted": lambda env: env.delete(id="ann"),
    "duplicate suppressed by cio_id": lambda env: env.suppress(id="twin"),
}


@pytest.fixture
def blocked(env: WorkspaceEnv) -> WorkspaceEnv:
    """A migration that two people with one address block."""
    env.add("ann", "ann@example.com")
    env.add("twin", "Ann@example.com")
    env.add("other", "fine@example.com")
    env.migrate_to(Mode.EMAIL_OR_ID)
    return env


def check_after(env: WorkspaceEnv, seconds: float) -> bool:
    """Whether the migration is due after a delay."""
    env.store.clock.advance(seconds)
    return env.work()


def test_blocked_migration_rests(blocked: WorkspaceEnv) -> None:
    assert blocked.stage is Stage.BLOCKED
    assert check_after(blocked, 3600) is False


def test_old_rules_stay_in_force_while_blocked(blocked: WorkspaceEnv) -> None:
    blocked.add("new", "ann@example.com")

    assert blocked.mode is Mode.ID_ONLY
    assert blocked.find(id="new") is not None


@pytest.mark.parametrize("fix", FIXES)
def test_fixed_migration_goes_through(blocked: WorkspaceEnv, fix: str) -> None:
    FIXES[fix](blocked)

    worked = check_after(blocked, 5)

    if fix == "duplicate suppressed by cio_id":
        assert blocked.stage is Stage.BLOCKED  # the address is suppressed now, and the other person still has it
        return
    assert worked
    assert (blocked.stage, blocked.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)


@pytest.mark.parametrize(
    ("email", "fix"),
    [
        ("no address", lambda env: env.identify_person(id="1", body={"email": "1@example.com"})),
        ("no address", lambda env: env.identify_person(id="1", body={"email": None})),
        ("no address", lambda env: env.delete(id="1")),
        ("blocked@example.com", lambda env: env.identify_person(id="1", body={"email": "1@example.com"})),
        ("blocked@example.com", lambda env: env.unsuppress(email="blocked@example.com")),
        ("blocked@example.com", lambda env: env.delete(id="1")),
    ],
)
def test_other_violations_are_fixed(env: WorkspaceEnv, email: str, fix: Callable[[WorkspaceEnv], object]) -> None:
    env.suppress(email="blocked@example.com")
    env.add("1", email)
    env.migrate_to(Mode.EMAIL_OR_ID)
    fix(env)

    check_after(env, 5)

    assert env.stage is Stage.COMPLETED


@pytest.mark.parametrize("body", [{"email": "X@example.com"}, None])
def test_id_that_is_another_email_is_fixed(env: WorkspaceEnv, body: dict[str, object] | None) -> None:
    env.add("x@example.com")
    env.migrate_to(Mode.EMAIL_OR_ID)
    if body:
        env.identify_person(id="x@example.com", body=body)
    else:
        env.delete(id="x@example.com")

    check_after(env, 5)

    assert env.stage is Stage.COMPLETED


def test_fixes_are_given_time_to_settle(blocked: WorkspaceEnv) -> None:
    blocked.delete(id="twin")

    assert check_after(blocked, 4) is False
    assert check_after(blocked, 1) is True


def test_partly_fixed_migration_stays_blocked(blocked: WorkspaceEnv) -> None:
    blocked.add("third", "no address")
    first = blocked.migration
    blocked.delete(id="twin")

    assert check_after(blocked, 5) is True

    assert blocked.stage is Stage.BLOCKED
    assert blocked.migration.number == first.number
    assert blocked.migration.violations.duplicate_email == 0
    assert blocked.migration.violations.invalid_email == 1
    assert [row.id for row in blocked.violations()] == ["third"]


def test_violations_of_the_second_check_are_fixed_too(blocked: WorkspaceEnv) -> None:
    blocked.add("third", "no address")
    blocked.delete(id="twin")
    check_after(blocked, 5)
    blocked.delete(id="third")

    check_after(blocked, 5)

    assert blocked.stage is Stage.COMPLETED


@pytest.mark.parametrize(
    "write",
    [
        lambda env: env.identify_person(id="other", body={"email": "new@example.com"}),
        lambda env: env.delete(id="other"),
        lambda env: env.add("another", "another@example.com"),
        lambda env: env.suppress(email="fine@example.com"),
        lambda env: env.identify_person(id="ann"),
    ],
)
def test_unrelated_write_does_not_wake_the_migration(
    blocked: WorkspaceEnv, write: Callable[[WorkspaceEnv], object]
) -> None:
    write(blocked)

    assert check_after(blocked, 60) is False


def test_unsuppressing_wakes_a_blocked_migration(blocked: WorkspaceEnv) -> None:
    blocked.suppress(email="somebody@example.com")
    blocked.unsuppress(email="somebody@example.com")

    assert check_after(blocked, 5) is True


def test_later_sharer_is_found_at_the_next_check(blocked: WorkspaceEnv) -> None:
    blocked.add("late", "ann@example.com")
    blocked.delete(id="twin")

    check_after(blocked, 5)

    assert blocked.stage is Stage.BLOCKED
    assert [row.id for row in blocked.violations()] == ["ann", "late"]


def test_blocked_migration_is_tried_again_on_request(blocked: WorkspaceEnv) -> None:
    blocked.retry("token")

    assert blocked.migration.retry_token == "token"
    assert blocked.work() is True
    assert blocked.stage is Stage.BLOCKED
    assert blocked.work() is False


def retry(env: WorkspaceEnv, number: int = 1) -> None:
    """Ask for a retry as a client of the API."""
    env.store.migrations.retry(env.workspace_id, number, actor=CLIENT, now=env.store.clock())


def test_blocked_migration_is_tried_again_for_a_client(blocked: WorkspaceEnv) -> None:
    blocked.retry("token")
    blocked.work()
    before = blocked.migration

    retry(blocked)

    [entry] = blocked.store.audit_log.entries(blocked.workspace_id, limit=10)
    assert (entry.actor, entry.action, entry.subject, entry.detail) == ("app key 3", "retried", "migration 1", {})
    assert blocked.migration == before  # the operator's token and revision stay
    assert blocked.work() is True
    assert blocked.work() is False


def test_client_does_not_interrupt_a_check(blocked: WorkspaceEnv) -> None:
    blocked.retry("token")
    _, lease = blocked.claim()

    retry(blocked)

    assert blocked.block(lease).stage is Stage.BLOCKED


def test_only_a_blocked_migration_is_tried_again_for_a_client(blocked: WorkspaceEnv) -> None:
    with pytest.raises(NotFound, match="there is no identifier change 2"):
        retry(blocked, 2)
    with pytest.raises(NotFound):
        blocked.store.migrations.retry(10**12, 1, actor=CLIENT, now=blocked.store.clock())
    blocked.pause()
    with pytest.raises(Conflict):
        retry(blocked)
    blocked.resume()
    blocked.cancel()
    with pytest.raises(Conflict, match="Cancelled"):
        retry(blocked)

    assert blocked.store.audit_log.entries(blocked.workspace_id, limit=10) == []


def test_blocked_stays_blocked_during_a_recheck(blocked: WorkspaceEnv) -> None:
    blocked.retry("token")
    migration, lease = blocked.claim()

    assert migration.stage is Stage.BLOCKED
    assert blocked.block(lease).stage is Stage.BLOCKED


def test_last_fix_between_count_and_block_is_seen(blocked: WorkspaceEnv) -> None:
    blocked.retry("token")
    migration, lease = blocked.claim()
    counted = blocked.store.migrations.check(blocked.workspace_id)[0]
    blocked.delete(id="twin")

    moved = blocked.store.migrations.block(migration, lease, people=counted, now=blocked.store.clock())

    assert moved.stage is Stage.CHECKING
    blocked.store.migrations.release_lease(moved, lease, due_at=blocked.store.clock())
    blocked.work()
    assert blocked.stage is Stage.COMPLETED


def test_fixed_while_paused_continues_when_resumed(blocked: WorkspaceEnv) -> None:
    blocked.pause()
    blocked.delete(id="twin")
    assert check_after(blocked, 60) is False

    blocked.resume()

    assert blocked.work() is True
    assert blocked.stage is Stage.COMPLETED


def test_blocked_migration_is_cancelled(blocked: WorkspaceEnv) -> None:
    blocked.cancel()

    assert (blocked.stage, blocked.mode) == (Stage.CANCELLED, Mode.ID_ONLY)
    blocked.work()  # deletes what is not used any more
    blocked.delete(id="twin")
    assert check_after(blocked, 60) is False


def test_completed_migration_has_no_violations(blocked: WorkspaceEnv) -> None:
    blocked.delete(id="twin")
    check_after(blocked, 5)

    assert blocked.migration.violations.people_concerned == 0
    assert blocked.migration.export is None


def test_exports_are_listed_newest_first(blocked: WorkspaceEnv) -> None:
    blocked.retry("again")
    blocked.store.clock.advance(10)
    blocked.work()

    exports = blocked.store.exports.exports(blocked.workspace_id)

    assert [each.number for each in exports] == [2, 1]
    assert (exports[0].created_at, exports[0].total) == (blocked.store.clock(), 2)
    assert exports[0].migration_number == blocked.migration.number
    assert exports[0].description == "people who block the change from IDOnly to EmailOrID"
    assert blocked.migration.export == 2


def test_newest_three_exports_are_kept(blocked: WorkspaceEnv) -> None:
    for token in "abcd":
        blocked.retry(token)
        blocked.work()

    numbers = [each.number for each in blocked.store.exports.exports(blocked.workspace_id)]

    assert numbers == [5, 4, 3]
    assert [row.id for row in blocked.violations(3)] == ["ann", "twin"]
    with pytest.raises(NotFound):
        blocked.violations(2)


def test_unknown_export_is_not_found(blocked: WorkspaceEnv) -> None:
    with pytest.raises(NotFound):
        blocked.violations(99)
    with pytest.raises(NotFound):
        list(blocked.store.exports.violations(10**12, 1))


@pytest.mark.parametrize("leave", [lambda env: env.delete(id="twin"), lambda env: env.suppress(id="twin")])
def test_departed_person_leaves_every_export(blocked: WorkspaceEnv, leave: Callable[[WorkspaceEnv], object]) -> None:
    blocked.retry("again")
    blocked.work()

    leave(blocked)

    for number in (1, 2):
        assert [row.id for row in blocked.violations(number)] == ["ann"]


def test_export_keeps_what_it_said(blocked: WorkspaceEnv) -> None:
    blocked.identify_person(id="twin", body={"email": "new@example.com"})

    assert [row.email for row in blocked.violations()] == ["ann@example.com", "Ann@example.com"]


def test_rows_carry_the_values_that_are_asked_for(blocked: WorkspaceEnv) -> None:
    blocked.identify_person(id="twin", body={"name": "Tim", "visits": 3})

    rows = list(blocked.store.exports.violations(blocked.workspace_id, 1, attributes=["visits", "name"]))

    assert [(row.id, row.values) for row in rows] == [("ann", (None, None)), ("twin", (3, "Tim"))]


def test_first_rows_of_an_export_are_read(blocked: WorkspaceEnv) -> None:
    rows = list(blocked.store.exports.violations(blocked.workspace_id, 1, limit=1))

    assert [row.id for row in rows] == ["ann"]
