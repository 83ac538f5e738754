"""Review, apply, progress and result of a cleanup; identifier changes and history."""

import pytest
from html5lib import parse

from tests.console.cleanups.club import ADA_SILVA, Club, applied, post, words_of
from tests.console.environment import HTML, hidden_fields, parsed
from workspace_operator.cleanups.execution import SkipReason
from workspace_operator.cleanups.model import CleanupState
from workspace_operator.cleanups.undo import UndoReason
from workspace_operator.console.texts import TEXTS
from workspace_operator.console.views.cleanups import reviews
from workspace_operator.console.views.cleanups.comparisons import merged_person
from workspace_operator.identity.model.commands import AddDevice, SetMembership
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage


def test_review_says_what_apply_would_do(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)

    said = words_of(browser.get(f"{club.path}/review"))

    assert (
        "8 decisions. With these decisions, nobody blocks the change any more: it takes effect when you press Apply. ✓"
        in said
    )
    assert "2 kept" in said
    assert "m-1017 (Ada Silva): becomes part of m-1001 by installation (root)" in said
    assert "m-1004 (Cleo): gets the address cleo@club.example instead of cleo(at)club.example" in said
    assert "m-1005: loses the address gone@club.example" in said
    assert "m-1003 (Bo Berg): is deleted" in said
    assert "installation (root): 1 address cleared, 2 corrected, 1 deleted, 2 kept, 2 merged" in said
    assert "An undo does not restore the activities and merges of 1 deleted person." in said
    assert "The change takes effect when you press Apply. After that, an undo restores an address only if" in said
    assert "Type 1 to delete 1 person" in said


def test_review_without_a_draft_leads_to_the_list(club: Club) -> None:
    assert club.console.installation().get(f"{club.path}/review").headers["location"] == club.path


def test_review_shows_the_first_of_each_kind(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.console.pages.cleanups.review.SHOWN", 1)
    monkeypatch.setattr("workspace_operator.console.pages.cleanups.review.MAX_COUNTED", 2)
    monkeypatch.setattr(reviews, "MAX_COUNTED", 2)
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")

    said = words_of(browser.get(f"{club.path}/review"))

    assert "2 merged m-1017 (Ada Silva): becomes part of m-1001 by installation (root) and 1 more" in said
    assert "Until the change takes effect, an undo restores everything else." in said
    assert "installation (root): 1 kept, 1 merged Counted over the first 2 decisions." in said


@pytest.mark.parametrize("typed", ["2", "x", "-1", "1" * 30])
def test_wrong_number_of_deletions(club: Club, typed: str) -> None:
    browser = club.console.installation()
    club.settle(browser)

    answer = club.apply(browser, deletions=typed)

    assert answer.status_code == 422
    assert "is not the number of people to be deleted, which is 1." in words_of(answer)
    assert club.cleanup.state is CleanupState.DRAFT


def test_draft_that_has_changed_is_not_applied(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)

    answer = club.apply(browser, version=1)

    assert answer.status_code == 409
    assert "The decisions have changed since you looked at them." in words_of(answer)


def test_draft_is_discarded(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)

    form = hidden_fields(browser.get(f"{club.path}/review"), "/discard")
    answer, again = (browser.post(f"{club.path}/discard", form) for _ in range(2))

    assert (answer.status_code, again.status_code) == (303, 409)
    assert club.cleanup.state is CleanupState.DISCARDED
    assert "was discarded" in words_of(browser.get(f"{club.path}/1"))
    assert "cleanup 1 is Discarded: its decisions cannot be changed any more" in words_of(again)


def test_draft_that_has_changed_is_not_discarded(club: Club) -> None:
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")
    form = hidden_fields(browser.get(f"{club.path}/review"), "/discard")
    club.correct(browser, "m-1004", "cleo@club.example")

    answer = browser.post(f"{club.path}/discard", form)

    assert answer.status_code == 409
    assert "The decisions have changed since you looked at them." in words_of(answer)
    assert club.cleanup.state is CleanupState.DRAFT
    now_seen = hidden_fields(answer, "/discard")
    assert browser.post(f"{club.path}/discard", now_seen).status_code == 303


@pytest.mark.parametrize("action", ["apply", "discard"])
def test_form_of_another_draft_does_nothing_to_this_one(club: Club, action: str) -> None:
    """Versions begin again with each draft, so that both have the same one."""
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")
    review = browser.get(f"{club.path}/review")
    form = {"deletions": "0", **hidden_fields(review, f"/{action}")}
    browser.post(f"{club.path}/discard", hidden_fields(review, "/discard"))
    club.decide(browser, ADA_SILVA, "clearAll")
    assert (club.cleanup.number, str(club.cleanup.version)) == (2, form["version"])

    answer = browser.post(f"{club.path}/{action}", form)

    assert answer.status_code == 409
    assert "The draft that you reviewed has been applied or discarded in the meantime." in words_of(answer)
    assert club.cleanup.state is CleanupState.DRAFT


def test_cleanup_gets_the_change_through(club: Club) -> None:
    path = applied(club)

    said = words_of(club.console.installation().get(path))

    assert club.workspace.stage is Stage.COMPLETED
    assert "Cleanup 1 is done. 8 of 8 decisions were applied. 2 kept, 2 merged, " in said
    assert "The change was tried again and took effect. ✓" in said
    assert "Possible until 10 April 2026." in said
    assert "Undo cleanup 1" in said
    assert "m-1017 (Ada Silva) becomes part of m-1001 applied" in said
    assert "m-1003 (Bo Berg) is deleted applied" in said


def test_result_leads_back_to_those_who_still_block(club: Club) -> None:
    browser = club.console.installation()
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")
    path = club.apply(browser).headers["location"]
    club.work()

    said = words_of(browser.get(path))

    assert "5 people block the change to “email or id”. Clean up →" in said


def test_progress_asks_for_itself(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    path = club.apply(browser).headers["location"]

    page = browser.get(path)
    part = browser.get(path, x_part="progress")
    again = browser.get(path, x_part="progress", if_none_match=part.headers["etag"])

    assert f'data-poll="{path}"' in page.text
    assert f"url={path}?refresh=1" in page.text
    assert "0 %, 0 of 8 people You can close this page." in words_of(page)
    assert (part.status_code, again.status_code, again.text) == (200, 304, "")
    assert "Cleanup 1 is being applied" in words_of(browser.get(club.path))
    club.work()
    assert browser.get(path, x_part="progress", if_none_match=part.headers["etag"]).status_code == 200


def test_result_in_part_says_why(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    club.workspace.identify_person(id="m-1004", body={"email": "other@club.example"})
    club.workspace.delete(id="m-1001")
    path = club.apply(browser).headers["location"]
    club.work()

    said = words_of(browser.get(path))

    assert "Cleanup 1 was partly applied." in said
    assert "m-1004 (Cleo): the address was changed in the meantime" in said
    assert "m-1017 (Ada Silva): the person to merge into is gone" in said


def test_decisions_of_a_result_follow_each_other(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.console.views.cleanups.progress.ROWS", 5)
    monkeypatch.setattr("workspace_operator.console.pages.cleanups.progress.ROWS", 5)
    path, browser = applied(club), club.console.installation()
    rows = []

    while path:
        page = parsed(browser.get(path))
        rows += [each for each in page.iter(f"{HTML}th") if each.get("scope") == "row"]
        links = {"".join(each.itertext()): each.attrib["href"] for each in page.iter(f"{HTML}a")}
        path = links.get("Next decisions →", "")

    assert len(rows) == 8


def test_every_reason_has_words() -> None:
    assert {f"reason.{reason}" for reason in (*SkipReason, *UndoReason)} <= TEXTS.keys()


def test_no_such_cleanup(club: Club) -> None:
    assert club.console.installation().get(f"{club.path}/99").status_code == 404


def test_comparison_shows_the_merged_person(club: Club) -> None:
    browser = club.console.installation()
    page = browser.get(f"{club.path}/compare?key=ada.silva%40club.example")

    rows = {row[0]: row[1:] for row in table(page.text)}
    assert rows["plandiffers"] == ["gold", "gold", "silver", "gold"]
    assert rows["chapterdiffers"] == ["", "Kiel", "", "Kiel"]
    assert rows["name"] == ["Silva"] * 4
    assert list(rows).index("plandiffers") < list(rows).index("name")
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")
    club.apply(browser)
    club.work()
    kept = club.workspace.find(id="m-1001")
    assert kept is not None
    assert [kept.attributes[name] for name in ("plan", "chapter", "name")] == ["gold", "Kiel", "Silva"]


def test_comparison_shows_the_records_of_the_merged_person(club: Club) -> None:
    workspace, number = club.workspace, club.workspace.workspace_id
    segments = [club.store.segments.create(number, name, now=club.store.clock()) for name in ("VIP", "Kiel", "Bremen")]
    for id_, tokens, joined in (("m-1001", "a", segments[:1]), ("m-1017", "ab", segments[:2]), ("m-1040", "", ())):
        reference = workspace.reference(id=id_)
        for token in tokens:
            workspace.perform(AddDevice(reference=reference, device=Device(token=token, platform="ios", attributes={})))
        for segment in joined:
            workspace.perform(SetMembership(reference=reference, segment=segment, member=True))
    workspace.identify_person(id="m-1017", body={"city": "Kiel"})
    browser = club.console.installation()

    rows = {row[0]: row[1:] for row in table(browser.get(f"{club.path}/compare?key=ada.silva%40club.example").text)}

    assert rows["devicesdiffers"] == ["1", "2", "0", "2"]
    assert rows["manualsegmentsdiffers"] == ["1", "1,2", "", "1,2"]
    club.decide(browser, ADA_SILVA, "mergeIntoOldest")
    club.apply(browser)
    club.work()
    records, kept = club.store.person_records, club.cio_ids["m-1001"]
    assert len(records.devices(number, [kept])[kept]) == 2
    assert list(records.segments(number, kept)) == [1, 2]
    assert str(len(records.activities(number, cio_id=kept, limit=100))) == rows["activitiesdiffers"][-1]


def table(html: str) -> list[list[str]]:
    """The cells of the rows of a page's table, without spaces around them."""
    body = next(parse(html).iter(f"{HTML}tbody"))
    return [["".join("".join(cell.itertext()).split()) for cell in row] for row in body]


def test_merged_person_is_that_of_applying(club: Club) -> None:
    """Merges are carried out in the order of cio_ids, which decides whose value the survivor takes."""
    club.workspace.identify_person(id="m-1040", body={"city": "Bremen"})
    club.workspace.identify_person(id="m-1017", body={"city": "Kiel"})
    found = club.console.dependencies().cleanup_lists.people_by_cio_id(
        club.workspace.workspace_id, [club.cio_ids[id_] for id_ in ("m-1001", "m-1040", "m-1017")]
    )
    people = sorted(found.values(), key=lambda person: person.age_key)
    expected = merged_person(people, now=int(club.store.clock().timestamp()))
    browser = club.console.installation()

    club.decide(browser, ADA_SILVA, "mergeIntoOldest")
    club.apply(browser)
    club.work()

    kept = club.workspace.find(id="m-1001")
    assert kept is not None
    assert (kept.attributes, kept.id, kept.email) == (expected.attributes, expected.id, expected.email)


def test_comparison_of_many_attributes_and_people(empty_club: Club) -> None:
    club = empty_club
    for number in range(8):
        club.add(f"m-{number}", ADA_SILVA, **{f"a{index:02}": number for index in range(60)})
    club.block()
    browser, path = club.console.installation(), f"{club.path}/compare?key=ada.silva%40club.example"

    short, whole = browser.get(path), browser.get(f"{path}&all=1")

    assert "2 more people are not shown." in words_of(short)
    assert [row[-1] for row in table(short.text)[-3:]] == ["", "", ""]
    assert "Show all 60 attributes" in words_of(short)
    assert len(table(whole.text)) - len(table(short.text)) == 10
    assert browser.get(f"{club.path}/compare?key=nobody%40x.example").status_code == 404


def test_people_of_a_comparison_are_gone(club: Club) -> None:
    for id_ in ("m-1002", "m-1003"):
        club.workspace.delete(id=id_)

    answer = club.console.installation().get(f"{club.path}/compare?key=bo%40club.example")

    assert answer.status_code == 404


def test_history_tells_what_was_done(club: Club) -> None:
    path = applied(club)
    browser = club.console.installation()

    said = words_of(browser.get(f"/w/{club.workspace.workspace_id}/history"))

    assert "installation (root) Console Applied cleanup 1" in said
    assert "Undo…" in said
    assert "installation (root) Console Decided cleanup 1 decisions made 8" in said
    post(club, f"{path}/undo", all="1")
    club.work()
    assert "Undid cleanup 1" in words_of(browser.get(f"/w/{club.workspace.workspace_id}/history"))


def test_history_is_read_page_by_page(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.console.views.history.ENTRIES", 1)
    monkeypatch.setattr("workspace_operator.console.pages.history.ENTRIES", 1)
    applied(club)
    browser, actions, path = club.console.installation(), [], f"/w/{club.workspace.workspace_id}/history"

    while path:
        page = parsed(browser.get(path))
        actions += ["".join(row[2].itertext()) for row in next(page.iter(f"{HTML}tbody"))]
        links = {"".join(each.itertext()): each.attrib["href"] for each in page.iter(f"{HTML}a")}
        path = links.get("Older entries →", "")

    assert actions == ["Applied", "Decided"]


def test_history_of_nothing(empty_club: Club) -> None:
    answer = empty_club.console.installation().get(f"/w/{empty_club.workspace.workspace_id}/history")

    assert "Nothing was done yet." in words_of(answer)


def test_identifier_changes(club: Club) -> None:
    browser, path = club.console.installation(), f"/w/{club.workspace.workspace_id}/migrations"
    blocked = words_of(browser.get(path))
    club.workspace.cancel()
    club.workspace.request(Mode.EMAIL_OR_ID)

    said = words_of(browser.get(path))

    assert "#1 id only → email or id" in blocked
    assert "8 people block the change to “email or id” Clean up →" in blocked
    assert said.index("#2") < said.index("#1")
    assert "Cancelled before it took effect; nothing was changed" in said


def test_no_identifier_change(empty_club: Club) -> None:
    answer = empty_club.console.installation().get(f"/w/{empty_club.workspace.workspace_id}/migrations")

    assert "The identifiers of this workspace were never changed." in words_of(answer)


def test_overview_leads_to_the_clean_up_and_to_its_undo(club: Club) -> None:
    browser, path = club.console.installation(), f"/w/{club.workspace.workspace_id}"
    before = [browser.get("/"), browser.get(path)]
    cleanup = applied(club)

    after = browser.get(path)

    assert all(f'href="{club.path}"' in page.text and "Clean up →" in words_of(page) for page in before)
    assert "Clean up →" not in words_of(after)
    assert "Cleanup 1: 8 decisions were applied. Undo possible until 10 April 2026." in words_of(after)
    assert f'href="{cleanup}"' in after.text
