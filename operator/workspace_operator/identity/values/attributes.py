"""Attributes of a person: what may be one, and what a call makes of them (identity-rules §1, §4).

The identifiers are no attributes: who takes a body apart is `commands.identify_from_fields`.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.json_limits import check_json
from workspace_operator.identity.values.text_limits import (
    MAX_NAME_BYTES,
    MAX_VALUE_BYTES,
    check_text,
    is_ascii_within,
)

T = TypeVar("T")

AttributeValue: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any]
"""What an attribute can hold: a JSON value that is not null."""

Attributes: TypeAlias = Mapping[str, AttributeValue]

AttributeUpdates: TypeAlias = Mapping[str, AttributeValue | None]
"""What a call says of attributes: None and the empty string remove one."""

MAX_ATTRIBUTES = 300
"""How many a call may bring and a person may have; a merge may exceed it (identity-rules §5)."""

IDENTIFIER_NAMES = frozenset({"id", "email", "cio_id"})
"""These names never stay among the attributes of a person."""


def updated_attributes(attributes: Attributes, updates: AttributeUpdates) -> Attributes:
    """The attributes after a call: null and the empty string remove, all else is written in its place."""
    if not updates:
        return attributes
    merged = {**attributes, **updates} if attributes else updates
    return {name: value for name, value in merged.items() if value is not None and value != ""}


def same_value(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    """Whether two values are the same; 1, true and 1.0 are equal only to Python."""
    if one != other:
        return False
    return isinstance(one, str) or repr(one) == repr(other)


def without_identifiers(body: Mapping[str, T]) -> dict[str, T]:
    """What of a body is attributes."""
    return {name: value for name, value in body.items() if name not in IDENTIFIER_NAMES}


def check_attributes(updates: Mapping[str, object], *, field: str = "attributes") -> None:
    """Refuse what is no attribute or over a limit (identity-rules §1): 300 of them, names and values.

    Raises:
        InvalidInput: with the path of the name, such as ``attributes.plan``.
    """
    if len(updates) > MAX_ATTRIBUTES:
        raise InvalidInput(
            f"{field} has {len(updates)} attributes, {MAX_ATTRIBUTES} are allowed: leave some out", field=field
        )
    if not _all_ascii_within(updates):
        for name, value in updates.items():
            _check_attribute(name, value, field)


def _all_ascii_within(updates: Mapping[str, object]) -> bool:
    """Whether one look shows that all is well: short ASCII text throughout, as in most rows of a file."""
    try:
        values = "".join(updates.values())  # type: ignore[arg-type]  # what is no text raises TypeError
    except TypeError:
        return False
    return is_ascii_within("".join(updates), MAX_NAME_BYTES) and is_ascii_within(values, MAX_VALUE_BYTES)


def _check_attribute(name: str, value: object, field: str) -> None:
    check_text(name, field=f"{field} name", limit=MAX_NAME_BYTES)
    path = f"{field}.{name}"
    if isinstance(value, str):
        check_text(value, field=path, limit=MAX_VALUE_BYTES)
    elif value is not None:
        check_json(value, field=path, limit=MAX_VALUE_BYTES)
