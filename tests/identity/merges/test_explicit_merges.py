"""Merges that are asked for, identity-rules §5: any mode, any two people, the caller names the primary."""

import pytest

from tests.identity.builders import COLUMNS, E2, I0, person, reference_by, run_command, working_set
from workspace_operator.identity.model.commands import MergePeople
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import ChangeSet, WorkingSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import IdentityRules, Mode

A, B = "a@x.org", "b@x.org"

Has = tuple[str | None, str | None]


def merged(rules: IdentityRules, people: WorkingSet, primary: Reference, secondary: Reference) -> CommandResult:
    return run_command(rules, people, MergePeople(primary=primary, secondary=secondary))


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
    primary = person("p", *mine, inserted_at=10 if older else 30, plan="p", city="p")
    secondary = person("q", *theirs, inserted_at=20, plan="q", note="q")
    people = working_set(COLUMNS[column], primary, secondary)

    result = merged(COLUMNS[column], people, reference_by("cio_id", "cio_p"), reference_by("cio_id", "q"))

    after = people.people["p"]
    assert (result.effect, result.person, result.before) == (Effect.MERGED, after, primary)
    assert (result.secondary, result.reason, result.refusals) == (secondary, "", ())
    assert (set(people.people), (after.id, after.email)) == ({"p"}, becomes)
    assert after.attributes == {"plan": "p", "city": "p", "note": "q"}
    assert people.owners == dict.fromkeys(people.identifiers_of(after), "p")


@pytest.mark.parametrize(
    ("column", "primary", "secondary", "reason"),
    [
        ("E2", reference_by("id", "9"), reference_by("id", "1"), refusal_reasons.UNKNOWN_IDENTIFIER),
        ("E2", reference_by("id", "1"), reference_by("email", "c@x.org"), refusal_reasons.UNKNOWN_IDENTIFIER),
        ("E2", reference_by("id", "1"), reference_by("cio_id", "c"), refusal_reasons.UNKNOWN_CIO_ID),
        ("E2", reference_by("id", "blocked"), reference_by("id", "1"), refusal_reasons.SUPPRESSED),
        ("E2", reference_by("id", "1"), reference_by("email", "blocked@x.org"), refusal_reasons.SUPPRESSED),
        ("I0", reference_by("email", A), reference_by("id", "2"), refusal_reasons.UNKNOWN_IDENTIFIER),
    ],
)
def test_merging_nobody_is_ignored(column: str, primary: Reference, secondary: Reference, reason: str) -> None:
    blocked = [("id", "blocked"), ("email", "blocked@x.org")]
    people = working_set(COLUMNS[column], person("p", "1", A), person("q", "2", B), suppressed=blocked)

    result = merged(COLUMNS[column], people, primary, secondary)

    assert (result.effect, result.reason) == (Effect.IGNORED, reason)
    assert people.changes() == ChangeSet()


@pytest.mark.parametrize("secondary", [reference_by("id", "1"), reference_by("email", A), reference_by("cio_id", "p")])
def test_merging_somebody_with_themselves_changes_nothing(secondary: Reference) -> None:
    people = working_set(E2, person("p", "1", A))

    result = merged(E2, people, reference_by("id", "1"), secondary)

    assert (result.effect, result.reason) == (Effect.UNCHANGED, refusal_reasons.SAME_PERSON)
    assert people.changes() == ChangeSet()


@pytest.mark.parametrize(("mode", "id_"), [(Mode.EMAIL_OR_ID, None), (Mode.ID_ONLY, B), (Mode.EMAIL_ONLY, B)])
def test_survivor_takes_no_id_that_is_another_email(mode: Mode, id_: str | None) -> None:
    rules = IdentityRules(mode=mode)
    people = working_set(rules, person("p", None, A), person("q", B, B))

    merged(rules, people, reference_by("cio_id", "p"), reference_by("cio_id", "q"))

    assert (people.people["p"].id, people.people["p"].email) == (id_, A)


def test_survivor_keeps_its_own_id_whatever_it_is() -> None:
    people = working_set(E2, person("p", B), person("q", None, A))

    merged(E2, people, reference_by("cio_id", "p"), reference_by("cio_id", "q"))

    assert (people.people["p"].id, people.people["p"].email) == (B, A)


def test_plain_addresses_stay_apart() -> None:
    people = working_set(I0, person("p", "1", "nobody"), person("q", "2", A), person("r", "3", A))

    merged(I0, people, reference_by("id", "1"), reference_by("id", "2"))

    assert people.people["p"].email == "nobody"
    assert people.people["r"] == person("r", "3", A)


def devices(number: int, prefix: str) -> set[str]:
    return {f"{prefix}{each}" for each in range(number)}


@pytest.mark.parametrize(("mine", "theirs"), [(60, 60), (0, 2), (2, 0)])
def test_devices_move_to_the_survivor(mine: int, theirs: int) -> None:
    people = working_set(E2, person("p", "1"), person("q", "2"))
    people.devices = {"p": devices(mine, "p"), "q": devices(theirs, "q")}

    merged(E2, people, reference_by("id", "1"), reference_by("id", "2"))

    assert people.devices == {"p": devices(mine, "p") | devices(theirs, "q")}


def test_devices_are_not_needed() -> None:
    people = working_set(E2, person("p", "1"), person("q", "2"))

    merged(E2, people, reference_by("id", "1"), reference_by("id", "2"))

    assert people.devices == {}
