"""Rows of undo files: people as they were before a command changed, made or deleted them.

The column ``_undo`` says what was done to a person, ``_json`` in which columns the cell is JSON, since the value is no
text. An empty cell says that there was nothing.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol

from workspace_operator.application.csv_columns import UNDO_COLUMNS
from workspace_operator.application.exporting import cell_text, csv_lines
from workspace_operator.application.spreadsheets import harmless
from workspace_operator.identity.people import Person


class UndoAction(StrEnum):
    """What was done to the person of a row."""

    CHANGED = "changed"
    CREATED = "created"
    """Importing the row brings nothing back; deleting these people does."""
    DELETED = "deleted"


class Undo(Protocol):
    """Takes people as they were."""

    def write(self, people: Sequence[Person], action: UndoAction) -> None:
        """Write people down; they are safe when it returns."""
        ...


def undo_lines(people: Iterable[Person], action: UndoAction, attributes: Sequence[str]) -> Iterator[str]:
    """The lines of an undo file, the header first."""
    columns = (*UNDO_COLUMNS, "cio_id", "id", "email", *attributes)
    return csv_lines(
        map(harmless, columns), ([harmless(cell) for cell in _row(each, action, attributes)] for each in people)
    )


def _row(person: Person, action: UndoAction, attributes: Sequence[str]) -> Sequence[str]:
    values = [person.attributes.get(name) for name in attributes]
    typed = [name for name, value in zip(attributes, values, strict=True) if not isinstance(value, str | None)]
    of_json = json.dumps(typed, ensure_ascii=False) if typed else ""
    return [action, of_json, person.cio_id, person.id or "", person.email or "", *map(cell_text, values)]
