"""The list of the cleanup page: its address is its state, its pages follow each other, and it stays light."""

import pytest
from httpx import Response

from tests.console.cleanups.club import ADA_SILVA, Club
from tests.console.environment import HTML, parsed, text_of
from workspace_operator.application.cleanups import decisions as deciding
from workspace_operator.cleanups.decisions import DecisionKind


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("?kind=invalidEmail", "cleo(at)club.example", ADA_SILVA),
        ("?kind=suppressedEmail", "gone@club.example", ADA_SILVA),
        ("?kind=idIsAnotherEmail", "daniel@club.example", ADA_SILVA),
        ("?find=m-1017", ADA_SILVA, "daniel@club.example"),
        ("?find=BO@club.example", "bo@club.example", ADA_SILVA),
        ("?find=Ada", ADA_SILVA, "bo@club.example"),
        ("?find=gone&kind=suppressedEmail", "gone@club.example", "bo@club.example"),
        ("?find=bo", "Nobody who blocks this change has the id bo, or an address", "bo@club.example"),
        ("?find=nobody", "Nobody who blocks this change has the id nobody, or an address", ADA_SILVA),
        ("?columns=plan,chapter", "plan chapter Id", "Ada"),
        ("?show=decided", ADA_SILVA, "daniel@club.example"),
        ("?show=open", "daniel@club.example", ADA_SILVA),
        ("?after=bo@club.example", "daniel@club.example", ADA_SILVA),
    ],
)
def test_address_is_the_state(club: Club, query: str, shown: str, hidden: str) -> None:
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")

    page = browser.get(club.path + query)

    said = " ".join(" ".join(each for main in parsed(page).iter(f"{HTML}main") for each in main.itertext()).split())
    _, _, below = said.partition("What decisions, columns and keys mean")
    listed = below.partition("The change is tried again by itself")[0]
    assert shown in listed
    assert hidden not in listed


def test_filter_says_what_it_leaves_out(club: Club) -> None:
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")

    assert "1 of the 5 groups of this page are shown." in text_of(browser.get(f"{club.path}?show=decided"))


@pytest.mark.parametrize(
    "query", ["kind=x", "show=x", "after=x.y", "after=9999999999999999.a", "columns=a,b,c,d,e,f", "after=\u0661.a"]
)
def test_damaged_address_is_refused(club: Club, query: str) -> None:
    assert club.console.installation().get(f"{club.path}?{query}").status_code == 400


def test_address_of_a_decision_leads_back(club: Club) -> None:
    browser = club.console.installation()
    form = {"form_token": browser.form_token(club.path), "group": ADA_SILVA, "do": "clearAll"}

    answer = browser.post(f"{club.path}/decide?kind=duplicateEmail&show=open&columns=plan", form)

    assert answer.headers["location"].startswith(f"{club.path}?kind=duplicateEmail&show=open&columns=plan#g")


@pytest.mark.parametrize(
    "page", ["?kind=duplicateEmail&columns=plan", "/g?key=ada.silva%40club.example&columns=plan"], ids=["list", "group"]
)
def test_comparison_leads_back_to_where_it_was_opened(club: Club, page: str) -> None:
    browser = club.console.installation()

    compared = browser.get(link(browser.get(club.path + page), "Compare"))
    before = link(compared, "Back to the group")

    where, _, element_id = before.partition("#")
    assert where.removeprefix(club.path) == page
    assert f'id="{element_id}"' in browser.get(where).text


def test_correction_can_be_cancelled(club: Club) -> None:
    browser = club.console.installation()
    page = browser.get(f"{club.path}?show=open")
    cleo = next(
        a for a in parsed(page).iter(f"{HTML}a") if club.cio_ids["m-1004"] in a.get("href", "").partition("?")[2]
    )

    opened = browser.get(f"{club.path}{cleo.get('href', '').partition('#')[0]}")

    assert "New address" in text_of(opened)
    assert link(opened, "Cancel").partition("#")[0] == f"{club.path}?show=open"


def test_heading_of_an_encoded_domain_is_as_somebody_writes_it(empty_club: Club) -> None:
    club = empty_club
    for id_ in ("m-1", "m-2"):
        club.add(id_, "info@bücher.example")
    club.block()

    page = club.console.installation().get(club.path)

    assert [
        h2.findtext(f"{HTML}bdi") for h2 in parsed(page).iter(f"{HTML}h2") if h2.find(f"{HTML}bdi") is not None
    ] == ["info@bücher.example"]


def link(page: Response, said: str) -> str:
    """Where the first link of a page with this text leads."""
    return next(a.get("href", "") for a in parsed(page).iter(f"{HTML}a") if "".join(a.itertext()).strip() == said)


def test_pages_follow_each_other(empty_club: Club) -> None:
    club = empty_club
    club.workspace.add_many({f"m-{number:03}": f"p{number // 2:03}@club.example" for number in range(60)})
    club.workspace.add_many({f"x-{number:03}": "no address" for number in range(30)})
    club.block()
    browser, path = club.console.installation(), club.path
    titles: list[str] = []
    links: dict[str, str] = {}

    while path:
        page = parsed(browser.get(path))
        titles += ["".join(each.itertext()).split()[0] for each in page.iter(f"{HTML}h2")]
        links = {"".join(each.itertext()): each.attrib["href"] for each in page.iter(f"{HTML}a")}
        path = links.get("Next 25 groups →", "")

    assert titles == ["no"] * 30 + [f"p{number:03}@club.example" for number in range(30)]
    assert "Back to the first groups" in links


def test_large_group_has_a_page_of_its_own(empty_club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    club = empty_club
    club.workspace.add_many({f"m-{number:03}": "noreply@club.example" for number in range(120)})
    club.block()
    browser = club.console.installation()
    said = text_of(browser.get(club.path))
    assert "120 people share this address" in said
    assert "So many people share it that it is probably a placeholder." in said
    assert "Merge into the oldest" not in said
    seen, path = [], f"{club.path}/g?key=noreply%40club.example"

    while path:
        page = parsed(browser.get(path))
        seen += ["".join(each.itertext()) for each in page.iter(f"{HTML}th") if each.get("scope") == "row"]
        links = {"".join(each.itertext()): each.attrib["href"] for each in page.iter(f"{HTML}a")}
        path = next((href for text, href in links.items() if text.startswith("Show the other")), "")

    assert sorted(seen) == sorted(set(seen)) == [f"m-{number:03}" for number in range(120)]
    monkeypatch.setattr(deciding, "BATCH", 50)
    club.decide(browser, "noreply@club.example", "clearAll")
    assert club.cleanup.decisions[DecisionKind.CLEAR] == 120
    assert club.cleanup.people_blocking_after == 0


def test_group_that_is_too_large_for_one_request_goes_on(empty_club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    club, browser = empty_club, empty_club.console.installation()
    club.workspace.add_many({f"m-{number:03}": "noreply@club.example" for number in range(70)})
    club.block()
    monkeypatch.setattr(deciding, "BATCH", 20)
    monkeypatch.setattr(deciding, "MAX_AT_ONCE", 40)

    answer = club.decide(browser, "noreply@club.example", "clearAll")
    rest = answer.headers["location"]
    assert (club.cleanup.total, rest.partition("?")[0]) == (40, f"{club.path}/g")
    form = {"form_token": browser.form_token(club.path), "group": "noreply@club.example", "do": "clearAll"}
    browser.post(rest.replace("/g?", "/decide?"), form)

    assert (club.cleanup.total, club.cleanup.people_blocking_after) == (70, 0)


@pytest.mark.parametrize("people", [3, 8])
def test_page_of_25_groups_is_light(empty_club: Club, people: int) -> None:
    """Of large groups fewer people are shown, so that the page stays below 100 kB."""
    club = empty_club
    for number in range(30):
        ids = [f"m-{number:04}-{index}" for index in range(people)]
        body = {"email": f"firstname.lastname{number}@club.example", "first_name": "Firstname", "name": "Lastname"}
        club.workspace.identify(
            *(club.workspace.call(id=id_, body=body | {"plan": f"plan {index}"}) for index, id_ in enumerate(ids))
        )
    club.block()
    browser = club.console.installation()
    for number in range(25):
        club.decide(browser, f"firstname.lastname{number}@club.example", "mergeIntoOldest")

    page = browser.get(club.path)

    assert page.text.count('<section class="group"') == 25
    assert len(page.content) < 100_000
    assert (f"Show the other {people - 3} →" in page.text) == (people > 3)
