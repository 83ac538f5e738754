"""Manual segments: groups of people with a number and an optional name."""

from typing import Final

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import MAX_NAME_BYTES, check_text

MAX_SEGMENT: Final = 10**18 - 1
"""The largest number of 18 digits, which fits the integers of every database."""


def segment_name(raw: str, *, field: str) -> str:
    """Parse a segment's name, without surrounding white space.

    Raises:
        InvalidInput: it is empty, too long, not storable text, or a number, which names segments without a name.
    """
    name = raw.strip()
    if not name:
        raise InvalidInput(f"{field} is empty: give the segment a name", field=field)
    if _is_number(name):
        raise InvalidInput(f"{field} {name} is a number: give the segment a name that is not a number", field=field)
    check_text(name, field=field, limit=MAX_NAME_BYTES)
    return name


def segment_reference(raw: str, *, field: str) -> int | str:
    """Parse a segment's number or name. Raises InvalidInput."""
    text = raw.strip()
    if not text:
        raise InvalidInput(f"{field} is empty: give a segment's number, or its name", field=field)
    if not _is_number(text):
        return segment_name(text, field=field)
    if len(text.lstrip("0")) > len(str(MAX_SEGMENT)) or not 1 <= int(text) <= MAX_SEGMENT:
        raise InvalidInput(f"{field} {text[:MAX_NAME_BYTES]} is no number from 1 to {MAX_SEGMENT}", field=field)
    return int(text)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
