"""What the columns of a file become: guesses by name, checks, and the header with which rows are read (imports §3)."""

from collections.abc import Sequence
from typing import Final

from workspace_operator.application.people.csv_commands import RowMapper
from workspace_operator.application.people.csv_files.columns import (
    AS_ATTRIBUTE,
    IDENTIFIER_COLUMNS,
    IGNORED,
    KNOWN_COLUMNS,
    ColumnNames,
    known_name,
    similar_known_name,
    visible,
)
from workspace_operator.application.people.csv_files.reader import Header
from workspace_operator.application.people.import_options import EmptyCells, ImportOptions
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import Mode
from workspace_operator.identity.values.text_limits import MAX_NAME_BYTES, check_text, quoted
from workspace_operator.imports.model import FileColumn, FileFacts, ImportMapping

OWN_PREFIX: Final = "_"
"""Columns whose names begin so are ours, and are skipped."""


def is_own(column: FileColumn) -> bool:
    """Whether a column is one that this product adds, or has no name, so that it becomes nothing."""
    return not column.name or column.name.startswith(OWN_PREFIX)


def guessed_targets(columns: Sequence[FileColumn]) -> Sequence[str]:
    """What the columns probably become, by their names only; no two columns become the same."""
    taken: set[str] = set()
    targets = []
    for column in columns:
        target = IGNORED if is_own(column) else _guess(column.name)
        name = value_name(column, target)
        if name in taken:
            target = IGNORED
        taken.add(value_name(column, target))
        taken.discard("")
        targets.append(target)
    return targets


def _guess(name: str) -> str:
    meant = similar_known_name(name) or known_name(name)
    return meant if meant in KNOWN_COLUMNS or meant != name else AS_ATTRIBUTE


def value_name(column: FileColumn, target: str) -> str:
    """The name of the value that a column becomes; empty for none."""
    if target == IGNORED:
        return ""
    return visible(column.name) if target == AS_ATTRIBUTE else target


def check_mapping(facts: FileFacts, mapping: ImportMapping, mode: Mode) -> None:
    """Check that columns can become what was chosen. Raises InvalidInput, which names the column."""
    columns, targets = facts.columns, mapping.targets
    if len(targets) != len(columns):
        message = f"there are {len(targets)} targets for {len(columns)} columns: give one for each column"
        raise InvalidInput(message, field="columns")
    first_of: dict[str, str] = {}
    for index, (column, target) in enumerate(zip(columns, targets, strict=True)):
        field = f"columns[{index}]"
        name = value_name(column, target)
        if not name:
            continue
        if is_own(column):
            raise InvalidInput(f"column {index + 1}, {quoted(column.name)}, can only be ignored", field=field)
        if name.startswith(OWN_PREFIX):
            message = f"{quoted(column.name)} cannot become {quoted(name)}: names that begin with _ are skipped"
            raise InvalidInput(message, field=field)
        check_text(name, field=field, limit=MAX_NAME_BYTES)
        if name in first_of:
            message = f"{quoted(first_of[name])} and {quoted(column.name)} would both become {name}: ignore one"
            raise InvalidInput(message, field=field)
        first_of[name] = column.name
    header = header_of(facts, mapping)
    try:
        RowMapper.of(header, mode, options_of(mapping))
    except InvalidInput as error:
        message = str(error).removeprefix("line 1: ")
        raise InvalidInput(message, field="by" if error.field == "--by" else "columns") from error


def header_of(facts: FileFacts, mapping: ImportMapping) -> Header:
    """The header that the rows of a file are read with, once its columns are chosen."""
    pairs = list(zip(facts.columns, mapping.targets, strict=True))
    names = tuple(value_name(column, target) for column, target in pairs)
    ignored = frozenset(index for index, name in enumerate(names) if not name)
    return Header(
        delimiter=facts.delimiter,
        cells=tuple(column.name for column in facts.columns),
        names=ColumnNames(columns=names, explicit=frozenset(range(len(names))), ignored=ignored),
        lines=facts.header_line,
    )


def options_of(mapping: ImportMapping) -> ImportOptions:
    """The options of an import with a mapping."""
    return ImportOptions(
        by=mapping.by,
        update_only=mapping.update_only,
        empty_cells=EmptyCells.REMOVE if mapping.removes_empty else EmptyCells.IGNORE,
    )


def lost_addresses(facts: FileFacts, targets: Sequence[str]) -> Sequence[str]:
    """The names of columns that are full of addresses and become nothing, or no email where no column does."""
    has_email = "email" in targets
    return [
        column.name
        for column, target in zip(facts.columns, targets, strict=True)
        if column.filled
        and 2 * column.addresses >= column.filled
        and not is_own(column)
        and (target == IGNORED or (target not in IDENTIFIER_COLUMNS and not has_email))
    ]


def mapping_of_guess(facts: FileFacts) -> ImportMapping:
    """The mapping that the names of the columns suggest."""
    return ImportMapping(targets=tuple(guessed_targets(facts.columns)))
