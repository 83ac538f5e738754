"""The page of one person: what it is, what belongs to it, and what became of it."""

from datetime import timedelta

import pytest

from tests.console.cleanups.club import Club, words_of
from tests.console.environment import HTML, parsed
from tests.console.people.visits import follow, merge, path, root, send
from workspace_operator.identity.model.commands import AddDevice, SetMembership
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import Mode


def page(club: Club, id_: str, query: str = "") -> str:
    return words_of(club.console.installation().get(path(club, id_) + query))


def test_identifiers_have_states(club: Club) -> None:
    assert "Id m-1004 in force" in page(club, "m-1004")
    assert "Address cleo(at)club.example not a valid address" in page(club, "m-1004")
    assert "Address gone@club.example suppressed" in page(club, "m-1005")
    assert "Address eve@club.example attribute: it identifies nobody" in page(club, "m-1007")
    assert f"cio_id {club.cio_ids['m-1007']} in force" in page(club, "m-1007")


def test_person_without_address_has_none(club: Club) -> None:
    club.add("m-2000")

    assert "Address none" in page(club, "m-2000")
    assert "This person has no attributes." in page(club, "m-2000")


def test_addresses_identify_where_the_mode_says_so(empty_club: Club) -> None:
    empty_club.add("m-1", "eve@club.example")
    empty_club.block()
    assert empty_club.workspace.mode is Mode.EMAIL_OR_ID

    assert "Address eve@club.example in force" in page(empty_club, "m-1")


def test_reasons_to_block_lead_to_the_clean_up(club: Club) -> None:
    said = page(club, "m-1017")
    links = [
        each.attrib["href"] for each in parsed(club.console.installation().get(path(club, "m-1017"))).iter(f"{HTML}a")
    ]

    assert "This person blocks the identifier change: somebody else has the same address. Clean up →" in said
    assert f"{club.path}?find={club.cio_ids['m-1017']}" in links
    assert "blocks the identifier change" not in page(club, "m-1007")


def test_people_with_the_same_address_are_named(club: Club) -> None:
    assert "Others have this address, too: Merge with m-1017 Merge with m-1040" in page(club, "m-1001")
    assert "Others have this address" not in page(club, "m-1007")


def test_attributes_have_times(club: Club) -> None:
    club.store.clock.advance(3600)
    club.workspace.identify_person(id="m-1007", body={"tags": ["a", 1], "vip": True})

    said = page(club, "m-1007")

    assert "first_name Eve 10 Mar 2026" in said
    assert 'tags ["a", 1]' in said
    assert "vip true" in said


def test_what_belongs_to_a_person_is_listed(club: Club) -> None:
    env, person = club.workspace, club.workspace.reference(id="m-1007")
    number = club.store.segments.create(env.workspace_id, "To call", now=club.store.clock())
    env.perform(
        AddDevice(reference=person, device=Device(token="t1", platform="ios", last_used=None, attributes={})),
        SetMembership(reference=person, segment=number, member=True),
        SetMembership(reference=person, segment=77, member=True),
    )

    said = page(club, "m-1007")

    assert "Devices ios t1" in said
    assert f"To call ({number})" in said
    assert "segment 77" in said
    assert "This person was never merged with another one." in said
    assert "This person got no message." in said


def test_activities_are_in_words_and_paged(club: Club) -> None:
    club.workspace.identify_person(id="m-1007", body={"email": "eve@new.example"})
    at = int(club.store.clock().timestamp())
    events = [
        ActivityLogged(type=ActivityType.EVENT, cio_id=club.cio_ids["m-1007"], at=at, name=f"e{number}", data={})
        for number in range(25)
    ]
    club.store.append_events(club.workspace.workspace_id, events)
    browser = club.console.installation()

    first = browser.get(path(club, "m-1007"))
    links = {"".join(each.itertext()): each.attrib["href"] for each in parsed(first).iter(f"{HTML}a")}
    second = browser.get(links["Older ones →"].partition("#")[0])

    assert "Event e24" in words_of(first)
    assert "Event e4 " not in words_of(first)
    assert "Event e4 " in words_of(second)
    assert "Changed email: eve@club.example → eve@new.example" in words_of(second)
    assert "Created" in words_of(second)
    assert "Back to the newest" in words_of(second)


def test_many_changes_are_cut(club: Club) -> None:
    club.workspace.identify_person(id="m-1007", body={f"a{number}": "x" * 100 for number in range(8)})

    said = page(club, "m-1007")

    assert f"a0: none → {'x' * 60}…" in said
    assert "3 more" in said


def test_refused_changes_are_listed(empty_club: Club) -> None:
    empty_club.add("m-1", "eve@club.example")
    empty_club.add("m-2", "bo@club.example")
    empty_club.block()
    empty_club.workspace.identify_person(id="m-2", body={"email": "eve@club.example"})

    assert "email: The identifier is already associated with a different profile." in page(empty_club, "m-2")


def test_decisions_of_cleanups_are_listed(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    club.apply(browser)
    club.work()

    assert "Cleanup 1: gets the address cleo@club.example (applied)" in page(club, "m-1004")
    assert "Cleanup 1: keeps the address (applied)" in page(club, "m-1001")


def test_merge_says_what_an_undo_brings_back(club: Club) -> None:
    club.workspace.perform(
        AddDevice(
            reference=club.workspace.reference(id="m-1017"),
            device=Device(token="t1", platform="ios", last_used=None, attributes={}),
        )
    )

    said = words_of(follow(club, merge(club, "m-1001", "m-1017")))

    assert "m-1017 became part of m-1001 on request" in said
    assert (
        "Undo restores m-1017 with Id m-1017, Address ada.silva@club.example, if nobody else has it by then; "
        "4 attributes; 1 device. What was changed since the merge stays with m-1001." in said
    )


def test_merged_person_leads_to_the_survivor_also_by_way_of_another(club: Club) -> None:
    merge(club, "m-1017", "m-1040")
    merge(club, "m-1001", "m-1017")

    for gone in ("m-1017", "m-1040"):
        answer = club.console.installation().get(path(club, gone))
        said = words_of(follow(club, answer))
        assert answer.headers["location"].startswith(path(club, "m-1001"))
        assert f"The person with the cio_id {club.cio_ids[gone]} became part of this one on" in said
        assert f"Its id was {gone}, its address ada.silva@club.example." in said


def test_deleted_person_is_a_404_that_says_why(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    club.apply(browser)
    club.work()

    answer = browser.get(path(club, "m-1003"))

    assert answer.status_code == 404
    assert f"The person with the cio_id {club.cio_ids['m-1003']} was deleted on" in words_of(answer)
    assert "Cleanup 1 deleted this person" in words_of(answer)


def test_suppressed_person_is_a_404_that_says_so(club: Club) -> None:
    send(club, "m-1007", "suppress", typed="m-1007")

    answer = club.console.installation().get(path(club, "m-1007"))

    assert answer.status_code == 404
    assert "The id and the address were suppressed" in words_of(answer)
    assert "This person was not deleted by a cleanup" in words_of(answer)


def test_deletion_is_told_without_its_activity(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    club.apply(browser)
    club.work()
    club.store.person_records.purge_activities(before=club.store.clock() + timedelta(days=1), size=1000)

    answer = browser.get(path(club, "m-1003"))

    assert answer.status_code == 404
    assert (
        f"The person with the cio_id {club.cio_ids['m-1003']} was deleted. Cleanup 1 deleted this person"
        in words_of(answer)
    )


@pytest.mark.parametrize("cio_id", ["0" * 24, "ab"])
def test_unknown_person_looks_like_no_page(club: Club, cio_id: str) -> None:
    browser = club.console.installation()

    unknown, nowhere = browser.get(f"{root(club)}/{cio_id}"), browser.get("/nowhere")

    assert unknown.status_code == 404
    assert words_of(unknown).endswith(words_of(nowhere).partition("out ")[2])


@pytest.mark.parametrize("cio_id", ["M-1", "0" * 65, "x", "ab/c"])
def test_other_texts_are_no_cio_ids(club: Club, cio_id: str) -> None:
    assert club.console.installation().get(f"{root(club)}/{cio_id}").status_code == 404


def test_person_of_another_workspace_is_not_found(club: Club) -> None:
    other = club.console.workspace("other")

    assert (
        club.console.installation().get(f"/w/{other.workspace_id}/people/{club.cio_ids['m-1007']}").status_code == 404
    )


def test_notes_of_the_address_are_known_ones(club: Club) -> None:
    said = page(club, "m-1007", "?done=nonsense&merged=zzz&missing=x,id")

    assert "nonsense" not in said
    assert "The id was not restored" in said
