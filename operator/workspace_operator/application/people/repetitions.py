"""Counting people whom several rows of a file name, in little memory."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_PARTS: Final = 256


@dataclass(frozen=True, slots=True)
class RepeatedPerson:
    """Somebody whom several rows name; ``lines`` are where these rows start."""

    lines: tuple[int, ...]


@dataclass(slots=True)
class RepeatedPeople:
    """Which people the rows of a file name: 12 bytes a row, so that millions of rows fit.

    People are told apart by a hash of 64 bits: of a million people two are mistaken for one once in 10 million files.
    """

    _hashes: "list[array[int]]" = field(default_factory=lambda: [array("q") for _ in range(_PARTS)])
    _lines: "list[array[int]]" = field(default_factory=lambda: [array("I") for _ in range(_PARTS)])

    def add(self, cio_id: str, line: int) -> None:
        """Note that a row names somebody."""
        hashed = hash(cio_id)
        part = hashed % _PARTS
        self._hashes[part].append(hashed)
        self._lines[part].append(min(line, 0xFFFFFFFF))

    def found(self) -> Iterator[RepeatedPerson]:
        """Everybody who is named more than once."""
        for hashes, lines in zip(self._hashes, self._lines, strict=True):
            if len(set(hashes)) == len(hashes):
                continue
            by_person: dict[int, list[int]] = {}
            for hashed, line in zip(hashes, lines, strict=True):
                by_person.setdefault(hashed, []).append(line)
            yield from (RepeatedPerson(tuple(each)) for each in by_person.values() if len(each) > 1)
