"""``workspacectl database upgrade --wait``: what an init container runs, whose database may be away."""

import threading

from tests.cli.conftest import Run
from tests.postgres import OwnPostgres


def test_database_that_comes_back_is_upgraded(run: Run, own_postgres: OwnPostgres) -> None:
    url = own_postgres.admin_url.render_as_string(hide_password=False).replace("+psycopg", "")
    own_postgres.stop()
    starting = threading.Timer(3, own_postgres.start)
    starting.start()

    result = run("database", "upgrade", "--wait", "60", "--database", url)

    starting.join()
    assert result.code == 0
    assert result.out.endswith("is up to date\n")
    assert "trying again in 2 s: the database postgresql://" in result.err


def test_database_that_stays_away_is_an_error(run: Run) -> None:
    url = "postgresql://user:password@127.0.0.1:1/people"

    result = run("database", "upgrade", "--wait", "3", "--database", url)

    assert (result.code, result.out) == (1, "")
    first, last = result.err.splitlines()
    assert first.startswith("trying again in 2 s: the database postgresql://user@127.0.0.1:1/people does not answer")
    assert last.startswith("error: the database postgresql://user@127.0.0.1:1/people does not answer")
