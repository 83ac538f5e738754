"""Detection of people that several rows of a file reference, in little memory."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_PARTS: Final = 256


@dataclass(slots=True)
class RepeatedPeople:
    """The people that the rows of a file reference, in 12 bytes per row, so that millions of rows fit.

    A 64-bit hash identifies a person: with a million people, a collision occurs in one of 10 million files.
    """

    _hashes: "list[array[int]]" = field(default_factory=lambda: [array("q") for _ in range(_PARTS)])
    _lines: "list[array[int]]" = field(default_factory=lambda: [array("I") for _ in range(_PARTS)])

    def add(self, cio_id: str, line: int) -> None:
        """Record that a row references a person."""
        hashed = hash(cio_id)
        part = hashed % _PARTS
        self._hashes[part].append(hashed)
        self._lines[part].append(min(line, 0xFFFFFFFF))

    def found(self) -> Iterator[list[int]]:
        """Yield the first lines of the rows of each person with more than one row."""
        for hashes, lines in zip(self._hashes, self._lines, strict=True):
            if len(set(hashes)) == len(hashes):
                continue
            by_person: dict[int, list[int]] = {}
            for hashed, line in zip(hashes, lines, strict=True):
                by_person.setdefault(hashed, []).append(line)
            yield from (lines for lines in by_person.values() if len(lines) > 1)
