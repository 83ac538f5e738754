"""Events, devices and manual segments: end of identity-rules §4, track-api.md §1."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from tests.identity.builders import COLUMNS, E2, I0, NOW, by, numbered, person, population
from workspace_operator.identity import reasons
from workspace_operator.identity.calls import (
    AddDeviceCall,
    AnonymousEventCall,
    Call,
    DeleteCall,
    DeleteDeviceCall,
    EventCall,
    MergeCall,
    SegmentCall,
)
from workspace_operator.identity.devices import MAX_DEVICES, Device
from workspace_operator.identity.events import Event, EventType
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.performing import perform
from workspace_operator.identity.population import Changes, Population
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import IdentityRules
from workspace_operator.identity.trail import (
    ActivityType,
    DeviceRemoved,
    DeviceSet,
    Membership,
    Noted,
)

Make: TypeAlias = Callable[[Reference], Call]

A = "a@x.org"
NEW = "n0001"
BOUGHT = Event(name="bought", data={"price": 7})
PHONE = Device(token="t", platform="ios", attributes={})

NOTED = Noted(type=ActivityType.EVENT, cio_id="p", at=NOW, name="bought", data={"price": 7})
CREATED = Noted(type=ActivityType.PROFILE_CREATE, cio_id=NEW, at=NOW, data={})


def done(rules: IdentityRules, people: Population, call: Call) -> Outcome:
    return perform(rules, people, call, now=NOW, new_cio_id=numbered())


def event(reference: Reference) -> Call:
    return EventCall(reference=reference, event=BOUGHT)


def device(reference: Reference) -> Call:
    return AddDeviceCall(reference=reference, device=PHONE)


def no_device(reference: Reference) -> Call:
    return DeleteDeviceCall(reference=reference, token="t")


def joins(reference: Reference) -> Call:
    return SegmentCall(reference=reference, segment=7, joins=True)


def leaves(reference: Reference) -> Call:
    return SegmentCall(reference=reference, segment=7, joins=False)


ALL: dict[Make, Noted | DeviceSet | DeviceRemoved | Membership] = {
    event: NOTED,
    device: DeviceSet(cio_id="p", device=PHONE),
    no_device: DeviceRemoved(cio_id="p", token="t"),
    joins: Membership(cio_id="p", segment=7, member=True),
    leaves: Membership(cio_id="p", segment=7, member=False),
}
MAKING: list[Make] = [event, device]
NOT_MAKING: list[Make] = [no_device, joins, leaves]


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize(
    ("column", "reference"),
    [
        *[(column, by("id", "1")) for column in COLUMNS],
        *[(column, by("cio_id", "cio_p")) for column in COLUMNS],
        *[(column, by("email", "A@X.org")) for column in ("E2", "E1", "EmailOnly")],
    ],
)
def test_known_people_have_it_recorded(make: Make, column: str, reference: Reference) -> None:
    before = person("p", "1", A, plan="pro")
    people = population(COLUMNS[column], before)

    outcome = done(COLUMNS[column], people, make(reference))

    assert outcome == Outcome(effect=Effect.RECORDED, person=before, before=before)
    assert people.changes() == Changes(trail=(ALL[make],))


@pytest.mark.parametrize("make", MAKING)
@pytest.mark.parametrize(
    ("column", "reference", "has"),
    [
        ("E2", by("id", "2"), ("2", None)),
        ("E2", by("email", "A@x.org"), (None, "A@x.org")),
        ("I0", by("id", A), (A, None)),
        ("EmailOnly", by("email", A), (NEW, A)),
    ],
)
def test_unknown_people_are_identified_first(
    make: Make, column: str, reference: Reference, has: tuple[str, str]
) -> None:
    people = population(COLUMNS[column])

    outcome = done(COLUMNS[column], people, make(reference))

    made = person(NEW, *has)
    assert outcome == Outcome(effect=Effect.RECORDED, person=made)
    assert people.people == {NEW: made}
    assert people.trail == [CREATED, replace(ALL[make], cio_id=NEW)]


@pytest.mark.parametrize("make", MAKING)
@pytest.mark.parametrize(
    ("column", "reference", "effect", "reason"),
    [
        ("E2", by("id", "blocked"), Effect.IGNORED, reasons.SUPPRESSED),
        ("E2", by("cio_id", "q"), Effect.IGNORED, reasons.UNKNOWN_CIO_ID),
        ("EmailOnly", by("id", "2"), Effect.IGNORED, reasons.UNKNOWN_GENERATED_ID),
        ("I0", by("email", A), Effect.REJECTED, reasons.NO_IDENTIFIER_HERE),
        ("E2", by("id", A), Effect.REJECTED, reasons.NOBODY_S_ADDRESS),
    ],
)
def test_what_identifies_nobody_is_not_recorded(
    make: Make, column: str, reference: Reference, effect: Effect, reason: str
) -> None:
    people = population(COLUMNS[column], blocked=[("id", "blocked")])

    outcome = done(COLUMNS[column], people, make(reference))

    assert (outcome.effect, outcome.reason, outcome.person) == (effect, reason, None)
    assert (people.changes(), people.devices) == (Changes(), {})


@pytest.mark.parametrize("make", NOT_MAKING)
@pytest.mark.parametrize(
    ("column", "reference", "reason"),
    [
        ("E2", by("id", "2"), reasons.UNKNOWN),
        ("E2", by("cio_id", "q"), reasons.UNKNOWN_CIO_ID),
        ("E2", by("email", "blocked@x.org"), reasons.SUPPRESSED),
        ("I0", by("email", A), reasons.UNKNOWN),
        ("EmailOnly", by("email", "b@x.org"), reasons.UNKNOWN),
    ],
)
def test_unknown_people_are_ignored(make: Make, column: str, reference: Reference, reason: str) -> None:
    people = population(COLUMNS[column], person("p", "1", A), blocked=[("email", "blocked@x.org")])

    outcome = done(COLUMNS[column], people, make(reference))

    assert outcome == Outcome(effect=Effect.IGNORED, reason=reason)
    assert people.changes() == Changes()


@pytest.mark.parametrize("kind", EventType)
def test_event_is_noted_as_it_is(kind: EventType) -> None:
    people = population(E2, person("p", "1"))
    told = Event(type=kind, name="x", id="e1", timestamp=17, data={"a": None})

    done(E2, people, EventCall(reference=by("id", "1"), event=told))

    [noted] = people.trail
    assert noted == Noted(type=ActivityType(kind.value), cio_id="p", at=17, name="x", event_id="e1", data={"a": None})


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("anonymous_id", [None, "a1"])
def test_anonymous_event_is_nobodys(column: str, anonymous_id: str | None) -> None:
    people = population(COLUMNS[column])

    outcome = done(COLUMNS[column], people, AnonymousEventCall(event=BOUGHT, anonymous_id=anonymous_id))

    assert outcome == Outcome(effect=Effect.RECORDED)
    assert people.changes() == Changes(trail=(replace(NOTED, cio_id=None, anonymous_id=anonymous_id),))


def with_devices(number: int) -> Population:
    people = population(E2, person("p", "1"), person("q", "2"))
    people.devices = {"p": {f"t{each}" for each in range(number)}, "q": {"other"}}
    return people


def add(token: str, *, to: str = "1") -> AddDeviceCall:
    return AddDeviceCall(reference=by("id", to), device=replace(PHONE, token=token))


def test_hundred_devices_are_enough() -> None:
    people = with_devices(MAX_DEVICES - 1)

    last, beyond, again = (done(E2, people, add(token)) for token in ("last", "beyond", "t0"))

    assert MAX_DEVICES == 100
    assert (last.effect, again.effect) == (Effect.RECORDED, Effect.RECORDED)
    assert (beyond.effect, beyond.reason) == (Effect.REJECTED, "A person can have at most 100 devices.")
    assert [step.device.token for step in people.trail if isinstance(step, DeviceSet)] == ["last", "t0"]


def test_deleted_device_makes_room() -> None:
    people = with_devices(MAX_DEVICES)

    done(E2, people, DeleteDeviceCall(reference=by("id", "1"), token="t7"))
    outcome = done(E2, people, add("new"))

    assert outcome.effect is Effect.RECORDED
    assert people.devices["p"] == {f"t{each}" for each in range(MAX_DEVICES)} - {"t7"} | {"new"}


def test_deleted_people_have_no_devices() -> None:
    people = with_devices(MAX_DEVICES)

    done(E2, people, DeleteCall(reference=by("id", "1")))
    outcome = done(E2, people, add("new"))

    assert outcome.effect is Effect.RECORDED
    assert people.devices == {NEW: {"new"}, "q": {"other"}}


def test_merged_devices_may_exceed_the_limit() -> None:
    people = with_devices(MAX_DEVICES)

    done(E2, people, MergeCall(primary=by("id", "1"), secondary=by("id", "2")))
    outcome = done(E2, people, add("new"))

    assert (len(people.devices["p"]), outcome.reason) == (MAX_DEVICES + 1, reasons.TOO_MANY_DEVICES)


def test_limit_is_each_persons() -> None:
    people = with_devices(MAX_DEVICES)

    assert done(I0, people, add("new", to="2")).effect is Effect.RECORDED


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda at: EventCall(reference=by("id", "1"), event=Event(name="n", timestamp=at, data={})), "timestamp"),
        (lambda at: AnonymousEventCall(event=Event(name="n", timestamp=at, data={})), "timestamp"),
        (
            lambda at: AddDeviceCall(
                reference=by("id", "1"), device=Device(token="t", platform="ios", last_used=at, attributes={})
            ),
            "device.last_used",
        ),
    ],
)
def test_what_is_more_than_a_day_ahead_is_not_recorded(make: Callable[[int], Call], field: str) -> None:
    people, tomorrow = population(E2), NOW + 24 * 3600

    late, soon = (done(E2, people, make(at)) for at in (tomorrow + 1, tomorrow))

    name = field.rpartition(".")[2]
    assert (late.effect, late.field, soon.effect) == (Effect.REJECTED, field, Effect.RECORDED)
    assert late.sentence == f"{name} {tomorrow + 1} is more than a day in the future: send a time up to now."
