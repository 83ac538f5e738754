"""The first table of identity-rules §4: whom a call concerns."""

import pytest

from tests.identity.builders import (
    COLUMNS,
    E2,
    EMAIL_ONLY,
    I0,
    NOW,
    command,
    person,
    reference_by,
    refused,
    run_identify,
    working_set,
)
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import ChangeSet, WorkingSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import IdentityRules

A, B = "a@x.org", "b@x.org"


def reason_of(result: CommandResult) -> tuple[Effect, str]:
    return (result.effect, result.reason)


def untouched(people: WorkingSet) -> bool:
    return people.changes() == ChangeSet()


@pytest.mark.parametrize(
    ("column", "blocked", "reference"),
    [
        ("E2", ("id", "1"), reference_by("id", "1")),
        ("E2", ("email", A), reference_by("email", "A@x.org")),
        ("I0", ("id", "1"), reference_by("id", "1")),
        ("EmailOnly", ("email", A), reference_by("email", A)),
        ("EmailOnly", ("id", "g"), reference_by("id", "g")),
    ],
)
def test_b_suppressed_reference_is_ignored(column: str, blocked: tuple[str, str], reference: Reference) -> None:
    people = working_set(COLUMNS[column], suppressed=[blocked])

    result = run_identify(COLUMNS[column], people, command(reference, plan="pro"))

    assert reason_of(result) == (Effect.IGNORED, refusal_reasons.SUPPRESSED)
    assert untouched(people)


@pytest.mark.parametrize("column", ["E2", "I0"])
def test_b_blocked_address_blocks_no_id(column: str) -> None:
    people = working_set(COLUMNS[column], suppressed=[("email", "1@x")])

    assert run_identify(COLUMNS[column], people, command(reference_by("id", "1@x"))).effect is Effect.CREATED


@pytest.mark.parametrize(
    ("column", "reference"),
    [
        *[(column, reference_by("id", "1")) for column in COLUMNS],
        *[(column, reference_by("cio_id", "cio_p")) for column in COLUMNS],
        *[(column, reference_by("email", "A@X.org")) for column in ("E2", "E1", "EmailOnly")],
    ],
)
@pytest.mark.parametrize("update_only", [True, False])
def test_c_reference_matches(column: str, reference: Reference, update_only: bool) -> None:
    before = person("p", "1", A, plan="free")
    people = working_set(COLUMNS[column], before, person("q", "2", B))

    result = run_identify(COLUMNS[column], people, command(reference, plan="pro", update_only=update_only))

    assert (result.effect, result.before) == (Effect.UPDATED, before)
    assert result.person == people.people["p"] == person("p", "1", A, plan="pro")


@pytest.mark.parametrize("column", COLUMNS)
def test_c_same_values_change_nothing(column: str) -> None:
    people = working_set(COLUMNS[column], person("p", "1", A, plan="pro"))

    result = run_identify(
        COLUMNS[column], people, command(reference_by("id", "1"), {"email": A}, plan="pro", note=None)
    )

    assert (result.effect, result.person) == (Effect.UNCHANGED, people.people["p"])
    assert untouched(people)


def test_c_ids_differ_by_case() -> None:
    people = working_set(E2, person("p", "ab100"))

    result = run_identify(E2, people, command(reference_by("id", "AB100")))

    assert (result.effect, len(people.people)) == (Effect.CREATED, 2)


@pytest.mark.parametrize(
    ("column", "has", "reference", "body", "becomes", "refusals"),
    [
        ("E2", (None, A), reference_by("id", "1"), {"email": A}, ("1", A), {}),
        ("E2", (None, A), reference_by("id", "1"), {"email": "A@X.org"}, ("1", "A@X.org"), {}),
        ("E2", ("9", A), reference_by("id", "1"), {"email": A}, ("9", A), {"id": refusal_reasons.ID_BY_CIO_ID}),
        ("E2", ("1", A), reference_by("email", B), {"id": "1"}, ("1", B), {}),
        (
            "EmailOnly",
            ("g", A),
            reference_by("id", "1"),
            {"email": A},
            ("g", A),
            {"id": refusal_reasons.ID_IS_GENERATED},
        ),
    ],
)
@pytest.mark.parametrize("update_only", [True, False])
def test_d_body_identifier_matches(
    column: str,
    has: tuple[str | None, str],
    reference: Reference,
    body: dict[str, str],
    becomes: tuple[str, str],
    refusals: dict[str, str],
    update_only: bool,
) -> None:
    people = working_set(COLUMNS[column], person("p", *has))

    result = run_identify(COLUMNS[column], people, command(reference, body, plan="pro", update_only=update_only))

    assert people.people == {"p": person("p", *becomes, plan="pro")}
    assert (result.effect, refused(result)) == (Effect.UPDATED, refusals)


def test_d_same_value_twice_is_one() -> None:
    people = working_set(E2, person("p", "7"))

    result = run_identify(E2, people, command(reference_by("email", "b@X.ORG"), {"id": "7", "email": "B@x.org"}))

    assert (people.people["p"].email, result.refusals) == ("B@x.org", ())


@pytest.mark.parametrize(
    ("column", "reference", "body"),
    [
        ("E2", reference_by("id", "2"), {"email": B}),
        ("E2", reference_by("email", B), {"id": "2"}),
        ("I0", reference_by("id", "2"), {"email": A}),
        ("EmailOnly", reference_by("email", B), {}),
        ("EmailOnly", reference_by("id", "2"), {}),
    ],
)
def test_e_update_only_creates_nobody(column: str, reference: Reference, body: dict[str, str]) -> None:
    people = working_set(COLUMNS[column], person("p", "1", A))

    result = run_identify(COLUMNS[column], people, command(reference, body, update_only=True))

    skipped = ActivityLogged(
        type=ActivityType.SKIPPED_UPDATE, cio_id=None, at=NOW, data={reference.kind.value: reference.value}
    )
    assert reason_of(result) == (Effect.SKIPPED, refusal_reasons.UPDATE_ONLY)
    assert people.changes() == ChangeSet(events=(skipped,))


NEW = "n0-0001"


@pytest.mark.parametrize(
    ("column", "reference", "body", "has", "refusals"),
    [
        ("E2", reference_by("id", "1"), {}, ("1", None), {}),
        ("E2", reference_by("id", "1"), {"email": "A@x.org"}, ("1", "A@x.org"), {}),
        ("E2", reference_by("email", A), {"email": "A@X.org"}, (None, "A@X.org"), {}),
        ("E2", reference_by("email", A), {"id": "1"}, ("1", A), {}),
        ("E2", reference_by("email", A), {"email": B}, (None, A), {"email": refusal_reasons.EMAIL_BY_ID_OR_CIO_ID}),
        ("E2", reference_by("id", "1"), {"id": "2"}, ("1", None), {"id": refusal_reasons.ID_BY_CIO_ID}),
        ("E2", reference_by("id", "1"), {"email": "nobody"}, ("1", None), {"email": refusal_reasons.INVALID_EMAIL}),
        ("E2", reference_by("email", A), {"id": B}, (None, A), {"id": refusal_reasons.ID_IS_ANOTHER_EMAIL}),
        ("E2", reference_by("email", A), {"id": "A@x.org"}, ("A@x.org", A), {}),
        ("E2", reference_by("id", A), {"email": A}, (A, A), {}),
        ("I0", reference_by("id", "1"), {"email": "nobody"}, ("1", "nobody"), {}),
        ("I0", reference_by("id", A), {"email": None}, (A, None), {}),
        ("EmailOnly", reference_by("email", A), {}, (NEW, A), {}),
        ("EmailOnly", reference_by("email", A), {"id": "1"}, (NEW, A), {"id": refusal_reasons.ID_IS_GENERATED}),
    ],
)
@pytest.mark.parametrize("by_import", [True, False])
def test_f_nobody_matches(
    column: str,
    reference: Reference,
    body: dict[str, str | None],
    has: tuple[str, str],
    refusals: dict[str, str],
    by_import: bool,
) -> None:
    people = working_set(COLUMNS[column], suppressed=[("email", "blocked@x.org"), ("id", "blocked")])

    result = run_identify(COLUMNS[column], people, command(reference, body, by_import=by_import, plan="pro"))

    assert people.people == {NEW: person(NEW, *has, plan="pro")}
    assert (result.effect, result.person, result.before) == (Effect.CREATED, people.people[NEW], None)
    assert set(refused(result)) == set(refusals)
    assert by_import or refused(result) == refusals


@pytest.mark.parametrize(
    ("id_", "body"),
    [
        (A, {}),
        (A, {"email": B}),
        (A, {"email": "nobody"}),
        (A, {"email": None}),
        ("blocked@x.org", {"email": "blocked@x.org"}),
    ],
)
def test_f_id_that_is_another_email_is_rejected(id_: str, body: dict[str, str | None]) -> None:
    people = working_set(E2, suppressed=[("email", "blocked@x.org")])

    result = run_identify(E2, people, command(reference_by("id", id_), body))

    assert reason_of(result) == (Effect.REJECTED, refusal_reasons.NEW_ID_IS_AN_EMAIL)
    assert (result.field, result.value) == ("identifiers.id", id_)
    assert untouched(people)


def test_import_never_merges() -> None:
    people = working_set(E2, person("p", "1"), person("q", None, A))

    result = run_identify(E2, people, command(reference_by("id", "1"), {"email": A}, by_import=True))

    assert reason_of(result) == (Effect.REJECTED, refusal_reasons.ROW_MATCHES_TWO_PEOPLE)


@pytest.mark.parametrize(
    ("rules", "effect"), [(E2, Effect.REJECTED), (EMAIL_ONLY, Effect.REJECTED), (I0, Effect.CREATED)]
)
def test_email_of_another_type_is_taken_where_it_is_an_attribute(rules: IdentityRules, effect: Effect) -> None:
    people = working_set(rules)

    result = run_identify(rules, people, identify_from_fields(reference_by("id", "1"), {"email": True}))

    assert result.effect is effect
    if effect is Effect.REJECTED:
        assert result.message == "email true is neither text nor a number: send an email address as text."
        assert untouched(people)
    else:
        assert [each.email for each in people.people.values()] == ["true"]


def test_reason_about_the_whole_call_is_a_sentence_by_itself() -> None:
    result = run_identify(I0, working_set(I0), command(reference_by("email", A)))

    assert result.message == result.reason == refusal_reasons.KIND_NOT_IN_MODE
