"""Parser of times for attributes, events, devices, `_timestamp` and the cells of files (identity-rules §1).

A time is ISO 8601 with a day, Unix seconds of 9 or 10 digits, or Unix milliseconds of 12 or 13 digits, from 1970 to the
year 9999. The digits of a number decide, so 20240131 is a date. Other values are no times: serial numbers of a
spreadsheet, years, small numbers.

Times before 1970 are refused because programs send 0001-01-01 or 1900-01-01 for "not set", which would make a person
the oldest. No library accepts exactly these forms: most also accept years and months, and `datetime.fromisoformat`
differs between versions of Python.
"""

import re
from datetime import date
from typing import Final

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import quoted, stripped

MAX_SECONDS: Final = 253_402_300_799
"""The end of the year 9999."""

DAY_SECONDS: Final = 86_400

TIME_ADVICE: Final = "send ISO 8601, such as 2026-01-31T12:00:00Z, or Unix seconds"

_MAX_CHARACTERS: Final = 64
"""Maximum characters of a time; longer text is not parsed."""

_SECONDS: Final = (10**8, 10**10)
_MILLISECONDS: Final = (10**11, 10**13)
_DATES: Final = (10**6, 10**8)
"""Ranges (lower bound included) of Unix seconds, Unix milliseconds, and dates without hyphens."""

_SECONDS_FROM, _SECONDS_BELOW = _SECONDS

_numeral = re.compile(r"([1-9][0-9]{0,12})(\.[0-9]+)?").fullmatch
_iso_8601 = re.compile(
    r"(?P<year>[0-9]{4})(?P<dash>-?)"
    r"(?:(?P<month>[0-9]{2})(?P=dash)(?P<day>[0-9]{2})"
    r"|W(?P<week>[0-9]{2})(?P=dash)(?P<weekday>[1-7])"
    r"|(?P<yearday>[0-3][0-9]{2}))"
    # 24:00 is the end of a day, and a minute may have a leap second; Unix time has neither.
    r"(?:[Tt ](?P<hour>[01][0-9]|2[0-4])"
    r"(?:(?P<colon>:?)(?P<minute>[0-5][0-9])(?:(?P=colon)(?P<second>[0-5][0-9]|60))?)?"
    r"(?P<fraction>[.,][0-9]+)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<zone_hour>[01][0-9]|2[0-3])(?::?(?P<zone_minute>[0-5][0-9]))?)?)?"
).fullmatch
_EPOCH: Final = date(1970, 1, 1).toordinal()


def time_of(value: object) -> float | None:
    """Parse a JSON value or a cell of a file as a time in Unix seconds; None if it is no time.

    Surrounding white space is ignored. A time without an offset is in UTC; a date is its first second.
    """
    if type(value) is int and _SECONDS_FROM <= value < _SECONDS_BELOW:  # the most common form
        return value
    if isinstance(value, str):
        return _time_of_text(stripped(value))
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _time_of_integer(value)
    if isinstance(value, float):
        return _time_of_integer(int(value)) if value.is_integer() else _instant(value)
    return None


def seconds_of(raw: object, *, field: str) -> float | None:
    """Parse an optional time of a request, in Unix seconds; None for null or the empty string. Raises InvalidInput."""
    if raw is None or raw == "":
        return None
    seconds = time_of(raw)
    if seconds is None:
        raise InvalidInput(f"{field} {quoted(raw)} is no time: {TIME_ADVICE}", field=field)
    return seconds


def whole_seconds_of(raw: object, *, field: str) -> int | None:
    """Parse an optional time like `seconds_of`, in whole seconds as stored for events and devices."""
    seconds = seconds_of(raw, field=field)
    return None if seconds is None else int(seconds)


def is_in_future(seconds: float, *, now: int) -> bool:
    """Whether a time is more than a day in the future, and therefore an error.

    The rules check this with the store's time, and no parser does, so that every caller and batch gets the same answer.
    """
    return seconds > now + DAY_SECONDS


def _time_of_text(text: str) -> float | None:
    if len(text) > _MAX_CHARACTERS:
        return None
    numeral = _numeral(text)  # with a fraction: spreadsheet tools write 1700000000.0
    if numeral is None:
        return _time_of_iso_8601(text)
    digits, fraction = numeral.groups()
    if fraction is None or not fraction.strip(".0"):
        return _time_of_integer(int(digits))
    return _instant(float(text))


def _time_of_integer(number: int) -> float | None:
    if _DATES[0] <= number < _DATES[1]:
        return _time_of_iso_8601(str(number))
    return _instant(number)


def _instant(number: float) -> float | None:
    """A number of Unix seconds or milliseconds as Unix seconds; None if it is neither."""
    if _SECONDS[0] <= number < _SECONDS[1]:
        return number
    if _MILLISECONDS[0] <= number < _MILLISECONDS[1]:
        seconds = number / 1000
        return int(seconds) if seconds.is_integer() else seconds
    return None


def _time_of_iso_8601(text: str) -> float | None:
    match = _iso_8601(text)
    if match is None:
        return None
    try:
        day = _day(match)
    except ValueError:  # a month 13, a 30th of February, a week 53 or a day 366 of most years
        return None
    second = _second_of_day(match)
    if second > DAY_SECONDS:  # 24:01
        return None
    seconds = (day - _EPOCH) * DAY_SECONDS + second - _offset(match)
    return seconds if 0 <= seconds <= MAX_SECONDS else None


def _day(match: re.Match[str]) -> int:
    """The ordinal of the date. Raises ValueError if the day does not exist."""
    year = int(match["year"])
    if match["month"]:
        return date(year, int(match["month"]), int(match["day"])).toordinal()
    if match["week"]:
        return date.fromisocalendar(year, int(match["week"]), int(match["weekday"])).toordinal()
    day = date.fromordinal(date(year, 1, 1).toordinal() + int(match["yearday"]) - 1)
    if day.year != year:
        raise ValueError(match["yearday"])
    return day.toordinal()


def _second_of_day(match: re.Match[str]) -> float:
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    return hour * 3600 + minute * 60 + second + _fraction(match)


def _fraction(match: re.Match[str]) -> float:
    """The fraction of the last part of the time of day, in seconds."""
    if not match["fraction"]:
        return 0
    unit = 1 if match["second"] else 60 if match["minute"] else 3600
    return float(f"0.{match['fraction'][1:]}") * unit


def _offset(match: re.Match[str]) -> int:
    """The offset from UTC, in seconds."""
    seconds = int(match["zone_hour"] or 0) * 3600 + int(match["zone_minute"] or 0) * 60
    return -seconds if match["sign"] == "-" else seconds
