"""Attributes of a person: what may be one, and what a call makes of them (identity-rules §1, §4).

The identifiers are no attributes: who takes a body apart is `calls.identify_call`.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.documents import check_document
from workspace_operator.identity.texts import MAX_NAME_BYTES, MAX_VALUE_BYTES, check_text, is_plain

T = TypeVar("T")

AttributeValue: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any]
"""What an attribute can hold: a JSON value that is not null."""

Attributes: TypeAlias = Mapping[str, AttributeValue]

Wishes: TypeAlias = Mapping[str, AttributeValue | None]
"""What a call says of attributes: None and the empty string remove one."""

MAX_ATTRIBUTES = 300
"""How many a call may bring and a person may have; a merge may exceed it (identity-rules §5)."""

IDENTIFIER_NAMES = frozenset({"id", "email", "cio_id"})
"""These names never stay among the attributes of a person."""


def applied(attributes: Attributes, wishes: Wishes) -> Attributes:
    """The attributes after a call: null and the empty string remove, all else is written in its place."""
    if not wishes:
        return attributes
    said = {**attributes, **wishes} if attributes else wishes
    return {name: value for name, value in said.items() if value is not None and value != ""}


def same_value(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    """Whether two values are the same; 1, true and 1.0 are equal only to Python."""
    if one != other:
        return False
    return isinstance(one, str) or repr(one) == repr(other)


def without_identifiers(body: Mapping[str, T]) -> dict[str, T]:
    """What of a body is attributes."""
    return {name: value for name, value in body.items() if name not in IDENTIFIER_NAMES}


def check_attributes(wishes: Mapping[str, object], *, field: str = "attributes") -> None:
    """Refuse what is no attribute or over a limit (identity-rules §1): 300 of them, names and values.

    Raises:
        InvalidInput: with the path of the name, such as ``attributes.plan``.
    """
    if len(wishes) > MAX_ATTRIBUTES:
        raise InvalidInput(
            f"{field} has {len(wishes)} attributes, {MAX_ATTRIBUTES} are allowed: leave some out", field=field
        )
    if not _all_plain(wishes):
        for name, value in wishes.items():
            _check_attribute(name, value, field)


def _all_plain(wishes: Mapping[str, object]) -> bool:
    """Whether one look shows that all is well: short ASCII text throughout, as in most rows of a file."""
    try:
        values = "".join(wishes.values())  # type: ignore[arg-type]  # what is no text raises TypeError
    except TypeError:
        return False
    return is_plain("".join(wishes), MAX_NAME_BYTES) and is_plain(values, MAX_VALUE_BYTES)


def _check_attribute(name: str, value: object, field: str) -> None:
    check_text(name, field=f"{field} name", limit=MAX_NAME_BYTES)
    path = f"{field}.{name}"
    if isinstance(value, str):
        check_text(value, field=path, limit=MAX_VALUE_BYTES)
    elif value is not None:
        check_document(value, field=path, limit=MAX_VALUE_BYTES)
