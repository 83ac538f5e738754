"""Reading a CSV file of people: its dialect, its header, its rows with the lines they stand on.

UTF-8 with or without byte order mark; comma, semicolon or tab; quoted cells may hold line breaks. A cell that is not
UTF-8 comes through as it is and is refused by the rules for text, so that only its row is rejected.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from workspace_operator.application.spreadsheets import original
from workspace_operator.errors import InvalidInput

DELIMITERS = (",", ";", "\t")
KNOWN_COLUMNS = ("id", "email", "cio_id", "created_at")
NOTE_COLUMNS = ("_line", "_outcome", "_reason")
"""What a rejects file has besides the row itself; skipped when it is imported again, corrected."""

MOST_COLUMNS = 400
LONGEST_HEADER = 64 * 1024
LONGEST_CELL = 1024 * 1024
"""Characters; far over every limit of a value, so that only a quote that is never closed reaches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The columns of a file, as attribute names; those with a meaning in their one spelling."""

    delimiter: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: the line of the file that it starts on, its cells as read, and what they say by column."""

    line: int
    cells: Sequence[str]
    values: Mapping[str, str]
    problem: str = ""


def read_header(file: BinaryIO) -> Header:
    """Read the first line and leave the file after it. Raises InvalidInput."""
    raw = file.readline(LONGEST_HEADER)
    try:
        line = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("line 1: the header is not UTF-8; save the file as UTF-8", field="file") from error
    if not line.strip():
        raise InvalidInput("line 1: the file must start with a header that names its columns", field="file")
    by_delimiter = {delimiter: _columns(line, delimiter) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda each: (_identifiers(by_delimiter[each]), len(by_delimiter[each])))
    header = Header(delimiter=delimiter, columns=by_delimiter[delimiter])
    _check(header)
    return header


def _columns(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True))
    except csv.Error:
        return ()
    return tuple(_name(original(cell.strip())) for cell in cells)


def _name(cell: str) -> str:
    return cell.lower() if cell.lower() in KNOWN_COLUMNS else cell


def _identifiers(columns: Sequence[str]) -> int:
    return sum(name in columns for name in ("id", "email", "cio_id"))


def _check(header: Header) -> None:
    names = header.columns
    if not _identifiers(names):
        found = ", ".join(names[:10]) or "nothing"
        raise InvalidInput(f"line 1: one column must be id, email or cio_id; found {found[:200]}", field="file")
    if len(names) > MOST_COLUMNS:
        raise InvalidInput(f"line 1: {len(names)} columns, {MOST_COLUMNS} are allowed", field="file")
    for number, name in enumerate(names, start=1):
        if not name:
            raise InvalidInput(f"line 1: column {number} has no name; name or remove it", field="file")
        if name in names[: number - 1]:
            raise InvalidInput(f"line 1: the column {name[:150]!r} is there twice; remove one", field="file")


def read_rows(file: BinaryIO, header: Header) -> Iterator[Row]:
    """Stream the rows after the header; blank lines are none. Raises InvalidInput for a quote that is never closed."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(text, delimiter=header.delimiter, strict=True)
    columns, count = header.columns, len(header.columns)
    line = 2
    try:
        for cells in reader:
            if cells:
                problem = "" if len(cells) == count else _wrong_length(len(cells), count)
                values = {name: original(cell) for name, cell in zip(columns, cells, strict=False)}
                yield Row(line=line, cells=cells, values=values, problem=problem)
            line = reader.line_num + 2
    except csv.Error as error:
        message = f"line {line}: the row that starts here cannot be read ({error}); is a quote not closed?"
        raise InvalidInput(
            f"{message} The rows before it were taken; mend it and import again", field="file"
        ) from error
    finally:
        text.detach()  # the file is the caller's


def _wrong_length(cells: int, columns: int) -> str:
    return f"The row has {cells} cells, the header has {columns}."
