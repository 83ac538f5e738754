"""Reading of an uploaded file, once and while it arrives: it is checked as a whole, and split into whole rows.

A file that is no CSV of UTF-8, or in which a row has another number of cells than the header, is refused with the line
(imports §2). Other faults of a row reject only that row.
"""

import codecs
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from workspace_operator.application.people.csv_files.reader import CsvRow, Header, read_header_cells, read_rows
from workspace_operator.application.ports import FileChunk
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.imports.model import FileColumn, FileFacts

MAX_FILE_BYTES: Final = 100_000_000
MAX_COLUMNS: Final = 1_000
CHUNK_CHARACTERS: Final = 262_144
"""Characters from which a chunk of rows is complete."""

MAX_SAMPLES: Final = 3
MAX_SAMPLE: Final = 60
"""Characters of an example of a value."""

_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_AS_UTF_8: Final = "In Excel: Save as > CSV UTF-8."
_ESCAPE: Final = "workspace_operator.surrogateescape"
_BUFFER: Final = 65_536

codecs.register_error(_ESCAPE, codecs.lookup_error("surrogateescape"))


class UploadedFile:
    """A file that is read once. ``facts`` are complete when `chunks` has ended."""

    def __init__(self, file: BinaryIO) -> None:
        self._text = _CheckedText(io.BufferedReader(_Counted(file), _BUFFER))
        self._header: Header | None = None
        self._columns: list[_Column] = []
        self._rows = 0

    def chunks(self) -> Iterator[FileChunk]:
        """Yield the rows of the file in chunks. Raises InvalidInput for the file as a whole, also after some chunks."""
        self._text.check_start()
        header = self._header = read_header_cells(self._text)
        _check_columns(header.cells)
        self._columns = [_Column(name) for name in header.cells]
        self._text.take()
        lines, first_line, first_row, size = list[str](), 0, 1, 0
        for row in read_rows(self._text, header):
            taken = self._text.take()
            self._count(row)
            if not lines:
                first_line, first_row = row.line, self._rows
                while not taken[0].strip("\r\n"):
                    del taken[0]  # blank lines before the row, whose number is that of its own first line
            lines += taken
            size += sum(map(len, taken))
            if size >= CHUNK_CHARACTERS:
                yield FileChunk(first_row, self._rows - first_row + 1, first_line, "".join(lines))
                lines, size = [], 0
        if lines:
            yield FileChunk(first_row, self._rows - first_row + 1, first_line, "".join(lines))
        if not self._rows:
            raise InvalidInput("The file has a header and no rows.", field="file")

    @property
    def facts(self) -> FileFacts:
        """What was found out."""
        header = self._header
        if header is None:
            raise ValueError("the file was not read")
        columns = tuple(column.facts() for column in self._columns)
        return FileFacts(delimiter=header.delimiter, columns=columns, rows=self._rows, header_line=header.lines)

    def _count(self, row: CsvRow) -> None:
        self._rows += 1
        cells = row.cells
        if len(cells) != len(self._columns):
            counted = f"{len(cells)} cell" if len(cells) == 1 else f"{len(cells)} cells"
            raise InvalidInput(f"Line {row.line} has {counted}, the header has {len(self._columns)}.", field="file")
        for column, cell in zip(self._columns, cells, strict=True):
            if cell:
                column.count(cell, row.line)


class _Column:
    """What is counted of a column."""

    __slots__ = ("addresses", "filled", "name", "samples")

    def __init__(self, name: str) -> None:
        self.name = name
        self.samples: list[str] = []
        self.filled = self.addresses = 0

    def count(self, cell: str, line: int) -> None:
        if not self.name:
            raise InvalidInput(f"Line {line} has {quoted(cell)} in a column without a name.", field="file")
        self.filled += 1
        self.addresses += "@" in cell
        if len(self.samples) < MAX_SAMPLES:
            self.samples.append(cell if len(cell) <= MAX_SAMPLE else cell[: MAX_SAMPLE - 1] + "…")

    def facts(self) -> FileColumn:
        return FileColumn(name=self.name, samples=tuple(self.samples), filled=self.filled, addresses=self.addresses)


def _check_columns(cells: Sequence[str]) -> None:
    if len(cells) > MAX_COLUMNS:
        message = f"The file has {len(cells):,} columns, and up to {MAX_COLUMNS:,} are possible."
        raise InvalidInput(message, field="file")


class _Counted(io.RawIOBase):
    """A stream that refuses more than the largest file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        self._size += len(data)
        if self._size > MAX_FILE_BYTES:
            message = f"The file has more than {MAX_FILE_BYTES // 1_000_000} MB. Split it into several files."
            raise InvalidInput(message, field="file")
        buffer[: len(data)] = data
        return len(data)


class _CheckedText(io.TextIOWrapper):
    """The text of a file, whose lines must be UTF-8; it remembers the lines that were read."""

    def __init__(self, file: io.BufferedReader) -> None:
        super().__init__(file, encoding="utf-8-sig", errors=_ESCAPE, newline="")
        self._file = file
        self._number = 0
        self._lines: list[str] = []

    def check_start(self) -> None:
        """Refuse files that are no text. Raises InvalidInput."""
        start = self._file.peek(4)[:4]
        if not start:
            raise InvalidInput("The file is empty.", field="file")
        if start.startswith(_WORKBOOKS):
            raise InvalidInput("This is an Excel workbook, not CSV.", field="file")
        if start.startswith(_UTF_16) or b"\0" in start[:2]:
            raise InvalidInput(f"This file is UTF-16, not UTF-8. {_AS_UTF_8}", field="file")

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """Read a line. Raises InvalidInput if it is not UTF-8."""
        line = super().readline(size)
        if not line:
            return line
        self._number += 1
        if not line.isascii() and not _is_unicode(line):
            raise InvalidInput(f"Line {self._number} is not UTF-8. {_AS_UTF_8}", field="file")
        self._lines.append(line)
        return line

    def take(self) -> list[str]:
        """The lines that were read since the last call."""
        lines, self._lines = self._lines, []
        return lines


def _is_unicode(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def rows_of_chunk(chunk: FileChunk, header: Header) -> Sequence[CsvRow]:
    """The rows of a chunk, with their lines in the file."""
    text = io.StringIO(chunk.text, newline="")
    return list(read_rows(text, header.ending_in(chunk.first_line - 1)))
