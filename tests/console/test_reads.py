"""Reads of a page, on each database: one that takes too long is ended, and all see one moment.

A form, and a sign-in, see what was written meanwhile.
"""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.console.environment import HTML, ConsoleEnv, parsed, text_of
from tests.store.backends import sql_store, upgraded
from tests.store.engine.test_statement_limits import SLOW
from workspace_operator.access.permissions import Permission
from workspace_operator.console.app import make_console_of
from workspace_operator.console.core.http import Download, Page, PageRequest
from workspace_operator.console.core.routes import Access, Audience, Route
from workspace_operator.console.security.form_tokens import FIELD
from workspace_operator.store.engine.databases import Database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/a.db" if is_sqlite else str(request.getfixturevalue("postgres_url"))
    with closing(upgraded(url)) as made:
        yield made


def test_slow_page_is_ended(database: Database) -> None:
    def show(_request: PageRequest) -> Page:
        with database.reading() as connection:
            connection.execute(SLOW).all()
        raise AssertionError("the statement was not ended")

    env = ConsoleEnv(store=sql_store(database))
    number = env.workspace().workspace_id
    env.options = {"limiting_reads": lambda: database.limiting_reads(0.1)}
    route = Route(method="GET", pattern="/w/{workspace}/x", access=Permission.VIEW, handler=show)
    browser = replace(env.installation(), app=make_console_of(env.dependencies(), [route]))

    answer = browser.get(f"/w/{number}/x")

    assert answer.status_code == 503
    assert "This took too long. Narrow the search." in text_of(answer)
    assert "retry-after" not in answer.headers


def test_file_may_take_longer(database: Database) -> None:
    """Its lines are made after the handler, in other threads."""

    def save(_request: PageRequest) -> Download:
        def lines() -> list[str]:
            with database.reading() as connection:
                return [f"{connection.exec_driver_sql(COUNT).scalar_one()}\r\n"]

        return Download(name="numbers.csv", lines=(line for _ in range(1) for line in lines()))

    env = ConsoleEnv(store=sql_store(database))
    number = env.workspace().workspace_id
    env.options = {"limiting_reads": lambda: database.limiting_reads(0.05)}
    route = Route(method="GET", pattern="/w/{workspace}/x", access=Permission.DOWNLOAD, handler=save)
    browser = env.installation()
    answer = replace(browser, app=make_console_of(env.dependencies(), [route])).get(f"/w/{number}/x")

    assert answer.text == "\ufeff200000\r\n"


COUNT = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200000) "
    "SELECT count(*) FROM numbers"
)


def counts(database: Database, *, method: str, pattern: str, access: Access) -> str:
    """How many workspaces a handler counts, before and after another thread creates one."""
    env = ConsoleEnv(store=sql_store(database))

    def count(_request: PageRequest) -> Download:
        before = len(env.store.workspaces.list())
        another = threading.Thread(target=env.workspace, args=("second",))
        another.start()
        another.join()
        return Download(name="counts.csv", lines=iter([f"{before},{len(env.store.workspaces.list())}"]))

    number = env.workspace().workspace_id
    route = Route(method=method, pattern=pattern, access=access, handler=count)
    browser, path = env.installation(), pattern.replace("{workspace}", str(number))
    form = {FIELD: browser.form_token()}
    own = replace(browser, app=make_console_of(env.dependencies(), [route]))
    answer = own.get(path) if method == "GET" else own.post(path, form)
    return str(answer.text).removeprefix("\ufeff")


def test_page_reads_one_snapshot(database: Database) -> None:
    assert counts(database, method="GET", pattern="/w/{workspace}/x", access=Permission.VIEW) == "1,1"


def test_form_sees_what_was_written(database: Database) -> None:
    assert counts(database, method="POST", pattern="/w/{workspace}/x", access=Permission.VIEW) == "1,2"


def test_sign_in_sees_the_session_that_it_created(database: Database) -> None:
    assert counts(database, method="GET", pattern="/x", access=Audience.PUBLIC) == "1,2"


def test_own_session_was_active_just_now(database: Database) -> None:
    """The page itself notes that, in a transaction of its own."""
    env = ConsoleEnv(store=sql_store(database))
    browser = env.installation()
    env.store.clock.advance(1200)

    times = [each.attrib["datetime"] for each in parsed(browser.get("/account")).iter(f"{HTML}time")]

    assert env.store.clock().isoformat() in [datetime.fromisoformat(each).isoformat() for each in times]
