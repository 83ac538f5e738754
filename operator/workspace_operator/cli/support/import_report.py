"""Output of ``people import``: the columns, the counts, and what to do about rejected rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from workspace_operator.application.people.csv_files.columns import ColumnReport
from workspace_operator.application.people.import_backup import ImportBackup
from workspace_operator.application.people.import_summary import ImportSummary
from workspace_operator.cli.support.output import echo, people_text
from workspace_operator.cli.support.rejects_file import RejectsFile

MAX_COLUMNS: Final = 20
MAX_EXAMPLES: Final = 10
MAX_LINES: Final = 5


def print_columns(report: ColumnReport) -> None:
    """Print which columns are identifiers, which are attributes and which are ignored."""
    parts = {"identifiers": report.identifiers, "attributes": report.attributes, "ignored": report.ignored}
    for title, names in parts.items():
        if names:
            echo(f"{title}: {_truncated_list(names)}")


def _truncated_list(names: Sequence[str]) -> str:
    text = ", ".join(name.replace("\n", " ") for name in names[:MAX_COLUMNS])
    return text if len(names) <= MAX_COLUMNS else f"{text} and {len(names) - MAX_COLUMNS} more"


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """Collects the rejected rows of an import, or the first as examples, and prints its result."""

    rejects: RejectsFile
    dry_run: bool
    _examples: list[str] = field(default_factory=list)
    _is_header: bool = True

    def write(self, cells: Sequence[str]) -> None:
        """Write one row. The first row is the header."""
        self.rejects.write(cells)
        collects_examples = self.dry_run and self.rejects.path is None and not self._is_header
        if collects_examples and len(self._examples) < MAX_EXAMPLES:
            line, outcome, reason = cells[:3]
            self._examples.append(f"  line {line}, {outcome}: {reason}")
        self._is_header = False

    def print_summary(
        self, summary: ImportSummary, workspace: str, *, undo: ImportBackup | None, undo_file: Path | None, file: Path
    ) -> None:
        """Print the counts, the rejected rows, and how to undo the import."""
        if self.dry_run:
            echo("dry run, nothing was changed; the import would give:")
        unchanged = f" ({summary.unchanged} of them unchanged)" if summary.unchanged else ""
        echo(
            f"{summary.rows} rows: {summary.created} created, {summary.updated} updated{unchanged}, "
            f"{summary.skipped} skipped, {summary.rejected} rejected"
        )
        for remark in _remarks(summary, workspace, file):
            echo(remark)
        self._print_rejects()
        if undo is not None and undo_file is not None and (undo.changed or undo.created):
            echo(f"undo file: {undo_file} ({undo.changed} changed, {undo.created} created)")
            echo(f"to undo: workspacectl people import {undo_file} -w {workspace}")

    def _print_rejects(self) -> None:
        rejected_count = self.rejects.rows - 1  # the header
        if rejected_count <= 0:
            return
        if self.rejects.path is not None:
            echo(f"rejected rows, with reasons: {self.rejects.path}")
        elif self._examples:
            echo("rows that would be rejected, with reasons:")
            for example in self._examples:
                echo(example)
            if rejected_count > len(self._examples):
                echo(f"  and {rejected_count - len(self._examples)} more: write all of them to a file with --rejects")


def _remarks(summary: ImportSummary, workspace: str, file: Path) -> Sequence[str]:
    """Return remarks on rows that need the attention of the user."""
    remarks: list[str] = []
    if summary.in_part:
        remarks.append(f"{summary.in_part} of the created or updated rows were imported in part")
    if summary.removed:
        values = "1 value was" if summary.removed == 1 else f"{summary.removed} values were"
        remarks.append(f"{values} removed by empty cells")
    if repetitions := _repetitions_text(summary):
        remarks.append(repetitions)
    if count := summary.rows_in_cells:
        cells, where = ("1 row has a cell", "line") if count == 1 else (f"{count} rows have a cell", "first line")
        position = f"{where} {summary.first_rows_in_cells}"
        remarks.append(f"{cells} that seems to hold rows, which are not imported ({position}): is a quote missing?")
    if summary.not_deleted:
        command = f"workspacectl people delete --created-in {file} -w {workspace}"
        people = people_text(summary.not_deleted)
        remarks.append(f"{people} that the undone import created remain; to delete them: {command}")
    return remarks


def _repetitions_text(summary: ImportSummary) -> str:
    count, first = 0, None
    for repetition in summary.repetitions.found():
        count += 1
        first = repetition if first is None or repetition < first else first
    if first is None:
        return ""
    verb = "is" if count == 1 else "are"
    return f"{people_text(count)} {verb} in several rows ({_lines_text(first)}): where rows differ, the last one counts"


def _lines_text(lines: Sequence[int]) -> str:
    first_lines = ", ".join(map(str, lines[:MAX_LINES]))
    more = len(lines) - MAX_LINES
    return f"such as lines {first_lines} and {more} more" if more > 0 else f"such as lines {first_lines}"
