"""A server that only reads is told apart, and a primary that has moved is found again without a restart."""

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from tests.databases.standbys import standby_of
from tests.e2e.waiting import wait_until
from tests.postgres import OwnPostgres, Postgres
from tests.store.backends import Store, sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.errors import StoreRefused
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    with closing(upgraded(postgres_url)) as database:
        yield sql_store(database)


@pytest.fixture
def allow_writes(postgres: Postgres, postgres_url: str) -> Callable[[bool], None]:
    """Has new sessions of the database read only, and ends those there are, or lets them write again."""
    admin = postgres.url().replace("+psycopg", "")
    name = sql.Identifier(str(make_url(postgres_url).database))

    def allow(are_allowed: bool) -> None:
        value = sql.SQL("off" if are_allowed else "on")
        with psycopg.connect(admin, autocommit=True) as connection:
            statement = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
            connection.execute(statement.format(name, value))

    return allow


def test_server_that_only_reads_is_named(store: Store, allow_writes: Callable[[bool], None]) -> None:
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    env.identify_person(id="1")
    drop_connections(store)

    allow_writes(False)

    with pytest.raises(StoreRefused, match=r"is read-only: is it a standby, or is default_transaction_read_only on\?"):
        env.identify_person(id="2")
    with pytest.raises(StoreRefused, match="is read-only"):
        store.write_path.check_writable()
    assert store.people.count(env.workspace_id).total == 1


def test_connections_to_it_are_dropped(store: Store, allow_writes: Callable[[bool], None]) -> None:
    """Those that are kept for single statements, too."""
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    env.identify_person(id="1")
    env.identify_person(id="1", body={"plan": "a"})
    drop_connections(store)
    allow_writes(False)
    with pytest.raises(StoreRefused):
        env.identify_person(id="1", body={"plan": "b"})
    with pytest.raises(StoreRefused):
        env.identify_person(id="2")

    allow_writes(True)

    assert env.identify_person(id="1", body={"plan": "c"}).effect is Effect.UPDATED
    assert env.identify_person(id="2").effect is Effect.CREATED
    assert env.identify_person(id="1", body={"plan": "d"}).effect is Effect.UPDATED


def drop_connections(store: Store) -> None:
    """What the settings of a database say counts for new sessions only."""
    store.sql_database.close()


def test_write_finds_the_new_primary(own_postgres: OwnPostgres) -> None:
    url = make_url(own_postgres.create_database())
    with standby_of(own_postgres) as standby:
        hosts = f"127.0.0.1:{url.port},127.0.0.1:{standby.admin_url.port}"
        database = upgraded(
            f"postgresql://{url.username}:{url.password}@{hosts}/{url.database}?target_session_attrs=read-write"
        )
        env = WorkspaceEnv.create(sql_store(database), Mode.EMAIL_OR_ID)
        env.identify_person(id="1")
        caught_up(own_postgres, standby)

        own_postgres.kill()
        promote(standby)

        assert env.identify_person(id="1", body={"plan": "a"}).effect is Effect.UPDATED
        assert env.identify_person(id="2").effect is Effect.CREATED
        database.close()


def test_standby_is_named_and_read(own_postgres: OwnPostgres) -> None:
    with closing(upgraded(own_postgres.create_database())) as database:
        env = WorkspaceEnv.create(sql_store(database), Mode.EMAIL_OR_ID)
        env.identify_person(id="1")
        with standby_of(own_postgres) as standby:
            caught_up(own_postgres, standby)
            reading = Database(standby.url(str(database.url.database)))

            with pytest.raises(StoreRefused, match="is it a standby"):
                execute_commands(sql_store(reading).people, env.workspace_id, [env.call(id="2")], now=0)
            assert sql_store(reading).people.count(env.workspace_id).total == 1

            reading.close()


def caught_up(primary: OwnPostgres, standby: OwnPostgres) -> None:
    """Wait until the standby has replayed all that the primary has written."""
    written = asked(primary, "SELECT pg_current_wal_lsn()::text")
    wait_until(lambda: asked(standby, f"SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"))


def promote(standby: OwnPostgres) -> None:
    assert asked(standby, "SELECT pg_promote()") is True


def asked(server: OwnPostgres, question: str) -> object:
    with psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
        assert row is not None
        return row[0]
