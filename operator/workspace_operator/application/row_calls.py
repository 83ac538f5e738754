"""From a row of a file to the identify call that it makes: who is named, and what is said of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from workspace_operator.application.csv_reading import IDENTIFIER_COLUMNS, SKIPPED_COLUMNS, CsvRow, Header
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.attributes import MAX_ATTRIBUTES
from workspace_operator.identity.calls import IdentifyCall, identify_call
from workspace_operator.identity.references import REFERENCE_KINDS, Reference, reference_by_kind
from workspace_operator.identity.rules import CIO_ID, EMAIL, EMAIL_ONLY, ID, Kind, Mode
from workspace_operator.identity.texts import stripped
from workspace_operator.identity.times import time_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCalls:
    """Makes the calls of one file's rows.

    Attributes:
        columns: the names of the cells.
        naming: the columns that can name a person; the first that has a value does.
        left_out: columns that say nothing of a person.
        mode: the workspace's identifiers in force.
        update_only: creates nobody.
    """

    columns: tuple[str, ...]
    naming: tuple[tuple[Kind, str], ...]
    left_out: tuple[str, ...]
    mode: Mode
    update_only: bool

    @classmethod
    def of(cls, header: Header, mode: Mode, *, by: Kind | None, update_only: bool) -> Self:
        """What a header makes of its rows. Raises InvalidInput if it has no column to name people by."""
        return cls(
            columns=header.columns,
            naming=tuple((kind, kind.value) for kind in naming_kinds(header, mode, by)),
            left_out=tuple(name for name in SKIPPED_COLUMNS if name in header.columns),
            mode=mode,
            update_only=update_only,
        )

    def call(self, row: CsvRow) -> IdentifyCall:
        """The call that a row makes. Raises InvalidInput with the reason if it makes none."""
        if row.problem:
            raise InvalidInput(row.problem)
        body = dict(zip(self.columns, row.cells, strict=True))
        for name in self.left_out:
            del body[name]
        reference = self._reference(body)
        if body.get("cio_id") == "":
            del body["cio_id"]  # a cio_id cannot be deleted, so an empty cell says nothing
        if body.get("created_at"):
            body["created_at"] = time_text(body["created_at"])
        return self._call(reference, body)

    def _reference(self, body: dict[str, str]) -> Reference:
        """Who is named; what names them, and what had no value to do so, is taken out of the body."""
        for kind, name in self.naming:
            value = body.pop(name)
            if value and not value.isspace():
                return reference_by_kind(value, kind, self.mode)
        names = [name for _, name in self.naming]
        raise InvalidInput(f"The row names nobody: there is nothing in {', '.join(names)}.")

    def _call(self, reference: Reference, body: dict[str, str]) -> IdentifyCall:
        said = body
        if len(body) > MAX_ATTRIBUTES:  # what is empty brings no attribute
            said = {name: value for name, value in body.items() if value or name in IDENTIFIER_COLUMNS}
        call = identify_call(reference, said, update_only=self.update_only, by_import=True, field="row")
        return call if said is body else replace(call, attributes=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCalls:
    """Makes the calls of one file's rows, whatever mode is in force when they are taken."""

    header: Header
    by: Kind | None
    update_only: bool
    _by_mode: dict[Mode, RowCalls] = field(default_factory=dict)

    def of(self, mode: Mode) -> RowCalls:
        """What makes the calls in a mode. Raises InvalidInput if no column names anybody in it."""
        if mode not in self._by_mode:
            self._by_mode[mode] = RowCalls.of(self.header, mode, by=self.by, update_only=self.update_only)
        return self._by_mode[mode]

    def call(self, row: CsvRow, mode: Mode) -> IdentifyCall:
        """The call that a row makes. Raises InvalidInput with the reason if it makes none."""
        return self.of(mode).call(row)


def naming_kinds(
    header: Header, mode: Mode, by: Kind | None, *, preference: Sequence[Kind] | None = None
) -> Sequence[Kind]:
    """By what rows can name people: as asked for, else every identifier that is there.

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


def _preference(mode: Mode) -> Sequence[Kind]:
    return (EMAIL, ID, CIO_ID) if mode is EMAIL_ONLY else (ID, EMAIL, CIO_ID)


def _listed(kinds: Iterable[Kind]) -> str:
    return " or ".join(kind.value for kind in kinds)


def time_text(cell: str) -> str:
    """A time as Unix seconds in digits, where digits can say it; what is no time as it is, for the rules to refuse."""
    seconds = time_of(cell)
    if seconds is None:
        return stripped(cell)
    digits = str(int(seconds))
    return digits if time_of(digits) == int(seconds) else stripped(cell)
