"""Ids that nobody is given (identity-rules §1): what begins with ``cio_``, and what an unset variable looks like."""

from collections.abc import Callable, Mapping

import pytest

from tests.identity.builders import COLUMNS, E2, I1, NOW, by, call, numbered, person, population, run
from workspace_operator.identity import reasons
from workspace_operator.identity.calls import (
    AddDeviceCall,
    Call,
    DeleteCall,
    DeleteDeviceCall,
    EventCall,
    MergeCall,
    SegmentCall,
    SuppressCall,
    UnsuppressCall,
)
from workspace_operator.identity.devices import Device
from workspace_operator.identity.events import Event
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.performing import perform
from workspace_operator.identity.population import Changes, Population
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import IdentityRules

A, B = "a@x.org", "b@x.org"
PLACEHOLDERS = ["undefined", "null", "[object Object]", "NaN", "None", "UNDEFINED", "Null", "nan", "NONE"]
PLACEHOLDERS += [" undefined", "null\n", "\N{ZERO WIDTH SPACE}None\N{NO-BREAK SPACE}"]
RESERVED = ["cio_7", "cio_"]
REASONS = {**dict.fromkeys(PLACEHOLDERS, reasons.PLACEHOLDER), **dict.fromkeys(RESERVED, reasons.RESERVED_ID)}

CALLS: dict[str, Callable[[Reference], Call]] = {
    "identify": call,
    "update": lambda reference: call(reference, update_only=True),
    "import": lambda reference: call(reference, by_import=True),
    "event": lambda reference: EventCall(reference=reference, event=Event(name="bought", data={})),
    "device": lambda reference: AddDeviceCall(
        reference=reference, device=Device(token="t", platform="", attributes={})
    ),
    "no device": lambda reference: DeleteDeviceCall(reference=reference, token="t"),
    "segment": lambda reference: SegmentCall(reference=reference, segment=1, joins=True),
    "delete": lambda reference: DeleteCall(reference=reference),
    "suppress": lambda reference: SuppressCall(reference=reference),
    "unsuppress": lambda reference: UnsuppressCall(reference=reference),
    "merge into": lambda reference: MergeCall(primary=reference, secondary=by("id", "1")),
    "merge from": lambda reference: MergeCall(primary=by("id", "1"), secondary=reference),
}
SIDES = {"merge into": "primary", "merge from": "secondary"}


def done(rules: IdentityRules, people: Population, request: Call) -> Outcome:
    return perform(rules, people, request, now=NOW, new_cio_id=numbered())


@pytest.mark.parametrize("column", ["E2", "I1"])
@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("value", ["undefined", "[object Object]", "cio_7"])
def test_nobody_can_be_named_by_them(column: str, kind: str, value: str) -> None:
    people = population(COLUMNS[column], person("p", "1"))

    outcome = done(COLUMNS[column], people, CALLS[kind](by("id", value)))

    assert (outcome.effect, outcome.reason) == (Effect.REJECTED, REASONS[value])
    assert (outcome.field, outcome.value) == (f"{SIDES.get(kind, 'identifiers')}.id", value)
    assert people.changes() == Changes()


@pytest.mark.parametrize("kind", [kind for kind in CALLS if not kind.startswith("merge")])
@pytest.mark.parametrize("value", ["undefined", "cio_7"])
def test_their_holders_can_be_named(kind: str, value: str) -> None:
    people = population(E2, person("p", value))

    outcome = done(E2, people, CALLS[kind](by("id", value)))

    assert outcome.effect not in {Effect.REJECTED, Effect.IGNORED}


@pytest.mark.parametrize("value", ["undefined", "cio_7"])
def test_holders_can_be_merged(value: str) -> None:
    people = population(E2, person("p", "1"), person("q", value))

    outcome = done(E2, people, MergeCall(primary=by("id", "1"), secondary=by("id", value)))

    assert outcome.effect is Effect.MERGED


@pytest.mark.parametrize("kind", CALLS)
def test_placeholder_is_no_cio_id(kind: str) -> None:
    people = population(E2, person("p", "1"))

    outcome = done(E2, people, CALLS[kind](by("cio_id", "cio_undefined")))

    assert (outcome.effect, outcome.reason) == (Effect.REJECTED, reasons.PLACEHOLDER)
    assert people.changes() == Changes()


def test_cio_id_may_look_like_its_prefix_twice() -> None:
    outcome = run(E2, population(E2), call(by("cio_id", "cio_cio_7")))

    assert (outcome.effect, outcome.reason) == (Effect.IGNORED, reasons.UNKNOWN_CIO_ID)


@pytest.mark.parametrize("value", ["undefined", "cio_7"])
def test_suppressed_ones_stay_suppressed(value: str) -> None:
    people = population(E2, blocked=[("id", value)])

    assert run(E2, people, call(by("id", value))).effect is Effect.IGNORED
    assert done(E2, people, SuppressCall(reference=by("id", value))).effect is Effect.UNCHANGED
    assert done(E2, people, UnsuppressCall(reference=by("id", value))).effect is Effect.UNSUPPRESSED
    assert done(E2, people, UnsuppressCall(reference=by("id", value))).effect is Effect.REJECTED


@pytest.mark.parametrize("value", PLACEHOLDERS + RESERVED)
@pytest.mark.parametrize(
    ("rules", "reference"),
    [(E2, by("email", A)), (E2, by("cio_id", "p")), (I1, by("cio_id", "p")), (E2, by("email", "new@x.org"))],
)
def test_nobody_is_given_them(rules: IdentityRules, reference: Reference, value: str) -> None:
    people = population(rules, person("p", None, A))

    outcome = run(rules, people, call(reference, {"id": value}, plan="pro"))

    [refusal] = outcome.refusals
    assert (refusal.kind, refusal.value, refusal.reason) == ("id", value, REASONS[value])
    assert refusal.sentence.startswith(f"{value!r} ")
    assert outcome.person is not None
    assert (outcome.person.id, outcome.person.attributes) == (None, {"plan": "pro"})


@pytest.mark.parametrize("value", ["undefined", "cio_7"])
def test_holder_may_be_given_what_they_have(value: str) -> None:
    people = population(E2, person("p", value, A))

    outcome = run(E2, people, call(by("email", A), {"id": value}, plan="pro"))

    assert (outcome.effect, outcome.refusals) == (Effect.UPDATED, ())


@pytest.mark.parametrize(
    ("value", "absorbed", "refused"), [("cio_7", "q", []), ("undefined", None, [reasons.PLACEHOLDER])]
)
def test_reserved_id_may_name_whom_to_merge_with(value: str, absorbed: str | None, refused: list[str]) -> None:
    people = population(E2, person("p", None, A, stored_at=1), person("q", value, stored_at=2))

    outcome = run(E2, people, call(by("email", A), {"id": value}))

    assert (None if outcome.absorbed is None else outcome.absorbed.cio_id) == absorbed
    assert [each.reason for each in outcome.refusals] == refused


@pytest.mark.parametrize(("value", "subject"), [("cio_7", "q"), ("undefined", "new")])
def test_placeholder_in_a_body_names_nobody(value: str, subject: str) -> None:
    people = population(E2, person("q", value))

    outcome = run(E2, people, call(by("email", A), {"id": value}))

    assert outcome.person is not None
    assert (outcome.person.cio_id == "q") == (subject == "q")


@pytest.mark.parametrize("body", [{"email": A}, {"email": A, "id": "2"}, {"email": B}])
@pytest.mark.parametrize("value", ["undefined", "cio_7"])
def test_reference_is_refused_whatever_the_body_says(value: str, body: Mapping[str, str | None]) -> None:
    people = population(E2, person("p", None, A), person("q", "2", B))

    outcome = run(E2, people, call(by("id", value), body))

    assert (outcome.effect, outcome.reason) == (Effect.REJECTED, REASONS[value])
    assert people.changes() == Changes()


def test_email_may_be_a_placeholder_where_it_is_an_attribute() -> None:
    people = population(I1, person("p", "1"))

    outcome = run(I1, people, call(by("id", "1"), {"email": "undefined"}))

    assert outcome.person is not None
    assert (outcome.person.email, outcome.refusals) == ("undefined", ())


def test_email_that_is_a_placeholder_is_refused_as_such() -> None:
    outcome = run(E2, population(E2, person("p", "1")), call(by("id", "1"), {"email": "undefined"}))

    assert [each.reason for each in outcome.refusals] == [reasons.PLACEHOLDER]
