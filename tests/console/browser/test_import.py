"""Job J3 in a real browser, three ways: upload a file, choose columns, see what would happen, import, undo."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.console.browser.jobs import LONG
from tests.console.browser.served import ServedConsole
from tests.console.browser.ways import WAYS, Press
from tests.console.cleanups.club import Club
from tests.console.imports.import_console import FILE, ImportConsole


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ImportConsole]:
    with Club.opened(tmp_path) as club:
        yield ImportConsole.of(club)


@pytest.mark.parametrize(("press", "has_script"), WAYS)
def test_corrected_file_comes_back(
    chromium: Browser, console: ImportConsole, tmp_path: Path, press: Press, has_script: bool
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(FILE)
    with (
        ServedConsole.serving(console.club.console) as served,
        served.window(chromium, java_script_enabled=has_script) as window,
    ):
        page = window.page
        window.open(console.path)
        page.get_by_label("File: CSV").set_input_files(file)
        press(page, page.get_by_role("button", name="Upload"))
        expect(page.get_by_label("E-Mail becomes")).to_have_value("email")
        page.get_by_label("Notes becomes").select_option("ignore")

        press(page, page.get_by_role("button", name="See what would happen"))
        expect(page.get_by_text("The rows are tried.")).to_be_visible()
        console.imports.work()
        expect(page.get_by_text("Nothing was written.", exact=True)).to_be_visible(timeout=LONG)
        expect(page.get_by_text("1 created, 1 changed, 1 unchanged, 1 rejected")).to_be_visible()

        press(page, page.get_by_role("button", name="Import 4 rows"))
        expect(page.locator("#progress").get_by_text("The rows are imported.")).to_be_visible()
        console.imports.work()
        expect(page.locator("#progress").get_by_text("The import is done.")).to_be_visible(timeout=LONG)
        press(page, page.get_by_role("button", name="Undo this import"))
        expect(page.locator("#progress").get_by_text("The import is undone.")).to_be_visible()
        console.imports.work()
        expect(page.locator("#progress").get_by_text("The import was undone.")).to_be_visible(timeout=LONG)

    assert [person.email for person in console.imports.people()] == ["ada@old.example", "bo@club.example"]


def test_large_file_that_is_refused_at_once_says_why(chromium: Browser, console: ImportConsole, tmp_path: Path) -> None:
    """The rest of it is read, so that the browser shows the answer."""
    file = tmp_path / "people.csv"
    file.write_bytes(b"PK\x03\x04" + b"x" * 20_000_000)
    with ServedConsole.serving(console.club.console) as served, served.window(chromium) as window:
        window.open(console.path)
        window.page.get_by_label("File: CSV").set_input_files(file)
        window.page.get_by_role("button", name="Upload").click()

        expect(window.page.get_by_role("alert")).to_have_text("This is an Excel workbook, not CSV.")
