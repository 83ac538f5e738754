"""``make screenshots``: every page in each of its states as a picture, and the pictures of docs/console.md.

The sheet is for somebody to look at: no test compares pictures, since fonts differ between machines.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from tests.console.browser.windows import STATES, NoBrowser, browser, window_of
from tests.console.pictures.png import with_palette

REPOSITORY: Final = Path(__file__).resolve().parents[3]
SHEET: Final = REPOSITORY / "build" / "screenshots"
IMAGES: Final = REPOSITORY / "docs" / "images"
UNAVAILABLE: Final = 69

VIEWS: Final[Mapping[str, Mapping[str, Any]]] = {
    "light": {"width": 1280, "color_scheme": "light"},
    "dark": {"width": 1280, "color_scheme": "dark"},
    "narrow": {"width": 320, "color_scheme": "light"},
}
"""How each page is shown, by the name that its picture has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture of the documentation: the state it shows, perhaps with a query, and its largest height in pixels."""

    state: str
    query: str = ""
    height: int = 800


PICTURES: Final[Mapping[str, Image]] = {
    "console-workspaces": Image(state="workspaces, some of one account"),
    "console-clean-up": Image(state="clean-up, decided", query="kind=duplicateEmail", height=780),
    "console-compare": Image(state="compare"),
    "console-review": Image(state="review"),
    "console-result": Image(state="result"),
}


def main() -> int:
    """Write the sheet and the pictures; exit code 69 without a browser."""
    SHEET.mkdir(parents=True, exist_ok=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    try:
        with browser() as chromium:
            for name in STATES:
                print(f"  {name}", flush=True)
                take(chromium, name)
            for name, image in PICTURES.items():
                (IMAGES / f"{name}.png").write_bytes(picture(chromium, image))
    except NoBrowser as reason:
        print(f"There can be no screenshots here: {reason}", file=sys.stderr)
        return UNAVAILABLE
    (SHEET / "index.html").write_text(sheet(), encoding="utf-8")
    print(f"Look at {SHEET / 'index.html'}. Renewed: {IMAGES.relative_to(REPOSITORY)}")
    return 0


def take(chromium: Browser, name: str) -> None:
    """Write the pictures of a page in a state."""
    with shown(chromium, name) as page:
        for view, options in VIEWS.items():
            page.emulate_media(color_scheme=options["color_scheme"])
            (SHEET / file_name(name, view)).write_bytes(whole(page, options["width"]))


def picture(chromium: Browser, image: Image) -> bytes:
    """A picture for the documentation: light, at 1280 px, as far as it is of use."""
    with shown(chromium, image.state) as page:
        if image.query:
            page.goto(f"{page.url}?{image.query}")
        return with_palette(whole(page, 1280, max_height=image.height))


def whole(page: Page, width: int, *, max_height: int = 10_000) -> bytes:
    """The page in a window as high as the page: in a lower one, the bar at its end would cover some of it."""
    page.set_viewport_size({"width": width, "height": 100})
    height = min(page.evaluate("document.documentElement.scrollHeight"), max_height)
    page.set_viewport_size({"width": width, "height": height})
    return page.screenshot()


@contextmanager
def shown(chromium: Browser, name: str) -> Iterator[Page]:
    """A page in a state, without its problems being judged: tests do that."""
    with tempfile.TemporaryDirectory() as folder, window_of(chromium, name, Path(folder)) as window:
        yield window.page


def file_name(name: str, view: str) -> str:
    """The picture of a state, such as ``clean-up-decided-dark.png``."""
    return f"{'-'.join(name.replace(',', '').split())}-{view}.png"


def sheet() -> str:
    """All pictures on one page."""
    rows = "".join(
        f"<h2>{escape(name)}</h2><p>"
        + "".join(f'<img src="{file_name(name, view)}" alt="{escape(name)}, {view}" loading="lazy">' for view in VIEWS)
        + "</p>"
        for name in STATES
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The web console</title>
<style>body {{ font: 16px sans-serif }} p {{ display: flex; gap: 1rem; align-items: start }}
img {{ border: 1px solid #999; max-width: 40% }}</style>
<h1>The web console: {len(STATES)} states of its pages</h1>{rows}</html>
"""


if __name__ == "__main__":
    sys.exit(main())
