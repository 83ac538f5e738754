"""The cleanup page: what it says, what its forms decide, and what they refuse."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from httpx import Response

from tests.console.cleanups.club import ADA_SILVA, LENA, Club
from tests.console.environment import HTML, MANAGER, parsed, text_of
from workspace_operator.application.ports import DecisionRequest
from workspace_operator.cleanups.decisions import DELETE
from workspace_operator.cleanups.model import CleanupState, StoredDecision
from workspace_operator.console.app import make_console
from workspace_operator.migrations.model import OnConflict
from workspace_operator.store.schema.cleanup_tables import listed_call


def stored(club: Club, id_: str) -> StoredDecision | None:
    made = club.store.sql_cleanups.decisions(club.workspace.workspace_id, club.cleanup.number, limit=1000)
    return next((each for each in made if each.cio_id == club.cio_ids[id_]), None)


def kinds(club: Club) -> dict[str, str]:
    """The kinds of decisions by id."""
    return {id_: each.decision.kind.value for id_ in club.cio_ids if (each := stored(club, id_))}


def test_page_says_what_it_is_about(club: Club) -> None:
    said = text_of(club.console.installation().get(club.path))

    assert "8 of 9 people block the change from “id only” to “email or id”." in said
    assert "Afterwards it can be undone until" in said
    assert "Same address 5 Invalid address 1 Suppressed address 1 Id is a different e-mail address 1 All 8" in said
    assert "ada.silva@club.example 3 people share this address" in said
    assert "cleo(at)club.example this is not an address" in said
    assert "0 decisions. 8 people block the change." in said


def test_heading_and_hints(club: Club) -> None:
    said = text_of(club.console.installation().get(club.path))

    assert "Clean up before the change to “email or id”" in said
    assert "One person can have several of these problems." in said
    assert "1 Mar 2026, oldest" in said
    assert said.count(", oldest") == 2


@pytest.mark.parametrize(("most", "expected"), [(500, "2 of the 5 people"), (2, "2 or more of the 5 people")])
def test_people_whom_systems_go_on_sending(
    club: Club, monkeypatch: pytest.MonkeyPatch, most: int, expected: str
) -> None:
    monkeypatch.setattr("workspace_operator.store.repositories.cleanups.listings.MAX_SENT", most)
    browser, of = club.console.installation(), club.workspace.workspace_id
    before = text_of(browser.get(club.path))
    calls = [
        {"workspace_id": of, "cio_id": club.cio_ids[id_], "at": club.store.clock()} for id_ in ("m-1001", "m-1017")
    ]
    club.store.sql_database.writing(lambda connection: connection.execute(sa.insert(listed_call), calls))

    first, second = (text_of(browser.get(club.path + query)) for query in ("", "?kind=duplicateEmail"))

    assert f"your systems have sent data about {expected} who share an address." in first
    assert "your systems have sent data" not in before + second


def test_looking_opens_no_draft(club: Club) -> None:
    club.console.installation().get(club.path)

    assert club.store.sql_cleanups.cleanups(club.workspace.workspace_id) == []


def test_nobody_blocks(empty_club: Club) -> None:
    said = text_of(empty_club.console.installation().get(empty_club.path))

    assert "Nobody blocks a change: no change of identifiers is under way." in said
    assert "Apply" not in said


def test_change_that_runs(empty_club: Club) -> None:
    empty_club.workspace.request()

    assert "Change to “email or id” runs." in text_of(empty_club.console.installation().get(empty_club.path))


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("mergeIntoOldest", {"m-1001": "keep", "m-1017": "merge", "m-1040": "merge"}),
        ("clearOthers", {"m-1001": "keep", "m-1017": "clear", "m-1040": "clear"}),
        ("deleteOthers", {"m-1001": "keep", "m-1017": "delete", "m-1040": "delete"}),
        ("clearAll", {"m-1001": "clear", "m-1017": "clear", "m-1040": "clear"}),
    ],
)
def test_buttons_of_a_group(club: Club, do: str, expected: dict[str, str]) -> None:
    answer = club.decide(club.console.installation(), ADA_SILVA, do)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{club.path}#g")
    assert kinds(club) == expected


def test_decisions_of_group_are_removed(club: Club) -> None:
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "remove")
    assert club.store.sql_cleanups.cleanups(club.workspace.workspace_id) == []
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")

    club.decide(browser, ADA_SILVA, "remove")

    assert club.cleanup.total == 0


def test_page_shows_the_decisions(club: Club) -> None:
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")

    page = browser.get(club.path)

    checked = [
        each for each in parsed(page).iter(f"{HTML}input") if "checked" in each.attrib and each.get("name") != "show"
    ]
    assert [each.attrib["value"] for each in checked] == ["keep", "merge", "merge"]
    assert text_of(page).count("Becomes part of m-1001.") == 2
    assert "✓ Settled" in text_of(page)
    assert (
        "3 decisions. With these decisions, 5 people would still block the change. Review Apply 3 decisions"
        in text_of(page)
    )


def test_choices_about_single_people(club: Club) -> None:
    people = {f"d{position}": value for position, value in enumerate(("merge", "keep", "clear"))}
    ids = ["m-1001", "m-1017", "m-1040"]
    browser = club.console.installation()
    form = {
        "form_token": browser.form_token(club.path),
        "group": ADA_SILVA,
        "people": " ".join(club.cio_ids[id_] for id_ in ids),
        "shown": "- - -",
    }

    browser.post(f"{club.path}/decide", {**form, **people})

    assert kinds(club) == {"m-1001": "merge", "m-1017": "keep", "m-1040": "clear"}
    merged = stored(club, "m-1001")
    assert merged is not None
    assert merged.decision.survivor == club.cio_ids["m-1017"], "the one who keeps the address"


def test_merge_without_a_choice_goes_into_the_oldest_who_stays(club: Club) -> None:
    club.decide(club.console.installation(), ADA_SILVA, "save", people=club.cio_ids["m-1040"], d0="merge")

    merged = stored(club, "m-1040")
    assert merged is not None
    assert merged.decision.survivor == club.cio_ids["m-1001"]


def test_choice_that_is_decided_already_is_not_decided_again(club: Club) -> None:
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")
    version = club.cleanup.version

    club.decide(browser, ADA_SILVA, "save", people=club.cio_ids["m-1040"], d0="merge")

    assert club.cleanup.version == version


def test_all_cannot_be_merged(club: Club) -> None:
    browser = club.console.installation()
    ids = [club.cio_ids[id_] for id_ in ("m-1002", "m-1003")]
    form = {"form_token": browser.form_token(club.path), "group": "bo@club.example", "people": " ".join(ids)}

    answer = browser.post(f"{club.path}/decide", {**form, "shown": "- -", "d0": "merge", "d1": "merge"})

    assert answer.status_code == 400
    assert "everybody of this group would be merged or deleted: keep one" in text_of(answer)


@pytest.mark.parametrize("do", ["x", "mergeIntoOldest x", ""])
def test_unknown_action_is_refused(club: Club, do: str) -> None:
    assert club.decide(club.console.installation(), ADA_SILVA, do).status_code == 400


def test_unknown_decision_is_refused(club: Club) -> None:
    answer = club.decide(club.console.installation(), ADA_SILVA, "save", people=club.cio_ids["m-1040"], d0="explode")

    assert answer.status_code == 400


def test_unknown_group_and_foreign_person(club: Club) -> None:
    browser = club.console.installation()

    assert club.decide(browser, "nobody@club.example", "clearAll").status_code == 404
    assert club.correct(browser, "m-1007", "x@club.example", key=ADA_SILVA).status_code == 404


def test_correction(club: Club) -> None:
    browser = club.console.installation()

    assert club.correct(browser, "m-1004", " cleo@club.example ").status_code == 303

    said = text_of(browser.get(club.path))
    assert "Correct to cleo@club.example" in said
    assert "1 decision. With this decision, 7 people would still block the change." in said


def test_refused_correction_is_explained_beside_the_field(club: Club) -> None:
    answer = club.correct(club.console.installation(), "m-1004", "cleo@club")

    assert answer.status_code == 422
    page = parsed(answer)
    [field] = [each for each in page.iter(f"{HTML}input") if each.get("name") == "email"]
    assert field.attrib["value"] == "cleo@club"
    [note] = [each for each in page.iter() if each.get("id") == field.attrib["aria-describedby"]]
    assert "'cleo@club' is not a valid address." in "".join(note.itertext())


def test_correction_to_an_address_that_somebody_has(club: Club) -> None:
    browser = club.console.installation()
    club.correct(browser, "m-1004", "Eve@club.example")
    page = browser.get(club.path)

    assert "m-1007 has this address. Both would block the change." in text_of(page)
    assert "this is not an address ● Open" in text_of(page)
    [button] = [each for each in parsed(page).iter(f"{HTML}button") if each.text == "Merge into m-1007"]
    club.decide(browser, "m-1004", button.attrib["value"])
    assert kinds(club) == {"m-1004": "merge"}
    assert "Becomes part of m-1007." in text_of(browser.get(club.path))


def test_correction_that_leaves_the_id_another_address(club: Club) -> None:
    browser = club.console.installation()

    club.correct(browser, "dan@club.example", "dan@home.example", key="daniel@club.example")

    said = text_of(browser.get(club.path))
    assert "Correct to dan@home.example" in said
    assert "The id of this person is a different e-mail address, so only the id can be the address." in said


def test_corrections_that_conflict(club: Club) -> None:
    browser = club.console.installation()
    club.correct(browser, "m-1004", "new@club.example")
    club.correct(browser, "m-1005", "new@club.example", key="gone@club.example")
    club.correct(browser, "m-1040", "gone@club.example", key=ADA_SILVA)

    said = text_of(browser.get(club.path))

    assert said.count("You gave this address to another person, too. Only one can have it.") == 2
    assert "This address is suppressed. Give another, or clear it." in said


def test_id_becomes_the_address(club: Club) -> None:
    browser = club.console.installation()
    assert "Use the id as address" in buttons_of(browser.get(club.path))

    club.decide(browser, "daniel@club.example", f"useid {club.cio_ids['dan@club.example']}")

    made = stored(club, "dan@club.example")
    assert made is not None
    assert made.decision.email == "dan@club.example"
    assert "Use the id as address" not in buttons_of(browser.get(club.path))


def buttons_of(page: Response) -> Collection[str | None]:
    return {button.text for button in parsed(page).iter(f"{HTML}button")}


def test_merge_into_a_person_that_is_named(club: Club) -> None:
    browser, cio_id = club.console.installation(), club.cio_ids["m-1004"]

    club.decide(browser, "m-1004", f"into {cio_id}", into="m-1007")
    by_id = stored(club, "m-1004")
    club.decide(browser, "m-1004", f"into {cio_id}", into=club.cio_ids["m-1001"])
    by_cio_id = stored(club, "m-1004")

    assert by_id is not None
    assert by_cio_id is not None
    assert (by_id.decision.survivor, by_cio_id.decision.survivor) == (club.cio_ids["m-1007"], club.cio_ids["m-1001"])


@pytest.mark.parametrize("into", ["nobody", "", "\u200b"])
def test_merge_into_nobody(club: Club, into: str) -> None:
    answer = club.decide(club.console.installation(), "m-1004", f"into {club.cio_ids['m-1004']}", into=into)

    assert answer.status_code == 422
    assert "There is no person with the id" in text_of(answer)


def test_decision_that_the_rules_refuse_is_explained(club: Club) -> None:
    answer = club.decide(club.console.installation(), "daniel@club.example", "clearAll")

    assert answer.status_code == 422
    assert "Without an address the id would still be another one: correct the address instead." in text_of(answer)


def test_decision_that_counts_as_none_says_why(club: Club) -> None:
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")
    club.workspace.delete(id="m-1001")
    club.work()
    club.store.migrations.retry(club.workspace.workspace_id, 1, actor=LENA, now=club.store.clock())
    club.work()

    assert "The person to merge into does not exist." in text_of(browser.get(club.path))


def test_parts_are_the_group_and_the_count(club: Club) -> None:
    browser = club.console.installation()
    form = {"form_token": browser.form_token(club.path), "group": ADA_SILVA, "do": "mergeIntoOldest"}

    answer = browser.post(f"{club.path}/decide", form, headers={"sec-fetch-site": "same-origin", "x-part": "group bar"})

    assert answer.status_code == 200
    assert answer.text.count("<template data-replaces=") == 2
    assert '<section class="group" id="g' in answer.text
    assert (
        'data-say="3 people decided. 3 decisions. With these decisions, 5 people would still block the change."'
        in answer.text
    )
    assert "<h1>" not in answer.text


def test_change_that_merges_needs_no_hint(empty_club: Club) -> None:
    empty_club.fill()
    empty_club.block(OnConflict.MERGE)

    said = text_of(empty_club.console.installation().get(empty_club.path))

    assert "onConflict: Merge" not in said


def test_suspended_workspace_cannot_apply(club: Club) -> None:
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")
    club.workspace.pause()

    page = browser.get(club.path)

    assert "This workspace is suspended (spec.suspend)." in text_of(page)
    [apply] = [each for each in parsed(page).iter(f"{HTML}button") if each.text == "Apply 3 decisions"]
    assert "disabled" in apply.attrib
    assert club.apply(browser).status_code == 409


def test_try_now(club: Club) -> None:
    browser = club.console.installation()

    answer = browser.post(f"{club.path}/retry", {"form_token": browser.form_token(club.path)})

    assert answer.headers["location"] == club.path
    [entry] = club.store.audit_log.entries(club.workspace.workspace_id, limit=1)
    assert (entry.action, entry.actor, entry.via) == ("retried", "installation (root)", "Console")


def test_count_comes_by_itself_after_a_new_list(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    club.workspace.add("m-2000", ADA_SILVA)
    club.store.migrations.retry(club.workspace.workspace_id, 1, actor=LENA, now=club.store.clock())
    while club.workspace.work():
        pass
    lease_free = club.store.sql_cleanups.cleanups(club.workspace.workspace_id)[0]
    assert lease_free.state in (CleanupState.DRAFT, CleanupState.COUNTING)

    club.work()

    assert "2 people would still block the change." in text_of(browser.get(club.path))


def test_two_people_decide_in_one_draft(club: Club) -> None:
    club.decide(club.console.installation(), ADA_SILVA, "mergeIntoOldest")
    club.decide(club.console.member(MANAGER), "bo@club.example", "clearOthers")

    assert club.cleanup.total == 5
    assert "lena@nordlicht.example: 1 address cleared, 1 kept" in text_of(
        club.console.installation().get(f"{club.path}/review")
    )


def test_decisions_of_others_are_shown(club: Club) -> None:
    number = club.store.sql_cleanups.open(club.workspace.workspace_id, actor=LENA, now=club.store.clock())[0].number
    request = DecisionRequest(club.cio_ids["m-1004"], DELETE)
    club.store.sql_cleanups.decide(club.workspace.workspace_id, number, [request], actor=LENA, now=club.store.clock())

    assert "1 decision. With this decision, 7 people" in text_of(club.console.installation().get(club.path))


@pytest.mark.parametrize(
    ("days", "said"),
    [(7, "Afterwards it can be undone until 18 March 2026."), (0, "Afterwards nothing can be undone")],
)
def test_page_says_how_long_there_is_an_undo(club: Club, days: int, said: str) -> None:
    club.console.options["undo_period"] = timedelta(days=days)
    browser = replace(club.console.installation(), app=make_console(club.console.dependencies()))

    assert said in text_of(browser.get(club.path))


def test_group_stays_open_as_long_as_a_cleared_person_blocks_alone(club: Club) -> None:
    """The id of a person who shares an address can be another address, which a cleared address does not change."""
    club.add("eva@club.example", "bo@club.example", first_name="Eva")
    club.workspace.retry("again")
    club.work()
    browser = club.console.installation()

    club.decide(browser, "bo@club.example", "clearOthers")

    group = text_of(browser.get(f"{club.path}?find=bo@club.example"))
    assert "Settled" not in group
    assert "The id would still be a different e-mail address." in group
    club.decide(browser, "bo@club.example", f"useid {club.cio_ids['eva@club.example']}")
    assert "Settled" in text_of(browser.get(f"{club.path}?find=bo@club.example"))
