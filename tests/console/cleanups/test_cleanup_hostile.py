"""Ids, addresses and attributes of people are hostile, and appear as text on every page of a cleanup."""

from urllib.parse import urlencode

import pytest
from httpx import Response

from tests.console.cleanups.club import Club
from tests.console.environment import HTML, Browser, parsed, text_of
from tests.console.hostile import HOSTILE
from workspace_operator.console.views.cleanups.groups import MAX_CELL
from workspace_operator.console.views.formats import visible

IDS = [value for value in HOSTILE if len(value) <= 150]


@pytest.fixture
def hostile_club(empty_club: Club) -> Club:
    """People whose ids, addresses, attributes and names of attributes are hostile, decided about."""
    for number, value in enumerate(HOSTILE):
        attributes = {"name": value[:1000], value[:100]: value[:1000]}
        body = {"email": f"{value[:100]} @", **attributes}
        empty_club.workspace.identify_person(id=f"h-{number}", body=body)
    empty_club.workspace.add_many({f"{value} ": "same@club.example" for value in IDS})
    empty_club.block()
    return empty_club


def applied_pages(club: Club, browser: Browser) -> list[Response]:
    """The result, the undo of some decisions, and what became of people who do not exist any more."""
    club.apply(browser)
    club.work()
    result = browser.get(f"{club.path}/1")
    boxes = [each.attrib["value"] for each in parsed(result).iter(f"{HTML}input") if each.get("type") == "checkbox"]
    assert boxes
    return [result, browser.get(f"{club.path}/1/undo?{urlencode({'p': boxes}, doseq=True)}")]


def test_every_page_shows_them_as_text(hostile_club: Club) -> None:
    club, browser = hostile_club, hostile_club.console.installation()
    club.decide(browser, "same@club.example", "mergeIntoOldest")
    club.decide(browser, "same@club.example", "mergeIntoOldest")
    pages, path = [], club.path
    while path:
        pages.append(browser.get(path))
        links = {"".join(each.itertext()): each.attrib["href"] for each in parsed(pages[-1]).iter(f"{HTML}a")}
        path = links.get("Next 25 groups →", "")
    pages.append(browser.get(f"{club.path}/review"))
    pages += [browser.get(f"{club.path}/{page}?key=same%40club.example") for page in ("g", "compare")]
    pages += applied_pages(club, browser)

    elements = [each for page in pages for tag in ("bdi", "td") for each in parsed(page).iter(f"{HTML}{tag}")]
    shown = {"".join(each.itertext()) for each in elements}

    assert {page.status_code for page in pages} == {200}
    assert all(any(visible(value, limit=MAX_CELL) in text for text in shown) for value in HOSTILE)
    scripts = {each.get("src", "") for page in pages for each in parsed(page).iter(f"{HTML}script")}
    assert len(scripts) == 1
    assert all("\u202e" not in page.text for page in pages)


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_what_somebody_enters_is_shown_as_text(club: Club, value: str) -> None:
    browser = club.console.installation()

    found = browser.send("GET", club.path, headers={}, params={"find": value, "columns": value[:50], "open": value})
    corrected = club.correct(browser, "m-1004", value)
    merged = club.decide(browser, "m-1004", f"into {club.cio_ids['m-1004']}", into=value)

    assert found.status_code in (200, 400)
    assert corrected.status_code == merged.status_code == 422
    for answer in (found, corrected, merged):
        assert not [each for each in parsed(answer).iter(f"{HTML}script") if not each.get("src")]
        assert text_of(answer)
