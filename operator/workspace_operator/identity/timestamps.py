"""Times as callers send them: Unix seconds, as a number or as digits (identity-rules §1, track-api.md §1)."""

from math import inf

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.texts import shown

LATEST = 253_402_300_799
"""The end of the year 9999: what is beyond is no time in seconds."""

_MOST_DIGITS = 20
"""Digits that can still be a time; more would only cost."""


def unix_seconds(value: object) -> float | None:
    """What a number, or text of digits, says as Unix seconds; None if it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isascii() and value.isdigit():
        return int(value)
    return None


def seconds_of(raw: object, *, field: str) -> float | None:
    """A time that a call gives; None if it gives none. The future is the caller's business.

    Raises:
        InvalidInput: it is no finite number of seconds since 1970.
    """
    if raw is None or raw == "":
        return None
    seconds = unix_seconds(raw)
    if seconds is None or not 0 <= seconds < inf:
        raise InvalidInput(f"{field} {shown(raw)} is no time: send Unix seconds, a number or digits", field=field)
    return seconds


def whole_seconds_of(raw: object, *, field: str) -> int | None:
    """The same in whole seconds, as it is kept of events and devices, up to the year 9999.

    Raises:
        InvalidInput: it is no such time; milliseconds are not.
    """
    seconds = seconds_of(raw, field=field)
    if seconds is not None and seconds > LATEST:
        raise InvalidInput(f"{field} {shown(raw)} is beyond the year 9999: send seconds", field=field)
    return None if seconds is None else int(seconds)
