"""Windows on every page in each of its states, for tests and for pictures."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, sync_playwright

from tests.console.browser.pages import CLUB_PAGES, PAGES
from tests.console.browser.served import ServedConsole, Window
from tests.console.cleanups.club import Club
from tests.console.environment import ConsoleEnv

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
STATES: Final = (*PAGES, *CLUB_PAGES)
"""The names of all states of all pages."""


class NoBrowser(Exception):
    """No browser of a known name is installed."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, found by its name. As long as it is open, nothing else can run an event loop in this thread."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise NoBrowser(f"none of {', '.join(PROGRAMS)} is installed")
    # Its sandbox cannot be used by root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@contextmanager
def window_of(chromium: Browser, name: str, folder: Path, **options: Any) -> Iterator[Window]:
    """A window that shows a page in a state."""
    with ExitStack() as stack:
        if name in PAGES:
            env, signed_in = ConsoleEnv(provider=PAGES[name].provider), PAGES[name].signed_in
            served = stack.enter_context(ServedConsole.serving(env))
            path = PAGES[name].prepare(served.env)
        else:
            club = stack.enter_context(Club.opened(folder))
            club.fill()
            club.block()
            served, signed_in = stack.enter_context(ServedConsole.serving(club.console)), True
            # In a thread, since playwright runs an event loop in this one, and requests need one of their own.
            with ThreadPoolExecutor(1) as thread:
                path = thread.submit(CLUB_PAGES[name], club).result()
        window = stack.enter_context(served.window(chromium, signed_in=signed_in, **options))
        window.open(path)
        yield window
