"""Reading a CSV file of people: its dialect, its header, its rows with the lines they stand on.

UTF-8 with or without byte order mark; comma, semicolon or tab; lines that end in LF, CR LF or CR; quoted cells may
hold line breaks. Bytes that are not UTF-8 come through as they are and are refused by the rules for text, so that
only their row is rejected.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, TextIO

from workspace_operator.application.spreadsheets import originals
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.texts import MAX_NAME_BYTES, check_text, shown

DELIMITERS = (",", ";", "\t")
IDENTIFIER_COLUMNS = ("id", "email", "cio_id")
KNOWN_COLUMNS = (*IDENTIFIER_COLUMNS, "created_at")
NOTE_COLUMNS = ("_line", "_outcome", "_reason")
"""What a rejects file has before the row itself; skipped when it is imported again, corrected."""
SKIPPED_COLUMNS = (*NOTE_COLUMNS, "_violations", "_age_from", "_shares_with", "_advice")
"""Columns that this product writes beside the columns of a person; an import skips them."""

MOST_COLUMNS = 2_000
"""More than one person can have attributes: an export has those of everybody."""
LONGEST_HEADER = 512 * 1024
MOST_HEADER_LINES = 100
LONGEST_CELL = 1024 * 1024
"""Characters; far over every limit of a value, so that only a quote that is never closed reaches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The columns of a file, as attribute names; those with a meaning in their one spelling."""

    delimiter: str
    columns: tuple[str, ...]
    lines: int = 1

    @property
    def notes(self) -> frozenset[int]:
        """Where the columns stand that say nothing of a person."""
        return frozenset(number for number, name in enumerate(self.columns) if name in SKIPPED_COLUMNS)


class CsvRow(NamedTuple):
    """One row: the line of the file that it starts on, its cells, and why they cannot be taken, if so."""

    line: int
    cells: Sequence[str]
    problem: str = ""


@contextmanager
def text_of(file: BinaryIO) -> Iterator[TextIO]:
    """Read a file as text; it stays open, for it is the caller's."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield text
    finally:
        text.detach()


def read_header(text: TextIO) -> Header:
    """Read the header and leave the text after it; a quoted name may hold line breaks. Raises InvalidInput."""
    lines = [_header_line(text, LONGEST_HEADER)]
    if not lines[0].strip():
        raise _refused("the file must start with a header that names its columns, such as id,email,plan")
    header = _header_of(lines)
    while header is None:
        more = _header_line(text, LONGEST_HEADER - sum(map(len, lines)))
        if not more or len(lines) == MOST_HEADER_LINES:
            raise _refused("the header cannot be read: is a quote not closed?")
        lines.append(more)
        header = _header_of(lines)
    _check(header.columns)
    return header


def _header_line(text: TextIO, limit: int) -> str:
    line = text.readline(limit)
    if len(line) == limit:
        raise _refused(f"the header is longer than {LONGEST_HEADER} characters; is a quote or the line not ended?")
    try:
        line.encode()
    except UnicodeEncodeError as error:
        raise _refused("the header is not UTF-8; save the file as UTF-8") from error
    if "\0" in line:
        raise _refused("the header contains NUL, as UTF-16 does; save the file as UTF-8")
    return line


def _header_of(lines: Sequence[str]) -> Header | None:
    """The header that these lines are; None if more may belong to it, since a quote is open."""
    by_delimiter = {delimiter: _columns(lines, delimiter) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda each: (_identifiers(by_delimiter[each]), len(by_delimiter[each])))
    columns = by_delimiter[delimiter]
    if not _identifiers(columns) and () in by_delimiter.values():
        return None
    return Header(delimiter=delimiter, columns=columns, lines=len(lines))


def _columns(lines: Sequence[str], delimiter: str) -> tuple[str, ...]:
    """The names as this delimiter would separate them; none if their quotes make no sense, or not yet."""
    try:
        cells = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return ()
    return tuple(_name(cell) for cell in originals([cell.strip() for cell in cells]))


def _name(cell: str) -> str:
    return cell.lower() if cell.lower() in KNOWN_COLUMNS else cell


def _identifiers(columns: Sequence[str]) -> int:
    return sum(name in columns for name in IDENTIFIER_COLUMNS)


def _check(names: Sequence[str]) -> None:
    if not _identifiers(names):
        found = ", ".join(map(shown, names[:10]))
        raise _refused(f"one column must be named id, email or cio_id; found {found}")
    if len(names) > MOST_COLUMNS:
        raise _refused(f"there are {len(names)} columns, {MOST_COLUMNS} are allowed; leave some out")
    for number, name in enumerate(names, start=1):
        if not name:
            raise _refused(f"column {number} has no name; name it or remove it")
        if name in names[: number - 1]:
            raise _refused(f"the column {shown(name)} is there twice; rename or remove one")
        check_text(name, field=f"line 1: the name of column {number}", limit=MAX_NAME_BYTES)


def _refused(message: str) -> InvalidInput:
    return InvalidInput(f"line 1: {message}", field="file")


def read_rows(text: TextIO, header: Header) -> Iterator[CsvRow]:
    """Stream the rows after the header; blank lines are none. Raises InvalidInput for a quote that is never closed."""
    csv.field_size_limit(LONGEST_CELL)
    lines = _Lines(text)
    reader = csv.reader(iter(lines), delimiter=header.delimiter, strict=True)
    count, first = len(header.columns), header.lines + 1
    line, done = first, False
    while not done:
        try:
            for cells in reader:
                if cells:
                    problem = "" if len(cells) == count else _wrong_length(len(cells), count)
                    yield CsvRow(line, originals(cells), problem)
                line = reader.line_num + first
                lines.of_row.clear()
            done = True
        except csv.Error as error:
            yield _misquoted(lines, line, header, error)
            line = reader.line_num + first
            lines.of_row.clear()


class _Lines:
    """The lines of a text, as the CSV reader takes them; those of the row that it is reading are kept."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.of_row: list[str] = []
        self.are_over = False

    def __iter__(self) -> Iterator[str]:
        keep = self.of_row.append
        for line in self._text:
            keep(line)
            yield line
        self.are_over = True


def _misquoted(lines: _Lines, line: int, header: Header, error: csv.Error) -> CsvRow:
    """A row with characters after a closing quote; over several lines it is a quote that was never closed instead."""
    if lines.are_over or len(lines.of_row) != 1 or len(lines.of_row[0]) > LONGEST_CELL:
        message = f"line {line}: the row that starts here cannot be read ({error}); is a quote not closed?"
        raise InvalidInput(
            f"{message} The rows before it were taken; mend it and import again", field="file"
        ) from error
    cells = next(csv.reader(lines.of_row, delimiter=header.delimiter))
    return CsvRow(line, originals(cells), 'The row has text after a closing quote; a quote in a cell is written "".')


def _wrong_length(cells: int, columns: int) -> str:
    return f"The row has {cells} cells, the header has {columns}."
