"""Files that commands read and write. Output is written completely or not at all, and only its owner can read it."""

import csv
import errno
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, BinaryIO, Self

from workspace_operator.application.people.csv_files.injection import escape, with_byte_order_mark
from workspace_operator.cli.support.output import printable
from workspace_operator.errors import InvalidInput

STANDARD_OUTPUT = Path("-")


def open_input_file(path: Path) -> BinaryIO:
    """Open a file that a command reads. Raises InvalidInput."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", field="FILE") from error


def write_lines(lines: Iterable[str], target: Path | None) -> int:
    """Write lines, with their line ends, to a file or to standard output; returns their number.

    Raises:
        InvalidInput: the file cannot be written.
    """
    if target is None or target == STANDARD_OUTPUT:
        return _print_lines(lines)
    with atomic_write(target) as file:
        return _write_lines(lines, file)


def write_csv(lines: Iterable[str], target: Path | None, *, for_excel: bool) -> int:
    """Write lines of CSV as `write_lines` does, with a byte order mark if they are for Excel.

    Raises:
        InvalidInput: the file cannot be written.
    """
    return write_lines(with_byte_order_mark(lines) if for_excel else lines, target)


def _print_lines(lines: Iterable[str]) -> int:
    """Print lines as UTF-8; for a terminal, escape control characters."""
    if sys.stdout.isatty():
        return _write_lines((f"{printable(line.rstrip())}\n" for line in lines), sys.stdout)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    return _write_lines(lines, sys.stdout)


def _write_lines(lines: Iterable[str], file: IO[str]) -> int:
    count = 0
    for line in lines:
        file.write(line)
        count += 1
    file.flush()
    return count


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[str]]:
    """Open a temporary text file that replaces ``path`` when the context exits without an error.

    A special file, such as /dev/stdout, is written in place.

    Raises:
        InvalidInput: the file cannot be written.
    """
    with translate_file_errors(path, "--output"):
        if _is_special(path):
            with path.open("w", encoding="utf-8", newline="") as file:
                yield file
            return
        target = path.resolve()
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                yield file
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


@contextmanager
def translate_file_errors(path: Path, option: str) -> Iterator[None]:
    """Translate an OSError of a file into an error that names the option. Raises InvalidInput."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}; choose another file with {option}"
        raise InvalidInput(message, field=option) from error


class RejectsFile:
    """The rejected rows of an import. The file is created with the first row.

    The rejects file of an earlier import is replaced when the first row is written, or removed when the import ends;
    an import that cannot start leaves it alone. A file of any other kind is never replaced or removed.

    Args:
        path: the file to write; None counts rows only.
        source_file: the file that is imported.
        with_bom: whether to begin with a byte order mark, which tells UTF-8 from the encoding of the source file.

    Raises:
        InvalidInput: the path is the source file, or a file that is not a rejects file.
    """

    def __init__(self, path: Path | None, *, source_file: Path, with_bom: bool = False) -> None:
        self.path = path
        self.rows = 0
        self._with_bom = with_bom
        self._file: IO[str] | None = None
        if path is not None:
            self._check_path(path, source_file)

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file if it was created."""
        if self._file is not None and self.path is not None:
            with translate_file_errors(self.path, _REJECTS):
                self._file.close()

    def write(self, cells: Sequence[str]) -> None:
        """Write one row. Raises InvalidInput if the file cannot be written."""
        self.rows += 1
        if self.path is None:
            return
        with translate_file_errors(self.path, _REJECTS):
            if self._file is None:
                self._file = self._create(self.path)
            csv.writer(self._file).writerow([escape(cell) for cell in cells])

    def finish(self) -> None:
        """Remove the rejects file of an earlier import if this one rejected nothing."""
        if self._file is None and self.path is not None:
            with translate_file_errors(self.path, _REJECTS):
                _remove_rejects(self.path)

    def _check_path(self, path: Path, source_file: Path) -> None:
        if path.exists() and path.samefile(source_file):
            raise InvalidInput(f"{path} is the file to import: choose another file with {_REJECTS}", field=_REJECTS)
        with translate_file_errors(path, _REJECTS):
            if not path.parent.is_dir():  # refused before the import begins
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            _check_replaceable(path)

    def _create(self, path: Path) -> IO[str]:
        _remove_rejects(path)
        flags = os.O_WRONLY | (0 if _is_special(path) else os.O_CREAT | os.O_EXCL)
        descriptor = os.open(path, flags, 0o600)
        return os.fdopen(descriptor, "w", encoding="utf-8-sig" if self._with_bom else "utf-8", newline="")


_REJECTS = "--rejects"
_match_rejects_header = re.compile(
    rb'(?:\xef\xbb\xbf)?"?_line"?[,;\t]"?_outcome"?[,;\t]"?_reason"?(?:[,;\t\r\n]|$)'
).match


def _remove_rejects(path: Path) -> None:
    """Remove a rejects file of an earlier import. Raises InvalidInput if the file is of another kind."""
    _check_replaceable(path)
    if not _is_special(path):
        path.unlink(missing_ok=True)


def _check_replaceable(path: Path) -> None:
    """Raise InvalidInput for a folder, and for a file with content that is not a rejects file."""
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder: give a file with {_REJECTS}", field=_REJECTS)
    if not path.is_file():
        return
    with path.open("rb") as file:
        start = file.read(1024)
    if start and not _match_rejects_header(start):
        message = f"{path} exists and is not a rejects file of an import, so it is not replaced"
        raise InvalidInput(f"{message}: choose another file with {_REJECTS}", field=_REJECTS)
