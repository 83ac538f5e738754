"""A page shows one moment of the database; a form, and a sign-in, see what was written meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.console.environment import ConsoleEnv
from tests.store.backends import sql_store, upgraded
from workspace_operator.access.permissions import Permission
from workspace_operator.console.app import make_console_of
from workspace_operator.console.core.http import Download, PageRequest
from workspace_operator.console.core.routes import Access, Audience, Route
from workspace_operator.console.security.form_tokens import FIELD


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsoleEnv]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/a.db" if is_sqlite else str(request.getfixturevalue("postgres_url"))
    with closing(upgraded(url)) as database:
        yield ConsoleEnv(store=sql_store(database))


def counts(env: ConsoleEnv, *, method: str, pattern: str, access: Access) -> str:
    """How many workspaces a handler counts, before and after another thread creates one."""

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


def test_page_reads_one_snapshot(env: ConsoleEnv) -> None:
    assert counts(env, method="GET", pattern="/w/{workspace}/x", access=Permission.VIEW) == "1,1"


def test_form_sees_what_was_written(env: ConsoleEnv) -> None:
    assert counts(env, method="POST", pattern="/w/{workspace}/x", access=Permission.VIEW) == "1,2"


def test_sign_in_sees_the_session_that_it_created(env: ConsoleEnv) -> None:
    assert counts(env, method="GET", pattern="/x", access=Audience.PUBLIC) == "1,2"
