"""Options of an import: how it interprets the rows of a file."""

from dataclasses import dataclass
from enum import StrEnum

from workspace_operator.identity.values.rules import IdentifierKind


class EmptyCells(StrEnum):
    """Meaning of an empty cell."""

    IGNORE = "ignore"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How rows reference people, whether they may create people, and the meaning of empty cells.

    An empty cell of `unsubscribed` is always ignored, except in an undo file.
    """

    by: IdentifierKind | None = None
    update_only: bool = False
    empty_cells: EmptyCells = EmptyCells.IGNORE
