"""Behind PgBouncer in transaction mode, with three connections for everybody: all works, and nobody is touched."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from tests.api.servers import MadeWorkspace, make_workspace, running_api
from tests.cli.conftest import Run
from tests.databases.pgbouncer import CONNECTIONS, PgBouncer
from tests.docs.blocks import run_blocks
from tests.docs.pages import runnable_blocks
from tests.store.backends import sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from tests.threads import run_together
from workspace_operator.errors import StoreRefused
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.settings import DATABASE_VARIABLE
from workspace_operator.store.engine.databases import Database

CALLS = 5000
CALLERS = 8
SETTINGS = (
    "default_transaction_read_only",
    "transaction_isolation",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "statement_timeout",
    "transaction_timeout",
    "client_connection_check_interval",
    "plan_cache_mode",
    "enable_bitmapscan",
)


@contextmanager
def held_connections(url: str) -> Iterator[Sequence[psycopg.Connection]]:
    """As many clients in transactions as there are connections of the server: each has another one."""
    with ExitStack() as clients:
        connections = [clients.enter_context(psycopg.connect(url, prepare_threshold=None)) for _ in range(CONNECTIONS)]
        yield connections


def shown(connection: psycopg.Connection, setting: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
    assert row is not None
    return str(row[0])


def settings_of(url: str) -> Sequence[Mapping[str, str]]:
    """The settings that another program meets, on each of the server's connections."""
    with held_connections(url) as connections:
        for connection in connections:
            connection.execute("SELECT 1")
        return [{name: shown(connection, name) for name in SETTINGS} for connection in connections]


@pytest.fixture
def untouched(bouncer: PgBouncer, postgres_url: str) -> Iterator[None]:
    """Another program's connections are afterwards as they were before."""
    before = settings_of(bouncer.plain_url(postgres_url))

    yield

    assert settings_of(bouncer.plain_url(postgres_url)) == before
    with held_connections(bouncer.plain_url(postgres_url)) as connections:
        for number, connection in enumerate(connections):
            table = sql.Identifier(f"of_another_program_{number}")
            connection.execute(sql.SQL("CREATE TABLE {} ()").format(table))
            assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


@pytest.mark.usefixtures("untouched")
def test_main_job_is_done(run: Run, pooled_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's, word for word; its `plan` included."""
    blocks = [block.replace("sqlite:///workspaces.db", pooled_url) for block in runnable_blocks("README.md")]
    assert any(pooled_url in block for block in blocks)

    printed = run_blocks(blocks, tmp_path)

    assert '"m-1004"' in printed
    monkeypatch.setenv(DATABASE_VARIABLE, pooled_url)
    assert run("people", "export", "--workspace", "default/club", "-o", "people.csv").code == 0
    assert run("plan", "-f", "examples/change/").code == 0


@pytest.mark.usefixtures("untouched")
def test_api_answers_thousands_of_calls(pooled_url: str, tmp_path: Path) -> None:
    workspace = make_workspace(pooled_url)

    with running_api(pooled_url, tmp_path, processes=2) as api:
        with api.client() as client:
            statuses: list[list[int]] = run_together(
                *(partial(list, called(client, workspace, first)) for first in range(CALLERS))
            )
        log = api.log.read_text()

    assert sum(map(len, statuses)) == CALLS
    assert {status for each in statuses for status in each} == {httpx.codes.OK}
    assert "prepared statement" not in log


def called(client: httpx.Client, workspace: MadeWorkspace, first: int) -> Iterator[int]:
    """Calls of every kind, of one caller: the same people again and again, events, reads."""
    for number in range(first, CALLS, CALLERS):
        person = f"/api/v1/customers/{number % 97}"
        match number % 5:
            case 0 | 1 | 2:
                document = {"email": f"{number % 97}@example.com", "number": number}
                answer = client.put(person, json=document, headers=workspace.track)
            case 3:
                answer = client.post(f"{person}/events", json={"name": "seen"}, headers=workspace.track)
            case _:
                query = {"email": f"{number % 97}@example.com"}
                answer = client.get("/v1/customers", params=query, headers=workspace.app)
        yield answer.status_code


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("option", ["", "?prepare=off"])
def test_nothing_is_prepared(pooled_url: str, option: str) -> None:
    with closing(upgraded(pooled_url + option)) as database:
        env = WorkspaceEnv.create(sql_store(database), Mode.EMAIL_OR_ID)

        effects = [env.identify_person(id="1", body={"number": number}).effect for number in range(10)]

        assert effects == [Effect.CREATED, *[Effect.UPDATED] * 9]


def test_prepared_statements_are_reported_as_an_error(pooled_url: str) -> None:
    first, second = (Database(f"{pooled_url}?prepare=on") for _ in range(2))

    used_often(first)
    with pytest.raises(StoreRefused, match="prepare=off"):
        used_often(second)

    first.close()
    second.close()


def test_without_a_pooler_statements_are_prepared(postgres_url: str) -> None:
    with closing(upgraded(postgres_url)) as database:
        assert used_often(database)


def used_often(database: Database) -> int:
    """Write the same several times; how many statements are prepared on the connection at the end."""
    return [database.writing(prepared_statements) for _ in range(10)][-1]


def prepared_statements(connection: sa.Connection) -> int:
    found: int = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one()
    return found


def test_read_only_is_asked_for_each_transaction(bouncer: PgBouncer, pooled_url: str, postgres_url: str) -> None:
    upgraded(pooled_url).close()
    looking = Database(pooled_url, read_only=True)

    with looking.reading() as connection:
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on"
    with looking.reading_one_snapshot() as connection:
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on"
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar_one() == "repeatable read"

    looking.close()
    assert {each["default_transaction_read_only"] for each in settings_of(bouncer.plain_url(postgres_url))} == {"off"}
