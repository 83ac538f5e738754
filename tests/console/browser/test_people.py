"""Job J4 in a real browser, three ways: find somebody, see what happened, correct, merge, undo."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.console.browser.served import ServedConsole
from tests.console.browser.ways import WAYS, Press, enter
from tests.console.cleanups.club import Club


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with Club.opened(tmp_path) as club:
        club.fill()
        club.block()
        yield club


@pytest.fixture
def served_club(club: Club) -> Iterator[ServedConsole]:
    with ServedConsole.serving(club.console) as console:
        yield console


@pytest.mark.parametrize(("press", "has_script"), WAYS)
def test_somebody_is_found_corrected_merged_and_restored(
    chromium: Browser, club: Club, served_club: ServedConsole, press: Press, has_script: bool
) -> None:
    with served_club.window(chromium, java_script_enabled=has_script) as window:
        page = window.page
        window.open(f"/w/{club.workspace.workspace_id}")
        press(page, page.get_by_role("link", name="People"))
        enter(page, press, page.get_by_label("Id, cio_id or address"), "eve@")
        press(page, page.get_by_role("button", name="Find"))
        press(page, page.get_by_role("link", name="Eve Sousa"))
        expect(page.get_by_role("heading", name="m-1007")).to_be_visible()

        press(page, page.locator("summary", has_text="Correct the address…"))
        enter(page, press, page.get_by_label("New address"), "eve@new.example")
        press(page, page.get_by_role("button", name="Correct", exact=True))
        expect(page.get_by_text("The address was corrected.")).to_be_visible()
        expect(page.locator("#i-email")).to_have_text("eve@new.example")

        press(page, page.locator("summary", has_text="Merge with…"))
        enter(page, press, page.get_by_label("Id, cio_id or address of the other person"), "m-1004")
        press(page, page.get_by_role("button", name="Compare"))
        press(page, page.get_by_role("button", name="Merge m-1007 into m-1004"))
        expect(page.get_by_role("heading", name="m-1004")).to_be_visible()
        expect(page.get_by_text("became part of this one on")).to_be_visible()

        press(page, page.get_by_role("button", name="Undo the merge of m-1007"))
        expect(page.get_by_role("heading", name="m-1007")).to_be_visible()
        expect(page.get_by_text("This person was restored: the merge is undone.")).to_be_visible()


def test_identifiers_are_copied_by_a_button_that_needs_a_script(
    chromium: Browser, club: Club, served_club: ServedConsole
) -> None:
    club.add("\u202eevil")
    paths = [f"/w/{club.workspace.workspace_id}/people/{club.cio_ids[id_]}" for id_ in ("m-1007", "\u202eevil")]
    with served_club.window(chromium, permissions=["clipboard-read", "clipboard-write"]) as window:
        window.open(paths[0])
        window.page.get_by_role("button", name="Copy Address").click()
        expect(window.page.locator("#live")).to_have_text("Copied.")
        assert window.page.evaluate("navigator.clipboard.readText()") == "eve@club.example"

        window.open(paths[1])  # an id that the page does not show as it is
        assert window.page.get_by_role("button", name="Copy Id").count() == 0
        assert window.page.get_by_role("button", name="Copy cio_id").is_visible()

    with served_club.window(chromium, java_script_enabled=False) as window:
        window.open(paths[0])
        assert not window.page.get_by_role("button", name="Copy").count()


def test_confirmation_says_what_is_wrong_and_keeps_its_form_open(
    chromium: Browser, club: Club, served_club: ServedConsole
) -> None:
    with served_club.window(chromium) as window:
        page = window.page
        window.open(f"/w/{club.workspace.workspace_id}/people/{club.cio_ids['m-1007']}")
        page.locator("summary", has_text="Suppress…").click()
        page.get_by_label("Type m-1007 to confirm").locator("visible=true").fill("m-1008")
        page.get_by_role("button", name="Suppress this person").click()

        expect(page.get_by_role("alert")).to_contain_text("m-1008 is not m-1007. Nothing was changed.")
        expect(page.get_by_role("button", name="Suppress this person")).to_be_visible()
