"""Limits of text: sizes in bytes, and only characters that every database can store (identity-rules §1)."""

import json
from decimal import Decimal
from math import isfinite
from unicodedata import category

from workspace_operator.errors import InvalidInput

MAX_ID_BYTES = 150
MAX_NAME_BYTES = 150
MAX_VALUE_BYTES = 1000

_QUOTED_CHARACTERS = 40
_MAX_INVISIBLE = 5
_NUMBER_LIMIT = 10**MAX_ID_BYTES
_to_json = json.JSONEncoder(default=lambda value: type(value).__name__).iterencode


def quoted(value: object) -> str:
    """Format a value for a message: escaped and shortened; a value that is not text as JSON."""
    if isinstance(value, str):
        text = value[:_QUOTED_CHARACTERS]
        return repr(text) if len(text) == len(value) else f"{text!r}…"
    text = _json_prefix(value)
    return text if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]}…"


def _json_prefix(value: object) -> str:
    """A prefix of a value's JSON, since a value can be large."""
    written = ""
    try:
        for chunk in _to_json(value):
            written += chunk[: _QUOTED_CHARACTERS + 1]
            if len(written) > _QUOTED_CHARACTERS:
                break
    except ValueError:  # Python does not convert integers of more than 4300 digits
        return "a number of thousands of digits"
    return written


def stripped(text: str) -> str:
    """Text without surrounding white space and invisible characters (Unicode, also zero-width and formatting)."""
    if text.isascii():
        return text.strip()
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while start < end and _is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def invisible_characters(text: str) -> str:
    """List the invisible characters of text, such as ``U+200B``; empty if there is none."""
    if text.isascii() and text.isprintable():
        return ""
    found = dict.fromkeys(char for char in text if char != " " and (_is_blank(char) or not char.isprintable()))
    return ", ".join(f"U+{ord(char):04X}" for char in list(found)[:_MAX_INVISIBLE])


def _is_blank(character: str) -> bool:
    return character.isspace() or (not character.isascii() and category(character) == "Cf")


def is_ascii_within(text: str, limit: int) -> bool:
    """Whether a cheap check accepts the text: ASCII, within the limit, without NUL."""
    return len(text) <= limit and text.isascii() and "\0" not in text


def check_text(text: str, *, field: str, limit: int) -> None:
    """Check that text has no NUL and no lone surrogates, and is within the limit in bytes of UTF-8.

    Raises:
        InvalidInput: the text fails a check; no text is truncated.
    """
    if is_ascii_within(text, limit):
        return
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidInput(f"{field} {quoted(text)} is no valid Unicode: send it as UTF-8", field=field) from None
    if "\0" in text:
        raise InvalidInput(f"{field} {quoted(text)} contains NUL: leave that character out", field=field)
    if size > limit:
        raise InvalidInput(f"{field} {quoted(text)} has {size} bytes, {limit} are allowed: shorten it", field=field)


def identifier_text(raw: object, *, field: str, limit: int) -> str | None:
    """Convert an identifier to text; None if it is empty (identity-rules §1).

    A number becomes decimal text, an integral number the text of the integer. Text that is empty after stripping is
    empty; any other text is unchanged.

    Raises:
        InvalidInput: the value has another type, or its text fails `check_text`.
    """
    text = raw if isinstance(raw, str) else _to_text(raw, field)
    if not text or text.isspace() or not (text.isascii() or stripped(text)):
        return None
    check_text(text, field=field, limit=limit)
    return text


def _to_text(raw: object, field: str) -> str:
    if raw is None:
        return ""
    if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < _NUMBER_LIMIT:
        return str(raw)
    if isinstance(raw, float) and isfinite(raw):
        return format(Decimal(repr(raw)).normalize(), "f") if raw else "0"
    raise InvalidInput(f"{field} is {quoted(raw)}: send text or a number", field=field)
