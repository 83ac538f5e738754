"""Files that commands write: whole, or not at all, and readable only by the user who asked for them."""

import csv
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, BinaryIO, Self

from workspace_operator.application.spreadsheets import harmless, with_byte_order_mark
from workspace_operator.cli.output import printable
from workspace_operator.errors import InvalidInput

STANDARD_OUTPUT = Path("-")


def opened_file(path: Path) -> BinaryIO:
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
        return _print(lines)
    with replacing(target) as file:
        return _write(lines, file)


def write_csv(lines: Iterable[str], target: Path | None, *, for_excel: bool) -> int:
    """Write lines of CSV as `write_lines` does, with a byte order mark for Excel if it is asked for.

    Raises:
        InvalidInput: the file cannot be written.
    """
    return write_lines(with_byte_order_mark(lines) if for_excel else lines, target)


def _print(lines: Iterable[str]) -> int:
    """Print lines as UTF-8; on a terminal so that they cannot steer it."""
    if sys.stdout.isatty():
        return _write((f"{printable(line.rstrip())}\n" for line in lines), sys.stdout)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    return _write(lines, sys.stdout)


def _write(lines: Iterable[str], file: IO[str]) -> int:
    count = 0
    for line in lines:
        file.write(line)
        count += 1
    file.flush()
    return count


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """Open a text file that takes the place of ``path`` when all is written.

    What is no regular file, such as /dev/stdout, is written to as it is: nothing can take its place.

    Raises:
        InvalidInput: it cannot be written.
    """
    with refused(path, "--output"):
        if _is_special(path):
            with path.open("w", encoding="utf-8", newline="") as file:
                yield file
            return
        target = path.resolve()
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        made = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                yield file
            made.replace(target)
        except BaseException:
            made.unlink(missing_ok=True)
            raise


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


@contextmanager
def refused(path: Path, option: str) -> Iterator[None]:
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
    lies there is of the last one, and an import that cannot even start destroys nothing.

    Raises:
        InvalidInput: it would be written over the file that is imported.
    """

    def __init__(self, path: Path, *, of: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        if path.exists() and path.samefile(of):
            raise InvalidInput(f"{path} is the file to import: name another with --rejects", field="--rejects")

    def __enter__(self) -> Self:
        """Nothing is opened yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            with refused(self.path, "--rejects"):
                self._file.close()

    def write(self, cells: Sequence[str]) -> None:
        """Write one row. Raises InvalidInput if the file cannot be written."""
        with refused(self.path, "--rejects"):
            if self._file is None:
                self._file = self._opened()
            csv.writer(self._file).writerow([harmless(cell) for cell in cells])

    def finish(self) -> None:
        """Take away the rejects of an earlier import, if this one has none."""
        if self._file is None:
            with refused(self.path, "--rejects"):
                self._remove_earlier()

    def _opened(self) -> IO[str]:
        self._remove_earlier()
        flags = os.O_WRONLY | (0 if _is_special(self.path) else os.O_CREAT | os.O_EXCL)
        descriptor = os.open(self.path, flags, 0o600)
        return os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="")

    def _remove_earlier(self) -> None:
        if not _is_special(self.path):
            self.path.unlink(missing_ok=True)
