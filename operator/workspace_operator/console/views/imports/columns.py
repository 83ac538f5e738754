"""The columns of a file and what they become: step 2."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workspace_operator.application.imports.columns import is_own, lost_addresses, mapping_of_guess, value_name
from workspace_operator.application.people.csv_files.columns import AS_ATTRIBUTE, IGNORED, KNOWN_COLUMNS
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.rights import Right
from workspace_operator.identity.values.references import REFERENCE_KINDS
from workspace_operator.identity.values.rules import Mode
from workspace_operator.imports.model import FileColumn, FileFacts, ImportJob, ImportMapping

MAX_CELL: Final = 40
"""Characters of a value in the table."""

DELIMITER_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An option of a choice."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRow:
    """A column.

    Attributes:
        field: name of the field that says what it becomes.
        choices: empty if it can become nothing.
        is_wrong: whether the last choice was refused because of this column.
    """

    field: str
    name: str
    samples: Sequence[str]
    filled: str
    choices: Sequence[Choice]
    is_wrong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnsView:
    """The page of the columns.

    Attributes:
        facts: what the upload found out, as a sentence.
        warnings: what is probably not meant.
        note: why the choice was refused; empty if it was not.
    """

    href: str
    title: str
    file_name: str
    facts: str
    rows: Sequence[ColumnRow]
    by: Sequence[Choice]
    update_only: bool
    removes_empty: bool
    warnings: Sequence[str]
    note: str
    may_prepare: Right


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnsContent:
    """What the page is shown with.

    Attributes:
        mapping: what is chosen; None for what the names suggest.
        refused: the field of the choice that was refused, such as ``columns[3]``; empty for none.
    """

    job: ImportJob
    facts: FileFacts
    mapping: ImportMapping | None
    mode: Mode
    may_prepare: Right
    note: str = ""
    refused: str = ""


def columns_view(content: ColumnsContent) -> ColumnsView:
    """The page of the columns of an import."""
    job, facts = content.job, content.facts
    mapping = content.mapping or mapping_of_guess(facts)
    pairs = list(zip(facts.columns, mapping.targets, strict=True))
    lost = [visible(name, limit=MAX_CELL) for name in lost_addresses(facts, mapping.targets)]
    return ColumnsView(
        href=f"/w/{job.workspace_id}/imports/{job.number}",
        title=text("import.title", number=job.number),
        file_name=visible(job.file_name),
        facts=facts_sentence(facts),
        rows=[_row(index, column, target, facts, content.refused) for index, (column, target) in enumerate(pairs)],
        by=_by(content.mode, mapping),
        update_only=mapping.update_only,
        removes_empty=mapping.removes_empty,
        warnings=[text("columns.addresses", column=name) for name in lost],
        note=content.note,
        may_prepare=content.may_prepare,
    )


def facts_sentence(facts: FileFacts) -> str:
    """What a file is, such as ``UTF-8, comma, 2,041 rows, header in line 1``."""
    delimiter = text(f"columns.delimiter.{DELIMITER_NAMES.get(facts.delimiter, 'unknown')}")
    return text(
        "columns.facts",
        delimiter=delimiter,
        rows=counted("import.rows", facts.rows),
        line=facts.header_line,
    )


def _row(index: int, column: FileColumn, target: str, facts: FileFacts, refused: str) -> ColumnRow:
    return ColumnRow(
        field=f"c{index}",
        name=visible(column.name, limit=MAX_CELL) or text("columns.unnamed"),
        samples=[visible(sample, limit=MAX_CELL) for sample in column.samples],
        filled=f"{100 * column.filled // facts.rows} %",
        choices=() if is_own(column) else _choices(column, target),
        is_wrong=refused == f"columns[{index}]",
    )


def _choices(column: FileColumn, target: str) -> Sequence[Choice]:
    own = visible(value_name(column, AS_ATTRIBUTE), limit=MAX_CELL)
    named = {**{name: name for name in KNOWN_COLUMNS}, AS_ATTRIBUTE: text("columns.attribute", name=own)}
    if target not in (*named, IGNORED):
        named[target] = text("columns.attribute", name=visible(target, limit=MAX_CELL))
    named[IGNORED] = text("columns.ignore")
    return [Choice(value=value, text=shown, is_chosen=value == target) for value, shown in named.items()]


def _by(mode: Mode, mapping: ImportMapping) -> Sequence[Choice]:
    first = Choice(value="", text=text("columns.by_first"), is_chosen=mapping.by is None)
    kinds = sorted(kind.value for kind in REFERENCE_KINDS[mode])
    return [first, *(Choice(value=kind, text=kind, is_chosen=mapping.by == kind) for kind in kinds)]
