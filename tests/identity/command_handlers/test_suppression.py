"""Deleting, suppressing and unsuppressing, identity-rules §6."""

import pytest

from tests.identity.builders import COLUMNS, E2, I0, NOW, command, person, reference_by, run_identify, working_set
from workspace_operator.identity.command_handlers.suppression import delete, suppress, unsuppress
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.model.working_set import ChangeSet, Suppression, WorkingSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import IdentifierKind

A, B = "a@x.org", "b@x.org"

NAMES = [reference_by("id", "1"), reference_by("cio_id", "cio_p"), reference_by("email", "A@X.org")]


def blocked(people: WorkingSet) -> set[tuple[str, str]]:
    return {(kind.value, key) for kind, key in people.suppressed}


@pytest.mark.parametrize("reference", NAMES)
def test_deleted_person_is_gone(reference: Reference) -> None:
    before = person("p", "1", A)
    people = working_set(E2, before, person("q", "2", B))

    result = delete(people, reference, now=NOW)

    assert (result.effect, result.person, result.before) == (Effect.DELETED, before, before)
    assert (set(people.people), set(people.owners.values()), blocked(people)) == ({"q"}, {"q"}, set())


@pytest.mark.parametrize(
    ("column", "reference", "reason"),
    [
        ("E2", reference_by("id", "2"), refusal_reasons.UNKNOWN_IDENTIFIER),
        ("E2", reference_by("email", B), refusal_reasons.UNKNOWN_IDENTIFIER),
        ("E2", reference_by("cio_id", "q"), refusal_reasons.UNKNOWN_CIO_ID),
        ("I0", reference_by("email", A), refusal_reasons.UNKNOWN_IDENTIFIER),
    ],
)
def test_deleting_nobody_is_ignored(column: str, reference: Reference, reason: str) -> None:
    people = working_set(COLUMNS[column], person("p", "1", A))

    result = delete(people, reference, now=NOW)

    assert (result.effect, result.reason) == (Effect.IGNORED, reason)
    assert people.changes() == ChangeSet()


@pytest.mark.parametrize("reference", NAMES)
def test_suppressed_person_is_gone_and_blocked(reference: Reference) -> None:
    before = person("p", "1", A)
    people = working_set(E2, before, person("q", "2", B))

    result = suppress(people, reference, suppression_id="s", now=NOW)

    assert (result.effect, result.person, result.before) == (Effect.SUPPRESSED, before, before)
    assert (set(people.people), blocked(people)) == ({"q"}, {("id", "1"), ("email", A)})
    assert set(people.changes().suppressions_added) == {
        Suppression(kind=IdentifierKind.ID, key="1", suppression_id="s"),
        Suppression(kind=IdentifierKind.EMAIL, key=A, suppression_id="s"),
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
    people = working_set(I0, person("p", id_, email))

    suppress(people, reference_by("cio_id", "p"), suppression_id="s", now=NOW)

    assert (people.people, blocked(people)) == ({}, values)


@pytest.mark.parametrize(
    ("column", "reference", "value"),
    [
        ("E2", reference_by("id", "2"), ("id", "2")),
        ("E2", reference_by("email", "B@x.org"), ("email", B)),
        ("EmailOnly", reference_by("id", "2"), ("id", "2")),
        ("I0", reference_by("email", B), ("email", B)),
    ],
)
def test_unknown_value_is_blocked_by_itself(column: str, reference: Reference, value: tuple[str, str]) -> None:
    people = working_set(COLUMNS[column], person("p", "1", A))

    result = suppress(people, reference, suppression_id="s", now=NOW)

    assert (result.effect, result.person, blocked(people)) == (Effect.SUPPRESSED, None, {value})
    assert set(people.people) == {"p"}


@pytest.mark.parametrize("column", ["I0", "I1"])
def test_plain_address_is_blocked_without_its_people(column: str) -> None:
    people = working_set(COLUMNS[column], person("p", "1", A), person("q", "2", A))

    suppress(people, reference_by("email", A), suppression_id="s", now=NOW)
    result = run_identify(COLUMNS[column], people, command(reference_by("id", "1"), {"email": A}, plan="pro"))

    assert (result.effect, result.refusals) == (Effect.UPDATED, ())
    assert (set(people.people), blocked(people)) == ({"p", "q"}, {("email", A)})


def test_suppressing_twice_changes_nothing() -> None:
    people = working_set(E2, suppressed=[("email", A)])

    result = suppress(people, reference_by("email", A), suppression_id="s", now=NOW)

    assert (result.effect, result.reason) == (Effect.UNCHANGED, refusal_reasons.ALREADY_SUPPRESSED)
    assert people.changes() == ChangeSet()


@pytest.mark.parametrize("reference", [reference_by("id", "1"), reference_by("email", A)])
def test_what_was_suppressed_together_is_freed_together(reference: Reference) -> None:
    people = working_set(E2, person("p", "1", A), suppressed=[("email", B)])
    suppress(people, reference_by("id", "1"), suppression_id="s", now=NOW)

    result = unsuppress(people, reference)

    assert (result.effect, result.person) == (Effect.UNSUPPRESSED, None)
    assert (people.people, blocked(people)) == ({}, {("email", B)})


def two_suppressions_of_one_address() -> WorkingSet:
    people = working_set(I0, person("p", "1", A), person("q", "2", A))
    suppress(people, reference_by("id", "1"), suppression_id="s1", now=NOW)
    suppress(people, reference_by("id", "2"), suppression_id="s2", now=NOW)
    people.mark_clean()
    return people


def test_every_suppression_of_a_value_ends() -> None:
    people = two_suppressions_of_one_address()

    unsuppress(people, reference_by("email", A))

    assert blocked(people) == set()
    assert len(people.changes().suppressions_removed) == 4


def test_value_stays_blocked_while_held() -> None:
    people = two_suppressions_of_one_address()

    unsuppress(people, reference_by("id", "1"))

    assert blocked(people) == {("id", "2"), ("email", A)}


@pytest.mark.parametrize("reference", [reference_by("id", "1"), reference_by("email", B), reference_by("cio_id", "p")])
def test_unsuppressing_the_free_changes_nothing(reference: Reference) -> None:
    people = working_set(E2, person("p", "1", B), suppressed=[("email", A)])

    result = unsuppress(people, reference)

    assert (result.effect, result.reason) == (Effect.UNCHANGED, refusal_reasons.NOT_SUPPRESSED)
    assert people.changes() == ChangeSet()
