"""The first table of identity-rules §4: whom a call concerns."""

import pytest

from tests.identity.builders import COLUMNS, E1, E2, EMAIL_ONLY, I0, NOW, by, call, person, population, refused, run
from workspace_operator.identity import reasons
from workspace_operator.identity.calls import identify_call
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.population import Changes, Population
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import IdentityRules
from workspace_operator.identity.trail import ActivityType, Noted

A, B = "a@x.org", "b@x.org"


def reason_of(outcome: Outcome) -> tuple[Effect, str]:
    return (outcome.effect, outcome.reason)


def untouched(people: Population) -> bool:
    return people.changes() == Changes()


def test_a_email_names_nobody_in_id_only() -> None:
    people = population(I0, person("p", "1", A))

    outcome = run(I0, people, call(by("email", A), plan="pro"))

    assert reason_of(outcome) == (Effect.REJECTED, reasons.NO_IDENTIFIER_HERE)
    assert untouched(people)


@pytest.mark.parametrize(
    ("column", "blocked", "reference"),
    [
        ("E2", ("id", "1"), by("id", "1")),
        ("E2", ("email", A), by("email", "A@x.org")),
        ("I0", ("id", "1"), by("id", "1")),
        ("EmailOnly", ("email", A), by("email", A)),
        ("EmailOnly", ("id", "g"), by("id", "g")),
    ],
)
def test_b_suppressed_reference_is_ignored(column: str, blocked: tuple[str, str], reference: Reference) -> None:
    people = population(COLUMNS[column], blocked=[blocked])

    outcome = run(COLUMNS[column], people, call(reference, plan="pro"))

    assert reason_of(outcome) == (Effect.IGNORED, reasons.SUPPRESSED)
    assert untouched(people)


def test_b_suppressed_reference_never_reaches_others() -> None:
    people = population(E2, person("q", None, A), blocked=[("id", "1")])

    outcome = run(E2, people, call(by("id", "1"), {"email": A}, plan="pro"))

    assert reason_of(outcome) == (Effect.IGNORED, reasons.SUPPRESSED)
    assert untouched(people)


@pytest.mark.parametrize("column", ["E2", "I0"])
def test_b_blocked_address_blocks_no_id(column: str) -> None:
    people = population(COLUMNS[column], blocked=[("email", "1@x")])

    assert run(COLUMNS[column], people, call(by("id", "1@x"))).effect is Effect.CREATED


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("update_only", [True, False])
def test_b_unknown_cio_id_is_ignored(column: str, update_only: bool) -> None:
    people = population(COLUMNS[column], person("p", "1", A))

    outcome = run(COLUMNS[column], people, call(by("cio_id", "q"), {"email": A}, update_only=update_only))

    assert reason_of(outcome) == (Effect.IGNORED, reasons.UNKNOWN_CIO_ID)
    assert untouched(people)


@pytest.mark.parametrize(
    ("column", "reference"),
    [
        *[(column, by("id", "1")) for column in COLUMNS],
        *[(column, by("cio_id", "cio_p")) for column in COLUMNS],
        *[(column, by("email", "A@X.org")) for column in ("E2", "E1", "EmailOnly")],
    ],
)
@pytest.mark.parametrize("update_only", [True, False])
def test_c_reference_matches(column: str, reference: Reference, update_only: bool) -> None:
    before = person("p", "1", A, plan="free")
    people = population(COLUMNS[column], before, person("q", "2", B))

    outcome = run(COLUMNS[column], people, call(reference, plan="pro", update_only=update_only))

    assert (outcome.effect, outcome.before) == (Effect.UPDATED, before)
    assert outcome.person == people.people["p"] == person("p", "1", A, plan="pro")


@pytest.mark.parametrize("column", COLUMNS)
def test_c_same_values_change_nothing(column: str) -> None:
    people = population(COLUMNS[column], person("p", "1", A, plan="pro"))

    outcome = run(COLUMNS[column], people, call(by("id", "1"), {"email": A}, plan="pro", note=None))

    assert (outcome.effect, outcome.person) == (Effect.UNCHANGED, people.people["p"])
    assert untouched(people)


def test_c_ids_differ_by_case() -> None:
    people = population(E2, person("p", "ab100"))

    outcome = run(E2, people, call(by("id", "AB100")))

    assert (outcome.effect, len(people.people)) == (Effect.CREATED, 2)


@pytest.mark.parametrize(
    ("column", "has", "reference", "body", "becomes", "refusals"),
    [
        ("E2", (None, A), by("id", "1"), {"email": A}, ("1", A), {}),
        ("E1", (None, A), by("id", "1"), {"email": A}, ("1", A), {}),
        ("E2", (None, A), by("id", "1"), {"email": "A@X.org"}, ("1", "A@X.org"), {}),
        ("E2", ("9", A), by("id", "1"), {"email": A}, ("9", A), {"id": reasons.ID_BY_CIO_ID}),
        ("E2", ("1", A), by("email", B), {"id": "1"}, ("1", B), {}),
        ("E1", ("1", A), by("email", B), {"id": "1"}, ("1", A), {"email": reasons.EMAIL_BY_CIO_ID}),
        ("E1", ("1", None), by("email", B), {"id": "1"}, ("1", B), {}),
        ("EmailOnly", ("g", A), by("email", B), {"id": "g"}, ("g", A), {"email": reasons.EMAIL_BY_CIO_ID}),
        ("EmailOnly", ("g", A), by("id", "1"), {"email": A}, ("g", A), {"id": reasons.ID_IS_GENERATED}),
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
    people = population(COLUMNS[column], person("p", *has))

    outcome = run(COLUMNS[column], people, call(reference, body, plan="pro", update_only=update_only))

    assert people.people == {"p": person("p", *becomes, plan="pro")}
    assert (outcome.effect, refused(outcome)) == (Effect.UPDATED, refusals)


@pytest.mark.parametrize(
    ("has", "reference", "body"),
    [
        ((None, A), by("id", "1"), {"email": A, "id": "2"}),
        ((None, A), by("id", "1"), {"email": A, "id": None}),
        (("7", None), by("email", B), {"id": "7", "email": "c@x.org"}),
        (("7", None), by("email", B), {"id": "7", "email": "nobody"}),
        (("7", None), by("email", B), {"id": "7", "email": None}),
    ],
)
def test_d_two_values_are_both_refused(
    has: tuple[str | None, str | None], reference: Reference, body: dict[str, str | None]
) -> None:
    people = population(E2, person("p", *has))

    outcome = run(E2, people, call(reference, body, plan="pro"))

    values = [(one.kind, one.value, one.reason) for one in outcome.refusals]
    assert values == [(reference.kind, value, reasons.TWO_VALUES) for value in (reference.value, body[reference.kind])]
    assert people.people["p"] == person("p", *has, plan="pro")


def test_d_same_value_twice_is_one() -> None:
    people = population(E2, person("p", "7"))

    outcome = run(E2, people, call(by("email", "b@X.ORG"), {"id": "7", "email": "B@x.org"}))

    assert (people.people["p"].email, outcome.refusals) == ("B@x.org", ())


def test_d_plain_email_never_matches() -> None:
    people = population(I0, person("p", "1", A))

    outcome = run(I0, people, call(by("id", "2"), {"email": A}))

    assert (outcome.effect, len(people.people)) == (Effect.CREATED, 2)


@pytest.mark.parametrize(
    ("column", "reference", "body"),
    [
        ("E2", by("id", "2"), {"email": B}),
        ("E2", by("email", B), {"id": "2"}),
        ("I0", by("id", "2"), {"email": A}),
        ("EmailOnly", by("email", B), {}),
        ("EmailOnly", by("id", "2"), {}),
    ],
)
def test_e_update_only_creates_nobody(column: str, reference: Reference, body: dict[str, str]) -> None:
    people = population(COLUMNS[column], person("p", "1", A))

    outcome = run(COLUMNS[column], people, call(reference, body, update_only=True))

    skipped = Noted(type=ActivityType.SKIPPED_UPDATE, cio_id=None, at=NOW, data={reference.kind.value: reference.value})
    assert reason_of(outcome) == (Effect.SKIPPED, reasons.ONLY_UPDATES)
    assert people.changes() == Changes(trail=(skipped,))


NEW = "n0-0001"


@pytest.mark.parametrize(
    ("column", "reference", "body", "has", "refusals"),
    [
        ("E2", by("id", "1"), {}, ("1", None), {}),
        ("E2", by("id", "1"), {"email": "A@x.org"}, ("1", "A@x.org"), {}),
        ("E1", by("id", "1"), {"email": A}, ("1", A), {}),
        ("E1", by("email", "A@x.org"), {}, (None, "A@x.org"), {}),
        ("E2", by("email", A), {"email": "A@X.org"}, (None, "A@X.org"), {}),
        ("E2", by("email", A), {"id": "1"}, ("1", A), {}),
        ("E2", by("email", A), {"email": B}, (None, A), {"email": reasons.EMAIL_BY_ID_OR_CIO_ID}),
        ("E2", by("id", "1"), {"id": "2"}, ("1", None), {"id": reasons.ID_BY_CIO_ID}),
        ("E2", by("id", "1"), {"email": "nobody"}, ("1", None), {"email": reasons.INVALID_EMAIL}),
        ("E2", by("id", "1"), {"email": "blocked@x.org"}, ("1", None), {"email": reasons.SUPPRESSED}),
        ("E2", by("email", A), {"id": "blocked"}, (None, A), {"id": reasons.SUPPRESSED}),
        ("E2", by("email", A), {"id": B}, (None, A), {"id": reasons.ID_IS_ANOTHER_EMAIL}),
        ("E2", by("email", A), {"id": "A@x.org"}, ("A@x.org", A), {}),
        ("E2", by("id", A), {"email": A}, (A, A), {}),
        ("E2", by("id", "1"), {"email": None}, ("1", None), {}),
        ("E2", by("id", "1"), {"cio_id": "x"}, ("1", None), {"cio_id": reasons.CIO_ID_IS_FIXED}),
        ("I0", by("id", "1"), {"email": "nobody"}, ("1", "nobody"), {}),
        ("I0", by("id", A), {"email": None}, (A, None), {}),
        ("I1", by("id", "1"), {"id": "2"}, ("1", None), {"id": reasons.ID_BY_CIO_ID}),
        ("EmailOnly", by("email", A), {}, (NEW, A), {}),
        ("EmailOnly", by("email", A), {"id": "1"}, (NEW, A), {"id": reasons.ID_IS_GENERATED}),
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
    people = population(COLUMNS[column], blocked=[("email", "blocked@x.org"), ("id", "blocked")])

    outcome = run(COLUMNS[column], people, call(reference, body, by_import=by_import, plan="pro"))

    assert people.people == {NEW: person(NEW, *has, plan="pro")}
    assert (outcome.effect, outcome.person, outcome.before) == (Effect.CREATED, people.people[NEW], None)
    assert set(refused(outcome)) == set(refusals)
    assert by_import or refused(outcome) == refusals


def test_f_unknown_generated_id_is_ignored() -> None:
    people = population(EMAIL_ONLY, person("p", "g", A))

    outcome = run(EMAIL_ONLY, people, call(by("id", "1"), {"email": B}))

    assert reason_of(outcome) == (Effect.IGNORED, reasons.UNKNOWN_GENERATED_ID)
    assert untouched(people)


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
    people = population(E2, blocked=[("email", "blocked@x.org")])

    outcome = run(E2, people, call(by("id", id_), body))

    assert reason_of(outcome) == (Effect.REJECTED, reasons.NOBODY_S_ADDRESS)
    assert (outcome.field, outcome.value) == ("identifiers.id", id_)
    assert untouched(people)


@pytest.mark.parametrize(
    ("column", "reference", "body"),
    [
        ("E2", by("id", "1"), {"email": B}),
        ("E2", by("email", A), {"id": "2"}),
        ("E1", by("cio_id", "p"), {"email": B}),
        ("E1", by("cio_id", "p"), {"id": "2"}),
        ("I1", by("cio_id", "p"), {"id": "2"}),
        ("I0", by("id", "1"), {"cio_id": "cio_q"}),
        ("EmailOnly", by("email", A), {"cio_id": "q"}),
        ("E2", by("id", "new"), {"email": A, "cio_id": "q"}),
    ],
)
@pytest.mark.parametrize("update_only", [True, False])
def test_import_row_of_two_people_is_rejected(
    column: str, reference: Reference, body: dict[str, str], update_only: bool
) -> None:
    people = population(COLUMNS[column], person("p", "1", A), person("q", "2", B))

    outcome = run(COLUMNS[column], people, call(reference, body, by_import=True, update_only=update_only, plan="x"))

    assert reason_of(outcome) == (Effect.REJECTED, reasons.TWO_PEOPLE)
    assert untouched(people)


def test_import_never_merges() -> None:
    people = population(E2, person("p", "1"), person("q", None, A))

    outcome = run(E2, people, call(by("id", "1"), {"email": A}, by_import=True))

    assert reason_of(outcome) == (Effect.REJECTED, reasons.TWO_PEOPLE)


@pytest.mark.parametrize("body", [{"email": "A@x.org"}, {"cio_id": "cio_p"}, {"id": "1"}, {"cio_id": "nobody"}])
def test_import_row_of_one_person_is_taken(body: dict[str, str]) -> None:
    people = population(E1, person("p", "1", A), person("q", "2", B))

    outcome = run(E1, people, call(by("id", "1"), body, by_import=True, plan="pro"))

    assert (outcome.effect, people.people["p"].attributes) == (Effect.UPDATED, {"plan": "pro"})


@pytest.mark.parametrize(
    ("rules", "effect"), [(E2, Effect.REJECTED), (EMAIL_ONLY, Effect.REJECTED), (I0, Effect.CREATED)]
)
def test_email_of_another_type_is_taken_where_it_is_an_attribute(rules: IdentityRules, effect: Effect) -> None:
    people = population(rules)

    outcome = run(rules, people, identify_call(by("id", "1"), {"email": True}))

    assert outcome.effect is effect
    if effect is Effect.REJECTED:
        assert outcome.sentence == "email true is neither text nor a number: send an email address as text."
        assert untouched(people)
    else:
        assert [each.email for each in people.people.values()] == ["true"]


def test_reason_about_the_whole_call_is_a_sentence_by_itself() -> None:
    outcome = run(I0, population(I0), call(by("email", A)))

    assert outcome.sentence == outcome.reason == reasons.NO_IDENTIFIER_HERE
