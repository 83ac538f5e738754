"""What calls leave behind: the activities of track-api.md §2, and in which order."""

from dataclasses import replace

import pytest

from tests.identity.builders import (
    COLUMNS,
    E2,
    I0,
    NOW,
    command,
    person,
    reference_by,
    run_command,
    working_set,
)
from workspace_operator.identity.merges.survivorship import survivor
from workspace_operator.identity.model.commands import (
    Command,
    DeletePerson,
    Identify,
    MergePeople,
    Suppress,
    Unsuppress,
)
from workspace_operator.identity.model.person_events import (
    ActivityLogged,
    ActivityType,
    AnonymousLinked,
    PeopleMerged,
    PersonDeleted,
)
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.attributes import AttributeUpdates
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import IdentityRules, Mode

A, B = "a@x.org", "b@x.org"
NEW = "n0001"


def activity(kind: str, data: dict[str, object], cio_id: str | None = "p") -> ActivityLogged:
    return ActivityLogged(type=ActivityType(kind), cio_id=cio_id, at=NOW, data=data)


def changed(before: object, after: object) -> dict[str, object]:
    return {"from": before, "to": after}


@pytest.mark.parametrize("column", COLUMNS)
def test_creation_is_noted_without_data(column: str) -> None:
    people = working_set(COLUMNS[column])
    reference = reference_by("email", A) if column == "EmailOnly" else reference_by("id", "1")

    run_command(COLUMNS[column], people, command(reference, {"email": A}, plan="pro"))

    assert people.events == [activity("profile_create", {}, NEW)]


@pytest.mark.parametrize(
    ("column", "has", "body", "attributes", "changes"),
    [
        ("E2", ("1", A), {}, {"plan": "b"}, {"plan": changed("a", "b")}),
        ("E2", ("1", A), {}, {"plan": None}, {"plan": changed("a", None)}),
        ("E2", ("1", A), {}, {"plan": "a", "seen": 1}, {"seen": changed(None, 1)}),
        ("E2", ("1", A), {}, {"vip": True, "tags": [1.0]}, {"vip": changed(1, True), "tags": changed([1], [1.0])}),
        ("E2", ("1", A), {"email": B}, {}, {"email": changed(A, B)}),
        ("E2", ("1", A), {"email": "A@x.org"}, {}, {"email": changed(A, "A@x.org")}),
        ("E2", ("1", A), {"email": None}, {}, {"email": changed(A, None)}),
        ("E2", (None, A), {"id": "2"}, {"plan": "b"}, {"id": changed(None, "2"), "plan": changed("a", "b")}),
        ("I0", ("1", None), {"email": "nobody"}, {}, {"email": changed(None, "nobody")}),
        ("I1", ("1", A), {"id": "2"}, {}, {"id": changed("1", "2")}),
    ],
)
def test_changes_are_one_activity(
    column: str,
    has: tuple[str | None, str | None],
    body: dict[str, str | None],
    attributes: AttributeUpdates,
    changes: dict[str, object],
) -> None:
    people = working_set(COLUMNS[column], person("p", *has, plan="a", vip=1, tags=[1]))

    run_command(COLUMNS[column], people, replace(command(reference_by("cio_id", "p"), body), attributes=attributes))

    assert people.events == [activity("attribute_change", changes)]


@pytest.mark.parametrize("body", [{}, {"id": "1", "email": A}, {"cio_id": "cio_p"}])
def test_no_change_leaves_nothing(body: dict[str, str | None]) -> None:
    people = working_set(E2, person("p", "1", A, inserted_at=5, plan="a"))

    run_command(E2, people, command(reference_by("id", "1"), body, plan="a", none=None))

    assert people.events == []


def test_what_came_too_late_is_no_change() -> None:
    people = working_set(E2, person("p", "1", A, plan="a"))

    run_command(E2, people, replace(command(reference_by("id", "1"), plan="b"), timestamp=NOW - 1))

    assert people.events == []


def test_refusals_come_after_the_changes() -> None:
    people = working_set(E2, person("p", "1", A), person("q", "2", B))

    run_command(E2, people, command(reference_by("id", "1"), {"id": None, "email": B, "cio_id": "q"}, plan="b"))

    assert people.events == [
        activity("attribute_change", {"plan": changed(None, "b")}),
        activity("failed_attribute_change", {"email": {"reason": refusal_reasons.OWNED_BY_ANOTHER_PERSON, "value": B}}),
        activity("failed_attribute_change", {"id": {"reason": refusal_reasons.ID_BY_CIO_ID, "value": None}}),
        activity("failed_attribute_change", {"cio_id": {"reason": refusal_reasons.CIO_ID_IS_IMMUTABLE, "value": "q"}}),
    ]


def test_both_of_two_values_are_logged() -> None:
    people = working_set(E2, person("p", None, A))

    run_command(E2, people, command(reference_by("id", "1"), {"email": A, "id": "2"}))

    assert people.events == [
        activity("failed_attribute_change", {"id": {"reason": refusal_reasons.CONFLICTING_VALUES, "value": value}})
        for value in ("1", "2")
    ]


def test_refusals_of_a_new_person_follow_them() -> None:
    people = working_set(E2, suppressed=[("email", A)])

    run_command(E2, people, command(reference_by("id", "1"), {"email": A}))

    assert people.events == [
        activity("profile_create", {}, NEW),
        activity("failed_attribute_change", {"email": {"reason": refusal_reasons.SUPPRESSED, "value": A}}, NEW),
    ]


@pytest.mark.parametrize(
    ("reference", "data"),
    [(reference_by("id", "1"), {"id": "1"}), (reference_by("email", "A@x.org"), {"email": "A@x.org"})],
)
def test_skipped_update_names_the_reference(reference: Reference, data: dict[str, object]) -> None:
    people = working_set(E2)

    run_command(E2, people, command(reference, update_only=True))

    assert people.events == [activity("skipped_update", data, None)]


@pytest.mark.parametrize(
    ("rules", "refused"),
    [
        (E2, command(reference_by("id", "blocked"), plan="b")),
        (E2, command(reference_by("cio_id", "q"), plan="b")),
        (E2, command(reference_by("id", "1"), {"email": B}, by_import=True, plan="b")),
        (E2, command(reference_by("id", B), {"email": "nobody"}, plan="b")),
        (I0, command(reference_by("email", A), plan="b")),
    ],
)
def test_what_is_not_taken_leaves_nothing(rules: IdentityRules, refused: Identify) -> None:
    people = working_set(rules, person("p", "1", A), person("r", "2", B), suppressed=[("id", "blocked")])

    run_command(rules, people, replace(refused, anonymous_id="x"))

    assert people.events == []


def test_automatic_merge_comes_before_the_changes() -> None:
    mine, theirs = person("p", "1", inserted_at=1, plan="p"), person("q", None, A, inserted_at=2, plan="q", note="q")
    people = working_set(E2, mine, theirs)

    run_command(
        E2, people, replace(command(reference_by("email", A), {"id": "1", "cio_id": "q"}, plan="b"), anonymous_id="x")
    )

    both = survivor(mine, theirs, mode=Mode.EMAIL_OR_ID, now=NOW)
    assert people.events == [
        PeopleMerged(primary=mine, secondary=theirs, survivor=both, automatic=True, at=NOW),
        activity("profile_merge", {"primary": "p", "secondary": "q", "automatic": True}),
        activity("attribute_change", {"plan": changed("p", "b")}),
        activity("failed_attribute_change", {"cio_id": {"reason": refusal_reasons.CIO_ID_IS_IMMUTABLE, "value": "q"}}),
        AnonymousLinked(anonymous_id="x", cio_id="p"),
    ]


def test_bare_merge_changes_nothing_else() -> None:
    people = working_set(E2, person("p", "1", inserted_at=1), person("q", None, A, inserted_at=2))

    run_command(E2, people, command(reference_by("email", A), {"id": "1"}))

    assert [type(step) for step in people.events] == [PeopleMerged, ActivityLogged]


@pytest.mark.parametrize("column", COLUMNS)
def test_explicit_merge_is_noted(column: str) -> None:
    mine, theirs = person("p", "1", A, plan="p"), person("q", "2", B, note="q")
    people = working_set(COLUMNS[column], mine, theirs)

    run_command(
        COLUMNS[column], people, MergePeople(primary=reference_by("id", "1"), secondary=reference_by("id", "2"))
    )

    assert people.events == [
        PeopleMerged(primary=mine, secondary=theirs, survivor=people.people["p"], automatic=False, at=NOW),
        activity("profile_merge", {"primary": "p", "secondary": "q", "automatic": False}),
    ]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("removal", "suppressed"),
    [(DeletePerson(reference=reference_by("id", "1")), False), (Suppress(reference=reference_by("id", "1")), True)],
)
def test_nothing_personal_remains(column: str, removal: Command, suppressed: bool) -> None:
    people = working_set(COLUMNS[column], person("p", "1", A, plan="pro"))

    run_command(COLUMNS[column], people, removal)

    assert people.events == [PersonDeleted(cio_id="p"), activity("profile_delete", {"suppressed": suppressed})]


@pytest.mark.parametrize(
    "removal",
    [
        DeletePerson(reference=reference_by("id", "2")),
        Suppress(reference=reference_by("id", "2")),
        Suppress(reference=reference_by("cio_id", "q")),
        Unsuppress(reference=reference_by("id", "blocked")),
    ],
)
def test_nobody_leaves_nothing(removal: Command) -> None:
    people = working_set(E2, person("p", "1", A), suppressed=[("id", "blocked")])

    run_command(E2, people, removal)

    assert people.events == []


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("known", [True, False])
def test_anonymous_id_recognizes_the_person(column: str, known: bool) -> None:
    people = working_set(COLUMNS[column], *([person("p", "1", A, anonymous_id="x")] if known else []))
    reference = reference_by("email", A) if column == "EmailOnly" else reference_by("id", "1")

    run_command(COLUMNS[column], people, replace(command(reference, anonymous_id="x"), anonymous_id="x"))

    cio_id = "p" if known else NEW
    created = [] if known else [activity("profile_create", {}, NEW)]
    assert people.events == [*created, AnonymousLinked(anonymous_id="x", cio_id=cio_id)]
    assert people.people[cio_id].attributes == {"anonymous_id": "x"}
