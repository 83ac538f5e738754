"""How people and their values appear."""

import json
from datetime import UTC, datetime
from typing import Final

from workspace_operator.console.views.cleanups.groups import MAX_CELL
from workspace_operator.console.views.formats import ShownTime, time, visible
from workspace_operator.identity.model.person import Person

NAME_ATTRIBUTES: Final = ("first_name", "last_name", "name")
"""Attributes that make up the name of a person, as far as it has them."""


def display_name(person: Person) -> str:
    """The name of a person by its attributes; empty without one."""
    values = [person.attributes.get(name) for name in NAME_ATTRIBUTES]
    return visible(" ".join(value for value in values if isinstance(value, str)), limit=MAX_CELL)


def value_text(value: object) -> str:
    """A value as text, as long as a page shows it: JSON if it is not text, empty for none."""
    if value is None:
        return ""
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def time_of_seconds(seconds: float) -> ShownTime | None:
    """A time in Unix seconds; None if no calendar has it."""
    try:
        return time(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, OSError, ValueError):
        return None


def identifying_text(person: Person) -> str:
    """What confirms that this person is meant: its id, else its address, else its cio_id."""
    return person.id or person.email or person.cio_id


def is_confirmed(person: Person, typed: str) -> bool:
    """Whether somebody typed what identifies a person, as it is or as pages show it."""
    name = identifying_text(person)
    return typed.strip() in {name.strip(), visible(name).strip()}
