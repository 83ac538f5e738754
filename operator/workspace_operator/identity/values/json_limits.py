"""Limits of JSON documents in commands: values of attributes, data of events."""

import json
from collections.abc import Iterator
from math import isfinite

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import check_text, quoted

MAX_DEPTH = 32
"""Maximum nesting of lists and objects."""

_SHORT_NUMBER = 10**18


def check_json(value: object, *, field: str, limit: int) -> None:
    """Check that a value is JSON, has only storable text, and is within the limits of nesting and size.

    ``field`` is its path in errors; ``limit`` is in bytes of UTF-8 as JSON without white space.

    Raises:
        InvalidInput: the value fails a check; no value is truncated.
    """
    if _is_short_number(value):
        return
    for text in _strings(value, field):
        check_text(text, field=field, limit=limit)
    try:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except ValueError:  # Python does not convert integers of more than 4300 digits
        raise InvalidInput(f"{field} has a number of thousands of digits: send it as text", field=field) from None
    check_text(written, field=field, limit=limit)


def _strings(value: object, field: str) -> Iterator[str]:
    """Yield every string of a JSON value, names and values, level by level."""
    level, depth = [value], 0
    while level:
        inner: list[object] = []
        for item in level:
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict):
                inner += [*item, *item.values()]
            elif isinstance(item, list):
                inner += item
            elif not _is_scalar(item):
                raise InvalidInput(f"{field} is {quoted(item)}: send text, a number, true, false or null", field=field)
        level, depth = inner, depth + 1
        if depth > MAX_DEPTH and level:
            raise InvalidInput(f"{field} is nested too deeply, {MAX_DEPTH} levels are allowed: flatten it", field=field)


def _is_short_number(value: object) -> bool:
    """Whether a cheap check accepts the value: a number whose JSON is within every limit, or true or false."""
    if isinstance(value, int):
        return -_SHORT_NUMBER < value < _SHORT_NUMBER
    return isinstance(value, float) and isfinite(value)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value))
