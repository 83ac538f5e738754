"""Automatic merge, identity-rules §5."""

from dataclasses import replace

import pytest

from tests.identity.builders import (
    E2,
    NOW,
    command,
    person,
    reference_by,
    refused,
    run_identify,
    working_set,
)
from workspace_operator.identity.merges.survivorship import survivor
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.attributes import AttributeValue
from workspace_operator.identity.values.rules import Mode

A, B = "a@x.org", "b@x.org"


def older(cio_id: str, id_: str | None = None, email: str | None = None, **attributes: AttributeValue) -> Person:
    return person(cio_id, id_, email, inserted_at=100, **attributes)


def younger(cio_id: str, id_: str | None = None, email: str | None = None, **attributes: AttributeValue) -> Person:
    return person(cio_id, id_, email, inserted_at=200, **attributes)


BY_ID = command(reference_by("id", "1"), {"email": "A@x.org"})


@pytest.mark.parametrize("id_is_older", [True, False])
def test_two_halves_become_one(*, id_is_older: bool) -> None:
    by_id, by_email = (older, younger) if id_is_older else (younger, older)
    p, q = by_id("p", "1", plan="p", city="p"), by_email("q", None, A, plan="q", note="q")
    primary, secondary = (p, q) if id_is_older else (q, p)
    people = working_set(E2, p, q)

    result = run_identify(E2, people, replace(BY_ID, attributes={"seen": "now"}))

    expected = replace(
        older(primary.cio_id, "1", "A@x.org", plan=primary.cio_id, city="p", note="q", seen="now"),
        attribute_timestamps={"note" if id_is_older else "city": 200, "seen": NOW},
    )
    assert people.people == {primary.cio_id: expected}
    assert (result.effect, result.person) == (Effect.UPDATED, expected)
    assert (result.before, result.secondary, result.refusals) == (primary, secondary, ())


def test_merge_is_written_as_net_effect() -> None:
    people = working_set(E2, older("p", "1"), younger("q", None, A))

    run_identify(E2, people, BY_ID)

    changes = people.changes()
    assert [one.before.cio_id for one in changes.replaced] == ["p"]
    assert [one.cio_id for one in changes.removed] == ["q"]
    assert [(key, owner) for (_, key), owner in changes.identifiers_removed.items()] == [(A, "q")]
    assert [(key, owner) for (_, key), owner in changes.identifiers_added.items()] == [(A, "p")]


def test_ages_count_before_the_call() -> None:
    people = working_set(E2, older("p", "1"), younger("q", None, A))

    run_identify(E2, people, command(reference_by("email", A), {"id": "1"}, created_at="1970-01-01T00:00:50"))

    assert (set(people.people), people.people["p"].created_at) == ({"p"}, 50)


@pytest.mark.parametrize(("cio_id", "refusals"), [("p", {}), ("q", {"cio_id": refusal_reasons.CIO_ID_IS_IMMUTABLE})])
def test_cio_id_is_the_survivors(cio_id: str, refusals: dict[str, str]) -> None:
    people = working_set(E2, older("p", "1"), younger("q", None, A))

    result = run_identify(E2, people, command(reference_by("email", A), {"id": "1", "cio_id": cio_id}))

    assert (set(people.people), refused(result)) == ({"p"}, refusals)


def test_merge_may_exceed_the_limit() -> None:
    mine = {f"p{number}": "x" for number in range(200)}
    theirs = {f"q{number}": "x" for number in range(200)}
    people = working_set(E2, older("p", "1", **mine), younger("q", None, A, **theirs))

    result = run_identify(E2, people, BY_ID)

    assert (result.effect, len(people.people["p"].attributes)) == (Effect.UPDATED, 400)


def test_call_beyond_the_merge_is_rejected() -> None:
    mine = {f"p{number}": "x" for number in range(300)}
    people = working_set(E2, older("p", "1", **mine), younger("q", None, A))

    result = run_identify(E2, people, replace(BY_ID, attributes={"more": "x"}))

    assert (result.effect, result.reason) == (Effect.REJECTED, refusal_reasons.TOO_MANY_ATTRIBUTES)
    assert set(people.people) == {"p", "q"}


@pytest.mark.parametrize(
    ("primary", "secondary", "has"),
    [
        ((None, None), ("2", B), ("2", B)),
        (("1", None), ("2", B), ("1", B)),
        ((None, A), ("2", B), ("2", A)),
        (("1", A), ("2", B), ("1", A)),
        (("1", "no address"), ("2", B), ("1", "no address")),
    ],
)
def test_survivor_takes_only_what_it_lacks(
    primary: tuple[str | None, str | None], secondary: tuple[str, str], has: tuple[str, str]
) -> None:
    merged = survivor(older("p", *primary), younger("q", *secondary), mode=Mode.EMAIL_OR_ID, now=NOW)

    assert merged == older("p", *has)


@pytest.mark.parametrize(
    ("mine", "theirs", "result"),
    [
        (True, False, True),
        (False, True, True),
        ("false", "true", True),
        ("TRUE", "", True),
        ("no", "1", True),
        (False, False, False),
        ("false", "no", "false"),
        (0, 1, True),
        (0, [1], 0),
    ],
)
def test_unsubscribed_wins(mine: AttributeValue, theirs: AttributeValue, result: AttributeValue) -> None:
    merged = survivor(older("p", unsubscribed=mine), younger("q", unsubscribed=theirs), mode=Mode.EMAIL_OR_ID, now=NOW)

    assert merged.attributes["unsubscribed"] is result


def test_survivor_of_two_subscribers_says_nothing() -> None:
    assert survivor(older("p"), younger("q"), mode=Mode.EMAIL_OR_ID, now=NOW).attributes == {}
