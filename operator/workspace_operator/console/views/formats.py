"""How values appear: numbers, times, and texts that strangers chose."""

import unicodedata
from datetime import UTC, datetime
from typing import Final, NamedTuple

MAX_SHOWN: Final = 200
"""Characters of a text that a page shows; more would break its layout."""

_INVISIBLE: Final = frozenset("\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u2060\ufeff") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xFFF9, 0xFFFC))
}
"""Characters that show nothing, or turn the direction of others. Joiners belong to scripts and emoji, and stay."""


class ShownTime(NamedTuple):
    """A time: for people, and exactly for machines."""

    text: str
    exact: str


def number(value: int) -> str:
    """A number with separators, such as 1,204,311."""
    return f"{value:,}"


def time(value: datetime) -> ShownTime:
    """A time in UTC, such as 28 Nov 2026, 09:12 UTC."""
    utc = value.astimezone(UTC)
    return ShownTime(text=f"{utc.day} {utc:%b %Y, %H:%M} UTC", exact=utc.isoformat(timespec="seconds"))


def day(value: datetime) -> str:
    """A day in UTC, such as 28 December 2026."""
    utc = value.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y}"


def day_of(seconds: int) -> str:
    """The day of a time in Unix seconds, such as 12 Mar 2015; the number itself if no calendar has it."""
    try:
        utc = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return str(seconds)
    return f"{utc.day} {utc:%b %Y}"


def visible(value: str, *, limit: int = MAX_SHOWN) -> str:
    """A text with its hidden characters named, such as ⟨U+202E⟩, and cut after a number of characters."""
    cut = value if len(value) <= limit else value[: limit - 1] + "…"
    return "".join(f"⟨U+{ord(char):04X}⟩" if _is_hidden(char) else char for char in cut)


def _is_hidden(char: str) -> bool:
    return char in _INVISIBLE or unicodedata.category(char) in ("Cc", "Cs", "Co")


def visible_lines(value: str, *, limit: int) -> str:
    """A text of several lines, each as `visible` shows it, cut after a number of characters of all."""
    cut = value if len(value) <= limit else value[: limit - 1] + "…"
    return "\n".join(visible(line, limit=limit) for line in cut.splitlines())
