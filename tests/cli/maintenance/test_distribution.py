"""``workspacectl database distribute``, on a double of Citus, and what the other commands say about it."""

import json

import psycopg
import pytest

from tests.cli.conftest import Crm, Run
from tests.store.citus import install_citus
from workspace_operator.settings import DATABASE_VARIABLE

pytestmark = pytest.mark.postgres

PEOPLE = "id,email\n1,ann@shop.example\n2,bob@shop.example\n"


@pytest.fixture
def citus(run: Run, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: ARG001 - `run` sets another
    """An empty database of Citus, which the commands use."""
    install_citus(postgres_url)
    url = postgres_url.replace("+psycopg", "")
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    return url


@pytest.mark.usefixtures("citus")
def test_distribution_is_done_and_shown(run: Run) -> None:
    made = run("database", "distribute", "--shards", "8")
    again = run("database", "distribute")
    status = run("database", "status")

    lines = made.out.splitlines()
    assert made.code == 0
    assert "workspace: on every machine" in lines
    assert "person: in shards by workspace_id" in lines
    assert lines[-1] == "the database is distributed, with 8 shards for each table"
    assert (again.code, again.out.splitlines()) == (0, lines[-1:])
    assert (status.code, status.out.splitlines()[-1].split()) == (0, ["DISTRIBUTION", "8", "shards"])


@pytest.mark.usefixtures("citus")
def test_distributed_database_takes_people(run: Run, crm: Crm) -> None:
    assert run("database", "distribute").code == 0

    crm(people=PEOPLE)

    assert run("database", "check").out == "nothing is wrong\n"
    assert "2" in run("database", "status", "--count-people").out


@pytest.mark.usefixtures("citus")
def test_database_with_people_is_distributed(run: Run, crm: Crm) -> None:
    crm(people=PEOPLE)
    before = run("database", "status")

    assert run("database", "distribute").code == 0

    assert before.out.splitlines()[-1].split("  ")[-1].strip() == "none: all tables are on the coordinator"
    assert run("people", "show", "-w", "default/crm", "--id", "1").code == 0


def test_distribution_in_part_is_said_by_every_command(run: Run, citus: str) -> None:
    assert run("database", "distribute").code == 0
    with psycopg.connect(citus, autocommit=True) as connection:
        connection.execute("DELETE FROM pg_dist_partition WHERE logicalrelid = 'delivery'::regclass")
    said = "distributed in part: delivery on the coordinator only. Stop all processes that use it, and run "

    upgraded, listed = run("database", "upgrade"), run("workspaces", "list")
    status, checked = run("database", "status", "-o", "json"), run("database", "check")

    assert (upgraded.code, listed.code) == (1, 1)
    assert said in upgraded.error
    assert said in listed.error
    assert (status.code, checked.code) == (2, 3)
    assert said in json.loads(status.out)["distribution"]["problem"]
    assert checked.out.startswith("distribution: 1\n")
    assert said in checked.out
    assert run("database", "distribute").code == 0
    assert run("database", "status").code == 0


def test_database_without_citus_is_an_error(run: Run, postgres_url: str) -> None:
    result = run("database", "distribute", "--database", postgres_url.replace("+psycopg", ""))

    assert "is not one of Citus: create the extension with `CREATE EXTENSION citus`" in result.failure


def test_sqlite_file_is_an_error(run: Run) -> None:
    assert "is a SQLite file, which is not distributed" in run("database", "distribute").failure


@pytest.mark.parametrize("shards", ["0", "-1", "1025", "many"])
def test_shards_have_bounds(run: Run, shards: str) -> None:
    assert run("database", "distribute", "--shards", shards).code == 64
