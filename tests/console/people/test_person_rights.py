"""Who may look at people, correct them, and remove them."""

from typing import Final

import pytest

from tests.console.cleanups.club import Club, words_of
from tests.console.environment import ADMIN, AUTHOR, HTML, MANAGER, STRANGER, VIEWER, Browser, parsed
from tests.console.people.visits import merge, path, root, send

MEMBERS: Final = {"admin": ADMIN, "manager": MANAGER, "author": AUTHOR, "viewer": VIEWER, "stranger": STRANGER}
EVERYBODY: Final = ("installation", *MEMBERS)
POSTS: Final = {
    "address": {"installation", "admin", "manager", "author"},
    "merge": {"installation", "admin", "manager"},
    "unmerge": {"installation", "admin", "manager"},
    "delete": {"installation", "admin", "manager"},
    "suppress": {"installation", "admin", "manager"},
}
"""Who may send each form: as the table in access/permissions.py."""


def browser_of(club: Club, who: str) -> Browser:
    return club.console.installation() if who == "installation" else club.console.member(MEMBERS[who])


@pytest.mark.parametrize("who", EVERYBODY)
def test_pages_are_shown_to_members(club: Club, who: str) -> None:
    browser, person = browser_of(club, who), path(club, "m-1007")

    statuses = {browser.get(each).status_code for each in (root(club), person, f"{person}/merge?with=m-1001")}

    assert statuses == ({404} if who == "stranger" else {200})


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("form", POSTS)
def test_forms_are_taken_from_whom_the_table_says(club: Club, who: str, form: str) -> None:
    merge(club, "m-1017", "m-1040")
    [record] = club.store.merges.merges(club.workspace.workspace_id, limit=5)
    fields = {
        "email": "new@club.example",
        "survivor": club.cio_ids["m-1017"],
        "secondary": club.cio_ids["m-1001"],
        "merge": record.merge_id,
        "typed": "m-1017",
    }

    status = send(club, "m-1017", form, browser_of(club, who), **fields).status_code

    assert status == (404 if who == "stranger" else 303 if who in POSTS[form] else 403)


@pytest.mark.parametrize(("who", "enabled"), [("viewer", 0), ("author", 1), ("manager", 3)])
def test_refused_buttons_are_there_and_say_who_may(club: Club, who: str, enabled: int) -> None:
    page = browser_of(club, who).get(path(club, "m-1007"))

    names = {"Correct", "Delete this person", "Suppress this person"}
    buttons = [each for each in parsed(page).iter(f"{HTML}button") if "".join(each.itertext()) in names]
    assert len(buttons) == 3
    assert sum("disabled" not in each.attrib for each in buttons) == enabled
    refused = (
        "You can view this person, but your role does not allow merging, deleting or suppressing. "
        "These people may: lena@nordlicht.example."
    )
    assert (refused in words_of(page)) is (enabled < 3)
    assert ("does not allow correcting the address" in words_of(page)) is (enabled < 1)


def test_refused_merge_says_who_may(club: Club) -> None:
    page = club.console.member(AUTHOR).get(f"{path(club, 'm-1017')}/merge?with=m-1001")

    assert "These people may: lena@nordlicht.example." in words_of(page)
    assert page.text.count("disabled") == 2


def test_nobody_who_is_not_signed_in_gets_anything(club: Club) -> None:
    browser = club.console.browser()

    assert browser.get(path(club, "m-1007")).headers["location"] == "/signin"
    assert browser.post(f"{path(club, 'm-1007')}/delete", {"typed": "m-1007"}).headers["location"] == "/signin"
    assert club.workspace.find(id="m-1007") is not None
