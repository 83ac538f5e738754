"""Rows of undo files: people as they were before a command changed, made or deleted them.

The column ``_undo`` says what was done to a person, ``_json`` in which columns the cell is JSON, since the value is no
text. An empty cell says that there was nothing. Callers name attributes as they like: ``_other_attributes`` has those
whose names are no names of columns, and those for which there is no column left, as a JSON object.
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
"""How many attributes have a column of their own: an import reads no file with more, nor one with its rejects."""


class BackupAction(StrEnum):
    """What was done to the person of a row."""

    CHANGED = "changed"
    CREATED = "created"
    """Importing the row brings nothing back; deleting these people does."""
    DELETED = "deleted"


class Backup(Protocol):
    """Takes people as they were."""

    def write(self, people: Sequence[Person], action: BackupAction) -> None:
        """Write people down; they are safe when it returns."""
        ...


def backup_lines(people: Iterable[Person], action: BackupAction, attributes: Sequence[str]) -> Iterator[str]:
    """The lines of an undo file, the header first."""
    named = [name for name in attributes if round_trips(name)][:MAX_ATTRIBUTE_COLUMNS]
    others = [name for name in attributes if name not in set(named)] if len(named) < len(attributes) else []
    ours = UNDO_COLUMNS if others else (UNDO_COLUMN, JSON_COLUMN)
    return csv_lines(
        map(escape, (*ours, *_IDENTIFIERS, *named)),
        ([escape(cell) for cell in _row(each, action, named, others)] for each in people),
    )


def _row(person: Person, action: BackupAction, named: Sequence[str], others: Sequence[str]) -> Sequence[str]:
    values = [person.attributes.get(name) for name in named]
    typed = [name for name, value in zip(named, values, strict=True) if not isinstance(value, str | None)]
    said = [action, json.dumps(typed, ensure_ascii=False) if typed else ""]
    if others:
        said.append(_others(person, action, others))
    return [*said, person.cio_id, person.id or "", person.email or "", *map(cell_text, values)]


def _others(person: Person, action: BackupAction, names: Sequence[str]) -> str:
    """These attributes as JSON; null for what an import may have given to somebody who did not have it."""
    values = {name: person.attributes.get(name) for name in names}
    if action is not BackupAction.CHANGED:
        values = {name: value for name, value in values.items() if value is not None}
    return json.dumps(values, ensure_ascii=False) if values else ""
