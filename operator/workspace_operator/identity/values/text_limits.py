"""What text the product takes: limits in bytes, and nothing that a database cannot hold (identity-rules §1)."""

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
    """A value as a message may show it: escaped and shortened; what is no text as JSON."""
    if isinstance(value, str):
        text = value[:_QUOTED_CHARACTERS]
        return repr(text) if len(text) == len(value) else f"{text!r}…"
    text = _json_prefix(value)
    return text if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]}…"


def _json_prefix(value: object) -> str:
    """The JSON of a value, up to a little more than a message shows: it may be large."""
    written = ""
    try:
        for piece in _to_json(value):
            written += piece[: _QUOTED_CHARACTERS + 1]
            if len(written) > _QUOTED_CHARACTERS:
                break
    except ValueError:  # Python writes no integer of more than 4300 digits
        return "a number of thousands of digits"
    return written


def stripped(text: str) -> str:
    """Text without white space and invisible characters around it: Unicode's, zero-width and formatting ones too."""
    if text.isascii():
        return text.strip()
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while start < end and _is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def invisible_characters(text: str) -> str:
    """The characters inside text that a reader cannot see, such as ``U+200B``; empty if there is none."""
    if text.isascii() and text.isprintable():
        return ""
    found = dict.fromkeys(each for each in text if each != " " and (_is_blank(each) or not each.isprintable()))
    return ", ".join(f"U+{ord(each):04X}" for each in list(found)[:_MAX_INVISIBLE])


def _is_blank(character: str) -> bool:
    return character.isspace() or (not character.isascii() and category(character) == "Cf")


def is_ascii_within(text: str, limit: int) -> bool:
    """Whether one cheap look shows that the text is fine: ASCII, within the limit, without NUL."""
    return len(text) <= limit and text.isascii() and "\0" not in text


def check_text(text: str, *, field: str, limit: int) -> None:
    """Refuse text with NUL or lone surrogates, or longer than the limit in bytes of UTF-8.

    Raises:
        InvalidInput: nothing is ever cut to fit.
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
    """An identifier as text; None if there is nothing in it (identity-rules §1).

    A number is its decimal text, an integral one the text of the integer however it was written. What is empty after
    stripping counts as nothing; all else stays as it is.

    Raises:
        InvalidInput: for other types, for text that is refused, and over the limit in bytes.
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
