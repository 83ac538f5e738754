"""Files that commands write: whole, or not at all."""

import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from workspace_operator.application.spreadsheets import harmless
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.people import Person


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """Open a text file that takes the place of ``path`` when all is written; only its user may read it.

    Raises:
        InvalidInput: it cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}", field="--output") from error
    made = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def write_lines(lines: Iterable[str], target: Path | TextIO) -> int:
    """Write lines that end themselves; returns how many. Raises InvalidInput if the file cannot be written."""
    if not isinstance(target, Path):
        return _write(lines, target)
    with replacing(target) as file:
        return _write(lines, file)


def _write(lines: Iterable[str], file: IO[str]) -> int:
    count = 0
    for line in lines:
        file.write(line)
        count += 1
    return count


@contextmanager
def spooled(people: Iterable[Person]) -> Iterator[Callable[[], Iterator[Person]]]:
    """Keep people in a temporary file, so that they can be read several times however many they are."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        for each in people:
            file.write(json.dumps({name: getattr(each, name) for name in Person.__slots__}) + "\n")

        def read() -> Iterator[Person]:
            file.seek(0)
            yield from (Person(**json.loads(line)) for line in file)

        yield read


class RejectsFile:
    """The rows of an import that were not taken; there is no file as long as there is none.

    A file of an earlier run is removed at the start, so that what lies there is always of the last one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise InvalidInput(f"{path} cannot be replaced: {error.strerror}; name another with --rejects") from error

    def write(self, cells: Sequence[str]) -> None:
        """Write one row. Raises InvalidInput if the file cannot be written."""
        if self._file is None:
            try:
                descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except OSError as error:
                message = f"{self.path} cannot be written: {error.strerror}; name another with --rejects FILE"
                raise InvalidInput(message, field="--rejects") from error
            self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="")
        csv.writer(self._file).writerow([harmless(cell) for cell in cells])

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
