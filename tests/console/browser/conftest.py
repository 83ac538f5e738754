"""A real browser and a console with a socket. Chromium is found by name; without it these tests are skipped."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import NO_SKIPS
from tests.console.browser.served import ServedConsole

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a module. As long as it is open, no other test can run an event loop."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        reason = f"none of {', '.join(NAMES)} is installed"
        if os.environ.get(NO_SKIPS):
            pytest.fail(reason)
        pytest.skip(reason)
    # Its sandbox cannot be used by root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def served() -> Iterator[ServedConsole]:
    """A console of an empty store."""
    with ServedConsole.serving() as console:
        yield console
