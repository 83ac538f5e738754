"""Who may do what with an import: every route and role; a refused button is there, and says who may."""

from typing import Final

import pytest

from tests.console.cleanups.club import words_of
from tests.console.environment import ADMIN, AUTHOR, MANAGER, STRANGER, VIEWER, Browser
from tests.console.imports.import_console import ImportConsole
from workspace_operator.imports.model import ImportState

MEMBERS: Final = {"admin": ADMIN, "manager": MANAGER, "author": AUTHOR, "viewer": VIEWER, "stranger": STRANGER}
EVERYBODY: Final = ("installation", *MEMBERS)
AUTHORS: Final = frozenset({"installation", "admin", "manager", "author"})
POSTS: Final = {"discard": AUTHORS, "run": AUTHORS, "stop": AUTHORS, "undo": AUTHORS - {"author"}, "columns": AUTHORS}
"""Who may send each form: as the table in access/permissions.py."""


def browser_of(console: ImportConsole, person: str) -> Browser:
    return console.browser() if person == "installation" else console.club.console.member(MEMBERS[person])


def refused(person: str) -> int:
    return 404 if person == "stranger" else 403


@pytest.mark.parametrize("person", EVERYBODY)
def test_pages(console: ImportConsole, person: str) -> None:
    console.tried()
    browser = browser_of(console, person)

    seen = [browser.get(console.path + path).status_code for path in ("", "/1", "/1/columns", "/1/rejects")]

    may_download = 200 if person in AUTHORS else refused(person)
    assert seen == [*[404 if person == "stranger" else 200] * 3, may_download]


@pytest.mark.parametrize("person", EVERYBODY)
def test_files(console: ImportConsole, person: str) -> None:
    answer = console.upload(browser_of(console, person))

    assert answer.status_code == (303 if person in AUTHORS else refused(person))
    assert len(console.imports.imports.recent(1, limit=1)) == (person in AUTHORS)


@pytest.mark.parametrize("action", POSTS)
@pytest.mark.parametrize("person", EVERYBODY)
def test_forms(console: ImportConsole, person: str, action: str) -> None:
    console.imported() if action == "undo" else console.tried()
    if action == "stop":
        console.act(console.browser(), "run")
    browser = browser_of(console, person)

    answer = console.choose(browser) if action == "columns" else console.act(browser, action)

    assert answer.status_code == (303 if person in POSTS[action] else refused(person))


@pytest.mark.parametrize("person", EVERYBODY)
def test_undo_is_stopped_by_whoever_may_undo(console: ImportConsole, person: str) -> None:
    console.act(console.imported(), "undo")
    browser = browser_of(console, person)

    page, answer = browser.get(console.one), console.act(browser, "stop")

    assert answer.status_code == (303 if person in POSTS["undo"] else refused(person))
    if person == "author":
        assert "Stop You can view this, but your role does not allow applying or undoing." in words_of(page)
        assert f"These people may: {MANAGER}." in words_of(answer)
    console.imports.work()
    assert console.job.state is (ImportState.DONE if person in POSTS["undo"] else ImportState.UNDONE)


def test_refused_buttons_say_who_may(console: ImportConsole) -> None:
    viewer, author = console.club.console.member(VIEWER), console.club.console.member(AUTHOR)
    console.upload(console.browser())
    columns = console.words(viewer)
    console.choose(console.browser())
    console.imports.work()
    tried = console.words(viewer)
    console.act(console.browser(), "run")
    console.imports.work()
    done = console.words(author)

    who, cannot = f"These people may: {MANAGER}, {AUTHOR}.", "You can view this, but your role does not allow"
    assert f"See what would happen {cannot} changes. {who}" in columns
    assert f"Import 4 rows {cannot} importing. {who}" in tried
    assert f"Download the rejected rows (CSV) {cannot} downloading. {who}" in tried
    assert f"Undo this import {cannot} applying or undoing. These people may: {MANAGER}." in done
