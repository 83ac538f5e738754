"""Reading a CSV file of people: its dialect, its header, its rows with the lines they stand on.

UTF-8 with or without byte order mark, or an encoding that is named; comma, semicolon, tab or vertical bar, or what a
first line ``sep=`` says; lines that end in LF, CR LF or CR; quoted cells may hold line breaks.

The whole file is read once before any row is given: a file that cannot be decoded, whose quotes do not match or whose
columns without a name hold something is refused as a whole, and nothing of it is taken. A pipe can be read only once:
its rows are given as they come, until one cannot be read.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import BinaryIO, NamedTuple, TextIO

from workspace_operator.application.people.csv_files.columns import (
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
    listed,
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
"""More than one person can have attributes: an export has those of everybody."""
MAX_HEADER_LENGTH = 512 * 1024
MAX_HEADER_LINES = 100
MAX_CELL_LENGTH = 1024 * 1024
"""Characters; far over every limit of a value. A row with a longer cell is rejected."""
MAX_ROW_LENGTH = 16 * MAX_CELL_LENGTH
"""Characters that are kept of a row: what goes on for longer is a quote that is never closed."""

_INVALID_ROW = '""x\n'
"""What the CSV reader raises an error for at once."""

_separator_line = re.compile(r'"?sep=(?P<delimiter>[^"\r\n\w])"?[,;\t|]*\s*', re.IGNORECASE).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """How a file is to be read.

    Attributes:
        encoding: as `encoding.parse_encoding` gives it.
        mapping: what columns become whose names do not say it (`columns.parse_mapping`).
    """

    encoding: str = UTF_8
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The columns of a file.

    Attributes:
        delimiter: between cells.
        cells: the names as they stand in the file.
        names: the names as they are understood.
        lines: how many lines come before the first row.
    """

    delimiter: str
    cells: tuple[str, ...]
    names: ColumnNames
    lines: int = 1

    @property
    def columns(self) -> Sequence[str]:
        """The names as attributes have them; those with a meaning in their one spelling."""
        return self.names.columns

    @property
    def unnamed(self) -> Sequence[int]:
        """Where columns without a name stand; their cells are all empty."""
        return [place for place, name in enumerate(self.columns) if not name]

    @property
    def ignored(self) -> frozenset[int]:
        """Where the columns stand that say nothing of a person."""
        ours = (place for place, name in enumerate(self.columns) if not name or name in SKIPPED_COLUMNS)
        return self.names.ignored.union(ours)

    @property
    def attributes(self) -> Sequence[str]:
        """The columns that are no identifiers."""
        places = (place for place in range(len(self.columns)) if place not in self.ignored)
        return [self.columns[place] for place in places if self.columns[place] not in IDENTIFIER_COLUMNS]

    @property
    def dropped(self) -> frozenset[int]:
        """Those of them that have no place in a rejects file; what an undo file says has one."""
        return frozenset(place for place in self.ignored if self.columns[place] not in UNDO_COLUMNS)

    @property
    def is_of_undo_file(self) -> bool:
        """Whether empty cells remove; an export has the column behind the identifiers if an attribute is called so."""
        first = next((name for name in self.columns if name == UNDO_COLUMN or name in IDENTIFIER_COLUMNS), None)
        return first == UNDO_COLUMN

    def report(self, mode: Mode) -> ColumnReport:
        """What the columns become in a workspace."""
        return column_report(self.cells, self.columns, self.ignored, mode)


class CsvRow(NamedTuple):
    """One row.

    Attributes:
        line: of the file that it starts on.
        cells: its cells.
        problem: why they cannot be taken; empty if they can.
        holds_rows: whether a cell has text that looks like rows: a quote may be missing.
    """

    line: int
    cells: Sequence[str]
    problem: str = ""
    contains_rows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvFile:
    """A file that can be read to its end."""

    header: Header
    rows: Iterator[CsvRow]


@contextmanager
def open_csv(file: BinaryIO, options: CsvOptions | None = None) -> Iterator[CsvFile]:
    """Check a whole file, and give its rows.

    Args:
        file: a file or a pipe; it stays open.
        options: how to read it; left out, as UTF-8 with the names as they are.

    Raises:
        InvalidInput: for the file as a whole, before any row was given; of a pipe for the line that cannot be read.
    """
    options = options or CsvOptions()
    if not file.seekable():
        with open_text(file, options.encoding) as text:
            header = read_header(text, options)
            yield CsvFile(header=header, rows=_with_problems_of_nameless(read_rows(text, header), header))
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
    """Read the header and leave the text after it; a quoted name may hold line breaks. Raises InvalidInput."""
    options = options or CsvOptions()
    first = _header_line(text, MAX_HEADER_LENGTH, options)
    separator = _separator_line(first)
    delimiters: Sequence[str] = DELIMITERS
    before = 0
    if separator:
        delimiters, before = (separator["delimiter"],), 1
        first = _header_line(text, MAX_HEADER_LENGTH, options)
    if not first.strip():
        raise _refused("the file must start with a header that names its columns, such as id,email,plan")
    lines = [first]
    header = _header_of(lines, delimiters, options)
    while header is None:
        more = _header_line(text, MAX_HEADER_LENGTH - sum(map(len, lines)), options)
        if not more or len(lines) == MAX_HEADER_LINES:
            raise _refused("the header cannot be read: is a quote not closed?")
        lines.append(more)
        header = _header_of(lines, delimiters, options)
    _check(header)
    return replace(header, lines=before + len(lines))


def _header_line(text: TextIO, limit: int, options: CsvOptions) -> str:
    line = text.readline(limit)
    if len(line) == limit:
        raise _refused(f"the header is longer than {MAX_HEADER_LENGTH} characters; is a quote or the line not ended?")
    if options.encoding == UTF_8:
        check_not_utf_16(line)
        check_line(line, 1)
    if "\0" in line:
        raise _refused('the header contains NUL; save the file as "CSV UTF-8"')
    return line


def _header_of(lines: Sequence[str], delimiters: Sequence[str], options: CsvOptions) -> Header | None:
    """The header that these lines are; None if more may belong to it, since a quote is open."""
    by_delimiter = {delimiter: _cells(lines, delimiter) for delimiter in delimiters}

    def likeness(delimiter: str) -> tuple[int, int]:
        cells = by_delimiter[delimiter]
        return sum(cell.lower() in IDENTIFIER_COLUMNS or cell in options.mapping for cell in cells), len(cells)

    delimiter = max(delimiters, key=likeness)
    if not likeness(delimiter)[0] and () in by_delimiter.values():
        return None
    cells = by_delimiter[delimiter]
    if cells and has_space_before_quote(next(csv.reader(lines, delimiter=delimiter)), lines[0]):
        raise _refused("a column has a space before its quote: write no space between the delimiter and the quote")
    return Header(delimiter=delimiter, cells=cells, names=apply_mapping(cells, options.mapping))


def _cells(lines: Sequence[str], delimiter: str) -> tuple[str, ...]:
    """The names as this delimiter would separate them; none if their quotes make no sense, or not yet."""
    try:
        cells = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return ()
    return tuple(unescape_row([cell.strip() for cell in cells]))


def _check(header: Header) -> None:
    names = header.names
    if len(names.columns) > MAX_COLUMNS:
        raise _refused(f"there are {len(names.columns)} columns, {MAX_COLUMNS} are allowed; leave some out")
    check_names(header.cells, names)
    if not any(name in names.columns for name in IDENTIFIER_COLUMNS):
        check_similar(names)
        raise _refused(f"one column must be named id, email or cio_id; found {listed(names.columns)}")


def _refused(message: str) -> InvalidInput:
    return InvalidInput(f"line 1: {message}", field="file")


def _check_rows(text: TextIO, header: Header) -> None:
    """Read all rows. Raises InvalidInput if they cannot be read, or if one has a cell in a column without a name."""
    unnamed = header.unnamed
    for row in read_rows(text, header):
        if not unnamed or row.problem:
            continue
        for place in unnamed:
            if row.cells[place]:
                has = f"line {row.line} has {quoted(row.cells[place])} in it"
                raise _refused(f"column {place + 1} has no name, and {has}; name it or remove it")


def _with_problems_of_nameless(rows: Iterator[CsvRow], header: Header) -> Iterator[CsvRow]:
    """Reject the rows that have a cell in a column without a name."""
    unnamed = header.unnamed
    for row in rows:
        place = None if row.problem else next((place for place in unnamed if row.cells[place]), None)
        if place is None:
            yield row
        else:
            yield row._replace(problem=f"Column {place + 1} has no name, and {quoted(row.cells[place])} in this row.")


def read_rows(text: TextIO, header: Header) -> Iterator[CsvRow]:
    """Stream the rows after the header; blank lines are none. Raises InvalidInput for a quote that is never closed."""
    csv.field_size_limit(MAX_ROW_LENGTH)
    lines = _LineReader(text, after=header.lines)
    reader = csv.reader(iter(lines), delimiter=header.delimiter, strict=True)
    first = header.lines + 1
    line, done = first, False
    while not done:
        try:
            for cells in reader:
                if cells:
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
    raw = lines.of_row[0]
    if len(lines.of_row) == 1 and len(cells) == count and len(raw) <= MAX_CELL_LENGTH and ' "' not in raw:
        return CsvRow(line, unescape_row(cells))
    if len(cells) > count and not any(cells[count:]):
        del cells[count:]  # a program that ends each row with a delimiter
    if max(map(len, cells)) > MAX_CELL_LENGTH:
        return CsvRow(line, unescape_row(cells), _too_large(cells))
    problem = "" if len(cells) == count else _wrong_length(len(cells), count)
    if not problem and has_space_before_quote(cells, raw):
        problem = "A cell has a space before its quote: write no space between the delimiter and the quote."
    return CsvRow(line, unescape_row(cells), problem, _holds_rows(cells, header))


def _holds_rows(cells: Sequence[str], header: Header) -> bool:
    """Whether a line inside a cell has as many delimiters as a row."""
    wanted = len(header.columns) - 1
    return wanted > 0 and any(
        line.count(header.delimiter) >= wanted
        for cell in cells
        if "\n" in cell or "\r" in cell
        for line in cell.splitlines()
    )


class _LineReader:
    """The lines of a text, as the CSV reader takes them; those of the row that it is reading are kept."""

    def __init__(self, text: TextIO, *, after: int) -> None:
        self._text = text
        self._number = after
        self.are_of_a_pipe = needs_line_checks(text)
        self.of_row: list[str] = []
        self.are_over = False
        self.are_cut = False
        """Whether a line was longer than any row may be; its rest was passed over."""

    def clear(self) -> None:
        """Forget the lines of a row: the next one begins."""
        self.of_row.clear()
        self.are_cut = False

    def __iter__(self) -> Iterator[str]:
        keep, read = self.of_row.append, self._text.readline
        while line := read(MAX_ROW_LENGTH):
            if len(line) == MAX_ROW_LENGTH:
                self._pass_over_the_rest(line)
            if self.are_of_a_pipe:
                self._number += 1
                check_line(line, self._number)
            keep(line)
            # A line that is cut ends its row by an error, and opens no quote that would take the next rows in.
            yield _INVALID_ROW if self.are_cut and len(self.of_row) == 1 else line
        self.are_over = True

    def _pass_over_the_rest(self, line: str) -> None:
        while line and line[-1] not in "\r\n":
            self.are_cut = True
            line = self._text.readline(MAX_ROW_LENGTH)


def _misquoted(lines: _LineReader, line: int, header: Header, error: csv.Error) -> CsvRow:
    """A row with characters after a closing quote; over several lines it is a quote that was never closed instead."""
    if lines.are_cut and len(lines.of_row) == 1:
        cells = split_with_quotes(lines.of_row[0], header.delimiter)
        return CsvRow(line, cells, _too_large(cells))
    if lines.are_over or len(lines.of_row) != 1:
        message = f"line {line}: the row that starts here cannot be read ({error}); is a quote not closed?"
        taken = "The rows before it were taken" if lines.are_of_a_pipe else "Nothing was imported"
        raise InvalidInput(f"{message} {taken}; correct it and import again", field="file") from error
    cells = split_with_quotes(lines.of_row[0], header.delimiter)
    return CsvRow(line, unescape_row(cells), 'The row has text after a closing quote; a quote in a cell is written "".')


def split_with_quotes(line: str, delimiter: str) -> list[str]:
    """Split a line whose quotes do not all make sense; a cell whose quotes do not keeps all of them."""
    other = f"[^{re.escape(delimiter)}]*+"
    quoted = '"[^"]*+(?:""[^"]*+)*+"'
    cell = re.compile(f"({quoted})(?={re.escape(delimiter)}|$)|(?:{quoted})?{other}")
    cells: list[str] = []
    place, text = 0, line.rstrip("\r\n")
    while place <= len(text):
        found = cell.match(text, place)
        assert found is not None  # noqa: S101 - the second alternative takes anything, and nothing
        whole = found[1]
        cells.append(found[0] if whole is None else whole[1:-1].replace('""', '"'))
        place = found.end() + 1
    return cells


def _too_large(cells: Sequence[str]) -> str:
    longest = max(map(len, cells))
    return f"A cell is too large: it has {longest} characters, and an attribute at most 1000 bytes."


def _wrong_length(cells: int, columns: int) -> str:
    return f"The row has {cells} cells, the header has {columns}."
