"""A real browser and a console with a socket. Chromium is found by name; without it these tests are skipped."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.conftest import NO_SKIPS
from tests.console.browser.served import ServedConsole
from tests.console.browser.windows import NoBrowser, browser
from tests.console.cleanups.club import Club


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a module; without one they are skipped."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(browser())
        except NoBrowser as reason:
            if os.environ.get(NO_SKIPS):
                pytest.fail(str(reason))
            pytest.skip(str(reason))
        yield started


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    """A club whose people block its change."""
    with Club.opened(tmp_path) as club:
        club.fill()
        club.block()
        yield club


@pytest.fixture
def served_club(club: Club) -> Iterator[ServedConsole]:
    """The console of the club."""
    with ServedConsole.serving(club.console) as console:
        yield console


@pytest.fixture
def served() -> Iterator[ServedConsole]:
    """A console of an empty store."""
    with ServedConsole.serving() as console:
        yield console
