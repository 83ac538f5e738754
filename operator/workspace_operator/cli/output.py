"""How commands print: results to standard output, everything else to standard error."""

import sys

from rich.console import Console
from rich.table import Table

ERROR = 1
STALLED = 3

UNBOUNDED = 10_000
"""Columns where no terminal wraps: what a pipe or a file gets is never cut."""

console = Console(width=None if sys.stdout.isatty() else UNBOUNDED, soft_wrap=True, highlight=False, markup=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def complain(message: str) -> None:
    """Print an error, its control characters made visible: it may quote what somebody sent."""
    errors.print(f"error: {printable(message)}", style="bold red" if errors.is_terminal else None)


def printable(text: str) -> str:
    """Text without control characters other than line breaks, so that data cannot steer a terminal."""
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)


def table(*columns: str) -> Table:
    """An empty table in the style of kubectl: no lines, columns wide enough for what is in them."""
    made = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, no_wrap=True, overflow="ignore")
    return made


def row(made: Table, *cells: object) -> None:
    """Add a row; what is None or empty shows as a dash, as in kubectl."""
    made.add_row(*(printable(str(cell)).replace("\n", " ") if cell not in (None, "") else "-" for cell in cells))


def is_interactive() -> bool:
    """Whether somebody watches standard error, so that a progress bar makes sense."""
    return sys.stderr.isatty()
