"""Rows of a file that were not taken, in whole or in part: each goes with its line and the reason to the rejects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from workspace_operator.application.people.csv_files.columns import NOTE_COLUMNS
from workspace_operator.application.people.csv_files.reader import CsvRow, Header


class RejectsFile(Protocol):
    """Takes rows that were not taken, in whole or in part."""

    def write(self, cells: Sequence[str]) -> None:
        """Write one row; the first is the header."""
        ...


@dataclass(slots=True, kw_only=True)
class RejectedRows:
    """The rows of one file that were not taken."""

    rejects: RejectsFile
    header: Header
    _has_begun: bool = False
    _left_out: frozenset[int] = frozenset()

    def write(self, row: CsvRow, outcome: str, reason: str) -> None:
        """Write a row down as it was: the user corrects cells that are missing or too many."""
        if not self._has_begun:
            self._left_out = self.header.dropped
            self.rejects.write([*NOTE_COLUMNS, *self._kept(self.header.columns)])
            self._has_begun = True
        self.rejects.write([str(row.line), outcome, reason, *self._kept(row.cells)])

    def _kept(self, cells: Sequence[str]) -> list[str]:
        return [cell for place, cell in enumerate(cells) if place not in self._left_out]
