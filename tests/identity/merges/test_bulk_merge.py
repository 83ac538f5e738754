"""One person of all who share an address, identity-rules §7, Merge."""

from dataclasses import replace

import pytest

from tests.fakes.people.bulk_merge import merge_all
from tests.identity.builders import I0, NOW, person, working_set
from workspace_operator.identity.merges.bulk_merge import merge_groups, survivor_of
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType, PeopleMerged
from workspace_operator.identity.model.working_set import ChangeSet, PersonUpdate
from workspace_operator.identity.values.rules import ID

A = "a@x.org"

ELDEST = person("p3", None, "A@X.org", inserted_at=100, plan="eldest")
MIDDLE = person("p1", "1", A, inserted_at=200, plan="middle", size="m")
YOUNGEST = person("p2", "2", A, inserted_at=300, plan="youngest", size="s", note="n")
ALL = (YOUNGEST, ELDEST, MIDDLE)


def merged(person: Person) -> Person:
    """What all three are together."""
    return replace(
        person,
        id="1",
        attributes={"plan": "eldest", "size": "m", "note": "n"},
        attribute_timestamps={"size": 200, "note": 300},
    )


def test_oldest_survives_with_what_it_lacked() -> None:
    survivor = survivor_of(ALL, now=NOW)

    assert survivor == merged(ELDEST)


def test_age_taken_from_another_does_not_count_among_them() -> None:
    expected = person("p4", None, A, inserted_at=400, created_at="1970-01-01T00:02:30")

    survivor = survivor_of([*ALL, expected], now=NOW)

    assert (survivor.cio_id, survivor.created_at) == ("p3", 150)


@pytest.mark.parametrize("who", ALL, ids=lambda each: each.cio_id)
def test_who_unsubscribed_anywhere_stays_so(who: Person) -> None:
    body = replace(who, attributes={**who.attributes, "unsubscribed": "true"})

    survivor = survivor_of([body if each is who else each for each in ALL], now=NOW)

    assert survivor.attributes["unsubscribed"] is True


def test_bulk_merge_leaves_the_survivor_alone() -> None:
    changes = merge_groups([ALL], now=NOW)

    assert changes.replaced == (PersonUpdate(before=ELDEST, after=merged(ELDEST)),)
    assert changes.removed == (MIDDLE, YOUNGEST)
    assert changes.identifiers_removed == {(ID, "1"): "p1", (ID, "2"): "p2"}
    assert changes.identifiers_added == {(ID, "1"): "p3"}
    assert changes.inserted == ()


def test_survivor_who_gains_nothing_is_not_written() -> None:
    elder, younger = person("p1", "1", A, plan="pro"), person("p2", None, A, plan="free")

    changes = merge_groups([[younger, elder]], now=NOW)

    assert (changes.replaced, changes.removed) == ((), (younger,))
    assert changes.identifiers_added == changes.identifiers_removed == {}


def test_changes_of_a_bulk_merge_are_those_of_its_merges() -> None:
    """As if each merge had been done by itself, among people of whom several may have one address."""
    others = [
        replace(each, cio_id=f"q{each.cio_id}", email_key="b@x.org", id=each.id and f"o{each.id}") for each in ALL
    ]
    people = working_set(I0, *ALL, *others)
    for group in (ALL, others):
        merge_all(people, group, now=NOW)

    assert merge_groups([ALL, others], now=NOW) == people.changes()


def test_each_merge_of_a_bulk_merge_is_noted() -> None:
    changes = merge_groups([ALL], now=NOW)

    first, expected, second, told_again = changes.events
    between = survivor_of([ELDEST, MIDDLE], now=NOW)
    assert first == PeopleMerged(primary=ELDEST, secondary=MIDDLE, survivor=between, automatic=True, at=NOW)
    assert second == PeopleMerged(primary=between, secondary=YOUNGEST, survivor=merged(ELDEST), automatic=True, at=NOW)
    for each, secondary in ((expected, "p1"), (told_again, "p2")):
        data = {"primary": "p3", "secondary": secondary, "automatic": True}
        assert each == ActivityLogged(type=ActivityType.PROFILE_MERGE, cio_id="p3", at=NOW, data=data)


def test_bulk_merge_of_one_changes_nothing() -> None:
    assert merge_groups([[MIDDLE]], now=NOW) == ChangeSet()
