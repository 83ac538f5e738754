"""The undo of a cleanup: what the pages say before it, and what became of it."""

from urllib.parse import urlencode

import pytest

from tests.console.cleanups.club import ADA_SILVA, IDS, Club, applied, post, words_of
from tests.console.environment import HTML, parsed


def test_cleanup_is_undone(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    club.decide(browser, "gone@club.example", "remove")
    path = club.apply(browser).headers["location"]
    club.work()

    post(club, f"{path}/undo", all="1")
    assert "Cleanup 1 is being undone." in words_of(browser.get(path))
    club.work()

    said = words_of(browser.get(path))
    assert club.ids() == IDS
    assert "Cleanup 1 was undone." in said
    assert "Undone: 7 completely, 0 partly, 0 not at all." in said
    assert "Undo cleanup" not in said


def test_chosen_decisions_are_undone(club: Club) -> None:
    path, chosen = applied(club), [club.cio_ids["m-1017"], club.cio_ids["m-1003"]]
    without = "restored without the id or address, because somebody else has it or it is suppressed"

    preview = club.console.installation().get(f"{path}/undo?{urlencode({'p': chosen}, doseq=True)}")
    inputs = parsed(preview).iter(f"{HTML}input")
    post(club, f"{path}/undo", p=[each.attrib["value"] for each in inputs if each.attrib["name"] == "p"])
    undoing = words_of(club.console.installation().get(path))
    assert "The chosen decisions of cleanup 1 are being undone." in undoing
    assert "of 8 people" not in undoing
    club.work()

    forecast = words_of(preview)
    assert "Undo 2 decisions of cleanup 1" in forecast
    assert f"m-1017 (Ada Silva) becomes part of m-1001 {without}" in forecast
    assert f"m-1003 (Bo Berg) is deleted {without}; also without activities and merges" in forecast
    assert "The change has taken effect: a former address is restored only if nobody else has it." in forecast
    said = words_of(club.console.installation().get(path))
    assert {"m-1017", "m-1003"} < set(club.ids())
    assert "m-1040" not in club.ids()
    assert "2 partly undone" in said
    assert f"m-1003 (Bo Berg): {without}" in said
    assert "The change has taken effect: a former address is restored only if nobody else has it." in said
    assert "Undo cleanup 1" in said


@pytest.mark.parametrize(
    ("chosen", "error"),
    [
        ([], "no decision is chosen: choose those that are to be undone"),
        ([f"{number:x}" for number in range(51)], "51 decisions are chosen: choose at most 50 at once"),
    ],
    ids=["nothing", "too much"],
)
def test_wrong_choice(club: Club, chosen: list[str], error: str) -> None:
    path, browser = applied(club), club.console.installation()

    preview = browser.get(f"{path}/undo?{urlencode({'p': chosen}, doseq=True)}")
    undone = browser.post(f"{path}/undo", {"form_token": browser.form_token(club.path), "p": chosen})

    for answer in (preview, undone):
        assert answer.status_code == 400
        assert error in words_of(answer)


def test_undo_that_would_restore_nothing_says_why(club: Club) -> None:
    path, chosen = applied(club), club.cio_ids["m-1004"]
    club.workspace.delete(id="m-1004")

    said = words_of(club.console.installation().get(f"{path}/undo?p={chosen}"))

    assert "gets an address that has been erased since not restored: the record needed for the undo" in said


def test_deleted_person_is_restored_without_activities(club: Club) -> None:
    browser = club.console.installation()
    club.decide(browser, "bo@club.example", "deleteOthers")
    path = club.apply(browser).headers["location"]
    club.work()
    kept, deleted = club.cio_ids["m-1002"], club.cio_ids["m-1003"]

    said = words_of(browser.get(f"{path}/undo?p={kept}&p={deleted}"))

    assert "m-1002 (Bo) keeps the address nothing to restore" in said
    assert "m-1003 (Bo Berg) is deleted restored without activities and merges" in said


def test_erased_people_are_not_named(club: Club) -> None:
    """Whoever became part of somebody is erased with them."""
    path = applied(club)
    club.workspace.delete(id="m-1001")

    said = words_of(club.console.installation().get(path))

    assert f"{club.cio_ids['m-1017']} becomes part of" in said
    assert "m-1017" not in said
    assert ADA_SILVA not in said


@pytest.mark.parametrize("somebody", ["m-1017", "nobody"])
def test_old_page_leads_to_what_became_of_the_decisions(club: Club, somebody: str) -> None:
    path, cio_id = applied(club), club.cio_ids.get(somebody, "abc")
    if somebody == "m-1017":
        post(club, f"{path}/undo", p=cio_id)
    browser = club.console.installation()

    answer = browser.get(f"{path}/undo?p={cio_id}")

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    undone = browser.post(f"{path}/undo", {"form_token": browser.form_token(club.path), "p": cio_id})
    assert undone.status_code in (400, 409)


def test_what_does_not_come_back_says_why(club: Club) -> None:
    path = applied(club)
    club.workspace.delete(id="m-1001")

    post(club, f"{path}/undo", all="1")
    club.work()

    said = words_of(club.console.installation().get(path))
    assert "5 not undone" in said
    assert "not undone: the person to merge into is gone" in said
    assert "Undo cleanup 1" in said, "it can be tried again"


def test_page_says_before_what_an_undo_brings_back(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    path, browser = applied(club), club.console.installation()
    whole = words_of(browser.get(path))
    club.workspace.delete(id="m-1001")

    part = words_of(browser.get(path))
    monkeypatch.setattr("workspace_operator.store.repositories.cleanups.undo_previews.MAX_EXAMINED", 2)
    first = words_of(browser.get(path))

    assert "If you undo now: 2 of 8 decisions are restored completely, 3 partly, 3 not at all." in whole
    assert "1: the person to merge into" not in whole
    assert "the person to merge into is gone" in part
    assert "If you undo now: of the first 2 of 8 decisions, " in first


def test_page_without_an_undo_has_no_preview(club: Club) -> None:
    path = applied(club)
    club.store.clock.advance(31 * 86_400)

    assert "If you undo now" not in words_of(club.console.installation().get(path))


def test_undo_ends(club: Club) -> None:
    path = applied(club)
    club.store.clock.advance(31 * 86_400)
    browser = club.console.installation()

    assert "This cleanup cannot be undone any more." in words_of(browser.get(path))
    answer = browser.post(f"{path}/undo", {"form_token": browser.form_token(club.path), "all": "1"})
    assert answer.status_code == 409
    assert browser.get(f"{path}/undo?p={club.cio_ids['m-1017']}").headers["location"] == path
