"""Rows of undo files: people before a command changed or deleted them, or after an import created them.

The column ``_undo`` has the action; ``_json`` lists the columns whose cell is JSON, since the value is not text. An
empty cell means that there was no value. Attributes may have any name: ``_other_attributes`` has those whose names
cannot be column names, and those beyond the maximum number of columns, as a JSON object.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, Protocol

from workspace_operator.application.people.csv_export import cell_text, csv_lines
from workspace_operator.application.people.csv_files.columns import (
    JSON_COLUMN,
    NOTE_COLUMNS,
    UNDO_COLUMN,
    UNDO_COLUMNS,
    round_trips,
)
from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.application.people.csv_files.reader import MAX_COLUMNS
from workspace_operator.identity.model.person import Person

_IDENTIFIERS: Final = ("cio_id", "id", "email")
MAX_ATTRIBUTE_COLUMNS: Final = MAX_COLUMNS - len(NOTE_COLUMNS) - len(UNDO_COLUMNS) - len(_IDENTIFIERS)
"""Maximum number of attributes with a column of their own, so that an import accepts the file and its rejects."""


class BackupAction(StrEnum):
    """What a command did to the person of a row."""

    CHANGED = "changed"
    CREATED = "created"
    """Importing the row restores nothing; deleting the person does."""
    DELETED = "deleted"


class Backup(Protocol):
    """An undo file that is being written."""

    def write(self, people: Sequence[Person], action: BackupAction) -> None:
        """Write people durably."""
        ...


def backup_lines(people: Iterable[Person], action: BackupAction, attributes: Sequence[str]) -> Iterator[str]:
    """Yield the lines of an undo file, header first."""
    named = [name for name in attributes if round_trips(name)][:MAX_ATTRIBUTE_COLUMNS]
    others = [name for name in attributes if name not in set(named)] if len(named) < len(attributes) else []
    own_columns = UNDO_COLUMNS if others else (UNDO_COLUMN, JSON_COLUMN)
    return csv_lines(
        map(escape, (*own_columns, *_IDENTIFIERS, *named)),
        ([escape(cell) for cell in _row(person, action, named, others)] for person in people),
    )


def _row(person: Person, action: BackupAction, named: Sequence[str], others: Sequence[str]) -> Sequence[str]:
    values = [person.attributes.get(name) for name in named]
    typed = [name for name, value in zip(named, values, strict=True) if not isinstance(value, str | None)]
    own_cells = [action, json.dumps(typed, ensure_ascii=False) if typed else ""]
    if others:
        own_cells.append(_others(person, action, others))
    return [*own_cells, person.cio_id, person.id or "", person.email or "", *map(cell_text, values)]


def _others(person: Person, action: BackupAction, names: Sequence[str]) -> str:
    """Attributes as JSON; null for an attribute that the import may have added to the person."""
    values = {name: person.attributes.get(name) for name in names}
    if action is not BackupAction.CHANGED:
        values = {name: value for name, value in values.items() if value is not None}
    return json.dumps(values, ensure_ascii=False) if values else ""
