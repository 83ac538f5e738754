"""Citations of the specification: each names a page of docs/spec and a numbered heading that the page has.

A citation is the name of a page and one or more sections, as in "design §4" or "track-api.md §1, §2". Inside a page of
docs/spec a section without a page is one of the same page; elsewhere it is ambiguous, and an error. Sections of RFCs
are not looked up.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY

SPECIFICATION = REPOSITORY / "docs" / "spec"
SEARCHED = ("operator", "tests", "docs", "crds", "manifests", "README.md", "CONTRIBUTING.md")
BINARY = (".png", ".pyc")

# A citation may go over the end of a line, in a comment too.
GAP = r"(?:[ \t]|\n[ \t]*(?:(?:#|//|--)[ \t]*)?)+"
SECTION = r"§[ ]?(\d+(?:\.\d+)*)"
SECTIONS = re.compile(rf"{SECTION}(?:(?:,|{GAP}(?:and|or|to)|,{GAP}(?:and|or)){GAP}{SECTION})*")
NAME_BEFORE = re.compile(rf"([A-Za-z0-9][A-Za-z0-9-]*)(\.md)?[`\])]*,?{GAP}$")
RFC_BEFORE = re.compile(rf"RFC{GAP}\d+,?{GAP}$")
FAR_ENOUGH = 200
"""Characters before a section in which the name of its page ends."""

HEADING = re.compile(r"^#{1,6} (\d+(?:\.\d+)*)\.? ", re.MULTILINE)
PAGE_NAME = re.compile(r"(?<![\w*/.-])(?:[\w-]+/)*([\w-]+\.md)\b")

Headings = Mapping[str, Collection[str]]
"""The numbers of the headings of each page, by the page's name without its extension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """One cited section; ``page`` is None where the text names no page."""

    line: int
    page: str | None
    section: str


def citations_in(text: str, pages: Collection[str]) -> Iterator[Citation]:
    """Find the citations of a text, given the names of all pages."""
    for chain in SECTIONS.finditer(text):
        before = text[max(chain.start() - FAR_ENOUGH, 0) : chain.start()]
        if RFC_BEFORE.search(before):
            continue
        page = page_before(before, pages)
        for section in re.finditer(SECTION, chain[0]):
            line = text.count("\n", 0, chain.start() + section.start()) + 1
            yield Citation(line=line, page=page, section=section[1])


def page_before(text: str, pages: Collection[str]) -> str | None:
    """The page that the end of a text names: a known one, or a word that can only be the name of one."""
    found = NAME_BEFORE.search(text)
    if found is None:
        return None
    name = found[1].lower()
    return name if name in pages or found[2] or "-" in name else None


def problems_in(text: str, headings: Headings, *, own_page: str | None = None) -> Iterator[tuple[int, str]]:
    """Find citations that lead nowhere, each with its line; ``own_page`` is the page of docs/spec that the text is."""
    for each in citations_in(text, headings):
        page = each.page or own_page
        if page is None:
            yield each.line, f"§{each.section} names no page"
        elif page not in headings:
            yield each.line, f"{page} §{each.section}: there is no page docs/spec/{page}.md"
        elif each.section not in headings[page]:
            yield each.line, f"{page} §{each.section}: docs/spec/{page}.md has no heading of this number"


def headings_of(page: str) -> Collection[str]:
    """The numbers of the headings of a page's text."""
    return frozenset(HEADING.findall(page))


def specification() -> Headings:
    """The headings of the pages that are there."""
    return {page.stem: headings_of(page.read_text(encoding="utf-8")) for page in SPECIFICATION.glob("*.md")}


def searched_files() -> Iterator[Path]:
    """Every text that may cite the specification, except this file, whose examples are made up."""
    for place in map(REPOSITORY.joinpath, SEARCHED):
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and file.suffix not in BINARY and file != Path(__file__).resolve():
                yield file


def own_page_of(file: Path) -> str | None:
    return file.stem if file.parent == SPECIFICATION else None


def test_every_citation_leads_to_a_heading() -> None:
    headings = specification()

    problems = [
        f"{file.relative_to(REPOSITORY)}:{line}: {problem}"
        for file in searched_files()
        for line, problem in problems_in(
            file.read_text(encoding="utf-8", errors="replace"), headings, own_page=own_page_of(file)
        )
    ]

    assert not problems, "\n".join(problems)


def test_source_and_tests_cite_the_specification() -> None:
    headings = specification()

    cited = {
        (file.relative_to(REPOSITORY).parts[0], citation.page)
        for file in searched_files()
        for citation in citations_in(file.read_text(encoding="utf-8", errors="replace"), headings)
    }

    assert cited >= {
        (place, page)
        for place in ("operator", "tests")
        for page in ("identity-rules", "track-api", "sending", "design")
    }


WRITTEN_BY_EXAMPLES = {"plan.md"}


@pytest.mark.parametrize("place", ["operator", "tests"])
def test_pages_that_are_named_exist(place: str) -> None:
    known = {page.name for page in REPOSITORY.glob("*.md")} | {page.name for page in REPOSITORY.glob("[!.]*/**/*.md")}
    known |= WRITTEN_BY_EXAMPLES

    unknown = [
        f"{file.relative_to(REPOSITORY)}: {name}"
        for file in searched_files()
        if file.suffix == ".py" and file.relative_to(REPOSITORY).parts[0] == place
        for name in PAGE_NAME.findall(file.read_text(encoding="utf-8"))
        if name not in known
    ]

    assert not unknown, "\n".join(unknown)


MADE_UP = {"design": {"1", "4", "4.2"}, "track-api": {"1", "2"}, "trials": {"1"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the fence (design §4).", [("design", "4")]),
        ("See track-api.md §1, §2 and design §4.", [("track-api", "1"), ("track-api", "2"), ("design", "4")]),
        ("design §1, §4; track-api §2", [("design", "1"), ("design", "4"), ("track-api", "2")]),
        ("track-api §1 to §2", [("track-api", "1"), ("track-api", "2")]),
        ("track-api §1 and §2", [("track-api", "1"), ("track-api", "2")]),
        ("Design §4, Newest only", [("design", "4")]),
        ("design §4.2.", [("design", "4.2")]),
        ("[design.md](design.md) §4", [("design", "4")]),
        ("`design` §4", [("design", "4")]),
        ("measured (design\n    # §4)", [("design", "4")]),
        ("unknown-page §3", [("unknown-page", "3")]),
        ("unknown.md §3", [("unknown", "3")]),
        ("by §3, last row", [(None, "3")]),
        ("design §1 age, end of §4", [("design", "1"), (None, "4")]),
        ("(issue 5, §2)", [(None, "2")]),
        ("RFC 9110 §6.5.1", []),
        ("nothing of the kind", []),
    ],
)
def test_citations_are_found(text: str, expected: list[tuple[str | None, str]]) -> None:
    found = [(each.page, each.section) for each in citations_in(text, MADE_UP)]

    assert found == expected


def test_lines_of_citations_are_found() -> None:
    text = "first\n\ndesign §1,\n§4 and\ntrials §1"

    assert [each.line for each in citations_in(text, MADE_UP)] == [3, 4, 5]


@pytest.mark.parametrize(
    ("text", "own_page", "expected"),
    [
        ("design §4 and trials §1", None, []),
        ("design §4, §9", None, [(1, "design §9: docs/spec/design.md has no heading of this number")]),
        ("design §4.3", None, [(1, "design §4.3: docs/spec/design.md has no heading of this number")]),
        ("kubernetes.md §2", None, [(1, "kubernetes §2: there is no page docs/spec/kubernetes.md")]),
        ("\nthe rules of §2", None, [(2, "§2 names no page")]),
        ("the rules of §2", "track-api", []),
        ("the rules of §2", "trials", [(1, "trials §2: docs/spec/trials.md has no heading of this number")]),
        ("design §1", "track-api", []),
    ],
)
def test_citations_that_lead_nowhere_are_found(
    text: str, own_page: str | None, expected: list[tuple[int, str]]
) -> None:
    assert list(problems_in(text, MADE_UP, own_page=own_page)) == expected


def test_headings_are_found_by_their_numbers() -> None:
    page = "# Design 2\n\n## 1. First\n\ntext 3. more\n\n### 4.2 Part\n\n## Without a number\n"

    assert headings_of(page) == {"1", "4.2"}
