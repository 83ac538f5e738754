"""Files that commands read and write. Output is written completely or not at all, and only its owner can read it."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, BinaryIO

from workspace_operator.application.people.csv_files.injection import with_byte_order_mark
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

    Raises InvalidInput.
    """
    if target is None or target == STANDARD_OUTPUT:
        return _print_lines(lines)
    with atomic_write(target) as file:
        return _write_lines(lines, file)


def write_csv(lines: Iterable[str], target: Path | None, *, for_excel: bool) -> int:
    """Write lines of CSV as `write_lines` does, with a byte order mark if they are for Excel."""
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

    A special file, such as /dev/stdout, is written in place. Raises InvalidInput if the file cannot be written.
    """
    with translate_file_errors(path, "--output"):
        if is_special(path):
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


def is_special(path: Path) -> bool:
    """Whether a path is neither free nor a regular file."""
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
