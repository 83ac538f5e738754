"""The second table of identity-rules §4: what happens to each identifier; and the last **D** of identity-rules §3."""

from dataclasses import replace

import pytest

from tests.identity.builders import COLUMNS, E1, E2, I0, by, call, person, population, refused, run
from workspace_operator.identity import reasons
from workspace_operator.identity.outcomes import Effect, Refusal
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Changes, Ownership
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import Kind

A, B = "a@x.org", "b@x.org"


@pytest.mark.parametrize("column", ["E2", "E1", "EmailOnly"])
@pytest.mark.parametrize("reference", [by("id", "1"), by("email", A), by("cio_id", "p")])
def test_1_display_form_is_taken_over(column: str, reference: Reference) -> None:
    people = population(COLUMNS[column], person("p", "1", A))

    outcome = run(COLUMNS[column], people, call(reference, {"email": " A@X.org"}))

    assert (outcome.effect, outcome.refusals) == (Effect.UPDATED, ())
    assert people.people["p"] == person("p", "1", " A@X.org")
    assert people.changes().identifiers_added == ()


def test_1_display_form_of_reference_is_not() -> None:
    people = population(E2, person("p", "1", A))

    outcome = run(E2, people, call(by("email", "A@X.org")))

    assert (outcome.effect, people.people["p"].email) == (Effect.UNCHANGED, A)


@pytest.mark.parametrize(
    ("has", "body"),
    [
        (("1", A), {"id": "1", "email": A}),
        (("1", None), {"email": None}),
        ((None, A), {"id": None}),
        (("1", None), {"id": "1", "email": None}),
    ],
)
def test_1_equal_values_are_no_change(has: tuple[str | None, str | None], body: dict[str, str | None]) -> None:
    people = population(E1, person("p", *has))

    outcome = run(E1, people, call(by("cio_id", "p"), body))

    assert (outcome.effect, outcome.refusals) == (Effect.UNCHANGED, ())
    assert people.changes() == Changes()


@pytest.mark.parametrize(
    ("body", "refusals"),
    [
        ({"email": "Blocked@x.org"}, {"email": reasons.SUPPRESSED}),
        ({"email": "nobody"}, {"email": reasons.INVALID_EMAIL}),
        ({"email": f"{'a' * 250}@x.org"}, {"email": reasons.INVALID_EMAIL}),
        ({"id": "blocked"}, {"id": reasons.SUPPRESSED}),
    ],
)
@pytest.mark.parametrize("has", [("1", A), ("1", None), (None, A)])
def test_2_suppressed_and_invalid_are_refused(
    has: tuple[str | None, str | None], body: dict[str, str], refusals: dict[str, str]
) -> None:
    people = population(E2, person("p", *has), blocked=[("id", "blocked"), ("email", "blocked@x.org")])

    outcome = run(E2, people, call(by("cio_id", "p"), body, plan="pro"))

    assert refused(outcome) == refusals
    assert people.people["p"] == person("p", *has, plan="pro")


def test_2_refusal_shows_what_was_sent() -> None:
    people = population(E2, person("p", "1"))

    outcome = run(E2, people, call(by("id", "1"), {"email": "Nobody"}))

    assert outcome.refusals == (Refusal(kind=Kind.EMAIL, value="Nobody", reason=reasons.INVALID_EMAIL),)


def test_3_change_frees_the_old_value() -> None:
    people = population(E2, person("p", "1", A))

    run(E2, people, call(by("id", "1"), {"email": B}))
    outcome = run(E2, people, call(by("email", A)))

    assert outcome.effect is Effect.CREATED
    assert people.changes().identifiers_removed == (Ownership(kind=Kind.EMAIL, key=A, cio_id="p"),)


@pytest.mark.parametrize(
    ("column", "reference", "body", "kind"),
    [
        ("E2", by("id", "1"), {"email": B}, "email"),
        ("E1", by("email", A), {"id": "2"}, "id"),
        ("E2", by("id", "1"), {"id": "2"}, "id"),
        ("E2", by("email", A), {"email": B}, "email"),
        ("E2", by("cio_id", "p"), {"email": B}, "email"),
        ("E1", by("cio_id", "p"), {"id": "2"}, "id"),
        ("I1", by("cio_id", "p"), {"id": "2"}, "id"),
        ("I0", by("id", "1"), {"id": "2"}, "id"),
        ("EmailOnly", by("cio_id", "p"), {"email": B}, "email"),
        ("EmailOnly", by("email", A), {"id": "2"}, "id"),
    ],
)
def test_45_what_others_have_is_refused(column: str, reference: Reference, body: dict[str, str], kind: str) -> None:
    people = population(COLUMNS[column], person("p", "1", A), person("q", "2", B))

    outcome = run(COLUMNS[column], people, call(reference, body, plan="pro"))

    assert refused(outcome) == {kind: "The identifier is already associated with a different profile."}
    assert people.people == {"p": person("p", "1", A, plan="pro"), "q": person("q", "2", B)}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("cio_id", ["p", "cio_p"])
def test_6_own_cio_id_is_no_change(column: str, cio_id: str) -> None:
    people = population(COLUMNS[column], person("p", "1", A))

    assert run(COLUMNS[column], people, call(by("id", "1"), {"cio_id": cio_id})).effect is Effect.UNCHANGED


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("cio_id", ["q", "cio_q", "nobody", "cio_cio_p", None])
def test_6_other_cio_id_is_refused(column: str, cio_id: str | None) -> None:
    people = population(COLUMNS[column], person("p", "1", A), person("q", "2", B))

    outcome = run(COLUMNS[column], people, call(by("id", "1"), {"cio_id": cio_id}, plan="pro"))

    assert outcome.refusals == (Refusal(kind=Kind.CIO_ID, value=cio_id, reason=reasons.CIO_ID_IS_FIXED),)
    assert people.people["p"] == person("p", "1", A, plan="pro")


@pytest.mark.parametrize(
    ("has", "body", "becomes", "refusals"),
    [
        (("1", A), {"id": A}, (A, A), {}),
        (("1", A), {"id": "A@x.org"}, ("A@x.org", A), {}),
        (("1", A), {"id": B}, ("1", A), {"id": reasons.ID_IS_ANOTHER_EMAIL}),
        (("1", None), {"id": B}, ("1", None), {"id": reasons.ID_IS_ANOTHER_EMAIL}),
        (("1", A), {"id": B, "email": B}, (B, B), {}),
        (("1", A), {"id": B, "email": None}, ("1", None), {"id": reasons.ID_IS_ANOTHER_EMAIL}),
        (
            ("1", A),
            {"id": B, "email": "no"},
            ("1", A),
            {"email": reasons.INVALID_EMAIL, "id": reasons.ID_IS_ANOTHER_EMAIL},
        ),
        ((A, A), {"email": "A@X.org"}, (A, "A@X.org"), {}),
        ((A, A), {"email": B}, (A, A), {"email": reasons.EMAIL_IS_THE_ID}),
        ((A, A), {"email": None}, (A, A), {"email": reasons.EMAIL_IS_THE_ID}),
        ((A, A), {"id": "1"}, ("1", A), {}),
        ((A, A), {"id": None}, (None, A), {}),
        (("a@b", A), {"email": B}, ("a@b", B), {}),
        (("a@b", None), {"email": B}, ("a@b", B), {}),
        ((A, B), {"email": "c@x.org"}, (A, "c@x.org"), {}),
    ],
)
def test_id_stays_the_own_email(
    has: tuple[str, str | None], body: dict[str, str | None], becomes: tuple[str, str], refusals: dict[str, str]
) -> None:
    people = population(E2, person("p", *has))

    outcome = run(E2, people, call(by("cio_id", "p"), body))

    assert people.people["p"] == person("p", *becomes)
    assert refused(outcome) == refusals


def test_refused_email_brings_no_id() -> None:
    people = population(E2, person("p", "1", A), blocked=[("email", B)])

    outcome = run(E2, people, call(by("cio_id", "p"), {"id": B, "email": B}))

    assert refused(outcome) == {"email": reasons.SUPPRESSED, "id": reasons.ID_IS_ANOTHER_EMAIL}


def test_id_may_be_any_email_in_id_only() -> None:
    people = population(COLUMNS["I1"], person("p", "1", A))

    outcome = run(COLUMNS["I1"], people, call(by("cio_id", "p"), {"id": B, "email": "c@x.org"}))

    assert (people.people["p"], outcome.refusals) == (person("p", B, "c@x.org"), ())


@pytest.mark.parametrize(
    ("has", "body", "becomes"),
    [
        ((None, A), {"email": None, "id": "1"}, ("1", None)),
        (("1", None), {"id": None, "email": B}, (None, B)),
    ],
)
def test_deletions_come_after_both(
    has: tuple[str | None, str | None], body: dict[str, str | None], becomes: tuple[str | None, str | None]
) -> None:
    people = population(E2, person("p", *has))

    outcome = run(E2, people, call(by("cio_id", "p"), body))

    assert (people.people["p"], outcome.refusals) == (person("p", *becomes), ())


@pytest.mark.parametrize("names", [("id", "email", "cio_id"), ("cio_id", "email", "id")])
def test_order_of_body_is_no_matter(names: tuple[str, ...]) -> None:
    values = {"id": "2", "email": "nobody", "cio_id": "q"}
    people = population(E2, person("p", "1", A))

    outcome = run(E2, people, call(by("id", "1"), {name: values[name] for name in names}))

    assert [one.kind for one in outcome.refusals] == [Kind.EMAIL, Kind.ID, Kind.CIO_ID]


def with_attributes(size: int) -> Person:
    return replace(person("p", "1"), attributes={f"n{number}": "x" for number in range(size)})


def test_attributes_stop_at_their_limit() -> None:
    people = population(I0, with_attributes(300))

    outcome = run(I0, people, call(by("id", "1"), {"email": A}, more="x"))

    assert (outcome.effect, outcome.reason) == (Effect.REJECTED, reasons.TOO_MANY_ATTRIBUTES)
    assert people.changes() == Changes()


def test_last_attribute_still_fits() -> None:
    people = population(I0, with_attributes(299))

    outcome = run(I0, people, call(by("id", "1"), more="x"))

    assert (outcome.effect, len(people.people["p"].attributes)) == (Effect.UPDATED, 300)


def test_new_person_keeps_the_limit() -> None:
    people = population(I0)

    outcome = run(I0, people, replace(call(by("id", "1")), attributes=with_attributes(301).attributes))

    assert (outcome.effect, people.people) == (Effect.REJECTED, {})


@pytest.mark.parametrize("attributes", [{"n0": "y"}, {"n0": None, "more": "x"}])
def test_too_many_may_be_rewritten(attributes: dict[str, str | None]) -> None:
    people = population(I0, with_attributes(310))

    outcome = run(I0, people, replace(call(by("id", "1")), attributes=attributes))

    assert (outcome.effect, len(people.people["p"].attributes)) == (Effect.UPDATED, 310)


def test_age_follows_the_attribute() -> None:
    people = population(I0, person("p", "1", stored_at=500))

    run(I0, people, call(by("id", "1"), created_at="1970-01-01T00:02:03"))

    assert (people.people["p"].created_at, people.people["p"].stored_at) == (123, 500)
