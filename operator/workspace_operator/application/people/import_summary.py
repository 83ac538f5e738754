"""What an import came to, in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from workspace_operator.application.people.repetitions import RepeatedPeople
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect

EXAMPLES: Final = 10
"""How many rows that were not taken are kept for those who read no file."""


@dataclass(slots=True, kw_only=True)
class ImportSummary:
    """How many rows came to what; the first four add up to the rows.

    Attributes:
        created: rows that made a person.
        updated: rows about people who were there.
        skipped: rows that are ignored by rule: only updates were asked for, or the identifier is suppressed.
        rejected: rows of which nothing was taken.
        unchanged: of those updated, what the row says was so already.
        in_part: of those created and updated, something of the row was not taken.
        removed: values that empty cells removed.
        left: people of an undo file whom the import had created: they are still there. Among the skipped.
        holding_rows: lines with a cell that looks as if it held rows.
        repetitions: who was named more than once.
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
        """All rows."""
        return self.created + self.updated + self.skipped + self.rejected

    @property
    def taken(self) -> int:
        """Rows that were taken, in whole or in part."""
        return self.created + self.updated

    def count_rows_in_cell(self, line: int) -> None:
        """Count a cell that looks as if it held rows; the row is taken, since a note may hold lines of CSV."""
        self.rows_in_cells += 1
        self.first_rows_in_cells = self.first_rows_in_cells or line

    def count_taken(self, line: int, outcome: CommandResult) -> None:
        """Count a row that was taken."""
        if outcome.effect is Effect.CREATED:
            self.created += 1
        else:
            self.updated += 1
            self.unchanged += outcome.effect is Effect.UNCHANGED
        if outcome.person is not None:
            self.repetitions.add(outcome.person.cio_id, line)

    def count_removed(self, before: Person | None, after: Person | None) -> None:
        """Count the values that a row removed."""
        if before is not None and after is not None:
            identifiers: Sequence[tuple[str | None, str | None]] = [(before.id, after.id), (before.email, after.email)]
            self.removed += len(before.attributes.keys() - after.attributes.keys())
            self.removed += sum(old is not None and new is None for old, new in identifiers)
