"""Files that commands write: whole, or not at all, and readable only by the user who asked for them."""

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
    """Write lines that end themselves, to standard output if there is no target; returns how many.

    Raises:
        InvalidInput: the file cannot be written.
    """
    if target is None or target == STANDARD_OUTPUT:
        return _print_lines(lines)
    with atomic_write(target) as file:
        return _write_lines(lines, file)


def write_csv(lines: Iterable[str], target: Path | None, *, for_excel: bool) -> int:
    """Write lines of CSV as `write_lines` does, with a byte order mark for Excel if it is asked for.

    Raises:
        InvalidInput: the file cannot be written.
    """
    return write_lines(with_byte_order_mark(lines) if for_excel else lines, target)


def _print_lines(lines: Iterable[str]) -> int:
    """Print lines as UTF-8; on a terminal so that they cannot steer it."""
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
    """Open a text file that takes the place of ``path`` when all is written.

    What is no regular file, such as /dev/stdout, is written to as it is: nothing can take its place.

    Raises:
        InvalidInput: it cannot be written.
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
    """Turn what the system says of a file into an error that names the option. Raises InvalidInput."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}; name another file with {option}"
        raise InvalidInput(message, field=option) from error


class RejectsFile:
    """The rows of an import that were not taken; there is no file as long as there is none.

    It takes the place of an earlier import's when the first row is written or the import is through, so that what
    lies there is of the last one, and an import that cannot even start destroys nothing. A file that is no rejects
    file is never replaced or removed.

    Args:
        path: where to write; None writes nowhere.
        of: the file that is imported.
        marked: whether to begin with a byte order mark: it tells UTF-8 from the encoding of the file that is imported.

    Raises:
        InvalidInput: there is a file that is no rejects file, or it is the one that is imported.
    """

    def __init__(self, path: Path | None, *, source_file: Path, with_bom: bool = False) -> None:
        self.path = path
        self.rows = 0
        self._with_bom = with_bom
        self._file: IO[str] | None = None
        if path is not None:
            self._check_path(path, source_file)

    def __enter__(self) -> Self:
        """Nothing is opened yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file, if there is one."""
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
        """Remove the rejects of an earlier import, if this one has none."""
        if self._file is None and self.path is not None:
            with translate_file_errors(self.path, _REJECTS):
                _remove_rejects(self.path)

    def _check_path(self, path: Path, source_file: Path) -> None:
        if path.exists() and path.samefile(source_file):
            raise InvalidInput(f"{path} is the file to import: name another with {_REJECTS}", field=_REJECTS)
        with translate_file_errors(path, _REJECTS):
            if not path.parent.is_dir():  # told now, and not in the middle of the import
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
    """Remove a rejects file of an earlier import. Raises InvalidInput if the file is something else."""
    _check_replaceable(path)
    if not _is_special(path):
        path.unlink(missing_ok=True)


def _check_replaceable(path: Path) -> None:
    """Refuse a folder, and a file that has content and is no rejects file."""
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder: name a file with {_REJECTS}", field=_REJECTS)
    if not path.is_file():
        return
    with path.open("rb") as file:
        start = file.read(1024)
    if start and not _match_rejects_header(start):
        message = f"{path} is there and is no rejects file of an import, so it is not replaced"
        raise InvalidInput(f"{message}: name another file with {_REJECTS}", field=_REJECTS)
