"""Attributes of a person: what may be one, and what a call makes of them (identity-rules §1, §4).

The identifiers are no attributes: who takes a body apart is `calls.identify_call`.
"""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, TypeAlias, TypeVar

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.texts import MAX_NAME_BYTES, MAX_VALUE_BYTES, check_text, is_plain, shown

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
    """The attributes after a call: null and the empty string remove, all else is written."""
    if not wishes:
        return attributes
    if not IDENTIFIER_NAMES.isdisjoint(wishes):
        wishes = without_identifiers(wishes)
    written = {name: value for name, value in wishes.items() if value is not None and value != ""}
    if not attributes:
        return written
    return {name: value for name, value in attributes.items() if name not in wishes} | written


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
        _check_document(value, path)


def _check_document(value: object, path: str) -> None:
    for text in _texts(value, path):
        check_text(text, field=path, limit=MAX_VALUE_BYTES)
    try:
        written = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise InvalidInput(f"{path} is nested too deeply: flatten it", field=path) from None
    check_text(written, field=path, limit=MAX_VALUE_BYTES)


def _texts(value: object, path: str) -> Iterator[str]:
    """Every text in a JSON value, names and values; anything that JSON has no word for is refused."""
    pending = [value]
    while pending:
        inner = pending.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            pending += [*inner, *inner.values()]
        elif isinstance(inner, list):
            pending += inner
        elif not _is_json_scalar(inner):
            raise InvalidInput(f"{path} is {shown(inner)}: send text, a number, true, false or null", field=path)


def _is_json_scalar(value: object) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value))
