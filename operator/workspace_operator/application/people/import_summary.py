"""Summary of an import: how many rows had which result."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from workspace_operator.application.people.repetitions import RepeatedPeople
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect

EXAMPLES: Final = 10
"""Maximum number of rejected rows to show without a rejects file."""


@dataclass(slots=True, kw_only=True)
class ImportSummary:
    """Numbers of rows by result; the first four add up to all rows.

    Attributes:
        created: rows that created a person.
        updated: rows about existing people.
        skipped: rows that a rule ignores: only updates were requested, or the identifier is suppressed.
        rejected: rows of which nothing was imported.
        unchanged: updated rows that equal the stored person.
        in_part: created and updated rows of which some values were not imported.
        removed: values that empty cells removed.
        not_deleted: rows of an undo file about people that the undone import created, which stay. Part of skipped.
        rows_in_cells: rows with a cell that seems to contain rows.
        first_rows_in_cells: the line of the first such row; 0 if there is none.
        repetitions: people with more than one row.
    """

    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0
    unchanged: int = 0
    in_part: int = 0
    removed: int = 0
    not_deleted: int = 0
    rows_in_cells: int = 0
    first_rows_in_cells: int = 0
    repetitions: RepeatedPeople = field(default_factory=RepeatedPeople)

    @property
    def rows(self) -> int:
        """Number of all rows."""
        return self.created + self.updated + self.skipped + self.rejected

    @property
    def taken(self) -> int:
        """Number of rows that were imported completely or in part."""
        return self.created + self.updated

    def count_rows_in_cell(self, line: int) -> None:
        """Count a row with a cell that seems to contain rows. It is imported, since a note may contain CSV."""
        self.rows_in_cells += 1
        self.first_rows_in_cells = self.first_rows_in_cells or line

    def count_taken(self, line: int, result: CommandResult) -> None:
        """Count a row that was imported."""
        if result.effect is Effect.CREATED:
            self.created += 1
        else:
            self.updated += 1
            self.unchanged += result.effect is Effect.UNCHANGED
        if result.person is not None:
            self.repetitions.add(result.person.cio_id, line)

    def count_removed(self, before: Person | None, after: Person | None) -> None:
        """Count the values that a row removed."""
        if before is not None and after is not None:
            identifiers: Sequence[tuple[str | None, str | None]] = [(before.id, after.id), (before.email, after.email)]
            self.removed += len(before.attributes.keys() - after.attributes.keys())
            self.removed += sum(old is not None and new is None for old, new in identifiers)
