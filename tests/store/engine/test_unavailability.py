"""Errors of unavailable, misnamed and busy databases, and retries."""

import contextlib
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from tests.postgres import OwnPostgres
from tests.store.backends import Store, sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from tests.threads import run_together
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.errors import Conflict, InvalidInput, StoreUnavailable
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine import databases
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import KIND_ID, identifier
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive

MALFORMED = [
    "",
    "no url",
    "mysql://host/name",
    "oracle://host",
    "postgresql://host:port/name",
    "postgresql://host:99999/name",
    "postgresql://host/name?unknown=option",
    "postgresql://user:secret@[::1:5432/name",
    "sqlite://",
    "sqlite:///:memory:",
    "sqlite:////tmp/file.db?option=1",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_malformed_url_is_invalid(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Database(url)

    assert caught.value.field == "database"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:secret@127.0.0.1:1/name",
        "postgresql://127.0.0.1:1/name?user=user&password=secret",
        "postgresql://127.0.0.1:1/name?sslpassword=secret",
    ],
)
def test_password_is_never_shown(url: str) -> None:
    database = Database(url)

    with pytest.raises(StoreUnavailable) as caught:
        upgraded_by(database)

    assert "secret" not in str(caught.value)
    assert "secret" not in database.name


def upgraded_by(database: Database) -> None:
    with database.reading():
        pass


def test_missing_folder_is_unavailable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/missing/store.db")

    with pytest.raises(StoreUnavailable):
        upgraded_by(database)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        database.writing(lambda _: None)


def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("this is not a database, whatever its name says" * 100)
    with closing(Database(f"sqlite:///{tmp_path}/store.db")) as database, pytest.raises(StoreUnavailable):
        upgraded_by(database)


def test_own_mistakes_are_not_called_unavailable(sql: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError), sql.sql_database.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM nothing_of_that_name")


def test_stopped_server_is_unavailable_and_recovers(own_postgres: OwnPostgres) -> None:
    with closing(upgraded(own_postgres.create_database())) as database:
        store = sql_store(database)
        env = WorkspaceEnv.create(store, Mode.ID_ONLY)
        env.add("1", "ann@example.com")
        env.request()
        uses: list[Callable[[], object]] = [
            store.workspaces.list,
            lambda: env.workspace,
            lambda: env.migration,
            lambda: env.identify_person(id="2"),
            lambda: env.delete(id="1"),
            lambda: store.people.count(env.workspace_id),
            lambda: list(store.people.all(env.workspace_id)),
            env.work,
            lambda: store.exports.exports(env.workspace_id),
        ]

        own_postgres.stop()
        for use in uses:
            with pytest.raises(StoreUnavailable):
                use()
        own_postgres.start()

        assert env.identify_person(id="2").effect is Effect.CREATED
        assert env.work() is True
        assert env.mode is Mode.EMAIL_OR_ID


def test_server_killed_in_a_transaction_is_unavailable(own_postgres: OwnPostgres) -> None:
    with closing(upgraded(own_postgres.create_database())) as database:
        env = WorkspaceEnv.create(sql_store(database), Mode.ID_ONLY)

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.select(identifier)).all()
            own_postgres.kill()
            connection.execute(sa.select(identifier)).all()

        with pytest.raises(StoreUnavailable):
            database.writing(work)
        own_postgres.start()

        assert env.identify_person(id="1").effect is Effect.CREATED


@pytest.mark.postgres
def test_deadlock_is_tried_again(postgres_database: Database) -> None:
    rows = [(1, KIND_ID, key, "x") for key in ("a", "b")]
    postgres_database.writing(lambda connection: connection.execute(sa.delete(identifier)))
    postgres_database.writing(lambda connection: connection.execute(sa.insert(identifier).values(rows)))
    both_hold_one = threading.Barrier(2)
    attempts: list[str] = []

    def lock(connection: sa.Connection, first: str, second: str) -> None:
        attempts.append(first)
        query = sa.select(identifier).where(identifier.c.workspace_id == 1).with_for_update()
        connection.execute(query.where(identifier.c.value_key == first)).all()
        if attempts.count(first) == 1:
            both_hold_one.wait()
        connection.execute(query.where(identifier.c.value_key == second)).all()

    run_together(
        lambda: postgres_database.writing(lambda connection: lock(connection, "a", "b")),
        lambda: postgres_database.writing(lambda connection: lock(connection, "b", "a")),
    )

    assert len(attempts) >= 3  # a retry may overtake the waiting transaction


def test_race_for_an_identifier_has_one_winner(sql: Store) -> None:
    env = WorkspaceEnv.create(sql, Mode.EMAIL_OR_ID)

    def make() -> list[Effect]:
        numbers = range(10)
        return [env.identify_person(id=f"id-{each}", body={"email": f"{each}@example.com"}).effect for each in numbers]

    effects = [effect for each in run_together(*[make] * 4) for effect in each]

    assert effects.count(Effect.CREATED) == 10
    assert effects.count(Effect.UNCHANGED) == 30


def test_crossing_batches_all_get_through(sql: Store) -> None:
    env = WorkspaceEnv.create(sql, Mode.EMAIL_OR_ID)
    names = [f"id-{number}" for number in range(40)]

    def write(order: list[str], plan: str) -> Callable[[], None]:
        def run() -> None:
            for start in range(0, len(order), 10):
                env.identify(
                    *(env.call(id=name, body={"plan": plan, "email": f"{name}@x.com"}) for name in order[start:][:20])
                )

        return run

    run_together(write(names, "a"), write(names[::-1], "b"), write(names[20:] + names[:20], "c"))

    assert sql.people.count(env.workspace_id).total == 40


def test_what_people_said_is_in_no_error(sql: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught, sql.sql_database.reading() as connection:
        connection.execute(sa.text("SELECT * FROM nothing WHERE email = :email"), {"email": "ann@example.com"})

    assert "ann@example.com" not in str(caught.value)


def test_row_that_cannot_be_is_not_tried_again(sql: Store) -> None:
    attempts: list[int] = []

    def work(connection: sa.Connection) -> None:
        attempts.append(1)
        connection.execute(sa.insert(identifier).values((1, KIND_ID, "key", None)))

    with pytest.raises(sa.exc.IntegrityError):
        sql.sql_database.writing(work)

    assert len(attempts) == 1


def test_lock_of_a_stopped_process_times_out(sql: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "LOCK_TIMEOUT_SECONDS", 0.2)
    env = WorkspaceEnv.create(sql, Mode.ID_ONLY)
    with closing(Database(sql.sql_database.url.render_as_string(hide_password=False))) as impatient:
        stopped = sql.sql_database.engine.execution_options(writing=True)

        with stopped.connect() as connection, connection.begin():
            lock_exclusive(connection, env.workspace_id)
            with pytest.raises(StoreUnavailable):
                execute_commands(sql_store(impatient).people, env.workspace_id, [env.call(id="1")], now=0)


def test_home_folder_of_url_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    database = Database("sqlite:///~/store.db")

    assert database.url.database == str(tmp_path / "store.db")


def test_retries_are_bounded(sql: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MAX_ATTEMPTS", 3)
    attempts: list[int] = []

    def work(connection: sa.Connection) -> None:
        attempts.append(1)
        connection.execute(sa.insert(identifier).values([(1, KIND_ID, "same", "x")] * 2))

    with pytest.raises(Conflict):
        sql.sql_database.writing(work)

    assert len(attempts) == 3


def interrupted(_: sa.Connection) -> None:
    """The failure of psycopg when the cancellation of an interrupted statement is late."""
    with contextlib.ExitStack() as rollback:
        rollback.callback(fail)
        raise KeyboardInterrupt


def fail() -> None:
    raise OperationalError("ROLLBACK", {}, Exception("another command is already in progress"))


def test_interruption_is_not_hidden_by_an_error_in_its_course(tmp_path: Path) -> None:
    with closing(upgraded(f"sqlite:///{tmp_path}/store.db")) as database:
        with pytest.raises(KeyboardInterrupt):
            database.writing(interrupted)
        with pytest.raises(KeyboardInterrupt), database.reading() as connection:
            interrupted(connection)


@pytest.mark.postgres
@pytest.mark.parametrize(("error", "lines"), [(KeyboardInterrupt, 0), (ValueError, 1)])
def test_pool_logs_no_interruption(
    postgres_url: str,
    error: type[BaseException],
    lines: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = Database(postgres_url)

    def fails_to_roll_back(connection: sa.Connection) -> None:
        monkeypatch.setattr(connection.connection.dbapi_connection, "rollback", fail)
        raise error

    with contextlib.suppress(error, StoreUnavailable):
        database.writing(fails_to_roll_back)

    database.close()
    assert len([each for each in caplog.records if each.name.startswith("sqlalchemy.pool")]) == lines
