"""PostgreSQL for tests is a real server, whoever runs the tests, and survives what is done to it."""

from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import URL, create_engine, make_url, text

from tests.postgres import FAST, OwnPostgres, Postgres, own_postgres


def ask(url: str | URL, question: str) -> object:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            answer = connection.execute(text(question))
            return answer.scalar() if answer.returns_rows else None
    finally:
        engine.dispose()


def test_sqlalchemy_reaches_the_server(postgres_url: str) -> None:
    assert make_url(postgres_url).drivername == "postgresql+psycopg"
    assert int(str(ask(postgres_url, "SHOW server_version_num"))) >= 150_000


def test_databases_see_nothing_of_another(postgres: Postgres) -> None:
    with postgres.database() as first, postgres.database() as second:
        ask(first, "CREATE TABLE mine (id int)")

        assert ask(first, "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'") == 1
        assert ask(second, "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'") == 0


def test_dropping_ends_open_connections(postgres: Postgres) -> None:
    url = postgres.create_database()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        postgres.drop_database(url)

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_commits_are_durable_by_default(own_postgres: OwnPostgres) -> None:
    assert ask(own_postgres.admin_url, "SHOW fsync") == "on"
    assert ask(own_postgres.admin_url, "SHOW synchronous_commit") == "on"


@pytest.mark.postgres
def test_durability_can_be_traded_away() -> None:
    with own_postgres(settings=FAST) as server:
        assert ask(server.admin_url, "SHOW fsync") == "off"


def test_wrong_password_is_refused(own_postgres: OwnPostgres) -> None:
    wrong = own_postgres.admin_url.set(drivername="postgresql", password="guessed")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong.render_as_string(hide_password=False))


@pytest.mark.parametrize("end", [OwnPostgres.stop, OwnPostgres.kill])
def test_restart_keeps_address_and_rows(own_postgres: OwnPostgres, end: Callable[[OwnPostgres], None]) -> None:
    url = own_postgres.create_database("kept")
    ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")

    end(own_postgres)
    with pytest.raises(psycopg.OperationalError):
        own_postgres.create_database("unreachable")
    own_postgres.start()

    assert ask(url, "SELECT answer FROM kept") == 42
