"""Attributes after a call (identity-rules §1, §4), and two people after a merge (identity-rules §5)."""

from dataclasses import replace
from typing import Protocol

from tests.model.reference.permissions import id_is_another_email
from tests.model.reference.records import EMAIL_NAME, ModelPerson
from tests.model.reference.timestamps import parse_seconds
from workspace_operator.identity.model.commands import ABSENT, Identify
from workspace_operator.identity.values import refusal_reasons as reasons
from workspace_operator.identity.values.rules import Mode

IDENTIFIERS = {"id", "email", "cio_id"}


class Draft(Protocol):
    """A working copy that records refused changes."""

    def refuse(self, kind: str, value: object, reason: str) -> None: ...


def write_attributes(person: ModelPerson, call: Identify, now: int) -> None:
    """Null and the empty string remove, all else is written; what is older than what we know is dropped."""
    for name, value in call.attributes.items():
        if name in IDENTIFIERS or is_late(person, name, call, now):
            continue
        was_there = person.has(name)
        if value is None or value == "":
            person.attributes.pop(name, None)
            record_removal(person, name, call, now, was_there=was_there)
        else:
            person.attributes[name] = value
            record_timestamp(person, name, call, now)


def write_plain_email(person: ModelPerson, call: Identify, now: int) -> None:
    """IDOnly: the email is an attribute like any other, and may be anything."""
    if call.email is ABSENT or is_late(person, EMAIL_NAME, call, now):
        return
    was_there = person.has(EMAIL_NAME)
    person.email = call.email if isinstance(call.email, str) else None
    if person.email is None:
        record_removal(person, EMAIL_NAME, call, now, was_there=was_there)
    else:
        record_timestamp(person, EMAIL_NAME, call, now)


def record_timestamp(person: ModelPerson, name: str, call: Identify, now: int) -> None:
    """What is as old as its person needs no time of its own."""
    person.times[name] = written_at(call, now)
    if person.times[name] == person.inserted_at:
        del person.times[name]


def record_removal(person: ModelPerson, name: str, call: Identify, now: int, *, was_there: bool) -> None:
    """A removal keeps its time; that what was not there was removed from somebody that second old says nothing."""
    at = written_at(call, now)
    if was_there or name in person.times or at != person.inserted_at:
        person.times[name] = at


def written_at(call: Identify, now: int) -> float:
    """When the attributes of a call had these values; the future counts as now."""
    return now if call.timestamp is None else min(call.timestamp, now)


def is_late(person: ModelPerson, name: str, call: Identify, now: int) -> bool:
    """Whether somebody told of a later time already; equal is written."""
    at, known = written_at(call, now), person.time_of(name)
    return at != now and known is not None and at < known


def age_of(person: ModelPerson, now: int) -> int:
    """``created_at`` if that is a time up to now; else when we made the person."""
    seconds = parse_seconds(person.attributes.get("created_at"))
    return person.inserted_at if seconds is None or seconds > now else int(seconds)


def without_invalid_timestamps(call: Identify, draft: Draft, now: int) -> Identify:
    """A ``created_at`` that is no time, or more than a day ahead, keeps its value (identity-rules §1)."""
    said = call.attributes.get("created_at")
    if said is None or said == "":
        return call
    seconds = parse_seconds(said)
    if seconds is not None and seconds <= now + 24 * 3600:
        return call
    draft.refuse("created_at", said, reasons.NOT_A_TIME if seconds is None else reasons.IN_THE_FUTURE)
    return replace(call, attributes={name: value for name, value in call.attributes.items() if name != "created_at"})


def survivor_of(primary: ModelPerson, secondary: ModelPerson, mode: Mode, now: int) -> ModelPerson:
    """Own values stay; what is lacking comes from the other, with its time; devices and segments are both people's."""
    survivor = primary.copy()
    survivor.attributes = {**secondary.attributes, **primary.attributes}
    if any(is_true(each.attributes.get("unsubscribed")) for each in (primary, secondary)):
        survivor.attributes["unsubscribed"] = True
    survivor.email = primary.email or secondary.email
    survivor.id = primary.id or secondary.id
    if mode is Mode.EMAIL_OR_ID and id_is_another_email(survivor.id, survivor.key):
        survivor.id = primary.id  # identity-rules §3, last D: it would stay another email for ever
    names = {*survivor.attributes, *primary.times, *secondary.times, *({EMAIL_NAME} if mode is Mode.ID_ONLY else ())}
    times = {name: _time_in_survivor(primary, secondary, name) for name in names}
    survivor.times = {
        name: at
        for name, at in times.items()
        if at is not None and not (at == survivor.inserted_at and survivor.has(name))
    }
    survivor.devices = {**secondary.devices, **primary.devices}
    survivor.segments = primary.segments | secondary.segments
    survivor.age = age_of(survivor, now)
    return survivor


def _time_in_survivor(primary: ModelPerson, secondary: ModelPerson, name: str) -> float | None:
    """A value keeps its own; where both removed it, or either may have unsubscribed, the later time counts."""
    for each in (primary, secondary):
        if each.has(name) and name != "unsubscribed":
            return each.time_of(name)
    return max((at for each in (primary, secondary) if (at := each.time_of(name)) is not None), default=None)


def is_true(value: object) -> bool:
    """What counts as a true ``unsubscribed``: true, 1, "true", "1", "1.0"."""
    return value == 1 or (isinstance(value, str) and value.strip().lower() in {"true", "1", "1.0"})
