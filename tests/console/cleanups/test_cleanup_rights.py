"""Who may do what in a cleanup: every route and role; a refused button is there, and says who may."""

from typing import Final

import pytest

from tests.console.cleanups.club import ADA_SILVA, Club
from tests.console.environment import ADMIN, AUTHOR, HTML, MANAGER, STRANGER, VIEWER, Browser, parsed, text_of
from workspace_operator.cleanups.rules import Rule, RuleAction
from workspace_operator.console.views.cleanups.marks import mark_of_rule

PATHS: Final = (
    "/cleanup",
    "/cleanup/g?key=ada.silva%40club.example",
    "/cleanup/compare?key=ada.silva%40club.example",
    "/cleanup/review",
    "/cleanup/1",
    "/cleanup/rules",
    "/cleanup/rules/1",
    "/history",
    "/migrations",
)
MEMBERS: Final = {"admin": ADMIN, "manager": MANAGER, "author": AUTHOR, "viewer": VIEWER, "stranger": STRANGER}
EVERYBODY: Final = ("installation", *MEMBERS)
POSTS: Final = {
    "decide": {"installation", "admin", "manager", "author"},
    "discard": {"installation", "admin", "manager", "author"},
    "rules/add": {"installation", "admin", "manager", "author"},
    "rules/1/confirm": {"installation", "admin", "manager", "author"},
    "rules/1/remove": {"installation", "admin", "manager", "author"},
    "apply": {"installation", "admin", "manager"},
    "retry": {"installation", "admin", "manager"},
    "1/stop": {"installation", "admin", "manager"},
    "1/continue": {"installation", "admin", "manager"},
    "1/undo": {"installation", "admin", "manager"},
}
"""Who may send each form: as the table in access/permissions.py."""


def browser_of(club: Club, person: str) -> Browser:
    return club.console.installation() if person == "installation" else club.console.member(MEMBERS[person])


@pytest.fixture
def drafted(club: Club) -> Club:
    """A club with a draft, and a rule that was counted."""
    club.decide(club.console.installation(), ADA_SILVA, "mergeIntoOldest")
    club.add_rule(club.console.installation(), action="clearAll")
    club.work()
    return club


@pytest.mark.parametrize("person", EVERYBODY)
def test_pages_are_shown_to_members(drafted: Club, person: str) -> None:
    root, browser = f"/w/{drafted.workspace.workspace_id}", browser_of(drafted, person)

    statuses = {browser.get(root + path).status_code for path in PATHS}

    assert statuses == ({404} if person == "stranger" else {200})


@pytest.mark.parametrize("person", EVERYBODY)
@pytest.mark.parametrize("form", POSTS)
def test_forms_are_taken_from_whom_the_table_says(drafted: Club, person: str, form: str) -> None:
    browser = browser_of(drafted, person)
    fields = {
        "form_token": browser.form_token("/"),
        "group": ADA_SILVA,
        "do": "remove",
        "number": str(drafted.cleanup.number),
        "cleanup": str(drafted.cleanup.number),
        "seen": mark_of_rule(Rule(action=RuleAction.CLEAR_ALL)),
        "version": str(drafted.cleanup.version),
        "deletions": "0",
        "all": "1",
        "action": "clearAll",
        "groups": "1",
        "people": "2",
        "shown": "-",
    }

    status = browser.post(f"{drafted.path}/{form}", fields).status_code

    if person == "stranger":
        assert status == 404
    elif person in POSTS[form]:
        assert status in ({409} if form.startswith("1/") else {303})
    else:
        assert status == 403


def test_nobody_who_is_not_signed_in_gets_anything(drafted: Club) -> None:
    browser = drafted.console.browser()

    assert browser.get(drafted.path).headers["location"] == "/signin"
    assert browser.post(f"{drafted.path}/decide", {"do": "clearAll"}).headers["location"] == "/signin"
    assert drafted.cleanup.total == 3


def test_form_without_its_token_decides_nothing(drafted: Club) -> None:
    browser = drafted.console.installation()

    answer = browser.post(f"{drafted.path}/decide", {"group": ADA_SILVA, "do": "remove"})

    assert answer.status_code == 403
    assert drafted.cleanup.total == 3


def test_viewer_sees_what_others_decided_and_who_may(drafted: Club) -> None:
    page = browser_of(drafted, "viewer").get(drafted.path)

    assert "does not allow changes. These people may: lena@nordlicht.example, omar@" in text_of(page)
    disabled = [each for each in parsed(page).iter(f"{HTML}fieldset") if "disabled" in each.attrib]
    assert len(disabled) == 5
    assert "You can view this, but your role does not allow trying the change again." in text_of(page)


def test_author_sees_apply_and_who_may(drafted: Club) -> None:
    browser = browser_of(drafted, "author")

    for path in (drafted.path, f"{drafted.path}/review"):
        page = browser.get(path)
        assert "does not allow applying or undoing. These people may: lena@nordlicht.example." in text_of(page)
        [button] = [each for each in parsed(page).iter(f"{HTML}button") if each.text == "Apply 3 decisions"]
        assert "disabled" in button.attrib


def test_author_sees_stop_and_undo_but_cannot_press_them(drafted: Club) -> None:
    drafted.apply(drafted.console.installation())
    browser, path = browser_of(drafted, "author"), f"{drafted.path}/1"
    running = browser.get(path)
    drafted.work()

    done = browser.get(path)

    for page, text in ((running, "Stop"), (done, "Undo cleanup 1")):
        [button] = [each for each in parsed(page).iter(f"{HTML}button") if each.text == text]
        assert "disabled" in button.attrib
    assert "checkbox" not in done.text


def test_other_workspace_has_no_access_to_a_cleanup(drafted: Club) -> None:
    other = drafted.console.workspace("shop")

    assert drafted.console.installation().get(f"/w/{other.workspace_id}/cleanup/1").status_code == 404
