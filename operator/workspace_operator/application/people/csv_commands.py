"""Mapping of a CSV row to an identify command: the person that it references, and the values."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeAlias, TypeVar

from workspace_operator.application.people.backup_rows import BackupAction
from workspace_operator.application.people.csv_files.columns import (
    IDENTIFIER_COLUMNS,
    JSON_COLUMN,
    OTHERS_COLUMN,
    UNDO_COLUMN,
    UNDO_COLUMNS,
    header_error,
)
from workspace_operator.application.people.csv_files.identifier_cells import check_identifier_cell
from workspace_operator.application.people.csv_files.reader import CsvRow, Header
from workspace_operator.application.people.import_options import EmptyCells, ImportOptions
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.attribute_timestamps import UNSUBSCRIBED
from workspace_operator.identity.model.commands import Identify, identify_from_fields
from workspace_operator.identity.values.attributes import MAX_ATTRIBUTES
from workspace_operator.identity.values.references import REFERENCE_KINDS, Reference, reference_of_kind
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, EMAIL_ONLY, ID, IdentifierKind, Mode
from workspace_operator.identity.values.text_limits import quoted, stripped
from workspace_operator.identity.values.timestamps import time_of

T = TypeVar("T")

_YES_OR_NO: Final = {"true": "true", "false": "false", "1": "1", "0": "0", "1.0": "1", "0.0": "0"}
"""Allowed values of a cell of `unsubscribed`, in lower case, with the stored values."""

RowCommand: TypeAlias = tuple[Identify, Sequence[str]]
"""The command of a row, and the reasons why values are left out; a tuple, since there may be millions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMapper:
    """Maps the rows of one file to commands in one mode.

    Attributes:
        kept: indexes and names of the columns with values of a person; None for all columns.
        naming: identifiers that can reference a person, with their columns; the first with a value is used.
        identifiers: the identifier columns of the file.
        removes_empty: whether an empty cell removes a value.
        update_only: whether the rows create no people.
    """

    header: Header
    kept: Sequence[tuple[int, str]] | None
    naming: Sequence[tuple[IdentifierKind, str]]
    identifiers: Sequence[str]
    is_undo_file: bool
    removes_empty: bool
    mode: Mode
    update_only: bool

    @classmethod
    def of(cls, header: Header, mode: Mode, options: ImportOptions) -> Self:
        """Create the mapper for a header. Raises InvalidInput if no column can reference people."""
        kept = [(index, name) for index, name in enumerate(header.columns) if index not in header.ignored]
        return cls(
            header=header,
            kept=kept if header.ignored else None,
            naming=[(kind, kind.value) for kind in reference_kinds(header, mode, options.by)],
            identifiers=[name for name in IDENTIFIER_COLUMNS if name in header.columns],
            is_undo_file=header.is_of_undo_file,
            removes_empty=header.is_of_undo_file or options.empty_cells is EmptyCells.REMOVE,
            mode=mode,
            update_only=options.update_only,
        )

    def command(self, row: CsvRow) -> RowCommand:
        """Map a row to its command. Raises InvalidInput with the reason if that is impossible."""
        if row.problem:
            raise InvalidInput(row.problem)
        if self.is_undo_file:
            return self._restore_command(row)
        body = self._body(row)
        reference = self._reference(body)
        if body.get("cio_id") == "":
            del body["cio_id"]  # a cio_id cannot be removed, so an empty cell is ignored
        left_out: Sequence[str] = ()
        if UNSUBSCRIBED in body:
            left_out = _parse_unsubscribed(body)
        return self._command(reference, body), left_out

    def _body(self, row: CsvRow) -> dict[str, str]:
        """Values of the cells, by column."""
        cells = row.cells
        if self.kept is None:
            body = dict(zip(self.header.columns, cells, strict=True))
        else:
            body = {name: cells[index] for index, name in self.kept}
        for name in self.identifiers:
            if self.is_undo_file:  # an undo file has exact values: white space is part of an id
                continue
            body[name] = text = stripped(body[name])
            check_identifier_cell(text, column=name)
        if body.get("created_at"):
            body["created_at"] = time_text(body["created_at"])
        if self.removes_empty or "" not in body.values():
            return body
        return {name: cell for name, cell in body.items() if cell}

    def _reference(self, body: dict[str, str]) -> Reference:
        """Remove from the body, and return, the reference to the person; also removes empty identifiers before it."""
        for kind, name in self.naming:
            value = body.pop(name, "")
            if value:
                return reference_of_kind(value, kind, self.mode)
        names = [name for _, name in self.naming]
        raise InvalidInput(f"The row identifies no person: there is no value in {', '.join(names)}.")

    def _command(self, reference: Reference, body: dict[str, Any]) -> Identify:
        fields = body
        if self.removes_empty and len(body) > MAX_ATTRIBUTES:  # empty cells do not count as attributes
            fields = {name: value for name, value in body.items() if value or name in IDENTIFIER_COLUMNS}
        try:
            command = identify_from_fields(reference, fields, update_only=self.update_only, by_import=True, field="row")
        except InvalidInput as error:
            raise InvalidInput(str(error).removeprefix("row."), field=error.field) from error
        return command if fields is body else replace(command, attributes=body)

    def _restore_command(self, row: CsvRow) -> RowCommand:
        """Map a row of an undo file to a command that restores the values, with their types.

        A changed person is referenced by cio_id, and gets its identifiers back like by any command with a cio_id; a
        deleted person is created again, with a new cio_id.
        """
        own = {name: cell for name, cell in zip(self.header.columns, row.cells, strict=True) if name in UNDO_COLUMNS}
        body: dict[str, Any] = self._body(row)
        restores = own[UNDO_COLUMN] == BackupAction.CHANGED and body.get("cio_id")
        if restores:
            reference = reference_of_kind(body.pop("cio_id"), CIO_ID, self.mode)
        else:
            reference = self._reference(body)
            body.pop("cio_id", None)
        for name in _json_names(own.get(JSON_COLUMN, "")):
            if body.get(name):
                body[name] = _json_value(body[name], name)
        body |= _others(own.get(OTHERS_COLUMN, ""))
        command = self._command(reference, body)
        return replace(command, by_import=False, update_only=True) if restores else command, ()


def map_rows(
    header: Header, rows: Sequence[CsvRow], mode: Mode, options: ImportOptions
) -> Sequence[RowCommand | InvalidInput]:
    """Map rows of one file to their commands in a mode; a row that has none, to the reason."""
    return map_or_reject(rows, lambda: RowMapper.of(header, mode, options).command)


def map_or_reject(rows: Sequence[CsvRow], mapping: Callable[[], Callable[[CsvRow], T]]) -> Sequence[T | InvalidInput]:
    """Map rows; a row that the mapping refuses maps to the reason, as do all rows if there is no mapping."""
    try:
        map_row = mapping()
    except InvalidInput as error:
        return [error] * len(rows)
    mapped: list[T | InvalidInput] = []
    for row in rows:
        try:
            mapped.append(map_row(row))
        except InvalidInput as error:
            mapped.append(error)
    return mapped


def reference_kinds(
    header: Header, mode: Mode, by: IdentifierKind | None, *, preference: Sequence[IdentifierKind] | None = None
) -> Sequence[IdentifierKind]:
    """Identifiers by which the rows of a file can reference people, in order of preference.

    Each row uses its first one with a value, since an export has people with only one of the identifiers.

    ``by`` restricts the result to one identifier. The default preference is that of imports.

    Raises:
        InvalidInput: there is no such column, or it cannot reference people in this mode.
    """
    order = preference or ((EMAIL, ID, CIO_ID) if mode is EMAIL_ONLY else (ID, EMAIL, CIO_ID))
    usable = [kind for kind in order if kind in REFERENCE_KINDS[mode]]
    if by is not None:
        if by not in usable:
            message = f"people of a workspace in mode {mode} cannot be referenced by {by}; use {_alternatives(usable)}"
            raise InvalidInput(message, field="--by")
        usable = [by]
    kinds = [kind for kind in usable if kind.value in header.columns]
    if not kinds:
        raise header_error(f"the column {_alternatives(usable)}, which identifies people, is missing")
    return kinds


def _alternatives(kinds: Iterable[IdentifierKind]) -> str:
    return " or ".join(kind.value for kind in kinds)


def time_text(cell: str) -> str:
    """Convert a time to Unix seconds in digits, if possible; other text stays, and the rules reject it.

    The API, in contrast, keeps a time as it was sent, since clients read it back.
    """
    seconds = time_of(cell)
    if seconds is None:
        return stripped(cell)
    digits = str(int(seconds))
    return digits if time_of(digits) == int(seconds) else stripped(cell)


def _parse_unsubscribed(body: dict[str, str]) -> Sequence[str]:
    """Remove `unsubscribed` from a row unless it is yes or no: other text must not subscribe a person again."""
    cell = stripped(body[UNSUBSCRIBED])
    known = _YES_OR_NO.get(cell.lower())
    if known is None:
        del body[UNSUBSCRIBED]
        problem = f"unsubscribed: {quoted(cell)} is neither true nor false, the value is unchanged: write true or false"
        return [problem] if cell else ()
    body[UNSUBSCRIBED] = known
    return ()


def _json_names(cell: str) -> Sequence[str]:
    names = _json_value(cell, JSON_COLUMN) if cell else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidInput(f"{JSON_COLUMN} {quoted(cell)} is not a JSON list of columns: use the unchanged undo file")
    return names


def _others(cell: str) -> dict[str, Any]:
    values = _json_value(cell, OTHERS_COLUMN) if cell else {}
    if not isinstance(values, dict) or not values.keys().isdisjoint(IDENTIFIER_COLUMNS):
        message = f"{OTHERS_COLUMN} {quoted(cell)} is not a JSON object of attributes: use the unchanged undo file"
        raise InvalidInput(message)
    return values


def _json_value(cell: str, column: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{column} {quoted(cell)} is not JSON: use the unchanged undo file") from error
