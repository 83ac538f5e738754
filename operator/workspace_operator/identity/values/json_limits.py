"""JSON documents inside calls: values of attributes, data of events. Everything about them has a bound."""

import json
from collections.abc import Iterator
from math import isfinite

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import check_text, quoted

MAX_DEPTH = 32
"""How deep lists and objects may be nested."""


def check_json(value: object, *, field: str, limit: int) -> None:
    """Refuse what JSON has no word for, text that no database can hold, deep nesting, and too many bytes.

    Args:
        value: a JSON value.
        field: its path in errors.
        limit: bytes of UTF-8, written as JSON without white space.

    Raises:
        InvalidInput: nothing is ever cut to fit.
    """
    for text in _strings(value, field):
        check_text(text, field=field, limit=limit)
    try:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except ValueError:  # Python writes no integer of more than 4300 digits
        raise InvalidInput(f"{field} has a number of thousands of digits: send it as text", field=field) from None
    check_text(written, field=field, limit=limit)


def _strings(value: object, field: str) -> Iterator[str]:
    """Every text in a JSON value, names and values, level by level."""
    level, depth = [value], 0
    while level:
        inner: list[object] = []
        for each in level:
            if isinstance(each, str):
                yield each
            elif isinstance(each, dict):
                inner += [*each, *each.values()]
            elif isinstance(each, list):
                inner += each
            elif not _is_scalar(each):
                raise InvalidInput(f"{field} is {quoted(each)}: send text, a number, true, false or null", field=field)
        level, depth = inner, depth + 1
        if depth > MAX_DEPTH and level:
            raise InvalidInput(f"{field} is nested too deeply, {MAX_DEPTH} levels are allowed: flatten it", field=field)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value))
