"""Deleting, suppressing and unsuppressing, identity-rules §6."""

import pytest

from tests.identity.builders import COLUMNS, E2, I0, NOW, by, call, person, population, run
from workspace_operator.identity import reasons
from workspace_operator.identity.outcomes import Effect
from workspace_operator.identity.population import Changes, Population, Suppression
from workspace_operator.identity.references import Reference
from workspace_operator.identity.removals import delete, suppress, unsuppress
from workspace_operator.identity.rules import Kind

A, B = "a@x.org", "b@x.org"

NAMES = [
    *[(column, by("id", "1")) for column in COLUMNS],
    *[(column, by("cio_id", "cio_p")) for column in COLUMNS],
    *[(column, by("email", "A@X.org")) for column in ("E2", "E1", "EmailOnly")],
]


def blocked(people: Population) -> set[tuple[str, str]]:
    return {(kind.value, key) for kind, key in people.blocked}


@pytest.mark.parametrize(("column", "reference"), NAMES)
def test_deleted_person_is_gone(column: str, reference: Reference) -> None:
    before = person("p", "1", A)
    people = population(COLUMNS[column], before, person("q", "2", B))

    outcome = delete(people, reference, now=NOW)

    assert (outcome.effect, outcome.person, outcome.before) == (Effect.DELETED, before, before)
    assert (set(people.people), set(people.owners.values()), blocked(people)) == ({"q"}, {"q"}, set())


def test_deleted_identifiers_make_a_new_person() -> None:
    people = population(E2, person("p", "1", A, plan="pro"))

    delete(people, by("id", "1"), now=NOW)
    outcome = run(E2, people, call(by("id", "1"), {"email": A}))

    assert (outcome.effect, set(people.people)) == (Effect.CREATED, {"n0-0001"})


@pytest.mark.parametrize(
    ("column", "reference", "reason"),
    [
        ("E2", by("id", "2"), reasons.UNKNOWN),
        ("E2", by("email", B), reasons.UNKNOWN),
        ("E2", by("cio_id", "q"), reasons.UNKNOWN_CIO_ID),
        ("I0", by("email", A), reasons.UNKNOWN),
    ],
)
def test_deleting_nobody_is_ignored(column: str, reference: Reference, reason: str) -> None:
    people = population(COLUMNS[column], person("p", "1", A))

    outcome = delete(people, reference, now=NOW)

    assert (outcome.effect, outcome.reason) == (Effect.IGNORED, reason)
    assert people.changes() == Changes()


@pytest.mark.parametrize(("column", "reference"), NAMES)
def test_suppressed_person_is_gone_and_blocked(column: str, reference: Reference) -> None:
    before = person("p", "1", A)
    people = population(COLUMNS[column], before, person("q", "2", B))

    outcome = suppress(people, reference, suppression_id="s", now=NOW)

    assert (outcome.effect, outcome.person, outcome.before) == (Effect.SUPPRESSED, before, before)
    assert (set(people.people), blocked(people)) == ({"q"}, {("id", "1"), ("email", A)})
    assert set(people.changes().suppressions_added) == {
        Suppression(kind=Kind.ID, key="1", suppression_id="s"),
        Suppression(kind=Kind.EMAIL, key=A, suppression_id="s"),
    }


@pytest.mark.parametrize(
    ("id_", "email", "values"),
    [
        ("1", None, {("id", "1")}),
        (None, A, {("email", A)}),
        ("1", "nobody", {("id", "1")}),
        (None, None, set()),
    ],
)
def test_only_what_there_is_is_blocked(id_: str | None, email: str | None, values: set[tuple[str, str]]) -> None:
    people = population(I0, person("p", id_, email))

    suppress(people, by("cio_id", "p"), suppression_id="s", now=NOW)

    assert (people.people, blocked(people)) == ({}, values)


@pytest.mark.parametrize(
    ("column", "reference", "value"),
    [
        ("E2", by("id", "2"), ("id", "2")),
        ("E2", by("email", "B@x.org"), ("email", B)),
        ("EmailOnly", by("id", "2"), ("id", "2")),
        ("I0", by("email", B), ("email", B)),
    ],
)
def test_unknown_value_is_blocked_by_itself(column: str, reference: Reference, value: tuple[str, str]) -> None:
    people = population(COLUMNS[column], person("p", "1", A))

    outcome = suppress(people, reference, suppression_id="s", now=NOW)

    assert (outcome.effect, outcome.person, blocked(people)) == (Effect.SUPPRESSED, None, {value})
    assert set(people.people) == {"p"}


@pytest.mark.parametrize("column", ["I0", "I1"])
def test_plain_address_is_blocked_without_its_people(column: str) -> None:
    people = population(COLUMNS[column], person("p", "1", A), person("q", "2", A))

    suppress(people, by("email", A), suppression_id="s", now=NOW)
    outcome = run(COLUMNS[column], people, call(by("id", "1"), {"email": A}, plan="pro"))

    assert (outcome.effect, outcome.refusals) == (Effect.UPDATED, ())
    assert (set(people.people), blocked(people)) == ({"p", "q"}, {("email", A)})


def test_suppressing_unknown_cio_id_is_ignored() -> None:
    people = population(E2, person("p", "1", A))

    outcome = suppress(people, by("cio_id", "q"), suppression_id="s", now=NOW)

    assert (outcome.effect, outcome.reason) == (Effect.IGNORED, reasons.UNKNOWN_CIO_ID)
    assert people.changes() == Changes()


def test_suppressing_twice_changes_nothing() -> None:
    people = population(E2, blocked=[("email", A)])

    outcome = suppress(people, by("email", A), suppression_id="s", now=NOW)

    assert (outcome.effect, outcome.reason) == (Effect.UNCHANGED, reasons.ALREADY_SUPPRESSED)
    assert people.changes() == Changes()


@pytest.mark.parametrize("reference", [by("id", "1"), by("email", A)])
def test_what_was_suppressed_together_is_freed_together(reference: Reference) -> None:
    people = population(E2, person("p", "1", A), blocked=[("email", B)])
    suppress(people, by("id", "1"), suppression_id="s", now=NOW)

    outcome = unsuppress(people, reference)

    assert (outcome.effect, outcome.person) == (Effect.UNSUPPRESSED, None)
    assert (people.people, blocked(people)) == ({}, {("email", B)})


def two_suppressions_of_one_address() -> Population:
    people = population(I0, person("p", "1", A), person("q", "2", A))
    suppress(people, by("id", "1"), suppression_id="s1", now=NOW)
    suppress(people, by("id", "2"), suppression_id="s2", now=NOW)
    people.settle()
    return people


def test_every_suppression_of_a_value_ends() -> None:
    people = two_suppressions_of_one_address()

    unsuppress(people, by("email", A))

    assert blocked(people) == set()
    assert len(people.changes().suppressions_removed) == 4


def test_value_stays_blocked_while_held() -> None:
    people = two_suppressions_of_one_address()

    unsuppress(people, by("id", "1"))

    assert blocked(people) == {("id", "2"), ("email", A)}


@pytest.mark.parametrize("reference", [by("id", "1"), by("email", B), by("cio_id", "p")])
def test_unsuppressing_the_free_changes_nothing(reference: Reference) -> None:
    people = population(E2, person("p", "1", B), blocked=[("email", A)])

    outcome = unsuppress(people, reference)

    assert (outcome.effect, outcome.reason) == (Effect.UNCHANGED, reasons.NOT_SUPPRESSED)
    assert people.changes() == Changes()


def test_unsuppressed_value_makes_a_new_person() -> None:
    people = population(E2, person("p", "1", A))
    suppress(people, by("id", "1"), suppression_id="s", now=NOW)

    unsuppress(people, by("email", A))
    outcome = run(E2, people, call(by("id", "1")))

    assert (outcome.effect, outcome.person) == (Effect.CREATED, people.people["n0-0001"])
