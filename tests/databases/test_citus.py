"""What Citus needs of connections and statements, on doubles of it; other databases get none of it."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
import sqlalchemy as sa

from tests.postgres import Postgres
from tests.store.backends import Store, sql_store, upgraded
from tests.store.citus import install_citus, mark_distributed
from tests.store.fixtures import WorkspaceEnv
from tests.threads import run_together
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine import postgresql, sql
from workspace_operator.store.engine.citus import PROPAGATE_LIMITS
from workspace_operator.store.engine.databases import LOCK_TIMEOUT_SECONDS, Database
from workspace_operator.store.schema.tables import identifier
from workspace_operator.store.unit_of_work import fast_path

FACTS = "SELECT pg_backend_pid(), to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL"
LIMITS = (
    "SET LOCAL idle_in_transaction_session_timeout = '10min'; "
    f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS * 1000}ms'; "
    "SET LOCAL statement_timeout = '1h'; "
    "SET LOCAL client_connection_check_interval = '2s'; "
)
TRANSACTION_TIMEOUT = "SET LOCAL transaction_timeout = '0'; "
"""PostgreSQL 17 and later have it."""


@pytest.fixture
def citus_url(postgres_url: str) -> str:
    """An empty database with the double of Citus."""
    install_citus(postgres_url)
    return postgres_url


@pytest.fixture
def distributed(citus_url: str) -> Iterator[Store]:
    with closing(upgraded(citus_url)) as database:
        mark_distributed(database)
        yield sql_store(database)


@pytest.fixture
def plain(postgres: Postgres) -> Iterator[Store]:
    with postgres.database() as url, closing(upgraded(url)) as database:
        yield sql_store(database)


@contextmanager
def sent_to_server() -> Iterator[list[str]]:
    """Everything that the driver is given in the block, by SQLAlchemy or not."""
    texts: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        texts.append(str(query))
        return execute(self, query, *arguments, **options)

    with patch.object(psycopg.Cursor, "execute", noted):
        yield texts


LIBRARIES = (
    *("select pg_catalog.version()", "select current_schema()", "show standard_conforming_strings"),
    *("show transaction isolation level", "Composed([SQL('SELECT\\n    typname AS name", ";"),
)
"""What SQLAlchemy asks of each engine's first connection, and of one that it takes from the pool."""


def of_this_program(texts: Sequence[str]) -> list[str]:
    """What was sent, without what libraries read, and the setting that older servers do not know."""
    texts = [text for text in texts if not text.startswith(LIBRARIES)]
    return [
        text.replace(TRANSACTION_TIMEOUT, "") for text in texts if "transaction_timeout = '0'; ROLLBACK" not in text
    ]


def test_all_that_is_sent_at_connect_and_at_begin(postgres_url: str) -> None:
    with sent_to_server() as texts, closing(Database(postgres_url)) as database:
        with database.reading():
            pass
        with database.reading_one_snapshot():
            pass
        database.writing(lambda _: None)
        with database.autocommit(in_transaction=False):
            pass

    idle = LIMITS.partition("; ")[0]
    supported = f"BEGIN; {idle}; SET LOCAL client_connection_check_interval = '2s'; ROLLBACK"
    pool = [FACTS, supported, f"BEGIN; {LIMITS}"]
    assert of_this_program(texts) == [
        *pool,
        f"BEGIN ISOLATION LEVEL REPEATABLE READ; {LIMITS}",
        *pool,  # writers have a pool of their own
        FACTS,
    ]


@pytest.mark.parametrize("has_citus", [False, True])
def test_nothing_is_set_for_a_session(postgres_url: str, has_citus: bool) -> None:
    """A pooler gives the server's connection to others, and the machines of shards would not get it."""
    if has_citus:
        install_citus(postgres_url)
    with closing(upgraded(postgres_url)) as database:
        if has_citus:
            mark_distributed(database)
        env = WorkspaceEnv.create(sql_store(database), Mode.ID_ONLY)
        env.add_many({str(number): f"{number % 10}@example.com" for number in range(50)})
        env.identify_person(id="1", body={"plan": "a"})
        env.request()
        while env.work():
            pass

        for engine in (database.engine, database._writing_engine, database._statement_engine):
            assert settings_of_session(engine) == []


def settings_of_session(engine: sa.Engine) -> Sequence[str]:
    """Settings that a statement has set for the session of the connection that was used last."""
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        rows = driver.execute("SELECT name FROM pg_settings WHERE source = 'session' ORDER BY name").fetchall()
        return [name for (name,) in rows]


def test_check_of_sessions_finds_a_setting(plain: Store) -> None:
    engine = plain.sql_database.engine
    with engine.connect() as connection:
        connection.connection.dbapi_connection.execute("SET lock_timeout = '1s'")  # type: ignore[union-attr]

    assert settings_of_session(engine) == ["lock_timeout"]


def test_limits_reach_the_machines_of_shards(distributed: Store, plain: Store) -> None:
    for store, limits in ((distributed, PROPAGATE_LIMITS + LIMITS), (plain, LIMITS)):
        with store.sql_database.reading() as connection:
            assert connection.info["limits"].replace(TRANSACTION_TIMEOUT, "") == limits


@pytest.mark.parametrize(
    ("change", "name"), [(sql.force_custom_plan, "enable_bitmapscan"), (sql.disable_nested_loops, "enable_nestloop")]
)
def test_planner_settings_are_commands_that_citus_passes_on(
    plain: Store, change: Callable[[sa.Connection], None], name: str
) -> None:
    show = f"SHOW {name}"
    with sent_to_server() as texts, plain.sql_database.reading() as connection:
        for _ in range(6):  # more often than a statement is prepared
            change(connection)
        assert connection.exec_driver_sql(show).scalar_one() == "off"

    assert not any("set_config" in text for text in texts)
    with plain.sql_database.reading() as connection:
        assert connection.exec_driver_sql(show).scalar_one() == "on"


def test_new_identifiers_are_inserted_by_statements_that_keep_their_errors(distributed: Store, plain: Store) -> None:
    for store, copied in ((distributed, False), (plain, True)):
        env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
        with copies() as tables:
            env.identify(*(env.call(id=f"id-{number}") for number in range(20)))

        assert ("identifier" in tables) is copied
        assert "person" in tables
        assert env.store.people.count(env.workspace_id).total == 20


@contextmanager
def copies() -> Iterator[list[str]]:
    """The tables to which rows are copied in the block."""
    tables: list[str] = []
    copy = psycopg.Cursor.copy

    def noted(self: Any, statement: Any, *arguments: Any, **options: Any) -> Any:
        tables.append(str(statement).split()[1])
        return copy(self, statement, *arguments, **options)

    with patch.object(psycopg.Cursor, "copy", noted):
        yield tables


def test_many_new_identifiers_fit_into_statements(distributed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "MAX_PARAMETERS", 4 * 7)
    env = WorkspaceEnv.create(distributed, Mode.EMAIL_OR_ID)

    env.identify(*(env.call(id=f"id-{number}") for number in range(30)))

    assert env.store.people.count(env.workspace_id).total == 30


class ErrorOfCopy(psycopg.errors.InternalError_):
    """How Citus reports every error of COPY."""

    sqlstate = "XX000"


@contextmanager
def copy_as_on_citus() -> Iterator[list[str]]:
    """Reports unique violations of COPY as internal errors; yields their messages."""
    messages: list[str] = []
    copy = psycopg.Cursor.copy

    @contextmanager
    def disguised(self: Any, statement: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
        try:
            with copy(self, statement, *arguments, **options) as writer:
                yield writer
        except psycopg.errors.UniqueViolation as error:
            messages.append(str(error))
            raise ErrorOfCopy(str(error)) from error

    with patch.object(psycopg.Cursor, "copy", disguised):
        yield messages


def test_double_of_copy_reports_what_citus_does(plain: Store) -> None:
    rows = [(1, 1, f"id-{number}", "c") for number in range(10)]
    engine = plain.sql_database._writing_engine

    with copy_as_on_citus() as messages, pytest.raises(sa.exc.InternalError) as caught, engine.begin() as connection:
        sql.insert_rows(connection, identifier, rows + rows)

    assert getattr(caught.value.orig, "sqlstate", None) == "XX000"
    assert len(messages) == 1


@pytest.mark.parametrize("kind", ["plain", "distributed"])
def test_crossing_batches_of_new_people_all_get_through(request: pytest.FixtureRequest, kind: str) -> None:
    """Where identifiers are copied, the race is recognised by its message; on Citus they are not copied."""
    store: Store = request.getfixturevalue(kind)
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    people = [f"id-{number}" for number in range(20)]

    def write(round_: int, order: Sequence[str]) -> Callable[[], object]:
        return lambda: env.identify(*(env.call(id=f"{round_}-{name}", body={"plan": "a"}) for name in order))

    with copy_as_on_citus() as messages:
        for round_ in range(10):
            orders = (people, people[::-1], people[10:] + people[:10], people[1::2] + people[::2])
            run_together(*(write(round_, order) for order in orders))

    assert env.store.people.count(env.workspace_id).total == 200
    assert bool(messages) is (kind == "plain")


def test_short_way_writes_by_statements_for_one_shard(distributed: Store) -> None:
    env = WorkspaceEnv.create(distributed, Mode.EMAIL_OR_ID)
    env.identify_person(id="1", body={"plan": "a"})
    env.identify_person(id="1", body={"plan": "b"})

    with sent_to_server() as texts:
        env.identify_person(id="1", body={"plan": "c"})

    begin, read, update, insert = texts[-4:]
    assert begin.startswith("BEGIN; ")
    assert read.startswith("SELECT workspace_lock.version")
    assert "UPDATE person" in update
    assert "INSERT" not in update
    assert insert.startswith("INSERT INTO activity")
    assert not any("set_config" in text for text in texts)
    [newest] = env.store.person_records.activities(env.workspace_id, type=ActivityType.ATTRIBUTE_CHANGE, limit=1)
    assert newest.data == {"plan": {"from": "b", "to": "c"}}


class DeadlockedStatement:
    """A statement that the other one of two transactions in a deadlock goes on without."""

    def run(self, connection: sa.Connection, values: object) -> Any:
        del values
        connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$")


def test_deadlock_of_the_short_way_goes_the_long_way(distributed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    env = WorkspaceEnv.create(distributed, Mode.EMAIL_OR_ID)
    env.identify_person(id="1", body={"plan": "a"})
    monkeypatch.setattr(fast_path, "_UPDATE", DeadlockedStatement())

    assert env.identify_person(id="1", body={"plan": "b"}).effect is Effect.UPDATED


def test_updates_of_a_batch_are_statements_for_one_shard(distributed: Store) -> None:
    env = WorkspaceEnv.create(distributed, Mode.EMAIL_OR_ID)
    env.identify(*(env.call(id=str(number), body={"plan": "a"}) for number in range(10)))

    with sent_to_server() as texts:
        env.identify(*(env.call(id=str(number), body={"plan": "b"}) for number in range(10)))

    assert any(text.startswith("UPDATE person") for text in texts)
    assert not any(re.match(r"WITH .*INSERT", text, re.DOTALL) for text in texts)
    records = env.store.person_records.activities(env.workspace_id, type=ActivityType.ATTRIBUTE_CHANGE, limit=20)
    assert [record.data for record in records] == [{"plan": {"from": "a", "to": "b"}}] * 10


def test_server_is_asked_once_for_each_connection(postgres: Postgres) -> None:
    """Also with `prepare`, for which nothing else has to be asked."""
    for option in ("", "?prepare=on", "?prepare=off"):
        with postgres.database() as url, sent_to_server() as texts, closing(Database(url + option)) as database:
            for _ in range(3):
                with database.reading():
                    pass

            assert texts.count(FACTS) == 1
            assert postgresql._SERVER_FACTS == FACTS
