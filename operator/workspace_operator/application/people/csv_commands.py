"""From a row of a file to the identify call that it makes: who is named, and what is said of them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self, TypeAlias

from workspace_operator.application.people.backup_rows import BackupAction
from workspace_operator.application.people.csv_files.columns import (
    IDENTIFIER_COLUMNS,
    JSON_COLUMN,
    OTHERS_COLUMN,
    UNDO_COLUMN,
    UNDO_COLUMNS,
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

_YES_OR_NO: Final = {"true": "true", "false": "false", "1": "1", "0": "0", "1.0": "1", "0.0": "0"}
"""What a cell of `unsubscribed` can say, in lower case, and how it is stored."""


RowCommand: TypeAlias = tuple[Identify, Sequence[str]]
"""The call that a row makes, and what of the row is not in it, with the reasons; a tuple, for there may be millions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMapper:
    """Makes the calls of one file's rows.

    Attributes:
        header: of the file.
        kept: the columns that say something of a person, with their places; None if all do.
        naming: what can name a person, with its column; the first that has a value does.
        identifiers: the columns of identifiers that are there.
        undoes: whether the file is an undo file.
        removes: whether an empty cell removes.
        mode: the workspace's identifiers in force.
        options: of the import.
    """

    header: Header
    kept: Sequence[tuple[int, str]] | None
    naming: Sequence[tuple[IdentifierKind, str]]
    identifiers: Sequence[str]
    is_undo_file: bool
    removes_empty: bool
    mode: Mode
    options: ImportOptions

    @classmethod
    def of(cls, header: Header, mode: Mode, options: ImportOptions) -> Self:
        """What a header makes of its rows. Raises InvalidInput if it has no column to name people by."""
        kept = [(place, name) for place, name in enumerate(header.columns) if place not in header.ignored]
        return cls(
            header=header,
            kept=kept if header.ignored else None,
            naming=[(kind, kind.value) for kind in reference_kinds(header, mode, options.by)],
            identifiers=[name for name in IDENTIFIER_COLUMNS if name in header.columns],
            is_undo_file=header.is_of_undo_file,
            removes_empty=header.is_of_undo_file or options.empty_cells is EmptyCells.REMOVE,
            mode=mode,
            options=options,
        )

    def command(self, row: CsvRow) -> RowCommand:
        """What a row makes. Raises InvalidInput with the reason if it makes no call."""
        if row.problem:
            raise InvalidInput(row.problem)
        if self.is_undo_file:
            return self._restore_command(row)
        body = self._body(row)
        reference = self._reference(body)
        if body.get("cio_id") == "":
            del body["cio_id"]  # a cio_id cannot be deleted, so an empty cell says nothing
        left_out: Sequence[str] = ()
        if UNSUBSCRIBED in body:
            left_out = _parse_unsubscribed(body)
        return self._command(reference, body), left_out

    def _body(self, row: CsvRow) -> dict[str, str]:
        """What the cells say, by column."""
        cells = row.cells
        if self.kept is None:
            body = dict(zip(self.header.columns, cells, strict=True))
        else:
            body = {name: cells[place] for place, name in self.kept}
        for name in self.identifiers:
            if self.is_undo_file:  # written by us: white space is part of an id
                continue
            body[name] = text = stripped(body[name])
            check_identifier_cell(text, column=name)
        if body.get("created_at"):
            body["created_at"] = time_text(body["created_at"])
        if self.removes_empty or "" not in body.values():
            return body
        return {name: cell for name, cell in body.items() if cell}

    def _reference(self, body: dict[str, str]) -> Reference:
        """Who is named; what names them, and what had no value to do so, is taken out of the body."""
        for kind, name in self.naming:
            value = body.pop(name, "")
            if value:
                return reference_of_kind(value, kind, self.mode)
        names = [name for _, name in self.naming]
        raise InvalidInput(f"The row names nobody: there is nothing in {', '.join(names)}.")

    def _command(self, reference: Reference, body: dict[str, Any]) -> Identify:
        fields = body
        if self.removes_empty and len(body) > MAX_ATTRIBUTES:  # what is empty brings no attribute
            fields = {name: value for name, value in body.items() if value or name in IDENTIFIER_COLUMNS}
        try:
            command = identify_from_fields(
                reference, fields, update_only=self.options.update_only, by_import=True, field="row"
            )
        except InvalidInput as error:
            raise InvalidInput(str(error).removeprefix("row."), field=error.field) from error
        return command if fields is body else replace(command, attributes=body)

    def _restore_command(self, row: CsvRow) -> RowCommand:
        """What a row of an undo file makes: the person it names gets these values back, with their types.

        Whom an import changed is named by cio_id, and gets identifiers back as by a call that names them so; who was
        deleted is made anew, with a cio_id of their own.
        """
        ours = {name: cell for name, cell in zip(self.header.columns, row.cells, strict=True) if name in UNDO_COLUMNS}
        body: dict[str, Any] = self._body(row)
        restores = ours[UNDO_COLUMN] == BackupAction.CHANGED and body.get("cio_id")
        if restores:
            reference = reference_of_kind(body.pop("cio_id"), CIO_ID, self.mode)
        else:
            reference = self._reference(body)
            body.pop("cio_id", None)
        for name in _json_names(ours.get(JSON_COLUMN, "")):
            if body.get(name):
                body[name] = _json_value(body[name], name)
        body |= _others(ours.get(OTHERS_COLUMN, ""))
        command = self._command(reference, body)
        return replace(command, by_import=False, update_only=True) if restores else command, ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeAwareRowMapper:
    """Makes the calls of one file's rows, whatever mode is in force when they are taken.

    Attributes:
        header: of the file.
        options: of the import.
        left_out: what of the last rows is not in their calls, by line; the caller clears it.
    """

    header: Header
    options: ImportOptions
    left_out: dict[int, Sequence[str]] = field(default_factory=dict)
    _by_mode: dict[Mode, RowMapper] = field(default_factory=dict)

    def of(self, mode: Mode) -> RowMapper:
        """What makes the calls in a mode. Raises InvalidInput if no column names anybody in it."""
        if mode not in self._by_mode:
            self._by_mode[mode] = RowMapper.of(self.header, mode, self.options)
        return self._by_mode[mode]

    def command(self, row: CsvRow, mode: Mode) -> Identify:
        """The call that a row makes. Raises InvalidInput with the reason if it makes none."""
        command, left_out = self.of(mode).command(row)
        if left_out:
            self.left_out[row.line] = left_out
        return command


def reference_kinds(
    header: Header, mode: Mode, by: IdentifierKind | None, *, preference: Sequence[IdentifierKind] | None = None
) -> Sequence[IdentifierKind]:
    """By what rows can name people: as asked for, else every identifier that is there.

    Each row decides, not the file: an export has people who have only one of the identifiers.

    Args:
        header: of the file.
        mode: the identifiers in force.
        by: the only one to look at.
        preference: in which order to look at them; that of imports if left out.

    Raises:
        InvalidInput: there is no such column, or it names nobody in this mode.
    """
    usable = [kind for kind in preference or _preference(mode) if kind in REFERENCE_KINDS[mode]]
    if by is not None:
        if by not in usable:
            message = f"people of a workspace in mode {mode} cannot be named by {by}; use {_listed(usable)}"
            raise InvalidInput(message, field="--by")
        usable = [by]
    kinds = [kind for kind in usable if kind.value in header.columns]
    if not kinds:
        raise InvalidInput(f"line 1: there is no column {_listed(usable)} to name people by", field="file")
    return kinds


def _preference(mode: Mode) -> Sequence[IdentifierKind]:
    return (EMAIL, ID, CIO_ID) if mode is EMAIL_ONLY else (ID, EMAIL, CIO_ID)


def _listed(kinds: Iterable[IdentifierKind]) -> str:
    return " or ".join(kind.value for kind in kinds)


def time_text(cell: str) -> str:
    """A time as Unix seconds in digits, where digits can say it; what is no time as it is, for the rules to refuse.

    The API keeps a time as it was sent, since callers read it back.
    """
    seconds = time_of(cell)
    if seconds is None:
        return stripped(cell)
    digits = str(int(seconds))
    return digits if time_of(digits) == int(seconds) else stripped(cell)


def _parse_unsubscribed(body: dict[str, str]) -> Sequence[str]:
    """Leave `unsubscribed` out of a row unless it says yes or no: nobody is subscribed again by a blank or a word."""
    cell = stripped(body[UNSUBSCRIBED])
    known = _YES_OR_NO.get(cell.lower())
    if known is None:
        del body[UNSUBSCRIBED]
        return (
            [f"unsubscribed: {quoted(cell)} is neither true nor false, the value stays: write true or false"]
            if cell
            else ()
        )
    body[UNSUBSCRIBED] = known
    return ()


def _json_names(cell: str) -> Sequence[str]:
    names = _json_value(cell, JSON_COLUMN) if cell else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidInput(f"{JSON_COLUMN} {quoted(cell)} is no JSON list of columns: leave the undo file as it was")
    return names


def _others(cell: str) -> dict[str, Any]:
    values = _json_value(cell, OTHERS_COLUMN) if cell else {}
    if not isinstance(values, dict) or not values.keys().isdisjoint(IDENTIFIER_COLUMNS):
        message = f"{OTHERS_COLUMN} {quoted(cell)} is no JSON object of attributes: leave the undo file as it was"
        raise InvalidInput(message)
    return values


def _json_value(cell: str, column: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{column} {quoted(cell)} is no JSON: leave the undo file as it was") from error
