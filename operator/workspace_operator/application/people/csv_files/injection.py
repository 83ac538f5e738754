"""Cells of CSV files that a spreadsheet would run as formulas, made harmless so that it can be taken back."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"
"""At the start of a file it tells Excel that the file is UTF-8, and imports skip it."""

_is_formula = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]").match  # noqa: RUF001 - spreadsheets take the wide signs for the others


def escape(cell: str) -> str:
    """Put a quote before what a spreadsheet would run; a cell that looks like the result gets one more."""
    if cell[:1].isalnum():  # most do, and this takes a third of the time
        return cell
    return f"'{cell}" if _is_formula(cell) else cell


def unescape(cell: str) -> str:
    """Take back what ``harmless`` did, so that an export that is imported again says the same."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def unescape_row(cells: Sequence[str]) -> Sequence[str]:
    """The same for a row; one look tells for most that there is nothing to take back."""
    return list(map(unescape, cells)) if "'" in "".join(cells) else cells


def with_byte_order_mark(lines: Iterable[str]) -> Iterator[str]:
    """Write the byte order mark before the first line, and no line more."""
    rest = iter(lines)
    for first in rest:
        yield f"{BYTE_ORDER_MARK}{first}"
        yield from rest
