"""The second table of identity-rules §4: what happens to each identifier; and the last **D** of identity-rules §3."""

from dataclasses import replace

import pytest

from tests.identity.builders import (
    COLUMNS,
    E2,
    I0,
    command,
    person,
    reference_by,
    refused,
    run_identify,
    working_set,
)
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import Effect, Refusal
from workspace_operator.identity.model.working_set import ChangeSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.rules import IdentifierKind

A, B = "a@x.org", "b@x.org"


def test_1_display_form_is_taken_over() -> None:
    people = working_set(E2, person("p", "1", A))

    result = run_identify(E2, people, command(reference_by("id", "1"), {"email": " A@X.org"}))

    assert (result.effect, result.refusals) == (Effect.UPDATED, ())
    assert people.people["p"] == person("p", "1", " A@X.org")
    assert people.changes().identifiers_added == {}


def test_1_display_form_of_reference_is_not() -> None:
    people = working_set(E2, person("p", "1", A))

    result = run_identify(E2, people, command(reference_by("email", "A@X.org")))

    assert (result.effect, people.people["p"].email) == (Effect.UNCHANGED, A)


def test_2_refusal_shows_what_was_sent() -> None:
    people = working_set(E2, person("p", "1"))

    result = run_identify(E2, people, command(reference_by("id", "1"), {"email": "Nobody"}))

    assert result.refusals == (
        Refusal(kind=IdentifierKind.EMAIL, value="Nobody", reason=refusal_reasons.INVALID_EMAIL),
    )


def test_3_change_frees_the_old_value() -> None:
    people = working_set(E2, person("p", "1", A))

    run_identify(E2, people, command(reference_by("id", "1"), {"email": B}))
    result = run_identify(E2, people, command(reference_by("email", A)))

    assert result.effect is Effect.CREATED
    assert people.changes().identifiers_removed == {(IdentifierKind.EMAIL, A): "p"}


@pytest.mark.parametrize(
    ("has", "body", "becomes", "refusals"),
    [
        (("1", A), {"id": B}, ("1", A), {"id": refusal_reasons.ID_IS_ANOTHER_EMAIL}),
        (("1", A), {"id": B, "email": B}, (B, B), {}),
        ((A, A), {"email": B}, (A, A), {"email": refusal_reasons.EMAIL_IS_THE_ID}),
        (("a@b", A), {"email": B}, ("a@b", B), {}),
        ((A, B), {"email": "c@x.org"}, (A, "c@x.org"), {}),
    ],
)
def test_id_stays_the_own_email(
    has: tuple[str, str | None], body: dict[str, str | None], becomes: tuple[str, str], refusals: dict[str, str]
) -> None:
    people = working_set(E2, person("p", *has))

    result = run_identify(E2, people, command(reference_by("cio_id", "p"), body))

    assert people.people["p"] == person("p", *becomes)
    assert refused(result) == refusals


def test_id_may_be_any_email_in_id_only() -> None:
    people = working_set(COLUMNS["I1"], person("p", "1", A))

    result = run_identify(COLUMNS["I1"], people, command(reference_by("cio_id", "p"), {"id": B, "email": "c@x.org"}))

    assert (people.people["p"], result.refusals) == (person("p", B, "c@x.org"), ())


def test_refusals_are_in_order_of_kind() -> None:
    people = working_set(E2, person("p", "1", A))

    result = run_identify(E2, people, command(reference_by("id", "1"), {"cio_id": "q", "email": "nobody", "id": "2"}))

    assert [refusal.kind for refusal in result.refusals] == [
        IdentifierKind.EMAIL,
        IdentifierKind.ID,
        IdentifierKind.CIO_ID,
    ]


def with_attributes(size: int) -> Person:
    return replace(person("p", "1"), attributes={f"n{number}": "x" for number in range(size)})


def test_attributes_stop_at_their_limit() -> None:
    people = working_set(I0, with_attributes(300))

    result = run_identify(I0, people, command(reference_by("id", "1"), {"email": A}, more="x"))

    assert (result.effect, result.reason) == (Effect.REJECTED, refusal_reasons.TOO_MANY_ATTRIBUTES)
    assert people.changes() == ChangeSet()


def test_last_attribute_still_fits() -> None:
    people = working_set(I0, with_attributes(299))

    result = run_identify(I0, people, command(reference_by("id", "1"), more="x"))

    assert (result.effect, len(people.people["p"].attributes)) == (Effect.UPDATED, 300)


def test_new_person_keeps_the_limit() -> None:
    people = working_set(I0)

    result = run_identify(
        I0, people, replace(command(reference_by("id", "1")), attributes=with_attributes(301).attributes)
    )

    assert (result.effect, people.people) == (Effect.REJECTED, {})


@pytest.mark.parametrize("attributes", [{"n0": "y"}, {"n0": None, "more": "x"}])
def test_too_many_may_be_rewritten(attributes: dict[str, str | None]) -> None:
    people = working_set(I0, with_attributes(310))

    result = run_identify(I0, people, replace(command(reference_by("id", "1")), attributes=attributes))

    assert (result.effect, len(people.people["p"].attributes)) == (Effect.UPDATED, 310)


def test_age_follows_the_attribute() -> None:
    people = working_set(I0, person("p", "1", inserted_at=500))

    run_identify(I0, people, command(reference_by("id", "1"), created_at="1970-01-01T00:02:03"))

    assert (people.people["p"].created_at, people.people["p"].inserted_at) == (123, 500)
