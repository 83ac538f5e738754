"""A PostgreSQL that answers and does not take or confirm writes: callers are told so, and probes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.api.observability.test_metrics import samples
from tests.api.servers import MadeWorkspace, RunningAPI, make_workspace, running_api
from tests.e2e.waiting import wait_until
from tests.postgres import OwnPostgres, own_postgres

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    """One whose settings may be changed: no other test uses it."""
    with own_postgres() as server:
        yield server


@pytest.fixture
def database(server: OwnPostgres) -> str:
    return server.create_database()


def configure(server: OwnPostgres, setting: str) -> None:
    """Change a setting of the whole server while it runs."""
    plain = server.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("SET synchronous_commit = local")
        connection.execute(f"ALTER SYSTEM {setting}")
        connection.execute("SELECT pg_reload_conf()")


def put(api: RunningAPI, workspace: MadeWorkspace) -> httpx.Response:
    with api.client(workspace.track, timeout=60) as client:
        return client.put("/api/v1/customers/ann", json={"plan": "gold"})


def is_refused(api: RunningAPI, workspace: MadeWorkspace) -> httpx.Response | None:
    response = put(api, workspace)
    return response if response.status_code == 503 else None


def test_write_that_no_standby_confirms_is_reported_as_unknown(
    server: OwnPostgres, database: str, tmp_path: Path
) -> None:
    workspace = make_workspace(database)
    with running_api(database, tmp_path) as api:
        assert put(api, workspace).status_code == 200

        configure(server, "SET synchronous_standby_names = 'nobody'")
        try:
            refused = wait_until(lambda: is_refused(api, workspace), within=60)
            wait_until(lambda: not api.is_ready(), within=60)
            alive = httpx.get(f"{api.health}/healthz").status_code
            counted = samples(api.metrics())["commands_outcome_unknown_total",]
        finally:
            configure(server, "RESET synchronous_standby_names")
        wait_until(api.is_ready, within=60)
        after = put(api, workspace)

    assert refused is not None
    assert "the outcome of the command is unknown" in refused.text
    assert (alive, after.status_code) == (200, 200)
    assert counted >= 1


def test_server_that_has_become_read_only_is_not_ready(server: OwnPostgres, database: str, tmp_path: Path) -> None:
    """As after a failover, when the URL leads to a standby."""
    workspace = make_workspace(database)
    with running_api(database, tmp_path) as api:
        configure(server, "SET default_transaction_read_only = on")
        try:
            refused = wait_until(lambda: is_refused(api, workspace), within=60)
            wait_until(lambda: not api.is_ready(), within=60)
        finally:
            configure(server, "RESET default_transaction_read_only")
        wait_until(api.is_ready, within=60)
        after = put(api, workspace)
        log = api.log.read_text()

    assert refused is not None
    inside = ("postgres", "psycopg", "127.0.0.1", "read-only", database.rpartition("/")[2])
    assert [each for each in inside if each in refused.text] == []
    assert "read-only" in log
    assert after.status_code == 200
