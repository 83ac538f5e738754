"""Attribute timestamps: which updates a command with a ``_timestamp`` may still write (end of identity-rules §4).

`Person.attribute_timestamps` omits attributes that are as old as the person. It includes removed attributes, so that a
late value does not restore one.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import Attributes, AttributeUpdates

AttributeTimestamps: TypeAlias = Mapping[str, float]

MAX_REMOVED_TIMESTAMPS = 300
"""Timestamps of removed attributes that a person keeps; the oldest are dropped first."""

PLAIN_EMAIL: Final = "email"
"""The name of the email's timestamp in mode IDOnly, where email is an attribute."""

UNSUBSCRIBED: Final = "unsubscribed"

_NEVER: Final = float("-inf")


def drop_stale(person: Person, updates: AttributeUpdates, at: float) -> AttributeUpdates:
    """Return the updates that are not older than the stored values; an equal time is written."""
    return {name: value for name, value in updates.items() if at >= _timestamp_of(person, name)}


def updated_timestamps(
    before: Person | None, after: Attributes, updates: AttributeUpdates, *, at: float, inserted_at: int
) -> AttributeTimestamps | None:
    """The timestamps after a command has applied these updates.

    Writing the current value also moves its time, so that a late backfill cannot undo a confirmation. In the second in
    which the person is created, removing an absent attribute stores no time: rows of new people often have empty cells.
    """
    known = None if before is None else before.attribute_timestamps
    if not updates or (before is None and at == inserted_at):
        return known
    timestamps = {**known, **dict.fromkeys(updates, at)} if known else dict.fromkeys(updates, at)
    if at == inserted_at and before is not None:
        for name, value in updates.items():
            removed = (value is None or value == "") and _timestamp_of(before, name) != _NEVER
            if not removed:
                del timestamps[name]
    return _bounded(timestamps, after) or None


def merged_timestamps(
    primary: Person, secondary: Person, survivor: Person, *, plain_email: bool
) -> AttributeTimestamps | None:
    """The timestamps of a survivor: a value keeps its time; an attribute that neither has keeps its last removal."""
    # Attributes that are as old as the primary are as old as the survivor, and omitted.
    names = survivor.attributes.keys() - primary.attributes.keys()
    names.update(primary.attribute_timestamps or (), secondary.attribute_timestamps or ())
    if UNSUBSCRIBED in survivor.attributes:
        names.add(UNSUBSCRIBED)
    if plain_email and survivor.email is not None:
        names.add(PLAIN_EMAIL)
    timestamps = {name: _merged_timestamp(primary, secondary, name) for name in names}
    own = {name: at for name, at in timestamps.items() if at != survivor.inserted_at or not _has(survivor, name)}
    return _bounded(own, survivor.attributes) or None


def _merged_timestamp(primary: Person, secondary: Person, name: str) -> float:
    owner = next((person for person in (primary, secondary) if _has(person, name)), None)
    if owner is None or name == UNSUBSCRIBED:  # either person may have decided it
        return max(_timestamp_of(primary, name), _timestamp_of(secondary, name))
    return _timestamp_of(owner, name)


def _timestamp_of(person: Person, name: str) -> float:
    """When an attribute got its value or was removed; minus infinity if it was never there."""
    known = None if person.attribute_timestamps is None else person.attribute_timestamps.get(name)
    if known is not None:
        return known
    return person.inserted_at if _has(person, name) else _NEVER


def _has(person: Person, name: str) -> bool:
    return name in person.attributes or (name == PLAIN_EMAIL and person.email is not None)


def _bounded(timestamps: dict[str, float], attributes: Attributes) -> dict[str, float]:
    """Drop the oldest timestamps of removed attributes beyond the limit."""
    if len(timestamps) <= MAX_REMOVED_TIMESTAMPS:
        return timestamps
    removed = sorted((at, name) for name, at in timestamps.items() if name not in attributes and name != PLAIN_EMAIL)
    for _, name in removed[: max(0, len(removed) - MAX_REMOVED_TIMESTAMPS)]:
        del timestamps[name]
    return timestamps
