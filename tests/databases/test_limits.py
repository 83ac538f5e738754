"""Limits of the server's owner do not stop work that takes long, and every refusal names its reason."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

from tests.postgres import Postgres
from tests.store.backends import Store, sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.errors import Conflict, LockTimeout, StoreRefused
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine import databases, postgresql
from workspace_operator.store.engine.databases import LOCK_TIMEOUT_SECONDS, Database
from workspace_operator.store.engine.sql import CompiledStatement, lock_timeout_condition
from workspace_operator.store.schema.tables import person
from workspace_operator.store.schema.upgrades import upgrade
from workspace_operator.store.unit_of_work import fast_path

SHORT = {"statement_timeout": "30ms", "transaction_timeout": "60ms", "idle_in_transaction_session_timeout": "30ms"}
LONGER = sa.text("SELECT pg_sleep(0.1)")


@pytest.fixture
def limited_url(postgres: Postgres, postgres_url: str) -> str:
    """A database whose owner allows a statement, a transaction and a rest in it next to no time."""
    name = sql.Identifier(str(make_url(postgres_url).database))
    with psycopg.connect(postgres.url().replace("+psycopg", ""), autocommit=True) as connection:
        for setting, value in SHORT.items():
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            connection.execute(statement.format(name, sql.Identifier(setting), sql.Literal(value)))
    return postgres_url


@pytest.fixture
def limited(limited_url: str) -> Iterator[Store]:
    with closing(upgraded(limited_url)) as database:
        yield sql_store(database)


@pytest.fixture(scope="module")
def postgres_database(postgres: Postgres) -> Iterator[Database]:
    with postgres.database() as url:
        database = Database(url)
        yield database
        database.close()


def test_owner_has_set_limits(limited: Store) -> None:
    """Otherwise the other tests would show nothing."""
    with limited.sql_database._statement_engine.connect() as connection:
        shown = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in SHORT}

    assert shown == SHORT


def test_transactions_have_limits_of_their_own(limited: Store) -> None:
    database = limited.sql_database
    for transaction in (database.reading, database.reading_one_snapshot):
        with transaction() as connection:
            connection.execute(LONGER)
            connection.execute(LONGER)

    database.writing(lambda connection: [connection.execute(LONGER), connection.execute(LONGER)])


def test_identifier_change_is_carried_out(limited: Store) -> None:
    env = WorkspaceEnv.create(limited, Mode.ID_ONLY)
    env.add_many({str(number): f"{number}@example.com" for number in range(3000)})
    env.request()

    while env.work():
        pass

    assert (env.stage, env.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)


def test_schema_is_upgraded_without_a_limit(limited_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    with closing(Database(limited_url)) as database:

        def look(connection: sa.Connection) -> None:
            shown.append(connection.exec_driver_sql("SHOW statement_timeout").scalar_one())

        monkeypatch.setattr("workspace_operator.store.schema.upgrades.pin", look)

        upgrade(database)

        assert shown == ["0"]


def test_short_way_that_is_stopped_goes_the_long_way(limited: Store) -> None:
    """Its statements are transactions of their own, under the owner's limit."""
    env = WorkspaceEnv.create(limited, Mode.EMAIL_OR_ID)
    env.identify_person(id="1")
    env.identify_person(id="1", body={"plan": "a"})

    with limited.sql_database.engine.connect() as other:
        other.execute(sa.select(person.c.cio_id).with_for_update()).all()
        letting_go = threading.Timer(0.3, other.rollback)
        letting_go.start()
        effect = env.identify_person(id="1", body={"plan": "b"}).effect
        letting_go.join()

    assert effect is Effect.UPDATED


def test_short_way_waits_for_a_lock_as_long_as_any(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_path, "_WRITES", writes_that_wait(0.2))
    with closing(upgraded(postgres_url)) as database:
        env = WorkspaceEnv.create(sql_store(database), Mode.EMAIL_OR_ID)
        env.identify_person(id="1")
        env.identify_person(id="1", body={"plan": "a"})

        with database.engine.connect() as other:
            other.execute(sa.select(person.c.cio_id).with_for_update()).all()
            with pytest.raises(LockTimeout, match="another session holds a lock on the database"):
                env.identify_person(id="1", body={"plan": "b"})

        assert env.identify_person(id="1", body={"plan": "b"}).effect is Effect.UPDATED


def writes_that_wait(seconds: float) -> Sequence[CompiledStatement]:
    """The statements of the short way, with another limit."""
    text = str(fast_path._LOCK_LIMIT)
    assert f"{LOCK_TIMEOUT_SECONDS * 1000}ms" in text

    def shorter(statement: CompiledStatement) -> CompiledStatement:
        found = CompiledStatement(statement._make)
        shortened = written(statement).replace(text, str(lock_timeout_condition(seconds)))
        found._compiled = {"postgresql": (shortened, None, {})}
        return found

    return tuple(map(shorter, fast_path._WRITES))


def written(statement: CompiledStatement) -> str:
    dialect = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]
    return str(statement._make(dialect).compile(dialect=dialect))


REFUSALS = {
    "0A000": "does not support a statement that this program sends [(]0A000[)]: the reason",
    "25P04": "transaction_timeout is too short",
    "26000": "prepare=off",
    "42P05": "prepare=off",
    "42501": "denies its user a permission: the reason",
    "53100": "has no disk space left: the reason",
    "53200": "has no memory left: the reason",
    "53300": "has no connection left: the reason",
    "53400": "has reached a limit of its configuration: the reason",
    "57014": "statement_timeout is too short, or an administrator cancelled it",
    "XX000": "has an internal error [(]XX000[)], see its log: the reason",
    "XX001": "has an internal error [(]XX001[)]",
}
"""By SQLSTATE, what the message says."""


@pytest.mark.parametrize("state", REFUSALS)
def test_refusal_names_the_setting_or_the_fault(postgres_database: Database, state: str) -> None:
    with pytest.raises(StoreRefused, match=REFUSALS[state]) as caught:
        postgres_database.writing(lambda connection: fail(connection, state, "the reason"))

    assert "does not answer" not in str(caught.value)
    with pytest.raises(StoreRefused, match=REFUSALS[state]), postgres_database.reading() as connection:
        fail(connection, state, "the reason")


def test_refused_connection_is_reported(postgres: Postgres) -> None:
    url = postgres.admin_url
    missing = Database(postgres.url("not_there"))
    unknown = Database(url.set(password="wrong").render_as_string(hide_password=False))

    with pytest.raises(StoreRefused, match='refuses the connection: database "not_there" does not exist'):
        missing.writing(lambda _: None)
    with pytest.raises(StoreRefused, match="refuses the connection: password authentication failed"):
        unknown.writing(lambda _: None)


def test_settings_that_a_server_does_not_know_are_left_out(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As older versions do not, or other platforms."""
    unknown = {"no_such_setting": "1", "client_connection_check_interval": "-5", "transaction_timeout": "0"}
    monkeypatch.setattr(postgresql, "_OPTIONAL_SETTINGS", unknown)
    with closing(Database(postgres_url)) as database, database.reading() as connection:
        assert "transaction_timeout" in connection.info["limits"]
        assert "no_such_setting" not in connection.info["limits"]
        assert "client_connection_check_interval" not in connection.info["limits"]


def test_lost_race_that_is_called_an_internal_error_is_tried_again(postgres_database: Database) -> None:
    """As Citus does for COPY."""
    tries: list[int] = []

    def work(connection: sa.Connection) -> None:
        tries.append(1)
        if len(tries) < 3:
            fail(connection, "XX000", 'duplicate key value violates unique constraint "identifier_pkey_102084"')

    postgres_database.writing(work)

    assert len(tries) == 3


def test_race_that_is_always_lost_is_a_conflict(postgres_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MAX_ATTEMPTS", 2)

    with pytest.raises(Conflict):
        postgres_database.writing(lambda connection: fail(connection, "40001", "could not serialize access"))


def fail(connection: sa.Connection, state: str, message: str) -> None:
    connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{state}'; END $$")


def test_user_without_rights_is_reported(postgres: Postgres, postgres_url: str) -> None:
    upgraded(postgres_url).close()
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE ROLE visitor LOGIN PASSWORD 'visitor'")
    visiting = make_url(postgres_url).set(username="visitor", password="visitor").render_as_string(hide_password=False)
    database = Database(visiting)

    with pytest.raises(StoreRefused, match="denies its user a permission: permission denied for table") as caught:
        sql_store(database).workspaces.list()

    assert ":visitor" not in str(caught.value)
    database.close()
    postgres.drop_database(postgres_url)
    with psycopg.connect(postgres.url().replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP ROLE visitor")
