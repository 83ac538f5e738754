"""Protection against CSV injection: reversible escaping of cells that a spreadsheet would run as formulas."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"
"""At the start of a file it makes Excel read the file as UTF-8; imports skip it."""

_is_formula = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]").match  # noqa: RUF001 - spreadsheets accept the full-width signs, too


def escape(cell: str) -> str:
    """Add a quote before a formula; a cell that looks like an escaped one gets a further quote."""
    if cell[:1].isalnum():  # most cells; this takes a third of the time
        return cell
    return f"'{cell}" if _is_formula(cell) else cell


def unescape(cell: str) -> str:
    """Undo `escape`, so that an import of an export restores the same values."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def unescape_row(cells: Sequence[str]) -> Sequence[str]:
    """Unescape the cells of a row; most rows need only one check."""
    return list(map(unescape, cells)) if "'" in "".join(cells) else cells


def with_byte_order_mark(lines: Iterable[str]) -> Iterator[str]:
    """Prefix the first line with the byte order mark; nothing if there are no lines."""
    rest = iter(lines)
    for first in rest:
        yield f"{BYTE_ORDER_MARK}{first}"
        yield from rest
