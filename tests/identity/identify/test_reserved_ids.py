"""Ids that nobody is given (identity-rules §1): what begins with ``cio_``, and what an unset variable looks like."""

from collections.abc import Callable, Mapping

import pytest

from tests.identity.builders import (
    COLUMNS,
    E2,
    I1,
    command,
    person,
    reference_by,
    run_command,
    run_identify,
    working_set,
)
from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    MergePeople,
    SetMembership,
    Suppress,
    TrackEvent,
    Unsuppress,
)
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.model.working_set import ChangeSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.identity.values.tracked_events import TrackedEvent

A, B = "a@x.org", "b@x.org"
PLACEHOLDERS = ["undefined", "null", "[object Object]", "NaN", "None", "UNDEFINED", "Null", "nan", "NONE"]
PLACEHOLDERS += [" undefined", "null\n", "\N{ZERO WIDTH SPACE}None\N{NO-BREAK SPACE}"]
RESERVED = ["cio_7", "cio_"]
REASONS = {
    **dict.fromkeys(PLACEHOLDERS, refusal_reasons.PLACEHOLDER),
    **dict.fromkeys(RESERVED, refusal_reasons.RESERVED_ID),
}

CALLS: dict[str, Callable[[Reference], Command]] = {
    "identify": command,
    "update": lambda reference: command(reference, update_only=True),
    "import": lambda reference: command(reference, by_import=True),
    "event": lambda reference: TrackEvent(reference=reference, event=TrackedEvent(name="bought", data={})),
    "device": lambda reference: AddDevice(reference=reference, device=Device(token="t", platform="", attributes={})),
    "no device": lambda reference: DeleteDevice(reference=reference, token="t"),
    "segment": lambda reference: SetMembership(reference=reference, segment=1, member=True),
    "delete": lambda reference: DeletePerson(reference=reference),
    "suppress": lambda reference: Suppress(reference=reference),
    "unsuppress": lambda reference: Unsuppress(reference=reference),
    "merge into": lambda reference: MergePeople(primary=reference, secondary=reference_by("id", "1")),
    "merge from": lambda reference: MergePeople(primary=reference_by("id", "1"), secondary=reference),
}
SIDES = {"merge into": "primary", "merge from": "secondary"}


@pytest.mark.parametrize("column", ["E2", "I1"])
@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("value", ["undefined", "[object Object]", "cio_7"])
def test_nobody_can_be_named_by_them(column: str, kind: str, value: str) -> None:
    people = working_set(COLUMNS[column], person("p", "1"))

    result = run_command(COLUMNS[column], people, CALLS[kind](reference_by("id", value)))

    assert (result.effect, result.reason) == (Effect.REJECTED, REASONS[value])
    assert (result.field, result.value) == (f"{SIDES.get(kind, 'identifiers')}.id", value)
    assert people.changes() == ChangeSet()


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("value", ["undefined", "cio_7"])
def test_their_holders_can_be_named(kind: str, value: str) -> None:
    people = working_set(E2, person("p", value), person("q", "1"))

    result = run_command(E2, people, CALLS[kind](reference_by("id", value)))

    assert result.effect not in {Effect.REJECTED, Effect.IGNORED}


@pytest.mark.parametrize("kind", CALLS)
def test_placeholder_is_no_cio_id(kind: str) -> None:
    people = working_set(E2, person("p", "1"))

    result = run_command(E2, people, CALLS[kind](reference_by("cio_id", "cio_undefined")))

    assert (result.effect, result.reason) == (Effect.REJECTED, refusal_reasons.PLACEHOLDER)
    assert people.changes() == ChangeSet()


def test_cio_id_may_look_like_its_prefix_twice() -> None:
    result = run_identify(E2, working_set(E2), command(reference_by("cio_id", "cio_cio_7")))

    assert (result.effect, result.reason) == (Effect.IGNORED, refusal_reasons.UNKNOWN_CIO_ID)


@pytest.mark.parametrize("value", ["undefined", "cio_7"])
def test_suppressed_ones_stay_suppressed(value: str) -> None:
    people = working_set(E2, suppressed=[("id", value)])

    assert run_identify(E2, people, command(reference_by("id", value))).effect is Effect.IGNORED
    assert run_command(E2, people, Suppress(reference=reference_by("id", value))).effect is Effect.UNCHANGED
    assert run_command(E2, people, Unsuppress(reference=reference_by("id", value))).effect is Effect.UNSUPPRESSED
    assert run_command(E2, people, Unsuppress(reference=reference_by("id", value))).effect is Effect.REJECTED


@pytest.mark.parametrize("value", PLACEHOLDERS + RESERVED)
@pytest.mark.parametrize(
    ("rules", "reference"),
    [
        (E2, reference_by("email", A)),
        (E2, reference_by("cio_id", "p")),
        (I1, reference_by("cio_id", "p")),
        (E2, reference_by("email", "new@x.org")),
    ],
)
def test_nobody_is_given_them(rules: IdentityRules, reference: Reference, value: str) -> None:
    people = working_set(rules, person("p", None, A))

    result = run_identify(rules, people, command(reference, {"id": value}, plan="pro"))

    [refusal] = result.refusals
    assert (refusal.kind, refusal.value, refusal.reason) == ("id", value, REASONS[value])
    assert refusal.message.startswith(f"{value!r} ")
    assert result.person is not None
    assert (result.person.id, result.person.attributes) == (None, {"plan": "pro"})


@pytest.mark.parametrize("value", ["undefined", "cio_7"])
def test_holder_may_be_given_what_they_have(value: str) -> None:
    people = working_set(E2, person("p", value, A))

    result = run_identify(E2, people, command(reference_by("email", A), {"id": value}, plan="pro"))

    assert (result.effect, result.refusals) == (Effect.UPDATED, ())


@pytest.mark.parametrize(
    ("value", "absorbed", "refused"), [("cio_7", "q", []), ("undefined", None, [refusal_reasons.PLACEHOLDER])]
)
def test_reserved_id_may_name_whom_to_merge_with(value: str, absorbed: str | None, refused: list[str]) -> None:
    people = working_set(E2, person("p", None, A, inserted_at=1), person("q", value, inserted_at=2))

    result = run_identify(E2, people, command(reference_by("email", A), {"id": value}))

    assert (None if result.secondary is None else result.secondary.cio_id) == absorbed
    assert [each.reason for each in result.refusals] == refused


@pytest.mark.parametrize(("value", "subject"), [("cio_7", "q"), ("undefined", "new")])
def test_placeholder_in_a_body_names_nobody(value: str, subject: str) -> None:
    people = working_set(E2, person("q", value))

    result = run_identify(E2, people, command(reference_by("email", A), {"id": value}))

    assert result.person is not None
    assert (result.person.cio_id == "q") == (subject == "q")


@pytest.mark.parametrize("body", [{"email": A}, {"email": A, "id": "2"}, {"email": B}])
@pytest.mark.parametrize("value", ["undefined", "cio_7"])
def test_reference_is_refused_whatever_the_body_says(value: str, body: Mapping[str, str | None]) -> None:
    people = working_set(E2, person("p", None, A), person("q", "2", B))

    result = run_identify(E2, people, command(reference_by("id", value), body))

    assert (result.effect, result.reason) == (Effect.REJECTED, REASONS[value])
    assert people.changes() == ChangeSet()


def test_email_that_is_a_placeholder_is_refused_as_such() -> None:
    result = run_identify(
        E2, working_set(E2, person("p", "1")), command(reference_by("id", "1"), {"email": "undefined"})
    )

    assert [each.reason for each in result.refusals] == [refusal_reasons.PLACEHOLDER]
