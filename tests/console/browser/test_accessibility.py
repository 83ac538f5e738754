"""WCAG 2.2 AA by axe, on every page and state; and what axe cannot see: width, focus, forced colours.

The long form (WORKSPACE_OPERATOR_PROOF) has both colour schemes, three widths and three scroll positions.
"""

import os
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.console.browser.pages import CLUB_PAGES, FILES, PAGES
from tests.console.browser.windows import STATES, window_of
from tests.console.cleanups.club import Club
from tests.console.environment import ConsoleEnv
from workspace_operator.console.app import all_routes

IS_PROOF: Final = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))
WIDTHS: Final = (1280, 390, 320) if IS_PROOF else (1280, 320)
SCHEMES: Final = ("light", "dark") if IS_PROOF else ("light",)
SCROLLS: Final = (0, 0.5, 1) if IS_PROOF else (0,)
RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}

pages = pytest.mark.parametrize("name", STATES)


PARAMETERS = {
    "^/w/[0-9]+": "/w/{workspace}",
    "/cleanup/[0-9]+": "/cleanup/{cleanup}",
    "/rules/[0-9]+": "/rules/{rule}",
    "/segments/[0-9]+": "/segments/{segment}",
    "/imports/[0-9]+": "/imports/{import}",
    "/people/[0-9a-f]+": "/people/{person}",
    "^/account/[0-9]+": "/account/{account}",
}
"""What stands in a pattern for numbers in a path."""


def pattern_of(path: str) -> str:
    """The pattern of the route that a path belongs to."""
    for number, parameter in PARAMETERS.items():
        path = re.sub(number, parameter, path)
    return path


def test_every_page_is_shown(env: ConsoleEnv, tmp_path_factory: pytest.TempPathFactory) -> None:
    paths = {state.prepare(ConsoleEnv()).partition("?")[0] for state in PAGES.values()}
    for prepare in CLUB_PAGES.values():
        with Club.opened(tmp_path_factory.mktemp("club")) as club:
            club.fill()
            club.block()
            paths.add(prepare(club).partition("?")[0])
    routes = {route.pattern for route in all_routes(env.dependencies()) if route.method == "GET"}

    assert routes - FILES <= {pattern_of(path) for path in paths}


@pages
def test_axe_finds_nothing(chromium: Browser, tmp_path: Path, name: str) -> None:
    with window_of(chromium, name, tmp_path) as window:
        found = [
            f"{width} px, {scheme}, at {scroll}: {violation}"
            for width, scheme, scroll in positions(window.page)
            for violation in violations(window.page)
        ]

    assert found == []


@pages
def test_page_fits_and_shows_the_focus(chromium: Browser, tmp_path: Path, name: str) -> None:
    """At 320 px, and with text of double size, nothing has to be scrolled sideways; each control shows its focus."""
    with window_of(chromium, name, tmp_path, viewport={"width": 320, "height": 600}) as window:
        assert window.page.evaluate(WIDTH) <= 320

        window.page.set_viewport_size({"width": 1280, "height": 600})
        controls = window.page.evaluate("document.querySelectorAll('a[href], button, summary, pre[tabindex]').length")
        for _ in range(min(controls, 20)):
            window.page.keyboard.press("Tab")
            seen = window.page.evaluate(FOCUSED)
            assert seen["outline"] >= 3, seen
            assert seen["is_in_view"], seen

        window.page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert window.page.evaluate(WIDTH) <= 1280


@pytest.mark.parametrize("name", STATES if IS_PROOF else ["workspaces", "overview", "sign in", "clean-up, decided"])
def test_forced_colours_leave_the_states_apart(chromium: Browser, tmp_path: Path, name: str) -> None:
    with window_of(chromium, name, tmp_path, forced_colors="active") as window:
        current = window.page.locator("nav a[aria-current]")
        if current.count():
            assert current.first.evaluate("element => getComputedStyle(element).borderBottomWidth") == "3px"
        assert violations(window.page) == []


WIDTH: Final = "document.documentElement.scrollWidth"
FOCUSED: Final = """() => {
  const element = document.activeElement, box = element.getBoundingClientRect();
  return {
    element: element.outerHTML.slice(0, 100),
    outline: parseFloat(getComputedStyle(element).outlineWidth),
    is_in_view: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""


def positions(page: Page) -> Iterator[tuple[int, str, float]]:
    """Every width, colour scheme and scroll position."""
    for width, scheme in product(WIDTHS, SCHEMES):
        page.set_viewport_size({"width": width, "height": 600})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a name of one
        for scroll in SCROLLS:
            page.evaluate("share => scrollTo(0, share * document.documentElement.scrollHeight)", scroll)
            yield width, scheme, scroll


def violations(page: Page) -> list[str]:
    """What axe finds wrong."""
    response = Axe().run(page, options=RULES).response
    return [
        f"{violation['id']}: {node['html'][:200]} ({node.get('failureSummary', '')})"
        for violation in response["violations"]
        for node in violation["nodes"]
    ]
