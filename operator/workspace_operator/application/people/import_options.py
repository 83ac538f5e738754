"""How an import understands the rows of a file."""

from dataclasses import dataclass
from enum import StrEnum

from workspace_operator.identity.values.rules import IdentifierKind


class EmptyCells(StrEnum):
    """What an empty cell means."""

    IGNORE = "ignore"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How rows name people, whether they may create any, and what an empty cell means.

    An empty cell of `unsubscribed` never means anything, but in an undo file.
    """

    by: IdentifierKind | None = None
    update_only: bool = False
    empty_cells: EmptyCells = EmptyCells.IGNORE
