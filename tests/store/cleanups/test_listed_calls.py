"""Calls that name people who block a change: recent while they do, and only then."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from tests.store.cleanups.cleanup_env import CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.cleanups.recent_calls import RecentCalls
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import GroupCursor, ListedCalls, ListQuery
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.repositories.cleanups.listed_calls import BATCH
from workspace_operator.store.schema.cleanup_tables import listed_call

ADA = "ada@example.com"
PEOPLE = {"m-1": ADA, "m-2": ADA, "m-3": "fine@example.com"}


class Calls:
    """A workspace whose change is blocked, and an API process of it."""

    def __init__(self, env: WorkspaceEnv) -> None:
        self.env = env
        self.recent = RecentCalls(listed_calls=self.port)
        self.cleanup = CleanupEnv.blocked(env, PEOPLE)

    @property
    def port(self) -> ListedCalls:
        return self.env.store.sql_listed_calls

    def call(self, *commands: Command) -> None:
        """Calls of clients, in one batch."""
        store = self.env.store
        now = int(store.clock().timestamp())
        execute_commands(store.people, self.env.workspace_id, commands, now=now, record_calls=self.recent.add)

    def sync(self, *ids: str) -> None:
        """A nightly synchronization, which sends people as they are."""
        self.call(*(self.env.call(id=id_) for id_ in ids))

    def shown(self) -> Mapping[str | None, datetime | None]:
        """The last call of each listed person, as lists show it."""
        listings, number = self.env.store.listings, self.env.migration.export
        assert listings is not None
        assert number is not None
        query = ListQuery(export_number=number)
        page = listings.groups(self.env.workspace_id, query, after=GroupCursor(), limit=25)
        return {member.id: member.last_call for group in page.groups for member in group.members}

    def rows(self) -> int:
        query = sa.select(sa.func.count()).where(listed_call.c.workspace_id == self.env.workspace_id)
        with self.env.store.sql_database.reading() as connection:
            return int(connection.execute(query).scalar_one())


def test_calls_without_effect_are_noted_once_written(sql_env: WorkspaceEnv) -> None:
    calls = Calls(sql_env)
    began = calls.port.recorded_since(sql_env.workspace_id)
    assert began is not None
    sql_env.store.clock.advance(60)
    calls.sync("m-1", "m-3")
    before = calls.shown()

    calls.recent.write_all()

    assert before == {"m-1": None, "m-2": None}
    assert calls.shown() == {"m-1": sql_env.store.clock(), "m-2": None}
    assert timedelta(seconds=59) < sql_env.store.clock() - began <= timedelta(seconds=60)
    assert calls.rows() == 1  # not of the person who blocks nothing


def test_later_call_replaces_an_earlier_one_only(sql_env: WorkspaceEnv) -> None:
    calls, number = Calls(sql_env), sql_env.workspace_id
    cio_id, now = calls.cleanup.cio_ids["m-1"], sql_env.store.clock()

    for seconds in (10, 30, 20):
        assert calls.port.record(number, {cio_id: now + timedelta(seconds=seconds)}) == 1

    assert calls.shown()["m-1"] == now + timedelta(seconds=30)


def test_many_people_are_written_in_batches(sql_env: WorkspaceEnv) -> None:
    calls = Calls(sql_env)
    now = sql_env.store.clock()
    strangers = {f"{number:024x}": now for number in range(BATCH)}

    assert (
        calls.port.record(sql_env.workspace_id, {**strangers, **dict.fromkeys(calls.cleanup.cio_ids.values(), now)})
        == 2
    )


def test_nothing_is_recorded_before_people_block_a_change(sql_env: WorkspaceEnv) -> None:
    sql_env.add("m-0")
    recent = RecentCalls(listed_calls=sql_env.store.sql_listed_calls)
    now = int(sql_env.store.clock().timestamp())

    execute_commands(
        sql_env.store.people, sql_env.workspace_id, [sql_env.call(id="m-0")], now=now, record_calls=recent.add
    )

    recent.write_all()
    assert sql_env.store.sql_listed_calls.recorded_since(sql_env.workspace_id) is None


def test_cleanups_and_imports_are_no_calls(sql_env: WorkspaceEnv) -> None:
    calls = Calls(sql_env)

    sql_env.identify(sql_env.call(id="m-1"))  # without a process of the API
    calls.recent.write_all()

    assert calls.rows() == 0


def test_check_that_finds_people_again_goes_on_noting(sql_env: WorkspaceEnv) -> None:
    calls = Calls(sql_env)
    began = calls.port.recorded_since(sql_env.workspace_id)
    calls.sync("m-1")
    calls.recent.write_all()
    sql_env.store.clock.advance(3600)

    sql_env.retry("again")
    sql_env.work()

    assert calls.port.recorded_since(sql_env.workspace_id) == began
    assert calls.shown()["m-1"] is not None


def test_calls_are_forgotten_when_the_change_is_in_force(sql_env: WorkspaceEnv) -> None:
    calls = Calls(sql_env)
    calls.sync("m-1")
    calls.recent.write_all()

    calls.call(sql_env.call(id="m-2", body={"email": "other@example.com"}))
    sql_env.store.clock.advance(10)
    sql_env.work()

    assert sql_env.mode is Mode.EMAIL_OR_ID
    assert calls.port.recorded_since(sql_env.workspace_id) is None
    calls.recent.write_all()  # the call that let it through
    assert calls.rows() == 0


def test_calls_are_forgotten_when_the_change_is_taken_back(sql_env: WorkspaceEnv) -> None:
    calls = Calls(sql_env)
    calls.sync("m-1", "m-2")
    calls.recent.write_all()

    sql_env.cancel()
    sql_env.work()

    assert calls.port.recorded_since(sql_env.workspace_id) is None
    assert calls.rows() == 0


def test_person_who_is_deleted_has_no_noted_call(sql_env: WorkspaceEnv) -> None:
    calls = Calls(sql_env)
    calls.sync("m-1", "m-2")
    calls.recent.write_all()

    sql_env.delete(id="m-1")

    assert calls.rows() == 1
