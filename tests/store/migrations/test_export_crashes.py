"""A worker dies after each transaction of an export: nothing is left over or lost."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TypeVar

import pytest
import sqlalchemy as sa

from tests.store.backends import Store
from tests.store.fault_injection import WorkerCrash
from tests.store.fixtures import WorkspaceEnv, backfill, start_backfill
from tests.store.invariants import assert_sound
from workspace_operator.application.ports import Lease
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.migrations import export_writer
from workspace_operator.store.repositories.migrations import SQLMigrations

T = TypeVar("T")
PEOPLE = 5


class CrashingDatabase(Database):
    """Kills its user right after a number of write transactions; others write in between."""

    def __init__(self, url: str, *, after: int, others: Callable[[int], object]) -> None:
        super().__init__(url)
        self.after = after
        self.others = others
        self.written = 0

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        result = super().writing(work)
        self.written += 1
        self.others(self.written)
        if self.written == self.after:
            raise WorkerCrash
        return result


def each_crash(store: Store, *, late: bool = True) -> Iterator[WorkspaceEnv]:
    """A workspace per transaction, after which the worker that wrote an export died.

    ``late``: the violation came when all was prepared; otherwise the first check found it.
    """
    for after in count(1):
        env = WorkspaceEnv.create(store, Mode.ID_ONLY)
        env.add_many({str(number): f"{number}@example.com" for number in range(PEOPLE)})
        env.request()
        lease = prepared(env) if late else scanning(env)
        env.identify_person(id="0", body={"email": "no address"})
        others = partial(move_one, env)
        if export_with(env, lease, others, after=after) < after:
            return
        yield env


def prepared(env: WorkspaceEnv) -> Lease:
    lease = start_backfill(env)
    backfill(env, lease)
    return lease


def scanning(env: WorkspaceEnv) -> Lease:
    _, lease = env.claim()
    env.advance(lease)
    return lease


def move_one(env: WorkspaceEnv, number: int) -> None:
    """Change the address of a person without violations."""
    env.identify_person(id="1", body={"email": f"1-{number}@example.com"})


def finish(env: WorkspaceEnv) -> None:
    for _ in range(3):
        env.store.clock.advance(61)
        while env.worker("w2").work_once():
            pass


def test_fixed_migration_keeps_people_as_they_are(sql: Store) -> None:
    for env in each_crash(sql):
        move_one(env, 0)
        env.identify_person(id="0", body={"email": "0@example.com"})

        finish(env)

        assert (env.stage, env.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
        assert_sound(sql.sql_database)


@pytest.mark.parametrize("late", [True, False])
def test_cancelled_migration_leaves_no_trace(sql: Store, late: bool) -> None:
    for env in each_crash(sql, late=late):
        env.cancel()

        finish(env)

        assert (env.stage, env.mode) == (Stage.CANCELLED, Mode.ID_ONLY)
        assert_sound(sql.sql_database)


def test_migration_that_is_not_fixed_is_reported(sql: Store) -> None:
    for env in each_crash(sql):
        finish(env)

        assert (env.stage, env.mode) == (Stage.BLOCKED, Mode.ID_ONLY)
        assert [each.id for each in env.violations()] == ["0"]


def export_with(env: WorkspaceEnv, lease: Lease, others: Callable[[int], object], *, after: int = 0) -> int:
    """Write an export with concurrent writes; return the number of transactions."""
    url = env.store.sql_database.url.render_as_string(hide_password=False)
    database = CrashingDatabase(url, after=after, others=others)
    people, _ = env.store.migrations.check(env.workspace_id)
    with suppress(WorkerCrash):
        SQLMigrations(database).block(env.migration, lease, people=people, now=env.store.clock())
    database.close()
    return database.written


def test_person_deleted_during_the_export_fixes_the_others(sql: Store) -> None:
    """Also after the `export_person` rows were written."""
    for moment in count(1):
        env = WorkspaceEnv.create(sql, Mode.ID_ONLY)
        env.add_many({"ann": "ann@example.com", "twin": "ann@example.com"})
        env.request()
        lease = scanning(env)

        def go(number: int, env: WorkspaceEnv = env, moment: int = moment) -> None:
            if number == moment:
                env.delete(id="twin")

        written = export_with(env, lease, go)
        if moment > written:
            break
        finish(env)

        assert (env.stage, env.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID), f"after transaction {moment}"
        assert_sound(sql.sql_database)


def test_export_that_is_half_removed_forgets_the_deleted(sql: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fourth export deletes the first; no row of people deleted after a crash remains."""
    monkeypatch.setattr(export_writer, "ROW_BATCH_SIZE", 2)
    for after in count(1):
        env = WorkspaceEnv.create(sql, Mode.ID_ONLY)
        for number in range(8):  # addresses in another order than creation
            env.add(str(number), f"{7 - number // 2}@example.com")
        env.request()
        env.work()
        for token in ("second", "third"):
            env.retry(token)
            env.work()
        env.retry("fourth")
        _, lease = env.claim()
        written = export_with(env, lease, lambda _: None, after=after)
        if written < after:
            break
        env.cancel()
        finish(env)

        for number in range(8):
            env.delete(id=str(number))

        listed = [row for each in sql.exports.exports(env.workspace_id) for row in env.violations(each.number)]
        assert listed == [], f"after transaction {after}"
        assert_sound(sql.sql_database)
