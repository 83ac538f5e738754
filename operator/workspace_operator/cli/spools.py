"""What is kept in a temporary file, so that what is known only at the end can be told first, however much it is."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.people import Person


def _temporary_file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


@contextmanager
def spooled_lines(lines: Iterable[str], made: Callable[[], IO[str]] = _temporary_file) -> Iterator[Iterator[str]]:
    """Keep lines that end themselves, and give them again.

    Raises:
        InvalidInput: there is no room for the file.
    """
    are_kept = False
    try:
        with made() as file:
            file.writelines(lines)
            file.flush()
            are_kept = True
            file.seek(0)
            yield iter(file)
    except OSError as error:
        if are_kept:
            raise
        message = f"the folder {tempfile.gettempdir()} cannot take everybody: {error.strerror}; set TMPDIR"
        raise InvalidInput(message, field="TMPDIR") from error


@contextmanager
def spooled(
    people: Iterable[Person], made: Callable[[], IO[str]] = _temporary_file
) -> Iterator[tuple[Iterator[Person], set[str]]]:
    """Keep people; gives them again, and the names of every attribute that anybody has.

    Raises:
        InvalidInput: there is no room for the file.
    """
    names: set[str] = set()
    with spooled_lines(_documents(people, names), made) as lines:
        yield (Person(**json.loads(line)) for line in lines), names


def _documents(people: Iterable[Person], names: set[str]) -> Iterator[str]:
    for each in people:
        names.update(each.attributes)
        yield json.dumps({name: getattr(each, name) for name in Person.__slots__}) + "\n"
