"""What calls leave behind: the activities of track-api.md §2, and in which order."""

from dataclasses import replace

import pytest

from tests.identity.builders import COLUMNS, E2, I0, NOW, by, call, numbered, person, population
from workspace_operator.identity import reasons
from workspace_operator.identity.attributes import Wishes
from workspace_operator.identity.calls import Call, DeleteCall, IdentifyCall, MergeCall, SuppressCall, UnsuppressCall
from workspace_operator.identity.outcomes import Outcome
from workspace_operator.identity.performing import perform
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import IdentityRules, Mode
from workspace_operator.identity.survivors import survivor
from workspace_operator.identity.trail import Absorbed, ActivityType, Gone, Noted, Recognized

A, B = "a@x.org", "b@x.org"
NEW = "n0001"


def done(rules: IdentityRules, people: Population, call: Call) -> Outcome:
    return perform(rules, people, call, now=NOW, new_cio_id=numbered())


def noted(kind: str, data: dict[str, object], cio_id: str | None = "p") -> Noted:
    return Noted(type=ActivityType(kind), cio_id=cio_id, at=NOW, data=data)


def moved(before: object, after: object) -> dict[str, object]:
    return {"from": before, "to": after}


@pytest.mark.parametrize("column", COLUMNS)
def test_creation_is_noted_without_data(column: str) -> None:
    people = population(COLUMNS[column])
    reference = by("email", A) if column == "EmailOnly" else by("id", "1")

    done(COLUMNS[column], people, call(reference, {"email": A}, plan="pro"))

    assert people.trail == [noted("profile_create", {}, NEW)]


@pytest.mark.parametrize(
    ("column", "has", "body", "attributes", "changes"),
    [
        ("E2", ("1", A), {}, {"plan": "b"}, {"plan": moved("a", "b")}),
        ("E2", ("1", A), {}, {"plan": None}, {"plan": moved("a", None)}),
        ("E2", ("1", A), {}, {"plan": "a", "seen": 1}, {"seen": moved(None, 1)}),
        ("E2", ("1", A), {}, {"vip": True, "tags": [1.0]}, {"vip": moved(1, True), "tags": moved([1], [1.0])}),
        ("E2", ("1", A), {"email": B}, {}, {"email": moved(A, B)}),
        ("E2", ("1", A), {"email": "A@x.org"}, {}, {"email": moved(A, "A@x.org")}),
        ("E2", ("1", A), {"email": None}, {}, {"email": moved(A, None)}),
        ("E2", (None, A), {"id": "2"}, {"plan": "b"}, {"id": moved(None, "2"), "plan": moved("a", "b")}),
        ("I0", ("1", None), {"email": "nobody"}, {}, {"email": moved(None, "nobody")}),
        ("I1", ("1", A), {"id": "2"}, {}, {"id": moved("1", "2")}),
    ],
)
def test_changes_are_one_activity(
    column: str,
    has: tuple[str | None, str | None],
    body: dict[str, str | None],
    attributes: Wishes,
    changes: dict[str, object],
) -> None:
    people = population(COLUMNS[column], person("p", *has, plan="a", vip=1, tags=[1]))

    done(COLUMNS[column], people, replace(call(by("cio_id", "p"), body), attributes=attributes))

    assert people.trail == [noted("attribute_change", changes)]


@pytest.mark.parametrize("body", [{}, {"id": "1", "email": A}, {"cio_id": "cio_p"}])
def test_no_change_leaves_nothing(body: dict[str, str | None]) -> None:
    people = population(E2, person("p", "1", A, stored_at=5, plan="a"))

    done(E2, people, call(by("id", "1"), body, plan="a", none=None))

    assert people.trail == []


def test_what_came_too_late_is_no_change() -> None:
    people = population(E2, person("p", "1", A, plan="a"))

    done(E2, people, replace(call(by("id", "1"), plan="b"), timestamp=NOW - 1))

    assert people.trail == []


def test_refusals_come_after_the_changes() -> None:
    people = population(E2, person("p", "1", A), person("q", "2", B))

    done(E2, people, call(by("id", "1"), {"id": None, "email": B, "cio_id": "q"}, plan="b"))

    assert people.trail == [
        noted("attribute_change", {"plan": moved(None, "b")}),
        noted("failed_attribute_change", {"email": {"reason": reasons.OTHERS, "value": B}}),
        noted("failed_attribute_change", {"id": {"reason": reasons.ID_BY_CIO_ID, "value": None}}),
        noted("failed_attribute_change", {"cio_id": {"reason": reasons.CIO_ID_IS_FIXED, "value": "q"}}),
    ]


def test_both_of_two_values_are_told() -> None:
    people = population(E2, person("p", None, A))

    done(E2, people, call(by("id", "1"), {"email": A, "id": "2"}))

    assert people.trail == [
        noted("failed_attribute_change", {"id": {"reason": reasons.TWO_VALUES, "value": value}}) for value in ("1", "2")
    ]


def test_refusals_of_a_new_person_follow_them() -> None:
    people = population(E2, blocked=[("email", A)])

    done(E2, people, call(by("id", "1"), {"email": A}))

    assert people.trail == [
        noted("profile_create", {}, NEW),
        noted("failed_attribute_change", {"email": {"reason": reasons.SUPPRESSED, "value": A}}, NEW),
    ]


@pytest.mark.parametrize(
    ("reference", "data"), [(by("id", "1"), {"id": "1"}), (by("email", "A@x.org"), {"email": "A@x.org"})]
)
def test_skipped_update_names_the_reference(reference: Reference, data: dict[str, object]) -> None:
    people = population(E2)

    done(E2, people, call(reference, update_only=True))

    assert people.trail == [noted("skipped_update", data, None)]


@pytest.mark.parametrize(
    ("rules", "refused"),
    [
        (E2, call(by("id", "blocked"), plan="b")),
        (E2, call(by("cio_id", "q"), plan="b")),
        (E2, call(by("id", "1"), {"email": B}, by_import=True, plan="b")),
        (E2, call(by("id", B), {"email": "nobody"}, plan="b")),
        (I0, call(by("email", A), plan="b")),
    ],
)
def test_what_is_not_taken_leaves_nothing(rules: IdentityRules, refused: IdentifyCall) -> None:
    people = population(rules, person("p", "1", A), person("r", "2", B), blocked=[("id", "blocked")])

    done(rules, people, replace(refused, anonymous_id="x"))

    assert people.trail == []


def test_automatic_merge_comes_before_the_changes() -> None:
    mine, theirs = person("p", "1", stored_at=1, plan="p"), person("q", None, A, stored_at=2, plan="q", note="q")
    people = population(E2, mine, theirs)

    done(E2, people, replace(call(by("email", A), {"id": "1", "cio_id": "q"}, plan="b"), anonymous_id="x"))

    both = survivor(mine, theirs, mode=Mode.EMAIL_OR_ID, now=NOW)
    assert people.trail == [
        Absorbed(primary=mine, secondary=theirs, survivor=both, automatic=True, at=NOW),
        noted("profile_merge", {"primary": "p", "secondary": "q", "automatic": True}),
        noted("attribute_change", {"plan": moved("p", "b")}),
        noted("failed_attribute_change", {"cio_id": {"reason": reasons.CIO_ID_IS_FIXED, "value": "q"}}),
        Recognized(anonymous_id="x", cio_id="p"),
    ]


def test_bare_merge_changes_nothing_else() -> None:
    people = population(E2, person("p", "1", stored_at=1), person("q", None, A, stored_at=2))

    done(E2, people, call(by("email", A), {"id": "1"}))

    assert [type(step) for step in people.trail] == [Absorbed, Noted]


@pytest.mark.parametrize("column", COLUMNS)
def test_explicit_merge_is_noted(column: str) -> None:
    mine, theirs = person("p", "1", A, plan="p"), person("q", "2", B, note="q")
    people = population(COLUMNS[column], mine, theirs)

    done(COLUMNS[column], people, MergeCall(primary=by("id", "1"), secondary=by("id", "2")))

    assert people.trail == [
        Absorbed(primary=mine, secondary=theirs, survivor=people.people["p"], automatic=False, at=NOW),
        noted("profile_merge", {"primary": "p", "secondary": "q", "automatic": False}),
    ]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("removal", "suppressed"),
    [(DeleteCall(reference=by("id", "1")), False), (SuppressCall(reference=by("id", "1")), True)],
)
def test_nothing_personal_remains(column: str, removal: Call, suppressed: bool) -> None:
    people = population(COLUMNS[column], person("p", "1", A, plan="pro"))

    done(COLUMNS[column], people, removal)

    assert people.trail == [Gone(cio_id="p"), noted("profile_delete", {"suppressed": suppressed})]


@pytest.mark.parametrize(
    "removal",
    [
        DeleteCall(reference=by("id", "2")),
        SuppressCall(reference=by("id", "2")),
        SuppressCall(reference=by("cio_id", "q")),
        UnsuppressCall(reference=by("id", "blocked")),
    ],
)
def test_nobody_leaves_nothing(removal: Call) -> None:
    people = population(E2, person("p", "1", A), blocked=[("id", "blocked")])

    done(E2, people, removal)

    assert people.trail == []


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("known", [True, False])
def test_anonymous_id_recognizes_the_person(column: str, known: bool) -> None:
    people = population(COLUMNS[column], *([person("p", "1", A, anonymous_id="x")] if known else []))
    reference = by("email", A) if column == "EmailOnly" else by("id", "1")

    done(COLUMNS[column], people, replace(call(reference, anonymous_id="x"), anonymous_id="x"))

    cio_id = "p" if known else NEW
    created = [] if known else [noted("profile_create", {}, NEW)]
    assert people.trail == [*created, Recognized(anonymous_id="x", cio_id=cio_id)]
    assert people.people[cio_id].attributes == {"anonymous_id": "x"}
