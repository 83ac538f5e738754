"""Printing: results to standard output, everything else to standard error.

Stored data is printed with its control characters escaped: terminal escape sequences, and marks that change the
direction of text.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

ERROR = 1
STALLED = 3
INCOMPLETE = 3
"""Part of the work was not done, and the user must act."""
INTERRUPTED = 130

_COLUMN_GAP = "  "
_find_special = re.compile(r"[^\n\x20-\x7e]").search


def echo(message: str) -> None:
    """Print a result."""
    print(printable(message))


def info(message: str) -> None:
    """Print a message that is not part of the result to standard error."""
    print(printable(message), file=sys.stderr)


def print_error(message: str) -> None:
    """Print an error message to standard error."""
    info(f"error: {message}")


def printable(text: str) -> str:
    """Escape control characters other than line breaks, so that data cannot control the terminal."""
    if not _find_special(text):
        return text
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def json_text(value: Any) -> str:
    """Format an indented JSON document, with control characters as JSON escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table in the style of kubectl: no rules, no truncation, a dash for None and empty text."""
    lines = [columns, *([_format_cell(cell) for cell in row] for row in rows)]
    widths = [max(map(_display_width, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell + " " * (width - _display_width(cell)) for cell, width in zip(line, widths, strict=True))
        print(_COLUMN_GAP.join(cells).rstrip())


def _format_cell(value: object) -> str:
    return "-" if value is None or value == "" else printable(str(value)).replace("\n", " ")


def _display_width(text: str) -> int:
    """Return how many terminal columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def people_text(count: int) -> str:
    """Format a number of people."""
    return "1 person" if count == 1 else f"{count} people"


def time_text(moment: datetime | None) -> str | None:
    """Format a time in seconds, with its offset from UTC."""
    return None if moment is None else moment.isoformat(timespec="seconds")


def is_interactive() -> bool:
    """Whether standard error is a terminal, which can show a progress bar."""
    return sys.stderr.isatty()
