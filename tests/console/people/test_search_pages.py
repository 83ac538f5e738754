"""The search for people: by identifiers only, exact matches first, in pages."""

import pytest

from tests.console.cleanups.club import ADA_SILVA, Club, words_of
from tests.console.environment import HTML, parsed
from tests.console.people.visits import find, follow, merge, path, root, send
from workspace_operator.console.texts import text


def found(club: Club, what: str) -> list[str]:
    """The ids of the people that a search shows."""
    page = parsed(find(club, what))
    rows = page.findall(f".//{HTML}tbody/{HTML}tr")
    return ["".join(row.findall(f"{HTML}td")[0].itertext()) for row in rows]


@pytest.mark.parametrize(
    ("what", "ids"),
    [
        ("m-1004", ["m-1004"]),
        (" M-1004 ", []),
        (ADA_SILVA.upper(), ["m-1001", "m-1017", "m-1040"]),
        ("eve@", ["m-1007"]),
        ("m-101", ["m-1017"]),
        ("m-", []),
        ("Eve", ["m-1007"]),
        ("Sousa", []),
    ],
)
def test_people_are_found_by_identifiers_and_not_by_name(club: Club, what: str, ids: list[str]) -> None:
    assert found(club, what) == ids


def test_person_is_found_by_cio_id(club: Club) -> None:
    assert found(club, club.cio_ids["m-1007"]) == found(club, f"cio_{club.cio_ids['m-1007']}") == ["m-1007"]


def test_line_says_who_it_is_and_whether_the_change_is_blocked(club: Club) -> None:
    blocking, other = words_of(find(club, "m-1017")), words_of(find(club, "m-1007"))

    assert "Ada Silva ● blocks the change m-1017 2 Mar 2026 2 Mar 2026, 12:00 UTC ada.silva@club.example" in blocking
    assert "Eve Sousa m-1007" in other
    assert "blocks the change" not in other


def test_line_leads_to_the_person(club: Club) -> None:
    link = parsed(find(club, "m-1007")).find(f".//{HTML}tbody//{HTML}a")

    assert link is not None
    assert link.attrib["href"] == path(club, "m-1007")


def test_without_a_text_the_page_explains_itself(club: Club) -> None:
    assert text("people.hint") in words_of(club.console.installation().get(root(club)))


def test_nobody_found_says_what_was_compared(club: Club) -> None:
    assert "Nobody has the id, cio_id or address zoe@x" in words_of(find(club, "zoe@x"))
    assert "enter at least 3 characters" in words_of(find(club, "zo"))


def test_pages_follow_one_another(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.console.pages.people.search.PAGE", 2)
    browser, seen, address = club.console.installation(), [], f"{root(club)}?find=m-10"
    while address:
        page = parsed(browser.get(address))
        seen.append(len(page.findall(f".//{HTML}tbody/{HTML}tr")))
        links = {"".join(each.itertext()): each.attrib["href"] for each in page.iter(f"{HTML}a")}
        address = links.get(text("people.more"), "")

    assert seen == [2, 2, 2, 2]


def test_damaged_address_is_refused(club: Club) -> None:
    assert club.console.installation().get(f"{root(club)}?find=m-10&after=x").status_code == 400
    assert club.console.installation().get(f"{root(club)}?find={'x' * 1001}").status_code == 400


def test_cio_id_of_a_merged_person_leads_to_the_survivor(club: Club) -> None:
    merge(club, "m-1001", "m-1017")

    page = find(club, club.cio_ids["m-1017"])

    assert "This person became part of m-1001. See what is known" in words_of(page)
    link = next(each for each in parsed(page).iter(f"{HTML}a") if each.text == text("people.why"))
    led = club.console.installation().get(link.attrib["href"])
    assert "became part of this one on" in words_of(follow(club, led))


def test_cio_id_of_a_deleted_person_says_so(club: Club) -> None:
    send(club, "m-1007", "delete", typed="m-1007")

    assert "This person was deleted. See what is known" in words_of(find(club, club.cio_ids["m-1007"]))
    assert "Nobody has the id" in words_of(find(club, "m-1007"))
