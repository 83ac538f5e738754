"""Handlers for events, devices and manual segments (end of identity-rules §4, track-api.md §1)."""

from collections.abc import Callable

from workspace_operator.identity.identify.identify import identify
from workspace_operator.identity.model import commands
from workspace_operator.identity.model.activity_log import log_event
from workspace_operator.identity.model.lookup import find_or_ignore
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import DeviceRemoved, DeviceUpserted, MembershipSet
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.devices import MAX_DEVICES
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.refusal_reasons import IN_THE_FUTURE, TOO_MANY_DEVICES
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.identity.values.timestamps import is_in_future


def record_event(
    rules: IdentityRules,
    working_set: WorkingSet,
    command: commands.TrackEvent,
    *,
    now: int,
    new_cio_id: Callable[[], str],
) -> CommandResult:
    """Record an event of a person; create the person first if the reference matches none."""
    if _is_in_future(command.event.timestamp, now):
        return _future_rejection("timestamp", command.event.timestamp)
    identified = _get_or_create(rules, working_set, command.reference, now=now, new_cio_id=new_cio_id)
    if identified.person is None:
        return identified
    log_event(working_set, command.event, cio_id=identified.person.cio_id, now=now)
    return _recorded(identified.person, before=identified.before)


def record_anonymous_event(
    working_set: WorkingSet, command: commands.TrackAnonymousEvent, *, now: int
) -> CommandResult:
    """Record an event without a person."""
    if _is_in_future(command.event.timestamp, now):
        return _future_rejection("timestamp", command.event.timestamp)
    log_event(working_set, command.event, cio_id=None, anonymous_id=command.anonymous_id, now=now)
    return CommandResult(effect=Effect.RECORDED)


def add_device(
    rules: IdentityRules,
    working_set: WorkingSet,
    command: commands.AddDevice,
    *,
    now: int,
    new_cio_id: Callable[[], str],
) -> CommandResult:
    """Add or replace a device of a person; create the person first if the reference matches none."""
    if _is_in_future(command.device.last_used, now):
        return _future_rejection("device.last_used", command.device.last_used)
    identified = _get_or_create(rules, working_set, command.reference, now=now, new_cio_id=new_cio_id)
    person = identified.person
    if person is None:
        return identified
    tokens = working_set.devices.setdefault(person.cio_id, set())
    if command.device.token not in tokens and len(tokens) >= MAX_DEVICES:
        return CommandResult(effect=Effect.REJECTED, person=person, before=person, reason=TOO_MANY_DEVICES)
    tokens.add(command.device.token)
    working_set.events.append(DeviceUpserted(cio_id=person.cio_id, device=command.device))
    return _recorded(person, before=identified.before)


def delete_device(working_set: WorkingSet, command: commands.DeleteDevice) -> CommandResult:
    """Remove a device from a person, if the person has it."""
    person = find_or_ignore(working_set, command.reference)
    if isinstance(person, CommandResult):
        return person
    working_set.devices.get(person.cio_id, set()).discard(command.token)
    working_set.events.append(DeviceRemoved(cio_id=person.cio_id, token=command.token))
    return _recorded(person, before=person)


def set_membership(working_set: WorkingSet, command: commands.SetMembership) -> CommandResult:
    """Add a person to a manual segment, or remove the person from it."""
    person = find_or_ignore(working_set, command.reference)
    if isinstance(person, CommandResult):
        return person
    working_set.events.append(MembershipSet(cio_id=person.cio_id, segment=command.segment, member=command.member))
    return _recorded(person, before=person)


def _get_or_create(
    rules: IdentityRules, working_set: WorkingSet, reference: Reference, *, now: int, new_cio_id: Callable[[], str]
) -> CommandResult:
    """Run an identify command without a body: its result has the person, or the reason why there is none."""
    empty = commands.Identify(reference=reference, attributes={})
    return identify(rules, working_set, empty, now=now, new_cio_id=new_cio_id)


def _is_in_future(seconds: int | None, now: int) -> bool:
    return seconds is not None and is_in_future(seconds, now=now)


def _future_rejection(field: str, seconds: int | None) -> CommandResult:
    return CommandResult(effect=Effect.REJECTED, reason=IN_THE_FUTURE, field=field, value=seconds)


def _recorded(person: Person, *, before: Person | None) -> CommandResult:
    return CommandResult(effect=Effect.RECORDED, person=person, before=before)
