"""A commit that is not confirmed is given up, and a statement whose client is gone ends with its locks."""

import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.databases.pgbouncer import PgBouncer
from tests.e2e.waiting import wait_until
from tests.postgres import OwnPostgres
from tests.store.backends import sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.errors import CommitUnknown
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine import commit_watchdog, databases
from workspace_operator.store.engine.commit_watchdog import CommitWatchdog
from workspace_operator.store.engine.databases import Database

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that a commit is given time for is short."""
    monkeypatch.setattr(databases, "COMMIT_SECONDS", 0.3)
    monkeypatch.setattr(databases, "LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(commit_watchdog, "CHECK_INTERVAL", 0.05)
    monkeypatch.setattr(commit_watchdog, "DISCONNECT_AFTER", 0.3)


@pytest.fixture
def env(own_postgres: OwnPostgres) -> Iterator[WorkspaceEnv]:
    with closing(upgraded(own_postgres.create_database())) as database:
        env = WorkspaceEnv.create(sql_store(database), Mode.EMAIL_OR_ID)
        env.identify_person(id="1")
        env.identify_person(id="1", body={"plan": "a"})
        yield env


def set_standby(server: OwnPostgres, name: str) -> None:
    """Have every commit wait for a standby of that name; none if it is empty."""
    with psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = local")
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'".encode())
        connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: connection.execute("SHOW synchronous_standby_names").fetchone() == (name,))


@pytest.mark.usefixtures("hasty")
def test_commit_that_waits_for_a_standby_is_given_up(own_postgres: OwnPostgres, env: WorkspaceEnv) -> None:
    set_standby(own_postgres, "away")

    with pytest.raises(
        CommitUnknown, match=r"not known whether the write was done: .* Is a synchronous standby away\?"
    ):
        env.identify_person(id="2")
    with pytest.raises(CommitUnknown):
        env.identify_person(id="1", body={"plan": "b"})  # the short way
    with pytest.raises(CommitUnknown):
        env.store.write_path.check_writable()
    assert env.store.people.count(env.workspace_id).total == 2  # as PostgreSQL has it: there, and not confirmed

    set_standby(own_postgres, "")
    assert env.identify_person(id="1", body={"plan": "c"}).effect is Effect.UPDATED
    assert env.identify_person(id="3").effect is Effect.CREATED


@pytest.mark.usefixtures("hasty")
def test_connection_to_a_server_that_stopped_is_cut(env: WorkspaceEnv) -> None:
    database = env.store.sql_database
    stopped: list[int] = []

    def work(connection: sa.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE another ()")
        stopped.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        os.kill(stopped[0], signal.SIGSTOP)

    try:
        with pytest.raises(CommitUnknown, match="was lost while it confirmed the write"):
            database.writing(work)
    finally:
        os.kill(stopped[0], signal.SIGCONT)

    assert env.identify_person(id="2").effect is Effect.CREATED


def test_commit_in_time_is_left_alone(env: WorkspaceEnv) -> None:
    database = env.store.sql_database

    servers = {
        database.writing(lambda connection: connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        for _ in range(20)
    }

    assert len(servers) == 1  # no connection was given up


def test_watch_starts_again_after_it_was_closed(env: WorkspaceEnv) -> None:
    database = env.store.sql_database
    watch = CommitWatchdog()

    with database.engine.connect() as connection:
        for _ in range(2):
            with watch.watch(connection, seconds=60) as commit:
                assert any(each.name == "commit-watch" for each in threading.enumerate())
            assert not commit.is_cancelled
            watch.close()


WAITING = """
import sys
from workspace_operator.store.engine.databases import Database

def work(connection):
    connection.exec_driver_sql("LOCK TABLE workspace IN ACCESS EXCLUSIVE MODE")
    print("locked", flush=True)
    connection.exec_driver_sql("SELECT pg_sleep(3600)")

Database(sys.argv[1]).writing(work)
"""
"""A process that is in the middle of a long statement, with a lock."""


@pytest.mark.parametrize("place", ["the server", "a pooler"])
def test_statement_of_a_process_that_was_killed_ends(
    request: pytest.FixtureRequest, postgres_url: str, place: str
) -> None:
    with closing(upgraded(postgres_url)) as database:
        bouncer: PgBouncer | None = request.getfixturevalue("bouncer") if place == "a pooler" else None
        url = bouncer.url(postgres_url) if bouncer else postgres_url
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}
        with subprocess.Popen(
            [sys.executable, "-c", WAITING, url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"locked\n"
            process.kill()

        sql_store(database).workspaces.list()  # waits for the lock, and for no longer than any


def test_database_is_closed_while_threads_end(postgres_url: str) -> None:
    """Their connections may go in the middle of closing."""

    class Gone:
        """The connection of a thread that has ended."""

    with closing(Database(postgres_url)) as database:
        gone = Gone()
        reference = weakref.ref(gone)
        remembered = {reference}
        del gone
        assert reference() is None

        database._thread_connections.data.update(remembered)  # type: ignore[attr-defined]
