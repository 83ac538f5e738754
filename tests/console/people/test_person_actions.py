"""What members of staff do to one person on its page, and what the audit log says of it."""

import pytest

from tests.console.cleanups.club import LENA, Club, words_of
from tests.console.environment import HTML, MANAGER, parsed
from tests.console.people.visits import audited, follow, merge, path, root, send
from workspace_operator.identity.model.person import Person


def person(club: Club, id_: str) -> Person:
    found = club.workspace.find(id=id_)
    assert found is not None
    return found


def test_corrected_address_is_stored_and_recorded(club: Club) -> None:
    browser = club.console.member(MANAGER)

    answer = send(club, "m-1004", "address", browser, email=" Cleo@club.example ")

    assert "The address was corrected." in words_of(follow(club, answer))
    assert person(club, "m-1004").email == "Cleo@club.example"
    assert audited(club)[0] == (LENA.name, "corrected", f"person {club.cio_ids['m-1004']}")


@pytest.mark.parametrize(
    ("email", "refusal"),
    [
        ("ada@club", "'ada@club' is not a valid address."),
        ("", "'' is not a valid address."),
        ("gone@club.example", "This address is suppressed."),
    ],
)
def test_wrong_address_is_refused_and_stays_in_the_field(club: Club, email: str, refusal: str) -> None:
    answer = send(club, "m-1004", "address", email=email)

    field = parsed(answer).find(f".//{HTML}input[@name='email']")
    assert answer.status_code == 422
    assert refusal in words_of(answer)
    assert field is not None
    assert (field.attrib["value"], field.attrib["aria-describedby"]) == (email, "note")
    assert person(club, "m-1004").email == "cleo(at)club.example"


def test_address_of_somebody_else_is_refused_where_it_identifies(empty_club: Club) -> None:
    empty_club.add("m-1", "eve@club.example")
    empty_club.add("m-2", "bo@club.example")
    empty_club.block()

    answer = send(empty_club, "m-2", "address", email="Eve@club.example")

    assert answer.status_code == 422
    said = words_of(answer)
    assert "The identifier is already associated with a different profile. Merge with m-1" in said
    assert path(empty_club, "m-2") + f"/merge?with={empty_club.cio_ids['m-1']}" in answer.text


def test_merge_shows_both_people_and_the_result_first(club: Club) -> None:
    browser = club.console.installation()

    page = browser.send("GET", f"{path(club, 'm-1017')}/merge", headers={}, params={"with": "m-1001"})

    said = words_of(page)
    assert "Merge m-1017 Id, cio_id or address of the other person" in said
    assert "chapter differs Kiel Kiel" in said
    buttons = ["".join(each.itertext()) for each in parsed(page).iter(f"{HTML}button")]
    assert buttons[-2:] == ["Merge m-1017 into m-1001", "Merge m-1001 into m-1017"]


def test_other_person_is_chosen_among_those_with_the_address(club: Club) -> None:
    browser = club.console.installation()
    address = f"{path(club, 'm-1007')}/merge"

    several = words_of(browser.get(f"{address}?with=ADA.silva@club.example"))
    nobody = words_of(browser.get(f"{address}?with=m-1007"))
    nothing = words_of(browser.get(address))

    assert "Several people have this address. Choose one: m-1001, ada.silva@club.example, 1 Mar 2026" in several
    assert "Nobody else has the id, cio_id or address m-1007." in nobody
    assert "Nobody else" not in nothing


def test_all_attributes_can_be_compared(club: Club) -> None:
    club.workspace.identify_person(id="m-1001", body={f"a{number:02}": number for number in range(60)})
    browser, address = club.console.installation(), f"{path(club, 'm-1017')}/merge?with=m-1001"

    page = browser.get(address)

    assert "Show all 64 attributes" in words_of(page)
    assert "a59" in words_of(browser.get(f"{address}&all=1"))


def test_merge_is_done_recorded_and_undone(club: Club) -> None:
    merged = follow(club, merge(club, "m-1017", "m-1001"))
    [record] = club.store.merges.merges(club.workspace.workspace_id, limit=5)

    answer = send(club, "m-1017", "unmerge", merge=record.merge_id)

    assert "became part of this one on" in words_of(merged)
    assert answer.headers["location"] == f"{path(club, 'm-1001')}?done=restored"
    said = words_of(follow(club, answer))
    assert "This person was restored: the merge is undone." in said
    assert "m-1001 became part of m-1017 on request, undone on" in said
    assert [(action, subject) for _, action, subject in audited(club)[:2]] == [
        ("merge_undone", f"merge {record.merge_id}"),
        ("merged", f"person {club.cio_ids['m-1017']}"),
    ]


def test_undo_says_what_did_not_come_back(club: Club) -> None:
    merge(club, "m-1017", "m-1007")
    club.workspace.add("m-1007")
    [record] = club.store.merges.merges(club.workspace.workspace_id, limit=5)

    answer = send(club, "m-1017", "unmerge", merge=record.merge_id)

    assert answer.headers["location"].endswith("?done=restored&missing=id")
    assert "The id was not restored: somebody else has it, or it is suppressed." in words_of(follow(club, answer))


def test_merge_that_cannot_be_undone_says_why(club: Club) -> None:
    merge(club, "m-1017", "m-1040")
    [record] = club.store.merges.merges(club.workspace.workspace_id, limit=5)
    send(club, "m-1017", "unmerge", merge=record.merge_id)

    answer = send(club, "m-1017", "unmerge", merge=record.merge_id)

    assert answer.status_code == 409
    assert "is already undone" in words_of(answer)
    assert send(club, "m-1017", "unmerge", merge="nonsense").status_code == 404


def test_only_the_last_merge_of_a_chain_offers_its_undo(club: Club) -> None:
    merge(club, "m-1017", "m-1040")
    merge(club, "m-1001", "m-1017")

    page = club.console.installation().get(path(club, "m-1001"))

    labels = [each.get("aria-label") for each in parsed(page).iter(f"{HTML}button")]
    assert [label for label in labels if label and label.startswith("Undo")] == ["Undo the merge of m-1017"]


def test_person_cannot_be_merged_with_itself_or_by_the_page_of_another(club: Club) -> None:
    own, other = club.cio_ids["m-1001"], club.cio_ids["m-1017"]

    assert send(club, "m-1001", "merge", survivor=own, secondary=own).status_code == 400
    assert send(club, "m-1007", "merge", survivor=own, secondary=other).status_code == 400
    assert send(club, "m-1001", "merge", survivor=own, secondary="0" * 24).status_code == 404
    assert audited(club) == []


@pytest.mark.parametrize(
    ("form", "action", "note"),
    [
        ("delete", "deleted", "The person was deleted. Their id and address can be used again."),
        ("suppress", "suppressed", "The person was deleted, and their id and address are suppressed."),
    ],
)
def test_person_is_removed_when_the_id_was_typed(club: Club, form: str, action: str, note: str) -> None:
    answer = send(club, "m-1007", form, typed=" m-1007 ")

    assert note in words_of(follow(club, answer))
    assert club.workspace.find(id="m-1007") is None
    assert [each[1:] for each in audited(club)] == [(action, f"person {club.cio_ids['m-1007']}")]
    suppressed = club.workspace.identify_person(id="m-1007").effect
    assert suppressed == ("created" if form == "delete" else "ignored")


@pytest.mark.parametrize("form", ["delete", "suppress"])
@pytest.mark.parametrize("typed", ["", "m-1001", "eve@club.example", "x" * 999])
def test_other_text_removes_nobody(club: Club, form: str, typed: str) -> None:
    answer = send(club, "m-1007", form, typed=typed)

    assert answer.status_code == 422
    assert "is not m-1007. Nothing was changed." in words_of(answer)
    opened = parsed(answer).findall(f".//{HTML}details[@open]")
    assert len(opened) == 1
    assert club.workspace.find(id="m-1007") is not None


def test_person_without_id_is_confirmed_by_address(empty_club: Club) -> None:
    empty_club.add("m-1", "eve@club.example")
    empty_club.block()
    made = empty_club.workspace.identify_person(email="only@club.example").person
    assert made is not None
    empty_club.cio_ids["only"] = made.cio_id

    assert send(empty_club, "only", "delete", typed="only@club.example").status_code == 303


def test_hidden_characters_can_be_typed_as_they_are_shown(club: Club) -> None:
    club.add("\u202eevil")

    assert send(club, "\u202eevil", "delete", typed="⟨U+202E⟩evil").status_code == 303


@pytest.mark.parametrize("form", ["address", "delete", "suppress"])
def test_forms_of_a_missing_person_are_a_404(club: Club, form: str) -> None:
    club.cio_ids["nobody"] = "0" * 24

    answer = send(club, "nobody", form, email="a@club.example", typed="nobody")

    assert answer.status_code == 404
    assert club.console.installation().get(f"{root(club)}/{'0' * 24}/merge").status_code == 404
