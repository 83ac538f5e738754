"""Rows of an import, a batch at a time, by the use case that imports files of the command line, too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from workspace_operator.application.imports.columns import header_of, options_of
from workspace_operator.application.imports.files import rows_of_chunk
from workspace_operator.application.people.csv_files.columns import NOTE_COLUMNS
from workspace_operator.application.people.csv_files.reader import CsvRow, Header
from workspace_operator.application.people.csv_files.rejects import RejectedRows
from workspace_operator.application.people.csv_import import PeopleImport
from workspace_operator.application.people.import_summary import ImportSummary
from workspace_operator.application.ports import ChangedPerson, ImportedRows, Imports, UnitsOfWork
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person, same_person, value_changes
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.imports.model import ImportCounts, ImportJob, RowChange, ValueChange

MAX_EXAMPLES: Final = 20
"""Changes of a batch that are kept as examples."""
MAX_VALUES: Final = 8
"""Values of an example."""
MAX_SHOWN: Final = 80
"""Characters of a value of an example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedRows:
    """Rows that follow each other; ``first`` is the number of the first one, from 1."""

    first: int
    rows: Sequence[CsvRow]


def rows_from(imports: Imports, job: ImportJob, header: Header, number: int) -> Iterator[CsvRow]:
    """Stream the rows of a file from one on, by its number."""
    while (chunk := imports.chunk(job, number)) is not None:
        yield from rows_of_chunk(chunk, header)[number - chunk.first_row :]
        number = chunk.first_row + chunk.rows


def import_rows(units: UnitsOfWork, job: ImportJob, batch: NumberedRows, *, now: float) -> ImportedRows:
    """Import a batch of rows, or try it in a dry run; what became of them. ``now`` in Unix seconds."""
    assert job.facts is not None and job.mapping is not None  # noqa: S101, PT018 - no worker claims another import
    header = header_of(job.facts, job.mapping)
    rejects, results = _Rejects(), _Results(first=batch.first)
    people_import = PeopleImport(
        units=units,
        workspace_id=job.workspace_id,
        options=options_of(job.mapping),
        rejects=rejects,
        on_results=results.collect,
        clock=lambda: now,
    )
    rejected = RejectedRows(rejects=rejects, header=header)
    try:
        people_import.begin(header)
        people_import.import_rows(header, batch.rows, rejected)
    except InvalidInput as error:  # the mode has changed, so that the file names people by nothing any more
        return _all_rejected(batch, header, str(error))
    return ImportedRows(
        first_row=batch.first,
        counts=_counts(people_import.summary, results),
        rejects=rejects.rows,
        changes=results.changes,
        people=results.people,
    )


def rejects_header(job: ImportJob) -> Sequence[str]:
    """The header of the file of rejected rows."""
    assert job.facts is not None and job.mapping is not None  # noqa: S101, PT018 - asked for rows that were tried
    header = header_of(job.facts, job.mapping)
    return [*NOTE_COLUMNS, *(name for name in header.columns if name)]


@dataclass(slots=True)
class _Rejects:
    """Collects rejected rows, without their header."""

    rows: list[Sequence[str]] = field(default_factory=list)
    _has_header: bool = False

    def write(self, cells: Sequence[str]) -> None:
        if self._has_header:
            self.rows.append(cells)
        self._has_header = True


@dataclass(slots=True, kw_only=True)
class _Results:
    """Collects who was changed."""

    first: int
    people: list[ChangedPerson] = field(default_factory=list)
    changes: list[RowChange] = field(default_factory=list)
    addresses: int = 0

    def collect(self, rows: Sequence[CsvRow], results: Sequence[CommandResultOrError]) -> None:
        self.people.clear()  # a batch may run again, in another mode
        self.changes.clear()
        self.addresses = 0
        for number, (row, result) in enumerate(zip(rows, results, strict=True), start=self.first):
            if isinstance(result, CommandResult) and result.person is not None:
                self._collect(number, row, result, result.person)

    def _collect(self, number: int, row: CsvRow, result: CommandResult, person: Person) -> None:
        before = None if result.effect is Effect.CREATED else result.before
        if result.effect is Effect.CREATED or (before is not None and not same_person(before, person)):
            self.people.append(ChangedPerson(number, before, person))
        if result.effect is Effect.UPDATED and before is not None:
            self.addresses += before.email_key != person.email_key
            if len(self.changes) < MAX_EXAMPLES:
                self.changes.append(_example(row.line, before, person))


def _example(line: int, before: Person, after: Person) -> RowChange:
    changes = value_changes(before, after, {**before.attributes, **after.attributes})
    values = [
        ValueChange(name=name[:MAX_SHOWN], before=_shown(change["from"]), after=_shown(change["to"]))
        for name, change in list(changes.items())[:MAX_VALUES]
        if isinstance(change, dict)
    ]
    named = before.id or before.email or before.cio_id
    return RowChange(line=line, person=named[:MAX_SHOWN], values=tuple(values))


def _shown(value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _counts(summary: ImportSummary, results: _Results) -> ImportCounts:
    return ImportCounts(
        made=summary.created,
        changed=summary.updated - summary.unchanged,
        unchanged=summary.unchanged,
        skipped=summary.skipped,
        rejected=summary.rejected,
        in_part=summary.in_part,
        addresses=results.addresses,
    )


def _all_rejected(batch: NumberedRows, header: Header, reason: str) -> ImportedRows:
    rejects = _Rejects()
    rejected = RejectedRows(rejects=rejects, header=header)
    for row in batch.rows:
        rejected.write(row, "rejected", reason)
    counts = ImportCounts(rejected=len(batch.rows))
    return ImportedRows(first_row=batch.first, counts=counts, rejects=rejects.rows)
