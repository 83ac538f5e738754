"""What hangs on people: their events, devices and manual segments (end of identity-rules §4, track-api.md §1)."""

from collections.abc import Callable

from workspace_operator.identity import reasons
from workspace_operator.identity.calls import (
    AddDeviceCall,
    AnonymousEventCall,
    DeleteDeviceCall,
    EventCall,
    IdentifyCall,
    SegmentCall,
)
from workspace_operator.identity.devices import MAX_DEVICES
from workspace_operator.identity.noting import note_event
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import Reference
from workspace_operator.identity.resolve import identify
from workspace_operator.identity.rules import IdentityRules
from workspace_operator.identity.searching import find_known
from workspace_operator.identity.times import is_too_late
from workspace_operator.identity.trail import DeviceRemoved, DeviceSet, Membership


def record_event(
    rules: IdentityRules, population: Population, call: EventCall, *, now: int, new_cio_id: Callable[[], str]
) -> Outcome:
    """Keep an event of a person; somebody unknown is identified first."""
    if _is_in_the_future(call.event.timestamp, now):
        return _in_the_future("timestamp", call.event.timestamp)
    identified = _identified(rules, population, call.reference, now=now, new_cio_id=new_cio_id)
    if identified.person is None:
        return identified
    note_event(population, call.event, cio_id=identified.person.cio_id, now=now)
    return _recorded(identified.person, before=identified.before)


def record_anonymous_event(population: Population, call: AnonymousEventCall, *, now: int) -> Outcome:
    """Keep an event of nobody known."""
    if _is_in_the_future(call.event.timestamp, now):
        return _in_the_future("timestamp", call.event.timestamp)
    note_event(population, call.event, cio_id=None, anonymous_id=call.anonymous_id, now=now)
    return Outcome(effect=Effect.RECORDED)


def add_device(
    rules: IdentityRules, population: Population, call: AddDeviceCall, *, now: int, new_cio_id: Callable[[], str]
) -> Outcome:
    """Give a person a device, or another version of one they have; somebody unknown is identified first."""
    if _is_in_the_future(call.device.last_used, now):
        return _in_the_future("device.last_used", call.device.last_used)
    identified = _identified(rules, population, call.reference, now=now, new_cio_id=new_cio_id)
    person = identified.person
    if person is None:
        return identified
    tokens = population.devices.setdefault(person.cio_id, set())
    if call.device.token not in tokens and len(tokens) >= MAX_DEVICES:
        return Outcome(effect=Effect.REJECTED, person=person, before=person, reason=reasons.TOO_MANY_DEVICES)
    tokens.add(call.device.token)
    population.trail.append(DeviceSet(cio_id=person.cio_id, device=call.device))
    return _recorded(person, before=identified.before)


def delete_device(population: Population, call: DeleteDeviceCall) -> Outcome:
    """Take a device from a person, if it is theirs."""
    person = find_known(population, call.reference)
    if isinstance(person, Outcome):
        return person
    population.devices.get(person.cio_id, set()).discard(call.token)
    population.trail.append(DeviceRemoved(cio_id=person.cio_id, token=call.token))
    return _recorded(person, before=person)


def join_or_leave(population: Population, call: SegmentCall) -> Outcome:
    """Put a person into a manual segment, or take them out."""
    person = find_known(population, call.reference)
    if isinstance(person, Outcome):
        return person
    population.trail.append(Membership(cio_id=person.cio_id, segment=call.segment, member=call.joins))
    return _recorded(person, before=person)


def _identified(
    rules: IdentityRules, population: Population, reference: Reference, *, now: int, new_cio_id: Callable[[], str]
) -> Outcome:
    """What a bare identify comes to: it finds or makes the person, or says why there is none."""
    bare = IdentifyCall(reference=reference, attributes={})
    return identify(rules, population, bare, now=now, new_cio_id=new_cio_id)


def _is_in_the_future(seconds: int | None, now: int) -> bool:
    return seconds is not None and is_too_late(seconds, now=now)


def _in_the_future(field: str, seconds: int | None) -> Outcome:
    return Outcome(effect=Effect.REJECTED, reason=reasons.IN_THE_FUTURE, field=field, value=seconds)


def _recorded(person: Person, *, before: Person | None) -> Outcome:
    return Outcome(effect=Effect.RECORDED, person=person, before=before)
