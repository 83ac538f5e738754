"""The fast path on PostgreSQL: when it is taken, and correct after concurrent changes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import pytest
import sqlalchemy as sa

from tests.store.backends import empty, sql_store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import UnitOfWork
from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.model.commands import Identify, Suppress, identify_from_request
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.people import SQLPeople
from workspace_operator.store.unit_of_work import fast_path
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot, read_settings

T = TypeVar("T")

pytestmark = pytest.mark.postgres


class CountingDatabase(Database):
    """Counts its transactions."""

    transactions = 0

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        self.transactions += 1
        return super().writing(work)


@dataclass(slots=True)
class IdentifyCaller:
    """A process that sends commands to a workspace."""

    env: WorkspaceEnv
    database: CountingDatabase
    people: SQLPeople

    def identify_person(self, call: Identify) -> tuple[CommandResult, bool]:
        """The result, and whether it took the fast path."""
        before = self.database.transactions
        [result] = execute_commands(
            self.people, self.env.workspace_id, [call], now=int(self.env.store.clock().timestamp())
        )
        assert isinstance(result, CommandResult)
        return result, self.database.transactions == before

    def standing(self) -> SettingsSnapshot:
        with self.database.reading() as connection:
            return read_settings(connection, self.env.workspace_id)


@pytest.fixture
def caller(sql_on_postgres: WorkspaceEnv) -> Iterator[IdentifyCaller]:
    """A process with cached settings; u1 has an address and an attribute."""
    env = sql_on_postgres
    env.add("u1", "ana@example.com", plan="free")
    url = env.store.sql_database.url.render_as_string(hide_password=False)
    with closing(CountingDatabase(url)) as database:
        known = IdentifyCaller(env, database, SQLPeople(database))
        known.identify_person(env.call(id="u1", body={"city": "Oslo"}))
        env.store.clock.advance(60)
        yield known


@pytest.fixture(params=["postgres_database", "partitioned_database", "distributed_database"])
def sql_on_postgres(request: pytest.FixtureRequest) -> WorkspaceEnv:
    database: Database = request.getfixturevalue(request.param)
    empty(database)
    return WorkspaceEnv.create(sql_store(database), Mode.EMAIL_OR_ID)


@pytest.mark.parametrize("name", ["id", "email", "cio_id"])
def test_known_people_go_the_short_way(caller: IdentifyCaller, name: str) -> None:
    person = caller.env.find(id="u1")
    assert person is not None
    value = {"id": "u1", "email": "ANA@example.com", "cio_id": person.cio_id}[name]

    outcome, is_fast = caller.identify_person(caller.env.call(body={"plan": "pro"}, **{name: value}))

    assert (outcome.effect, is_fast) == (Effect.UPDATED, True)
    after = caller.env.find(id="u1")
    assert after is not None
    assert after == outcome.person
    assert after.attributes == {"plan": "pro", "city": "Oslo"}


def test_short_way_leaves_its_activity(caller: IdentifyCaller) -> None:
    caller.identify_person(caller.env.call(id="u1", body={"plan": "pro"}))

    records = caller.env.store.person_records
    [newest] = records.activities(caller.env.workspace_id, type=ActivityType.ATTRIBUTE_CHANGE, limit=1)
    assert newest.data == {"plan": {"from": "free", "to": "pro"}}


def test_own_identifiers_may_be_repeated(caller: IdentifyCaller) -> None:
    body = {"email": "ana@example.com", "plan": "pro"}

    outcome, is_fast = caller.identify_person(caller.env.call(id="u1", body=body))

    assert (outcome.effect, is_fast) == (Effect.UPDATED, True)


@pytest.mark.parametrize(
    "body",
    [
        {"email": "other@example.com"},
        {"email": None},
        {"email": "no address"},
        {"id": None},
        {"cio_id": "somebody"},
        {"anonymous_id": "a1", "plan": "pro"},
    ],
    ids=str,
)
def test_whatever_is_less_plain_goes_the_long_way(caller: IdentifyCaller, body: dict[str, object]) -> None:
    call = identify_from_request(caller.env.reference(id="u1"), body)

    _, is_fast = caller.identify_person(call)

    assert not is_fast


def test_strangers_go_the_long_way(caller: IdentifyCaller) -> None:
    outcome, is_fast = caller.identify_person(caller.env.call(id="u2"))

    assert (outcome.effect, is_fast) == (Effect.CREATED, False)


def test_changed_settings_are_noticed(caller: IdentifyCaller) -> None:
    caller.env.update_settings(merge_multi_identifier=False)

    _, first = caller.identify_person(caller.env.call(id="u1", body={"plan": "a"}))
    _, second = caller.identify_person(caller.env.call(id="u1", body={"plan": "b"}))

    assert (first, second) == (False, True)


def test_suppressed_reference_is_noticed(caller: IdentifyCaller) -> None:
    caller.env.perform(Suppress(reference=caller.env.reference(id="u1")))

    outcome, _ = caller.identify_person(caller.env.call(id="u1", body={"plan": "pro"}))

    assert outcome.effect is Effect.IGNORED
    assert caller.env.find(id="u1") is None


MOVES: dict[str, Callable[[WorkspaceEnv], object]] = {
    "person changed": lambda env: env.identify_person(id="u1", body={"plan": "team"}),
    "person gone": lambda env: env.delete(id="u1"),
    "address changed": lambda env: env.identify_person(id="u1", body={"email": "new@example.com"}),
    "settings changed": lambda env: env.update_settings(open_tracking=False),
    "somebody suppressed": lambda env: env.suppress(id="u9"),
}


def identify_slowly(caller: IdentifyCaller, meanwhile: Callable[[], object] = lambda: None) -> CommandResult:
    """Identify in a fast unit of work; ``meanwhile`` runs between its two statements."""
    command = caller.env.call(id="u1", body={"plan": "pro"})

    def work(unit: UnitOfWork) -> CommandResult:
        loaded = unit.load([command])
        result = handle(unit.rules, loaded.working_set, command, now=1, new_cio_id=loaded.new_cio_ids[0])
        meanwhile()
        unit.flush(now=1)
        return result

    return fast_path.run_fast_unit_of_work(
        caller.database, caller.standing(), work, caller.people.new_cio_id, in_transaction=False
    )


@pytest.mark.parametrize("move", MOVES)
def test_nothing_is_written_over_what_moved(caller: IdentifyCaller, move: str) -> None:
    after_move: list[Person | None] = []

    def move_person() -> None:
        MOVES[move](caller.env)
        after_move.append(caller.env.find(id="u1"))

    with pytest.raises(fast_path.NotEligible):
        identify_slowly(caller, move_person)

    assert [caller.env.find(id="u1")] == after_move


def test_unmoved_person_is_written(caller: IdentifyCaller) -> None:
    result = identify_slowly(caller)

    assert caller.env.find(id="u1") == result.person


def test_ended_connections_cause_no_error(caller: IdentifyCaller) -> None:
    caller.identify_person(caller.env.call(id="u1", body={"plan": "pro"}))
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    ending = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
    with caller.env.store.sql_database.reading() as connection:
        connection.execute(sa.text(ending))

    outcome, is_fast = caller.identify_person(caller.env.call(id="u1", body={"plan": "team"}))
    _, afterwards = caller.identify_person(caller.env.call(id="u1", body={"plan": "free"}))

    assert (outcome.effect, is_fast, afterwards) == (Effect.UPDATED, False, True)


def test_fix_wakes_a_blocked_migration(caller: IdentifyCaller) -> None:
    blocked = WorkspaceEnv.create(caller.env.store, Mode.ID_ONLY)
    blocked.add_many({"a": "same@example.com", "b": "same@example.com", "c": None})
    blocked.request(Mode.EMAIL_OR_ID)
    blocked.work()
    assert blocked.stage is Stage.BLOCKED
    elsewhere = IdentifyCaller(blocked, caller.database, caller.people)
    elsewhere.identify_person(blocked.call(id="c", body={"plan": "pro"}))

    _, is_fast = elsewhere.identify_person(blocked.call(id="b", body={"email": "other@example.com"}))
    blocked.store.clock.advance(5)
    blocked.work()

    assert (is_fast, blocked.stage) == (False, Stage.COMPLETED)
