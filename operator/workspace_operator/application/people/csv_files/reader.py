"""Reader of CSV files of people: the dialect, the header, and the rows with their line numbers.

It reads UTF-8 with or without byte order mark, or a specified encoding; comma, semicolon, tab or vertical bar, or the
delimiter of a first line ``sep=``; lines that end in LF, CR LF or CR; quoted cells may contain line breaks.

The reader checks the whole file before it yields a row: a file that cannot be decoded, has unbalanced quotes or values
in columns without a name is rejected as a whole. A pipe can be read only once: its rows are yielded until an error.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import BinaryIO, NamedTuple, TextIO

from workspace_operator.application.people.csv_files.columns import (
    DECISION_COLUMNS,
    IDENTIFIER_COLUMNS,
    SKIPPED_COLUMNS,
    UNDO_COLUMN,
    UNDO_COLUMNS,
    ColumnNames,
    ColumnReport,
    apply_mapping,
    check_names,
    check_similar,
    column_report,
    format_names,
    header_error,
)
from workspace_operator.application.people.csv_files.encoding import (
    UTF_8,
    check_line,
    check_not_utf_8,
    check_not_utf_16,
    has_space_before_quote,
    needs_line_checks,
    open_text,
)
from workspace_operator.application.people.csv_files.injection import unescape_row
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import Mode
from workspace_operator.identity.values.text_limits import quoted

DELIMITERS = (",", ";", "\t", "|")

MAX_COLUMNS = 2_000
"""More than the attributes of one person, since an export has those of all people."""
MAX_HEADER_LENGTH = 512 * 1024
MAX_HEADER_LINES = 100
MAX_CELL_LENGTH = 1024 * 1024
"""Characters, far above every limit of a value. A row with a longer cell is rejected."""
MAX_ROW_LENGTH = 16 * MAX_CELL_LENGTH
"""Maximum number of characters of a row; a longer one has an unclosed quote."""

_INVALID_ROW = '""x\n'
"""A row for which the CSV reader raises an error immediately."""

_separator_line = re.compile(r'"?sep=(?P<delimiter>[^"\r\n\w])"?[,;\t|]*\s*', re.IGNORECASE).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """Options of the reader.

    Attributes:
        encoding: result of `encoding.parse_encoding`.
        mapping: targets of columns with other names (`columns.parse_mapping`).
    """

    encoding: str = UTF_8
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The columns of a file.

    Attributes:
        delimiter: between cells.
        cells: the names in the file.
        names: the names after normalization and mapping.
        lines: number of lines before the first row.
    """

    delimiter: str
    cells: tuple[str, ...]
    names: ColumnNames
    lines: int = 1

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns, known ones in lower case."""
        return self.names.columns

    @property
    def unnamed(self) -> Sequence[int]:
        """Indexes of the columns without a name; their cells are all empty."""
        return [index for index, name in enumerate(self.columns) if not name]

    @property
    def ignored(self) -> frozenset[int]:
        """Indexes of the columns that have no values of a person."""
        skipped = (index for index, name in enumerate(self.columns) if not name or name in SKIPPED_COLUMNS)
        return self.names.ignored.union(skipped)

    @property
    def attributes(self) -> Sequence[str]:
        """Names of the columns that are attributes."""
        indexes = (index for index in range(len(self.columns)) if index not in self.ignored)
        return [self.columns[index] for index in indexes if self.columns[index] not in IDENTIFIER_COLUMNS]

    @property
    def dropped(self) -> frozenset[int]:
        """Indexes of the ignored columns that a rejects file omits; it keeps those of undo files and decisions."""
        kept = (*UNDO_COLUMNS, *DECISION_COLUMNS)
        return frozenset(index for index in self.ignored if self.columns[index] not in kept)

    @property
    def is_of_undo_file(self) -> bool:
        """Whether the undo column comes before the identifiers; an attribute of that name comes after them."""
        first = next((name for name in self.columns if name == UNDO_COLUMN or name in IDENTIFIER_COLUMNS), None)
        return first == UNDO_COLUMN

    def ending_in(self, line: int) -> "Header":
        """The same header for rows that follow another line."""
        return replace(self, lines=line)

    def report(self, mode: Mode) -> ColumnReport:
        """The meaning of the columns in a workspace with this mode."""
        return column_report(self.cells, self.columns, self.ignored, mode)


class CsvRow(NamedTuple):
    """One row.

    Attributes:
        line: number of its first line in the file.
        problem: why the row cannot be imported, or empty.
        contains_rows: whether a cell contains text that looks like rows, so that a quote may be missing.
    """

    line: int
    cells: Sequence[str]
    problem: str = ""
    contains_rows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvFile:
    """The header and the rows of a checked file."""

    header: Header
    rows: Iterator[CsvRow]


@contextmanager
def open_csv(file: BinaryIO, options: CsvOptions | None = None) -> Iterator[CsvFile]:
    """Check a whole file, then open it; it is not closed. The default is UTF-8 without a mapping.

    Raises:
        InvalidInput: for the file as a whole, before the first row; for a pipe also at a line that cannot be read.
    """
    options = options or CsvOptions()
    if not file.seekable():
        with open_text(file, options.encoding) as text:
            header = read_header(text, options)
            yield CsvFile(header=header, rows=_check_unnamed(read_rows(text, header), header))
        return
    check_not_utf_8(file, options.encoding)
    with open_text(file, options.encoding) as text:
        header = read_header(text, options)
        _check_rows(text, header)
    with open_text(file, options.encoding) as text:
        for _ in range(header.lines):
            text.readline()
        yield CsvFile(header=header, rows=read_rows(text, header))


def read_header(text: TextIO, options: CsvOptions | None = None) -> Header:
    """Read the header, whose names may contain line breaks if they are quoted. Raises InvalidInput."""
    header = read_header_cells(text, options)
    _check(header)
    return header


def read_header_cells(text: TextIO, options: CsvOptions | None = None) -> Header:
    """Read the header like `read_header`, without a check of its names."""
    options = options or CsvOptions()
    first = _header_line(text, MAX_HEADER_LENGTH, options)
    separator = _separator_line(first)
    delimiters: Sequence[str] = DELIMITERS
    before = 0
    if separator:
        delimiters, before = (separator["delimiter"],), 1
        first = _header_line(text, MAX_HEADER_LENGTH, options)
    if not first.strip():
        raise header_error("the file must start with a header that names its columns, such as id,email,plan")
    lines = [first]
    header = _header_of(lines, delimiters, options)
    while header is None:
        more = _header_line(text, MAX_HEADER_LENGTH - sum(map(len, lines)), options)
        if not more or len(lines) == MAX_HEADER_LINES:
            raise header_error("the header cannot be read; check that every quote is closed")
        lines.append(more)
        header = _header_of(lines, delimiters, options)
    return replace(header, lines=before + len(lines))


def _header_line(text: TextIO, limit: int, options: CsvOptions) -> str:
    line = text.readline(limit)
    if len(line) == limit:
        message = f"the header is longer than {MAX_HEADER_LENGTH} characters"
        raise header_error(f"{message}; check that every quote is closed and that the line ends")
    if options.encoding == UTF_8:
        check_not_utf_16(line)
        check_line(line, 1)
    if "\0" in line:
        raise header_error('the header contains NUL; save the file as "CSV UTF-8"')
    return line


def _header_of(lines: Sequence[str], delimiters: Sequence[str], options: CsvOptions) -> Header | None:
    """Parse the header; None if it may continue on the next line, since a quote is open."""
    by_delimiter = {delimiter: _cells(lines, delimiter) for delimiter in delimiters}

    def likeness(delimiter: str) -> tuple[int, int]:
        cells = by_delimiter[delimiter]
        return sum(cell.lower() in IDENTIFIER_COLUMNS or cell in options.mapping for cell in cells), len(cells)

    delimiter = max(delimiters, key=likeness)
    if not likeness(delimiter)[0] and () in by_delimiter.values():
        return None
    cells = by_delimiter[delimiter]
    if cells and has_space_before_quote(next(csv.reader(lines, delimiter=delimiter)), lines[0]):
        raise header_error("a column has a space before its quote: write no space between the delimiter and the quote")
    return Header(delimiter=delimiter, cells=cells, names=apply_mapping(cells, options.mapping))


def _cells(lines: Sequence[str], delimiter: str) -> tuple[str, ...]:
    """Split the names with a delimiter; empty if the quotes are invalid or still open."""
    try:
        cells = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return ()
    return tuple(unescape_row([cell.strip() for cell in cells]))


def _check(header: Header) -> None:
    names = header.names
    if len(names.columns) > MAX_COLUMNS:
        raise header_error(f"the file has {len(names.columns)} columns, {MAX_COLUMNS} are allowed; remove some")
    check_names(header.cells, names)
    if not any(name in names.columns for name in IDENTIFIER_COLUMNS):
        check_similar(names)
        raise header_error(f"one column must be named id, email or cio_id; found {format_names(names.columns)}")


def _check_rows(text: TextIO, header: Header) -> None:
    """Read all rows. Raises InvalidInput at a row that cannot be read or has a value in a column without a name."""
    unnamed = header.unnamed
    if not unnamed:
        deque(read_rows(text, header), maxlen=0)
        return
    for row in read_rows(text, header):
        if row.problem:
            continue
        for index in unnamed:
            if row.cells[index]:
                value = f"line {row.line} has {quoted(row.cells[index])} in it"
                raise header_error(f"column {index + 1} has no name, and {value}; name it or remove it")


def _check_unnamed(rows: Iterator[CsvRow], header: Header) -> Iterator[CsvRow]:
    """Add a problem to the rows that have a value in a column without a name."""
    unnamed = header.unnamed
    for row in rows:
        index = None if row.problem else next((index for index in unnamed if row.cells[index]), None)
        if index is None:
            yield row
        else:
            yield row._replace(problem=f"Column {index + 1} has no name, and {quoted(row.cells[index])} in this row.")


def read_rows(text: TextIO, header: Header) -> Iterator[CsvRow]:
    """Stream the rows after the header, without blank lines. Raises InvalidInput for a quote that is never closed."""
    csv.field_size_limit(MAX_ROW_LENGTH)
    lines = _LineReader(text, after=header.lines)
    reader = csv.reader(iter(lines), delimiter=header.delimiter, strict=True)
    of_row, count = lines.of_row, len(header.columns)
    first = header.lines + 1
    line, done = first, False
    while not done:
        try:
            for cells in reader:
                raw = of_row[0]
                if len(of_row) == 1 and len(cells) == count and len(raw) <= MAX_CELL_LENGTH and ' "' not in raw:
                    yield CsvRow(line, unescape_row(cells) if "'" in raw else cells)  # most rows
                elif cells:
                    yield _row(line, cells, header, lines)
                line = reader.line_num + first
                lines.clear()
            done = True
        except csv.Error as error:
            yield _misquoted(lines, line, header, error)
            line = reader.line_num + first
            lines.clear()


def _row(line: int, cells: list[str], header: Header, lines: "_LineReader") -> CsvRow:
    count = len(header.columns)
    if len(cells) > count and not any(cells[count:]):
        del cells[count:]  # some programs end each row with a delimiter
    if max(map(len, cells)) > MAX_CELL_LENGTH:
        return CsvRow(line, unescape_row(cells), _too_large(cells))
    problem = "" if len(cells) == count else f"The row has {len(cells)} cells, the header has {count}."
    if not problem and has_space_before_quote(cells, lines.of_row[0]):
        problem = "A cell has a space before its quote: write no space between the delimiter and the quote."
    return CsvRow(line, unescape_row(cells), problem, _contains_rows(cells, header))


def _contains_rows(cells: Sequence[str], header: Header) -> bool:
    """Whether a line inside a cell has as many delimiters as a row."""
    wanted = len(header.columns) - 1
    return wanted > 0 and any(
        line.count(header.delimiter) >= wanted
        for cell in cells
        if "\n" in cell or "\r" in cell
        for line in cell.splitlines()
    )


class _LineReader:
    """Iterator over the lines of a text for the CSV reader, which keeps the lines of the current row."""

    def __init__(self, text: TextIO, *, after: int) -> None:
        self._text = text
        self._number = after
        self.is_pipe = needs_line_checks(text)
        self.of_row: list[str] = []
        self.at_end = False
        self.is_truncated = False
        """Whether a line was longer than the maximum; its rest was skipped."""

    def clear(self) -> None:
        """Start a new row."""
        self.of_row.clear()
        self.is_truncated = False

    def __iter__(self) -> Iterator[str]:
        keep, read = self.of_row.append, self._text.readline
        while line := read(MAX_ROW_LENGTH):
            if len(line) == MAX_ROW_LENGTH:
                self._skip_rest(line)
            if self.is_pipe:
                self._number += 1
                check_line(line, self._number)
            keep(line)
            # A truncated line ends its row with an error, so that its quotes do not swallow the next rows.
            yield _INVALID_ROW if self.is_truncated and len(self.of_row) == 1 else line
        self.at_end = True

    def _skip_rest(self, line: str) -> None:
        while line and line[-1] not in "\r\n":
            self.is_truncated = True
            line = self._text.readline(MAX_ROW_LENGTH)


def _misquoted(lines: _LineReader, line: int, header: Header, error: csv.Error) -> CsvRow:
    """A row with text after a closing quote. Raises InvalidInput if it has several lines: a quote is not closed."""
    if lines.is_truncated and len(lines.of_row) == 1:
        cells = split_with_quotes(lines.of_row[0], header.delimiter)
        return CsvRow(line, cells, _too_large(cells))
    if lines.at_end or len(lines.of_row) != 1:
        message = f"line {line}: the row that starts here cannot be read ({error}); check that every quote is closed"
        imported = "The rows before it were imported" if lines.is_pipe else "Nothing was imported"
        raise InvalidInput(f"{message}. {imported}; correct the file and import it again", field="file") from error
    cells = split_with_quotes(lines.of_row[0], header.delimiter)
    return CsvRow(line, unescape_row(cells), 'The row has text after a closing quote; a quote in a cell is written "".')


def split_with_quotes(line: str, delimiter: str) -> list[str]:
    """Split a line that has invalid quotes; cells with invalid quotes keep all of them."""
    other = f"[^{re.escape(delimiter)}]*+"
    quoted = '"[^"]*+(?:""[^"]*+)*+"'
    cell = re.compile(f"({quoted})(?={re.escape(delimiter)}|$)|(?:{quoted})?{other}")
    cells: list[str] = []
    start, text = 0, line.rstrip("\r\n")
    while start <= len(text):
        found = cell.match(text, start)
        assert found is not None  # noqa: S101 - the second alternative matches any text, also none
        quoted_cell = found[1]
        cells.append(found[0] if quoted_cell is None else quoted_cell[1:-1].replace('""', '"'))
        start = found.end() + 1
    return cells


def _too_large(cells: Sequence[str]) -> str:
    longest = max(map(len, cells))
    return f"A cell is too large: it has {longest} characters, and an attribute at most 1000 bytes."
