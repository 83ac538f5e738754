"""What is kept in a temporary file, so that what is known only at the end can be told first, however much it is."""

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
    """Keep lines that end themselves, and give them again.

    Raises:
        InvalidInput: there is no room for the file.
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
        message = f"the folder {tempfile.gettempdir()} cannot take everybody: {error.strerror}; set TMPDIR"
        raise InvalidInput(message, field="TMPDIR") from error


@contextmanager
def buffered_people(
    people: Iterable[Person], open_file: Callable[[], IO[str]] = _open_temporary_file
) -> Iterator[tuple[Iterator[Person], set[str]]]:
    """Keep people; gives them again, and the names of every attribute that anybody has.

    Raises:
        InvalidInput: there is no room for the file.
    """
    names: set[str] = set()
    with buffered_lines(_person_lines(people, names), open_file) as lines:
        yield (Person(**json.loads(line)) for line in lines), names


def _person_lines(people: Iterable[Person], names: set[str]) -> Iterator[str]:
    for each in people:
        names.update(each.attributes)
        yield json.dumps({name: getattr(each, name) for name in Person.__slots__}) + "\n"
