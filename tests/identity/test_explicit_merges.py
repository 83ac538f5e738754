"""Merges that are asked for, identity-rules §5: any mode, any two people, the caller names the primary."""

from itertools import product

import pytest

from tests.identity.builders import COLUMNS, E2, I0, NOW, by, numbered, person, population
from workspace_operator.identity import reasons
from workspace_operator.identity.calls import MergeCall
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.performing import perform
from workspace_operator.identity.population import Changes, Population
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import IdentityRules, Mode

A, B = "a@x.org", "b@x.org"

Has = tuple[str | None, str | None]


def merged(rules: IdentityRules, people: Population, primary: Reference, secondary: Reference) -> Outcome:
    call = MergeCall(primary=primary, secondary=secondary)
    return perform(rules, people, call, now=NOW, new_cio_id=numbered())


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("mine", "theirs", "becomes"),
    [
        (("1", A), ("2", B), ("1", A)),
        (("1", None), ("2", B), ("1", B)),
        ((None, A), ("2", B), ("2", A)),
        ((None, A), ("2", None), ("2", A)),
        (("1", None), ("2", None), ("1", None)),
        ((None, A), (None, B), (None, A)),
        (("1", A), (None, None), ("1", A)),
        ((None, None), ("2", B), ("2", B)),
    ],
)
@pytest.mark.parametrize("older", [True, False])
def test_primary_takes_only_what_it_lacks(column: str, mine: Has, theirs: Has, becomes: Has, older: bool) -> None:
    primary = person("p", *mine, stored_at=10 if older else 30, plan="p", city="p")
    secondary = person("q", *theirs, stored_at=20, plan="q", note="q")
    people = population(COLUMNS[column], primary, secondary)

    outcome = merged(COLUMNS[column], people, by("cio_id", "cio_p"), by("cio_id", "q"))

    after = people.people["p"]
    assert (outcome.effect, outcome.person, outcome.before) == (Effect.MERGED, after, primary)
    assert (outcome.absorbed, outcome.reason, outcome.refusals) == (secondary, "", ())
    assert (set(people.people), (after.id, after.email)) == ({"p"}, becomes)
    assert after.attributes == {"plan": "p", "city": "p", "note": "q"}
    assert people.owners == dict.fromkeys(people.claims(after), "p")


NAMES = {
    "E2": (("id", "1"), ("email", "A@x.org"), ("cio_id", "p")),
    "I0": (("id", "1"), ("cio_id", "cio_p")),
    "EmailOnly": (("id", "1"), ("email", A), ("cio_id", "p")),
}
OTHERS = {"id": "2", "email": B, "cio_id": "q"}


@pytest.mark.parametrize(
    ("column", "primary", "kind"),
    [(column, name, kind) for column in NAMES for name, (kind, _) in product(NAMES[column], NAMES[column])],
)
def test_both_sides_go_by_any_identifier(column: str, primary: tuple[str, str], kind: str) -> None:
    people = population(COLUMNS[column], person("p", "1", A), person("q", "2", B))

    outcome = merged(COLUMNS[column], people, by(*primary), by(kind, OTHERS[kind]))

    assert (outcome.effect, set(people.people)) == (Effect.MERGED, {"p"})


@pytest.mark.parametrize(
    ("column", "primary", "secondary", "reason"),
    [
        ("E2", by("id", "9"), by("id", "1"), reasons.UNKNOWN),
        ("E2", by("id", "1"), by("email", "c@x.org"), reasons.UNKNOWN),
        ("E2", by("id", "1"), by("cio_id", "c"), reasons.UNKNOWN_CIO_ID),
        ("E2", by("id", "blocked"), by("id", "1"), reasons.SUPPRESSED),
        ("E2", by("id", "1"), by("email", "blocked@x.org"), reasons.SUPPRESSED),
        ("I0", by("email", A), by("id", "2"), reasons.UNKNOWN),
    ],
)
def test_merging_nobody_is_ignored(column: str, primary: Reference, secondary: Reference, reason: str) -> None:
    blocked = [("id", "blocked"), ("email", "blocked@x.org")]
    people = population(COLUMNS[column], person("p", "1", A), person("q", "2", B), blocked=blocked)

    outcome = merged(COLUMNS[column], people, primary, secondary)

    assert (outcome.effect, outcome.reason) == (Effect.IGNORED, reason)
    assert people.changes() == Changes()


@pytest.mark.parametrize("secondary", [by("id", "1"), by("email", A), by("cio_id", "p")])
def test_merging_somebody_with_themselves_changes_nothing(secondary: Reference) -> None:
    people = population(E2, person("p", "1", A))

    outcome = merged(E2, people, by("id", "1"), secondary)

    assert (outcome.effect, outcome.reason) == (Effect.UNCHANGED, reasons.SAME_PERSON)
    assert people.changes() == Changes()


def test_freed_identifiers_may_come_again() -> None:
    people = population(E2, person("p", "1", A), person("q", "2", B))

    merged(E2, people, by("id", "1"), by("id", "2"))

    freed = {(owned.kind.value, owned.key) for owned in people.changes().identifiers_removed}
    assert freed == {("id", "2"), ("email", B)}


@pytest.mark.parametrize(("mode", "id_"), [(Mode.EMAIL_OR_ID, None), (Mode.ID_ONLY, B), (Mode.EMAIL_ONLY, B)])
def test_survivor_takes_no_id_that_is_another_email(mode: Mode, id_: str | None) -> None:
    rules = IdentityRules(mode=mode)
    people = population(rules, person("p", None, A), person("q", B, B))

    merged(rules, people, by("cio_id", "p"), by("cio_id", "q"))

    assert (people.people["p"].id, people.people["p"].email) == (id_, A)


def test_survivor_keeps_its_own_id_whatever_it_is() -> None:
    people = population(E2, person("p", B), person("q", None, A))

    merged(E2, people, by("cio_id", "p"), by("cio_id", "q"))

    assert (people.people["p"].id, people.people["p"].email) == (B, A)


def test_plain_addresses_stay_apart() -> None:
    people = population(I0, person("p", "1", "nobody"), person("q", "2", A), person("r", "3", A))

    merged(I0, people, by("id", "1"), by("id", "2"))

    assert people.people["p"].email == "nobody"
    assert people.people["r"] == person("r", "3", A)


def devices(number: int, prefix: str) -> set[str]:
    return {f"{prefix}{each}" for each in range(number)}


@pytest.mark.parametrize(("mine", "theirs"), [(60, 60), (0, 2), (2, 0)])
def test_devices_move_to_the_survivor(mine: int, theirs: int) -> None:
    people = population(E2, person("p", "1"), person("q", "2"))
    people.devices = {"p": devices(mine, "p"), "q": devices(theirs, "q")}

    merged(E2, people, by("id", "1"), by("id", "2"))

    assert people.devices == {"p": devices(mine, "p") | devices(theirs, "q")}


def test_devices_are_not_needed() -> None:
    people = population(E2, person("p", "1"), person("q", "2"))

    merged(E2, people, by("id", "1"), by("id", "2"))

    assert people.devices == {}


def older(cio_id: str, *has: str | None) -> Person:
    return person(cio_id, *has, stored_at=1)


def test_merges_go_on_from_merges() -> None:
    people = population(E2, older("p", None, A), person("q", "2"), person("r", "3", B))

    merged(E2, people, by("id", "2"), by("email", A))
    merged(E2, people, by("id", "3"), by("email", A))

    assert {cio_id: (each.id, each.email) for cio_id, each in people.people.items()} == {"r": ("3", B)}
