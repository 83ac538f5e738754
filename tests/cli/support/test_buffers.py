"""People on their way through a temporary file."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from workspace_operator.application.people.csv_export import people_lines
from workspace_operator.cli.support.buffer import buffered_people
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import AttributeValue


def crowd(count: int) -> Iterator[Person]:
    for number in range(count):
        attributes: dict[str, AttributeValue] = {"plan": "pro", f"a{number % 7}": number, "nested": {"é": [True, "\n"]}}
        yield Person(cio_id=f"{number:08x}", id=f"u{number}", attributes=attributes, inserted_at=1, created_at=1)


def test_people_come_back_as_they_were() -> None:
    with buffered_people(crowd(20)) as (people, names):
        assert list(people) == list(crowd(20))
        assert names == {"plan", "nested", *(f"a{number}" for number in range(7))}


def test_nobody_is_spooled_as_nobody() -> None:
    with buffered_people(iter(())) as (people, names):
        assert (list(people), names) == ([], set())


def test_memory_stays_flat() -> None:
    tracemalloc.start()

    with buffered_people(crowd(20_000)) as (people, names):
        count = sum(1 for _ in people_lines(people, sorted(names)))

    assert count == 20_001
    assert tracemalloc.get_traced_memory()[1] < 300_000
    tracemalloc.stop()


def test_full_disk_is_reported() -> None:
    def full() -> IO[str]:
        return Path("/dev/full").open("w")

    with pytest.raises(InvalidInput, match="has no room for all people: No space left on device; set TMPDIR"):
        list(buffered_people(crowd(9), full).__enter__()[0])


def test_trouble_of_the_reader_passes() -> None:
    with pytest.raises(BrokenPipeError), buffered_people(crowd(9)):
        raise BrokenPipeError
