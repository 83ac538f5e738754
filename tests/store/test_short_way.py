"""The short way of a single identify on PostgreSQL: taken where it may be, and never wrong when something has moved."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import pytest
import sqlalchemy as sa

from tests.store.adapters import empty, sql_store
from tests.store.scenes import Scene
from workspace_operator.identity.calls import IdentifyCall, SuppressCall, call_of_body
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.rules import Mode
from workspace_operator.identity.trail import ActivityType
from workspace_operator.migrations.stages import Stage
from workspace_operator.store import quick
from workspace_operator.store.engines import Database
from workspace_operator.store.fences import Standing, standing_of
from workspace_operator.store.people import SQLPeople

T = TypeVar("T")

pytestmark = pytest.mark.postgres


class Counting(Database):
    """Counts the transactions that it was asked for."""

    transactions = 0

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        self.transactions += 1
        return super().writing(work)


@dataclass(slots=True)
class Caller:
    """A process that calls for the people of a scene."""

    scene: Scene
    database: Counting
    people: SQLPeople

    def say(self, call: IdentifyCall) -> tuple[Outcome, bool]:
        """What came of it, and whether it went the short way."""
        before = self.database.transactions
        [answer] = self.people.perform(self.scene.workspace_id, [call], now=int(self.scene.store.clock().timestamp()))
        assert isinstance(answer, Outcome)
        return answer, self.database.transactions == before

    def standing(self) -> Standing:
        with self.database.reading() as connection:
            return standing_of(connection, self.scene.workspace_id)


@pytest.fixture
def caller(sql_on_postgres: Scene) -> Iterator[Caller]:
    """Knows the workspace already, in which u1 has an address and an attribute."""
    scene = sql_on_postgres
    scene.add("u1", "ana@example.com", plan="free")
    assert scene.store.database is not None
    url = scene.store.database.url.render_as_string(hide_password=False)
    with closing(Counting(url)) as database:
        known = Caller(scene, database, SQLPeople(database))
        known.say(scene.call(id="u1", body={"city": "Oslo"}))
        scene.store.clock.forward(60)
        yield known


@pytest.fixture(params=["postgres_database", "partitioned_database"])
def sql_on_postgres(request: pytest.FixtureRequest) -> Scene:
    database: Database = request.getfixturevalue(request.param)
    empty(database)
    return Scene.create(sql_store(database), Mode.EMAIL_OR_ID)


@pytest.mark.parametrize("name", ["id", "email", "cio_id"])
def test_known_people_go_the_short_way(caller: Caller, name: str) -> None:
    person = caller.scene.find(id="u1")
    assert person is not None
    value = {"id": "u1", "email": "ANA@example.com", "cio_id": person.cio_id}[name]

    outcome, short = caller.say(caller.scene.call(body={"plan": "pro"}, **{name: value}))

    assert (outcome.effect, short) == (Effect.UPDATED, True)
    after = caller.scene.find(id="u1")
    assert after is not None
    assert after == outcome.person
    assert after.attributes == {"plan": "pro", "city": "Oslo"}


def test_short_way_leaves_its_activity(caller: Caller) -> None:
    caller.say(caller.scene.call(id="u1", body={"plan": "pro"}))

    belongings = caller.scene.store.belongings
    [newest] = belongings.activities(caller.scene.workspace_id, type=ActivityType.ATTRIBUTE_CHANGE, limit=1)
    assert newest.data == {"plan": {"from": "free", "to": "pro"}}


def test_own_identifiers_may_be_repeated(caller: Caller) -> None:
    body = {"email": "ana@example.com", "plan": "pro"}

    outcome, short = caller.say(caller.scene.call(id="u1", body=body))

    assert (outcome.effect, short) == (Effect.UPDATED, True)


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
def test_whatever_is_less_plain_goes_the_long_way(caller: Caller, body: dict[str, object]) -> None:
    call = call_of_body(caller.scene.reference(id="u1"), body)

    _, short = caller.say(call)

    assert not short


def test_strangers_go_the_long_way(caller: Caller) -> None:
    outcome, short = caller.say(caller.scene.call(id="u2"))

    assert (outcome.effect, short) == (Effect.CREATED, False)


def test_changed_settings_are_noticed(caller: Caller) -> None:
    caller.scene.put_in_force(merge_multi_identifier=False)

    _, first = caller.say(caller.scene.call(id="u1", body={"plan": "a"}))
    _, second = caller.say(caller.scene.call(id="u1", body={"plan": "b"}))

    assert (first, second) == (False, True)


def test_suppressed_reference_is_noticed(caller: Caller) -> None:
    caller.scene.perform(SuppressCall(reference=caller.scene.reference(id="u1")))

    outcome, _ = caller.say(caller.scene.call(id="u1", body={"plan": "pro"}))

    assert outcome.effect is Effect.IGNORED
    assert caller.scene.find(id="u1") is None


def decided(caller: Caller, connection: sa.Connection, standing: Standing) -> quick.Quick:
    call = caller.scene.call(id="u1", body={"plan": "pro"})
    found = quick.decide(connection, standing, call, now=1, new_cio_id=caller.people.new_cio_id)
    assert found is not None
    return found


MOVES: dict[str, Callable[[Scene], object]] = {
    "person changed": lambda scene: scene.say(id="u1", body={"plan": "team"}),
    "person gone": lambda scene: scene.delete(id="u1"),
    "address changed": lambda scene: scene.say(id="u1", body={"email": "new@example.com"}),
    "settings changed": lambda scene: scene.put_in_force(open_tracking=False),
    "somebody suppressed": lambda scene: scene.suppress(id="u9"),
}


@pytest.mark.parametrize("move", MOVES)
def test_nothing_is_written_over_what_moved(caller: Caller, move: str) -> None:
    standing = caller.standing()
    with caller.database.statements(together=False) as connection:
        found = decided(caller, connection, standing)
        MOVES[move](caller.scene)
        before = caller.scene.find(id="u1")

        written = quick.write(connection, standing, found, new_id=caller.people.new_cio_id)

    assert not written
    assert caller.scene.find(id="u1") == before


def test_unmoved_person_is_written(caller: Caller) -> None:
    standing = caller.standing()
    with caller.database.statements(together=False) as connection:
        found = decided(caller, connection, standing)

        assert quick.write(connection, standing, found, new_id=caller.people.new_cio_id)
        assert caller.scene.find(id="u1") == found.person


def test_ended_connections_are_nobodys_trouble(caller: Caller) -> None:
    caller.say(caller.scene.call(id="u1", body={"plan": "pro"}))
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    ending = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
    assert caller.scene.store.database is not None
    with caller.scene.store.database.reading() as connection:
        connection.execute(sa.text(ending))

    outcome, short = caller.say(caller.scene.call(id="u1", body={"plan": "team"}))
    _, afterwards = caller.say(caller.scene.call(id="u1", body={"plan": "free"}))

    assert (outcome.effect, short, afterwards) == (Effect.UPDATED, False, True)


def test_blocked_change_hears_of_who_is_mended(caller: Caller) -> None:
    blocked = Scene.create(caller.scene.store, Mode.ID_ONLY)
    blocked.add_many({"a": "same@example.com", "b": "same@example.com", "c": None})
    blocked.request(Mode.EMAIL_OR_ID)
    blocked.work()
    assert blocked.stage is Stage.BLOCKED
    elsewhere = Caller(blocked, caller.database, caller.people)
    elsewhere.say(blocked.call(id="c", body={"plan": "pro"}))

    _, short = elsewhere.say(blocked.call(id="b", body={"email": "other@example.com"}))
    blocked.store.clock.forward(5)
    blocked.work()

    assert (short, blocked.stage) == (False, Stage.COMPLETED)
