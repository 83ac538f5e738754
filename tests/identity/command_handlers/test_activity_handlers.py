"""Events, devices and manual segments: end of identity-rules §4, track-api.md §1."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from tests.identity.builders import COLUMNS, E2, I0, NOW, person, reference_by, run_command, working_set
from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    MergePeople,
    SetMembership,
    TrackAnonymousEvent,
    TrackEvent,
)
from workspace_operator.identity.model.person_events import (
    ActivityLogged,
    ActivityType,
    DeviceRemoved,
    DeviceUpserted,
    MembershipSet,
)
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import ChangeSet, WorkingSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.devices import MAX_DEVICES, Device
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.tracked_events import TrackedEvent, TrackedEventType

Make: TypeAlias = Callable[[Reference], Command]

A = "a@x.org"
NEW = "n0001"
BOUGHT = TrackedEvent(name="bought", data={"price": 7})
PHONE = Device(token="t", platform="ios", attributes={})

NOTED = ActivityLogged(type=ActivityType.EVENT, cio_id="p", at=NOW, name="bought", data={"price": 7})
CREATED = ActivityLogged(type=ActivityType.PROFILE_CREATE, cio_id=NEW, at=NOW, data={})


def event(reference: Reference) -> Command:
    return TrackEvent(reference=reference, event=BOUGHT)


def device(reference: Reference) -> Command:
    return AddDevice(reference=reference, device=PHONE)


def no_device(reference: Reference) -> Command:
    return DeleteDevice(reference=reference, token="t")


def member(reference: Reference) -> Command:
    return SetMembership(reference=reference, segment=7, member=True)


def leaves(reference: Reference) -> Command:
    return SetMembership(reference=reference, segment=7, member=False)


ALL: dict[Make, ActivityLogged | DeviceUpserted | DeviceRemoved | MembershipSet] = {
    event: NOTED,
    device: DeviceUpserted(cio_id="p", device=PHONE),
    no_device: DeviceRemoved(cio_id="p", token="t"),
    member: MembershipSet(cio_id="p", segment=7, member=True),
    leaves: MembershipSet(cio_id="p", segment=7, member=False),
}
MAKING: list[Make] = [event, device]
NOT_MAKING: list[Make] = [no_device, member, leaves]


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("column", COLUMNS)
def test_known_people_have_it_recorded(make: Make, column: str) -> None:
    before = person("p", "1", A, plan="pro")
    people = working_set(COLUMNS[column], before)

    result = run_command(COLUMNS[column], people, make(reference_by("id", "1")))

    assert result == CommandResult(effect=Effect.RECORDED, person=before, before=before)
    assert people.changes() == ChangeSet(events=(ALL[make],))


@pytest.mark.parametrize("make", MAKING)
def test_unknown_people_are_identified_first(make: Make) -> None:
    people = working_set(E2)

    result = run_command(E2, people, make(reference_by("email", "A@x.org")))

    made = person(NEW, None, "A@x.org")
    assert result == CommandResult(effect=Effect.RECORDED, person=made)
    assert people.people == {NEW: made}
    assert people.events == [CREATED, replace(ALL[make], cio_id=NEW)]


@pytest.mark.parametrize("make", MAKING)
@pytest.mark.parametrize(
    ("reference", "effect", "reason"),
    [
        (reference_by("id", "blocked"), Effect.IGNORED, refusal_reasons.SUPPRESSED),
        (reference_by("id", A), Effect.REJECTED, refusal_reasons.NEW_ID_IS_AN_EMAIL),
    ],
)
def test_what_identifies_nobody_is_not_recorded(make: Make, reference: Reference, effect: Effect, reason: str) -> None:
    people = working_set(E2, suppressed=[("id", "blocked")])

    result = run_command(E2, people, make(reference))

    assert (result.effect, result.reason, result.person) == (effect, reason, None)
    assert (people.changes(), people.devices) == (ChangeSet(), {})


@pytest.mark.parametrize("make", NOT_MAKING)
@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (reference_by("id", "2"), refusal_reasons.UNKNOWN_IDENTIFIER),
        (reference_by("cio_id", "q"), refusal_reasons.UNKNOWN_CIO_ID),
        (reference_by("email", "blocked@x.org"), refusal_reasons.SUPPRESSED),
    ],
)
def test_unknown_people_are_ignored(make: Make, reference: Reference, reason: str) -> None:
    people = working_set(E2, person("p", "1", A), suppressed=[("email", "blocked@x.org")])

    result = run_command(E2, people, make(reference))

    assert result == CommandResult(effect=Effect.IGNORED, reason=reason)
    assert people.changes() == ChangeSet()


@pytest.mark.parametrize("kind", TrackedEventType)
def test_event_is_noted_as_it_is(kind: TrackedEventType) -> None:
    people = working_set(E2, person("p", "1"))
    expected = TrackedEvent(type=kind, name="x", id="e1", timestamp=17, data={"a": None})

    run_command(E2, people, TrackEvent(reference=reference_by("id", "1"), event=expected))

    [noted] = people.events
    assert noted == ActivityLogged(
        type=ActivityType(kind.value), cio_id="p", at=17, name="x", event_id="e1", data={"a": None}
    )


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("anonymous_id", [None, "a1"])
def test_anonymous_event_is_nobodys(column: str, anonymous_id: str | None) -> None:
    people = working_set(COLUMNS[column])

    result = run_command(COLUMNS[column], people, TrackAnonymousEvent(event=BOUGHT, anonymous_id=anonymous_id))

    assert result == CommandResult(effect=Effect.RECORDED)
    assert people.changes() == ChangeSet(events=(replace(NOTED, cio_id=None, anonymous_id=anonymous_id),))


def with_devices(number: int) -> WorkingSet:
    people = working_set(E2, person("p", "1"), person("q", "2"))
    people.devices = {"p": {f"t{each}" for each in range(number)}, "q": {"other"}}
    return people


def add(token: str, *, to: str = "1") -> AddDevice:
    return AddDevice(reference=reference_by("id", to), device=replace(PHONE, token=token))


def test_hundred_devices_are_enough() -> None:
    people = with_devices(MAX_DEVICES - 1)

    last, beyond, again = (run_command(E2, people, add(token)) for token in ("last", "beyond", "t0"))

    assert MAX_DEVICES == 100
    assert (last.effect, again.effect) == (Effect.RECORDED, Effect.RECORDED)
    assert (beyond.effect, beyond.reason) == (Effect.REJECTED, "A person can have at most 100 devices.")
    assert [step.device.token for step in people.events if isinstance(step, DeviceUpserted)] == ["last", "t0"]


def test_deleted_device_makes_room() -> None:
    people = with_devices(MAX_DEVICES)

    run_command(E2, people, DeleteDevice(reference=reference_by("id", "1"), token="t7"))
    result = run_command(E2, people, add("new"))

    assert result.effect is Effect.RECORDED
    assert people.devices["p"] == {f"t{each}" for each in range(MAX_DEVICES)} - {"t7"} | {"new"}


def test_deleted_people_have_no_devices() -> None:
    people = with_devices(MAX_DEVICES)

    run_command(E2, people, DeletePerson(reference=reference_by("id", "1")))
    result = run_command(E2, people, add("new"))

    assert result.effect is Effect.RECORDED
    assert people.devices == {NEW: {"new"}, "q": {"other"}}


def test_merged_devices_may_exceed_the_limit() -> None:
    people = with_devices(MAX_DEVICES)

    run_command(E2, people, MergePeople(primary=reference_by("id", "1"), secondary=reference_by("id", "2")))
    result = run_command(E2, people, add("new"))

    assert (len(people.devices["p"]), result.reason) == (MAX_DEVICES + 1, refusal_reasons.TOO_MANY_DEVICES)


def test_limit_is_each_persons() -> None:
    people = with_devices(MAX_DEVICES)

    assert run_command(I0, people, add("new", to="2")).effect is Effect.RECORDED


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (
            lambda at: TrackEvent(
                reference=reference_by("id", "1"), event=TrackedEvent(name="n", timestamp=at, data={})
            ),
            "timestamp",
        ),
        (lambda at: TrackAnonymousEvent(event=TrackedEvent(name="n", timestamp=at, data={})), "timestamp"),
        (
            lambda at: AddDevice(
                reference=reference_by("id", "1"), device=Device(token="t", platform="ios", last_used=at, attributes={})
            ),
            "device.last_used",
        ),
    ],
)
def test_what_is_more_than_a_day_ahead_is_not_recorded(make: Callable[[int], Command], field: str) -> None:
    people, tomorrow = working_set(E2), NOW + 24 * 3600

    late, soon = (run_command(E2, people, make(at)) for at in (tomorrow + 1, tomorrow))

    name = field.rpartition(".")[2]
    assert (late.effect, late.field, soon.effect) == (Effect.REJECTED, field, Effect.RECORDED)
    assert late.message == f"{name} {tomorrow + 1} is more than a day in the future: send a time up to now."
