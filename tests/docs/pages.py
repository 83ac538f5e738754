"""The pages of the documentation, and what can be read from them."""

import re
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("", "docs", "docs/decisions", "docs/spec", "examples", "examples/gitops")
PAGES = sorted(page for folder in FOLDERS for page in (REPOSITORY / folder).glob("*.md"))

TESTED = re.compile(r"<!-- tested: [^>]*-->\n```sh\n(.*?)```", re.DOTALL)
NAMES = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")

Row = Sequence[str]


def text_of(page: str) -> str:
    """A page, by its path in the repository."""
    return (REPOSITORY / page).read_text(encoding="utf-8")


def runnable_blocks(page: str) -> list[str]:
    """The blocks of a page that are marked as runnable."""
    return TESTED.findall(text_of(page))


def rows(page: str, first: str) -> list[Row]:
    """The rows of the tables of a page whose head begins with a cell."""
    found: list[Row] = []
    inside = False
    for line in text_of(page).splitlines():
        if not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("| ---"):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
        elif line.startswith(f"| {first} |"):
            inside = True
    return found


def names(text: str) -> list[str]:
    """What stands in code in a text."""
    return NAMES.findall(text)
