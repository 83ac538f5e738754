"""How commands print: results to standard output, everything else to standard error.

What was sent to us is shown without the characters that steer a terminal: escape sequences, but also marks that make
text read in another order.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

ERROR = 1
STALLED = 3
INCOMPLETE = 3
"""Something was not done, and a person must act."""
INTERRUPTED = 130

_COLUMN_GAP = "  "
_find_special = re.compile(r"[^\n\x20-\x7e]").search


def echo(message: str) -> None:
    """Print a result."""
    print(printable(message))


def info(message: str) -> None:
    """Print what is not the result: it must not end in a file that takes that."""
    print(printable(message), file=sys.stderr)


def print_error(message: str) -> None:
    """Print an error."""
    info(f"error: {message}")


def printable(text: str) -> str:
    """Text without control characters other than line breaks, so that data cannot steer a terminal."""
    if not _find_special(text):
        return text
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)


def json_text(value: Any) -> str:
    """A JSON document for people to read; what would steer a terminal is escaped as JSON does it."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table in the style of kubectl: no lines, nothing ever cut, a dash for what is None or empty."""
    lines = [columns, *([_format_cell(each) for each in row] for row in rows)]
    widths = [max(map(_display_width, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell + " " * (width - _display_width(cell)) for cell, width in zip(line, widths, strict=True))
        print(_COLUMN_GAP.join(cells).rstrip())


def _format_cell(value: object) -> str:
    return "-" if value is None or value == "" else printable(str(value)).replace("\n", " ")


def _display_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF") for each in text)


def people_text(count: int) -> str:
    """So many people, in words."""
    return "1 person" if count == 1 else f"{count} people"


def is_interactive() -> bool:
    """Whether somebody watches standard error, so that a progress bar makes sense."""
    return sys.stderr.isatty()
