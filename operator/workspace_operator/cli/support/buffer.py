"""Buffers in temporary files: for output whose header depends on all rows, of any size."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person


def _open_temporary_file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


@contextmanager
def buffered_lines(
    lines: Iterable[str], open_file: Callable[[], IO[str]] = _open_temporary_file
) -> Iterator[Iterator[str]]:
    """Write lines, with their line ends, to a temporary file; yields them again.

    Raises InvalidInput if the temporary folder has no room.
    """
    is_written = False
    try:
        with open_file() as file:
            file.writelines(lines)
            file.flush()
            is_written = True
            file.seek(0)
            yield iter(file)
    except OSError as error:
        if is_written:
            raise
        message = f"{tempfile.gettempdir()} has no room for all people: {error.strerror}; set TMPDIR to another folder"
        raise InvalidInput(message, field="TMPDIR") from error


@contextmanager
def buffered_people(
    people: Iterable[Person], open_file: Callable[[], IO[str]] = _open_temporary_file
) -> Iterator[tuple[Iterator[Person], set[str]]]:
    """As `buffered_lines` for people; yields them again, and the names of all their attributes."""
    names: set[str] = set()
    with buffered_lines(_person_lines(people, names), open_file) as lines:
        yield (Person(**json.loads(line)) for line in lines), names


def _person_lines(people: Iterable[Person], names: set[str]) -> Iterator[str]:
    for person in people:
        names.update(person.attributes)
        yield json.dumps({name: getattr(person, name) for name in Person.__slots__}) + "\n"
