"""When attributes got their values: what a call with a ``_timestamp`` may still write (end of identity-rules §4).

What is kept is `Person.attribute_timestamps`: no time of an attribute that is as old as its person, but the times of
removed attributes, so that a value which comes late does not bring one back.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import Attributes, AttributeUpdates

AttributeTimestamps: TypeAlias = Mapping[str, float]

MAX_REMOVED_TIMESTAMPS = 300
"""Of how many removed attributes the times are kept; the oldest are forgotten first."""

PLAIN_EMAIL: Final = "email"
"""Where email is an attribute like any other, in mode IDOnly, its time goes by this name."""

UNSUBSCRIBED: Final = "unsubscribed"

_NEVER: Final = float("-inf")


def drop_stale(person: Person, updates: AttributeUpdates, at: float) -> AttributeUpdates:
    """What of a call that speaks of an earlier moment is not older than what is known; equal is written."""
    return {name: value for name, value in updates.items() if at >= _timestamp_of(person, name)}


def updated_timestamps(
    before: Person | None, after: Attributes, updates: AttributeUpdates, *, at: float, inserted_at: int
) -> AttributeTimestamps | None:
    """The times once a call wrote and removed these.

    Writing the value that is there moves its time, too, so that a late backfill cannot undo a confirmation. In the
    very second in which a person is made, removing what is not there leaves no time: rows of new people often have
    empty cells.
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
    """A survivor's times: a value keeps its own; what neither has was removed when it was last removed."""
    # What the primary has since it was made is as old as the survivor, and left out.
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
    holder = next((person for person in (primary, secondary) if _has(person, name)), None)
    if holder is None or name == UNSUBSCRIBED:  # which either may have decided
        return max(_timestamp_of(primary, name), _timestamp_of(secondary, name))
    return _timestamp_of(holder, name)


def _timestamp_of(person: Person, name: str) -> float:
    """When an attribute got its value or was removed; what never was there has no age."""
    known = None if person.attribute_timestamps is None else person.attribute_timestamps.get(name)
    if known is not None:
        return known
    return person.inserted_at if _has(person, name) else _NEVER


def _has(person: Person, name: str) -> bool:
    return name in person.attributes or (name == PLAIN_EMAIL and person.email is not None)


def _bounded(timestamps: dict[str, float], attributes: Attributes) -> dict[str, float]:
    """The same without the oldest times of removed attributes beyond the limit."""
    if len(timestamps) <= MAX_REMOVED_TIMESTAMPS:
        return timestamps
    removed = sorted((at, name) for name, at in timestamps.items() if name not in attributes and name != PLAIN_EMAIL)
    for _, name in removed[: max(0, len(removed) - MAX_REMOVED_TIMESTAMPS)]:
        del timestamps[name]
    return timestamps
