"""What ``people import`` prints: the columns, the counts, and what to do about rows that were not taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workspace_operator.cli.output import people_text, tell

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.csv_columns import ColumnReport
    from workspace_operator.application.import_summary import Summary
    from workspace_operator.application.import_undo import ImportUndo
    from workspace_operator.application.repetitions import Repetition
    from workspace_operator.cli.files import RejectsFile

MOST_COLUMNS: Final = 20
MOST_EXAMPLES: Final = 10
MOST_LINES: Final = 5


def tell_columns(report: "ColumnReport") -> None:
    """Print what each column became."""
    parts = {"identifiers": report.identifiers, "attributes": report.attributes, "ignored": report.ignored}
    for title, names in parts.items():
        if names:
            tell(f"{title}: {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(name.replace("\n", " ") for name in names[:MOST_COLUMNS])
    return text if len(names) <= MOST_COLUMNS else f"{text} and {len(names) - MOST_COLUMNS} more"


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """Takes the rows that are not taken, and prints what came of an import.

    Attributes:
        rejects: where they go.
        keeps_examples: whether the first of them are printed: there is no file.
    """

    rejects: "RejectsFile"
    keeps_examples: bool
    _examples: list[str] = field(default_factory=list)
    _is_header: bool = True

    def write(self, cells: Sequence[str]) -> None:
        """Take one row; the first is the header."""
        self.rejects.write(cells)
        if not self._is_header and self.keeps_examples and len(self._examples) < MOST_EXAMPLES:
            line, outcome, reason = cells[:3]
            self._examples.append(f"  line {line}, {outcome}: {reason}")
        self._is_header = False

    def tell(
        self,
        summary: "Summary",
        workspace: str,
        *,
        undo: "ImportUndo | None",
        undo_file: Path | None,
        file: Path,
        dry_run: bool,
    ) -> None:
        """Print the counts, and what to do next."""
        if dry_run:
            tell("dry run, nothing was changed; the import would be:")
        unchanged = f" ({summary.unchanged} of them unchanged)" if summary.unchanged else ""
        tell(
            f"{summary.rows} rows: {summary.created} created, {summary.updated} updated{unchanged}, "
            f"{summary.skipped} skipped, {summary.rejected} rejected"
        )
        for sentence in _sentences(summary, workspace, file):
            tell(sentence)
        self._tell_not_taken()
        if undo is not None and undo_file is not None and (undo.changed or undo.created):
            _tell_undo(undo, undo_file, workspace)

    def _tell_not_taken(self) -> None:
        not_taken = self.rejects.rows - 1  # the header
        if not_taken <= 0:
            return
        if self.rejects.path is not None:
            tell(f"what was not taken, and why: {self.rejects.path}")
        elif self._examples:
            tell("what would not be taken, and why:")
            for example in self._examples:
                tell(example)
            if not_taken > len(self._examples):
                tell(f"  and {not_taken - len(self._examples)} more: name a file for them with --rejects")


def _sentences(summary: "Summary", workspace: str, file: Path) -> Sequence[str]:
    """What is to be known beside the counts."""
    sentences: list[str] = []
    if summary.in_part:
        sentences.append(f"{summary.in_part} of those created or updated were taken in part")
    if summary.removed:
        sentences.append(f"{_values(summary.removed)} removed by empty cells")
    repetitions = _repetitions(summary)
    if repetitions:
        sentences.append(repetitions)
    if summary.holding_rows:
        cells = "1 row has a cell" if summary.holding_rows == 1 else f"{summary.holding_rows} rows have a cell"
        where = (
            f"line {summary.first_holding_rows}"
            if summary.holding_rows == 1
            else f"first line {summary.first_holding_rows}"
        )
        sentences.append(
            f"{cells} that looks as if it held rows, which are not imported ({where}): is a quote missing?"
        )
    if summary.left:
        command = f"workspacectl people delete --created-in {file} -w {workspace}"
        sentences.append(f"{people_text(summary.left)} whom the undone import created stay; to delete them: {command}")
    return sentences


def _values(count: int) -> str:
    return "1 value was" if count == 1 else f"{count} values were"


def _repetitions(summary: "Summary") -> str:
    count, first = 0, None
    for each in summary.repetitions.found():
        count += 1
        first = each if first is None or each.lines < first.lines else first
    if first is None:
        return ""
    named = "1 person is" if count == 1 else f"{count} people are"
    return f"{named} named more than once in the file ({_lines(first)}): where rows differ, the last one counts"


def _lines(repetition: "Repetition") -> str:
    shown = ", ".join(map(str, repetition.lines[:MOST_LINES]))
    more = len(repetition.lines) - MOST_LINES
    return f"such as by lines {shown} and {more} more" if more > 0 else f"such as by lines {shown}"


def _tell_undo(undo: "ImportUndo", path: Path, workspace: str) -> None:
    tell(f"as people were before: {path} ({undo.changed} changed, {undo.created} created)")
    tell(f"to undo: workspacectl people import {path} -w {workspace}")
