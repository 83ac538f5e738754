"""The first table of identity-rules §4, an example a row: which person a call concerns."""

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
from workspace_operator.identity.values.rules import IdentityRules

A, B = "a@x.org", "b@x.org"


def reason_of(result: CommandResult) -> tuple[Effect, str]:
    return (result.effect, result.reason)


def untouched(people: WorkingSet) -> bool:
    return people.changes() == ChangeSet()


def test_b_suppressed_reference_is_ignored() -> None:
    people = working_set(E2, suppressed=[("email", A)])

    result = run_identify(E2, people, command(reference_by("email", "A@x.org"), plan="pro"))

    assert reason_of(result) == (Effect.IGNORED, refusal_reasons.SUPPRESSED)
    assert untouched(people)


def test_b_blocked_address_blocks_no_id() -> None:
    people = working_set(E2, suppressed=[("email", "1@x")])

    assert run_identify(E2, people, command(reference_by("id", "1@x"))).effect is Effect.CREATED


def test_c_reference_matches() -> None:
    before = person("p", "1", A, plan="free")
    people = working_set(E2, before, person("q", "2", B))

    result = run_identify(E2, people, command(reference_by("email", "A@X.org"), plan="pro", update_only=True))

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


def test_d_body_identifier_matches() -> None:
    people = working_set(E2, person("p", "9", A))

    result = run_identify(E2, people, command(reference_by("id", "1"), {"email": A}, plan="pro", update_only=True))

    assert people.people == {"p": person("p", "9", A, plan="pro")}
    assert (result.effect, refused(result)) == (Effect.UPDATED, {"id": refusal_reasons.ID_BY_CIO_ID})


def test_d_same_value_twice_is_one() -> None:
    people = working_set(E2, person("p", "7"))

    result = run_identify(E2, people, command(reference_by("email", "b@X.ORG"), {"id": "7", "email": "B@x.org"}))

    assert (people.people["p"].email, result.refusals) == ("B@x.org", ())


def test_e_update_only_creates_nobody() -> None:
    people = working_set(E2, person("p", "1", A))

    result = run_identify(E2, people, command(reference_by("id", "2"), {"email": B}, update_only=True))

    skipped = ActivityLogged(type=ActivityType.SKIPPED_UPDATE, cio_id=None, at=NOW, data={"id": "2"})
    assert reason_of(result) == (Effect.SKIPPED, refusal_reasons.UPDATE_ONLY)
    assert people.changes() == ChangeSet(events=(skipped,))


@pytest.mark.parametrize(
    ("rules", "has", "refusals"),
    [(E2, (None, A), {"email": refusal_reasons.EMAIL_BY_ID_OR_CIO_ID}), (EMAIL_ONLY, ("n0-0001", A), None)],
)
def test_f_nobody_matches(rules: IdentityRules, has: tuple[str, str], refusals: dict[str, str] | None) -> None:
    people = working_set(rules)

    result = run_identify(rules, people, command(reference_by("email", A), {"email": B} if refusals else {}))

    created = person("n0-0001", *has)
    assert people.people == {created.cio_id: created}
    assert (result.effect, result.person, result.before) == (Effect.CREATED, created, None)
    assert refused(result) == (refusals or {})


def test_f_id_that_is_another_email_is_rejected() -> None:
    people = working_set(E2)

    result = run_identify(E2, people, command(reference_by("id", A), {"email": B}))

    assert reason_of(result) == (Effect.REJECTED, refusal_reasons.NEW_ID_IS_AN_EMAIL)
    assert (result.field, result.value) == ("identifiers.id", A)
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
