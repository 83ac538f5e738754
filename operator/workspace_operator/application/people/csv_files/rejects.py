"""Rejects: rows of a file that were not imported completely, with their lines and the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from workspace_operator.application.people.csv_files.columns import NOTE_COLUMNS
from workspace_operator.application.people.csv_files.reader import CsvRow, Header


class RejectsFile(Protocol):
    """A rejects file that is being written."""

    def write(self, cells: Sequence[str]) -> None:
        """Write one row; the first is the header."""
        ...


@dataclass(slots=True, kw_only=True)
class RejectedRows:
    """Writer of the rejected rows of one file."""

    rejects: RejectsFile
    header: Header
    _has_begun: bool = False
    _dropped: frozenset[int] = frozenset()

    def write(self, row: CsvRow, outcome: str, reason: str) -> None:
        """Write a row unchanged, also with missing or extra cells, so that the user can correct it."""
        if not self._has_begun:
            self._dropped = self.header.dropped
            self.rejects.write([*NOTE_COLUMNS, *self._kept(self.header.columns)])
            self._has_begun = True
        self.rejects.write([str(row.line), outcome, reason, *self._kept(row.cells)])

    def _kept(self, cells: Sequence[str]) -> list[str]:
        return [cell for index, cell in enumerate(cells) if index not in self._dropped]
