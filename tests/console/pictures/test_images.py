"""Pictures of the documentation: there, small, described, and shown."""

import re
from pathlib import Path

import pytest

from tests.console.pictures.png import SIGNATURE, size_of
from tests.console.pictures.screenshots import IMAGES, PICTURES
from tests.docs.pages import REPOSITORY

MAX_BYTES = 60_000
SHOWN = re.compile(r"!\[([^]]*)]\(([^)]+)\)")


def shown() -> dict[Path, str]:
    """Every picture that a page shows, with the text for those who do not see it."""
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]
    return {
        (page.parent / path).resolve(): words
        for page in pages
        for words, path in SHOWN.findall(page.read_text(encoding="utf-8"))
        if "://" not in path
    }


def test_pages_show_the_pictures_of_make_screenshots_and_no_others() -> None:
    taken = {IMAGES / f"{name}.png" for name in PICTURES}

    assert shown().keys() == taken == set(IMAGES.iterdir())


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_small_and_of_the_usual_width(name: str) -> None:
    data = (IMAGES / f"{name}.png").read_bytes()

    assert data.startswith(SIGNATURE)
    assert len(data) <= MAX_BYTES
    width, height = size_of(data)
    assert (width, height <= PICTURES[name].height) == (1280, True)


def test_pictures_are_described() -> None:
    for path, words in shown().items():
        assert len(words.split()) >= 6, path
