"""One person of all who share an address, identity-rules §7, Merge."""

from dataclasses import replace

import pytest

from tests.fakes.merging import merge_all
from tests.identity.builders import I0, NOW, person, population
from workspace_operator.identity.folding import fold, survivor_of
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Changes, Replacement
from workspace_operator.identity.trail import Absorbed, ActivityType, Noted

A = "a@x.org"

ELDEST = person("p3", None, "A@X.org", stored_at=100, plan="eldest")
MIDDLE = person("p1", "1", A, stored_at=200, plan="middle", size="m")
YOUNGEST = person("p2", "2", A, stored_at=300, plan="youngest", size="s", note="n")
ALL = (YOUNGEST, ELDEST, MIDDLE)


def merged(person: Person) -> Person:
    """What all three are together."""
    return replace(
        person,
        id="1",
        attributes={"plan": "eldest", "size": "m", "note": "n"},
        attribute_times={"size": 200, "note": 300},
    )


def test_oldest_survives_with_what_it_lacked() -> None:
    survivor = survivor_of(ALL, now=NOW)

    assert survivor == merged(ELDEST)


def test_survivor_of_one_is_themselves() -> None:
    assert survivor_of([YOUNGEST], now=NOW) == YOUNGEST


def test_age_told_decides_who_is_oldest() -> None:
    told = person("p9", "9", A, stored_at=400, created_at="1970-01-01T00:00:05")

    survivor = survivor_of([*ALL, told], now=NOW)

    assert (survivor.cio_id, survivor.id, survivor.created_at) == ("p9", "9", 5)


def test_ties_go_by_order_of_creation() -> None:
    twins = [person("p2", "2", A), person("p1", "1", A)]

    survivor = survivor_of(twins, now=NOW)

    assert (survivor.cio_id, survivor.id) == ("p1", "1")


def test_age_taken_from_another_does_not_count_among_them() -> None:
    told = person("p4", None, A, stored_at=400, created_at="1970-01-01T00:02:30")

    survivor = survivor_of([*ALL, told], now=NOW)

    assert (survivor.cio_id, survivor.created_at) == ("p3", 150)


@pytest.mark.parametrize("who", ALL, ids=lambda each: each.cio_id)
def test_who_unsubscribed_anywhere_stays_so(who: Person) -> None:
    said = replace(who, attributes={**who.attributes, "unsubscribed": "true"})

    survivor = survivor_of([said if each is who else each for each in ALL], now=NOW)

    assert survivor.attributes["unsubscribed"] is True


def test_fold_leaves_the_survivor_alone() -> None:
    changes = fold([ALL], now=NOW)

    assert changes.replaced == (Replacement(before=ELDEST, after=merged(ELDEST)),)
    assert changes.removed == (MIDDLE, YOUNGEST)
    assert {(each.key, each.cio_id) for each in changes.identifiers_removed} == {("1", "p1"), ("2", "p2")}
    assert {(each.key, each.cio_id) for each in changes.identifiers_added} == {("1", "p3")}
    assert changes.inserted == ()


def test_survivor_who_gains_nothing_is_not_written() -> None:
    elder, younger = person("p1", "1", A, plan="pro"), person("p2", None, A, plan="free")

    changes = fold([[younger, elder]], now=NOW)

    assert (changes.replaced, changes.removed) == ((), (younger,))
    assert changes.identifiers_added == changes.identifiers_removed == ()


def test_changes_of_a_fold_are_those_of_its_merges() -> None:
    """As if each merge had been done by itself, among people of whom several may have one address."""
    others = [
        replace(each, cio_id=f"q{each.cio_id}", email_key="b@x.org", id=each.id and f"o{each.id}") for each in ALL
    ]
    people = population(I0, *ALL, *others)
    for group in (ALL, others):
        merge_all(people, group, now=NOW)

    assert fold([ALL, others], now=NOW) == people.changes()


def test_each_merge_of_a_fold_is_noted() -> None:
    changes = fold([ALL], now=NOW)

    first, told, second, told_again = changes.trail
    between = survivor_of([ELDEST, MIDDLE], now=NOW)
    assert first == Absorbed(primary=ELDEST, secondary=MIDDLE, survivor=between, automatic=True, at=NOW)
    assert second == Absorbed(primary=between, secondary=YOUNGEST, survivor=merged(ELDEST), automatic=True, at=NOW)
    for each, secondary in ((told, "p1"), (told_again, "p2")):
        data = {"primary": "p3", "secondary": secondary, "automatic": True}
        assert each == Noted(type=ActivityType.PROFILE_MERGE, cio_id="p3", at=NOW, data=data)


def test_fold_of_one_changes_nothing() -> None:
    assert fold([[MIDDLE]], now=NOW) == Changes()
