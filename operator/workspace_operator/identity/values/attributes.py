"""Attributes of a person: their limits, and how updates apply to them (identity-rules §1, §4).

Identifiers are no attributes: `commands.identify_from_fields` separates them in a body.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.json_limits import check_json
from workspace_operator.identity.values.text_limits import MAX_NAME_BYTES, MAX_VALUE_BYTES, check_text, is_ascii_within

T = TypeVar("T")

AttributeValue: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any]
"""The value of an attribute: a JSON value that is not null."""

Attributes: TypeAlias = Mapping[str, AttributeValue]

AttributeUpdates: TypeAlias = Mapping[str, AttributeValue | None]
"""Attribute updates by name: None and the empty string remove the attribute."""

MAX_ATTRIBUTES = 300
"""Maximum for a command and for a person; a merge may exceed it (identity-rules §5)."""

IDENTIFIER_NAMES = frozenset({"id", "email", "cio_id"})
"""Names that are never attributes of a person."""


def updated_attributes(attributes: Attributes, updates: AttributeUpdates) -> Attributes:
    """The attributes after updates: null and the empty string remove one, any other value replaces it."""
    if not updates:
        return attributes
    merged: dict[str, Any] = {**attributes, **updates} if attributes else dict(updates)
    if all(merged.values()):  # a cheap check that avoids a loop for most commands
        return merged
    return {name: value for name, value in merged.items() if value is not None and value != ""}


def same_value(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    """Whether two JSON values are the same; 1, true and 1.0 are equal only in Python."""
    if one != other:
        return False
    return isinstance(one, str) or repr(one) == repr(other)


def without_identifiers(body: Mapping[str, T]) -> dict[str, T]:
    """The attributes of a body."""
    attributes = dict(body)
    for name in IDENTIFIER_NAMES:
        attributes.pop(name, None)
    return attributes


def check_attributes(updates: Mapping[str, object], *, field: str = "attributes") -> None:
    """Check the number, names and values of attributes (identity-rules §1).

    Raises:
        InvalidInput: something is over a limit or no JSON value; has the path of the name, such as ``attributes.plan``.
    """
    if (count := len(updates)) > MAX_ATTRIBUTES:
        raise InvalidInput(f"{field} has {count} attributes, {MAX_ATTRIBUTES} are allowed: leave some out", field=field)
    if _has_short_ascii_text(updates):
        updates = {name: value for name, value in updates.items() if not isinstance(value, str)}
    for name, value in updates.items():
        _check_attribute(name, value, field)


def _has_short_ascii_text(updates: Mapping[str, object]) -> bool:
    """Whether all names and all values that are text are short ASCII, as usual: one cheap check of them together."""
    texts = [value for value in updates.values() if isinstance(value, str)]
    return is_ascii_within("".join(updates), MAX_NAME_BYTES) and is_ascii_within("".join(texts), MAX_VALUE_BYTES)


def _check_attribute(name: str, value: object, field: str) -> None:
    check_text(name, field=f"{field} name", limit=MAX_NAME_BYTES)
    path = f"{field}.{name}"
    if isinstance(value, str):
        check_text(value, field=path, limit=MAX_VALUE_BYTES)
    else:
        check_json(value, field=path, limit=MAX_VALUE_BYTES)
