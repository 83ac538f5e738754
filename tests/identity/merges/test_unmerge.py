"""Taking a merge back, identity-rules §5: what goes back, what stays, and what is not free any more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from tests.identity.builders import (
    COLUMNS,
    E2,
    EMAIL_ONLY,
    I0,
    I1,
    NOW,
    command,
    numbered,
    person,
    reference_by,
    run_command,
    working_set,
)
from workspace_operator.identity.identify.identify import identify
from workspace_operator.identity.merges.unmerge import UnmergeResult, unmerge
from workspace_operator.identity.model.commands import MergePeople
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType, PeopleMerged
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.attributes import AttributeUpdates, AttributeValue
from workspace_operator.identity.values.rules import EMAIL, ID, IdentifierKind, IdentityRules, Mode

A, B = "a@x.org", "b@x.org"
LATER = NOW + 60

Has = tuple[str | None, str | None]


def merged(rules: IdentityRules, *everybody: Person) -> tuple[WorkingSet, PeopleMerged]:
    """People of whom the first two were merged on request; the trail is written."""
    people = working_set(rules, *everybody)
    primary, secondary, *_ = everybody
    request = MergePeople(
        primary=reference_by("cio_id", primary.cio_id), secondary=reference_by("cio_id", secondary.cio_id)
    )
    run_command(rules, people, request)
    [merge] = [step for step in people.events if isinstance(step, PeopleMerged)]
    people.mark_clean()
    return people, merge


def identify_person(
    rules: IdentityRules, people: WorkingSet, body: Mapping[str, str | None], attributes: AttributeUpdates | None = None
) -> None:
    """Somebody says something of the survivor by cio_id, later."""
    said = replace(command(reference_by("cio_id", "p"), body), attributes=attributes or {})
    identify(rules, people, said, now=LATER, new_cio_id=numbered())
    people.mark_clean()


def identifiers(person: Person) -> Has:
    return person.id, person.email


def names(parted: UnmergeResult) -> tuple[Has, Has]:
    """What the restored one and the survivor are named by."""
    return identifiers(parted.restored), identifiers(parted.survivor)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (("1", A), ("2", B)),
        (("1", None), ("2", B)),
        ((None, A), ("2", B)),
        ((None, A), ("2", None)),
        (("1", None), (None, B)),
        ((None, None), ("2", B)),
        (("1", A), (None, None)),
    ],
)
def test_undo_at_once_leaves_no_trace(column: str, mine: Has, theirs: Has) -> None:
    primary = person("p", *mine, inserted_at=10, plan="p", same="x")
    secondary = person("q", *theirs, inserted_at=20, plan="q", note="q", same="x", created_at="1970-01-01T00:00:05")
    people, merge = merged(COLUMNS[column], primary, secondary)

    parted = unmerge(people, merge, now=LATER)

    assert parted == UnmergeResult(restored=secondary, survivor=primary, unavailable=())
    assert people.people == {"p": primary, "q": secondary}
    assert people.owners == working_set(COLUMNS[column], primary, secondary).owners


def test_undo_is_noted() -> None:
    people, merge = merged(E2, person("p", "1", plan="p"), person("q", None, A, note="q"))

    unmerge(people, merge, now=LATER)

    assert people.events == [
        ActivityLogged(type=ActivityType.PROFILE_CREATE, cio_id="q", at=LATER, data={}),
        ActivityLogged(
            type=ActivityType.ATTRIBUTE_CHANGE,
            cio_id="p",
            at=LATER,
            data={"email": {"from": A, "to": None}, "note": {"from": "q", "to": None}},
        ),
    ]


# What was said of attributes since: what is said, what the survivor has then, what of it is left after the undo.
WRITTEN_SINCE: dict[str, tuple[dict[str, AttributeValue | None], dict[str, AttributeValue]]] = {
    "nothing": ({}, {"own": "p", "doubled": "p"}),
    "another value": ({"taken": "new"}, {"own": "p", "doubled": "p", "taken": "new"}),
    "the same value": ({"taken": "q"}, {"own": "p", "doubled": "p", "taken": "q"}),
    "it is removed": ({"taken": None}, {"own": "p", "doubled": "p"}),
    "another own value": ({"own": "new", "doubled": None}, {"own": "new"}),
    "something new": ({"more": 1}, {"own": "p", "doubled": "p", "more": 1}),
}


@pytest.mark.parametrize("since", WRITTEN_SINCE)
def test_attributes_go_back_unless_written_since(since: str) -> None:
    said, left = WRITTEN_SINCE[since]
    primary, secondary = person("p", "1", own="p", doubled="p"), person("q", "2", taken="q", doubled="q")
    people, merge = merged(E2, primary, secondary)
    identify_person(E2, people, {}, said)

    parted = unmerge(people, merge, now=LATER)

    assert parted.survivor.attributes == left
    assert parted.restored.attributes == {"taken": "q", "doubled": "q"}


@pytest.mark.parametrize("written", [1, 1.0, "1"])
def test_value_of_another_type_was_written_since(written: AttributeValue) -> None:
    people, merge = merged(E2, person("p", "1"), person("q", "2", flag=True))
    before = people.people["p"]
    people.replace(replace(before, attributes={"flag": written}))

    assert unmerge(people, merge, now=LATER).survivor.attributes == {"flag": written}


def test_unsubscription_goes_back() -> None:
    people, merge = merged(E2, person("p", "1", unsubscribed=False), person("q", "2", unsubscribed=True))
    assert people.people["p"].attributes == {"unsubscribed": True}

    parted = unmerge(people, merge, now=LATER)

    assert parted.survivor.attributes == {"unsubscribed": False}
    assert parted.restored.attributes == {"unsubscribed": True}


def test_unsubscription_since_stays() -> None:
    people, merge = merged(E2, person("p", "1", unsubscribed=False), person("q", "2", unsubscribed=True))
    identify_person(E2, people, {}, {"unsubscribed": True})

    assert unmerge(people, merge, now=LATER).survivor.attributes == {"unsubscribed": True}


def test_times_go_back_with_their_values() -> None:
    primary = replace(person("p", "1", own="p"), attribute_timestamps={"own": 5, "taken": 7})
    secondary = replace(person("q", "2", taken="q", other="q"), attribute_timestamps={"taken": 9, "gone": 3})
    people, merge = merged(E2, primary, secondary)
    identify_person(E2, people, {}, {"other": "new"})

    parted = unmerge(people, merge, now=LATER)

    assert parted.survivor.attributes == {"own": "p", "other": "new"}
    assert parted.survivor.attribute_timestamps == {"own": 5, "taken": 7, "gone": 3, "other": LATER}
    assert parted.restored.attribute_timestamps == {"taken": 9, "gone": 3}


def test_ages_follow_their_attributes() -> None:
    primary, secondary = (
        person("p", "1", inserted_at=50),
        person("q", "2", inserted_at=60, created_at="1970-01-01T00:00:05"),
    )
    people, merge = merged(E2, primary, secondary)
    assert people.people["p"].created_at == 5

    parted = unmerge(people, merge, now=LATER)

    assert (parted.survivor.created_at, parted.restored.created_at) == (50, 5)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"id": "new"}, (("2", B), ("new", None))),
        ({"email": "c@x.org"}, (("2", B), (None, "c@x.org"))),
        ({"email": "B@X.org"}, (("2", B), (None, None))),
    ],
)
def test_identifier_that_was_changed_since_is_the_survivors(
    change: dict[str, str | None], left: tuple[Has, Has]
) -> None:
    people, merge = merged(E2, person("p"), person("q", "2", B))
    identify_person(E2, people, change)

    parted = unmerge(people, merge, now=LATER)

    assert names(parted) == left
    assert parted.unavailable == ()


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What happens to identifiers of the secondary after a merge, and what is left of them after the undo."""

    primary: Has = ("1", A)
    secondary: Has = ("2", B)
    since: Callable[[WorkingSet], None]
    left: tuple[Has, Has]
    unavailable: tuple[tuple[IdentifierKind, str], ...]


TAKEN = {
    "by another person": Taken(
        since=lambda people: people.insert(person("new", "2", B)),
        left=((None, None), ("1", A)),
        unavailable=((ID, "2"), (EMAIL, B)),
    ),
    "by another person, whose email was the id": Taken(
        secondary=(B, B),
        since=lambda people: people.insert(person("new", None, B)),
        left=((None, None), ("1", A)),
        unavailable=((ID, B), (EMAIL, B)),
    ),
    "by the survivor": Taken(
        since=lambda people: identify_person(E2, people, {"email": B}),
        left=(("2", None), ("1", B)),
        unavailable=((EMAIL, B),),
    ),
    "by the survivor, whose id it is": Taken(
        primary=("1", None),
        since=lambda people: people.replace(replace(people.people["p"], id=B)),
        left=(("2", None), (B, B)),
        unavailable=((EMAIL, B),),
    ),
}


@pytest.mark.parametrize("case", TAKEN.values(), ids=TAKEN)
def test_taken_identifier_is_not_free(case: Taken) -> None:
    people, merge = merged(E2, person("p", *case.primary), person("q", *case.secondary))
    case.since(people)

    parted = unmerge(people, merge, now=LATER)

    assert (names(parted), parted.unavailable) == (case.left, case.unavailable)


@pytest.mark.parametrize(
    ("rules", "left", "unavailable"),
    [
        (E2, ((None, None), ("1", A)), ((ID, "2"), (EMAIL, B))),
        (I0, ((None, B), ("1", A)), ((ID, "2"),)),
        (EMAIL_ONLY, ((None, None), ("1", A)), ((ID, "2"), (EMAIL, B))),
    ],
)
def test_suppressed_identifier_is_not_free(
    rules: IdentityRules, left: tuple[Has, Has], unavailable: tuple[tuple[IdentifierKind, str], ...]
) -> None:
    people, merge = merged(rules, person("p", "1", A), person("q", "2", B))
    for kind, key in ((ID, "2"), (EMAIL, B)):
        people.suppress(Suppression(kind=kind, key=key, suppression_id="s"))

    parted = unmerge(people, merge, now=LATER)

    assert names(parted) == left
    assert parted.unavailable == unavailable


@pytest.mark.parametrize("rules", [I0, I1])
def test_plain_email_is_always_free(rules: IdentityRules) -> None:
    people, merge = merged(rules, person("p", "1"), person("q", "2", "no address"), person("r", "3", "no address"))

    assert names(unmerge(people, merge, now=LATER)) == (("2", "no address"), ("1", None))


@pytest.mark.parametrize("said", [A, "B@x.org", B])
def test_plain_email_stays_if_written_since(said: str) -> None:
    people, merge = merged(I0, person("p", "1"), person("q", "2", B))
    identify_person(I0, people, {"email": said})

    parted = unmerge(people, merge, now=LATER)

    assert names(parted) == (("2", B), ("1", said))
    assert parted.survivor.attribute_timestamps == {"email": LATER}


def test_time_of_a_plain_email_goes_back() -> None:
    primary = replace(person("p", "1"), attribute_timestamps={"email": 5})
    people, merge = merged(I0, primary, replace(person("q", "2", B), attribute_timestamps={"email": 9}))

    parted = unmerge(people, merge, now=LATER)

    assert parted.survivor == primary


@pytest.mark.parametrize(
    ("theirs", "restored", "unavailable"),
    [
        (("2", "A@x.org"), ("2", None), ((EMAIL, A),)),
        (("2", "no address"), ("2", None), ((EMAIL, "no address"),)),
        (("2", None), ("2", None), ()),
        ((B, None), (None, None), ((ID, B),)),
    ],
)
def test_only_valid_identifiers_come_back_in_another_mode(
    theirs: Has, restored: Has, unavailable: tuple[tuple[IdentifierKind, str], ...]
) -> None:
    people, merge = merged(I0, person("p", "1", A), person("q", *theirs))
    email_or_id = WorkingSet(mode=Mode.EMAIL_OR_ID, people=people.people.values())

    parted = unmerge(email_or_id, merge, now=LATER)

    assert names(parted) == (restored, ("1", A))
    assert parted.unavailable == unavailable


def test_identifiers_that_belong_together_go_back_together() -> None:
    people, merge = merged(E2, person("p"), person("q", B, B))

    assert names(unmerge(people, merge, now=LATER)) == ((B, B), (None, None))
