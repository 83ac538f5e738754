"""Worker of imports: tries, imports and undoes rows in batches, beside all other writers.

Each batch of an import or an undo is one transaction, so that another worker can continue after a worker dies at any
point. The effects of a dry run live in the worker, so that another one begins it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from workspace_operator.application.batch_sizes import first_size
from workspace_operator.application.imports.columns import header_of
from workspace_operator.application.imports.rows import NumberedRows, import_rows, rows_from
from workspace_operator.application.leased_jobs import JobWorker
from workspace_operator.application.people.csv_files.reader import CsvRow
from workspace_operator.application.ports import Imports, Lease, People
from workspace_operator.imports.model import ImportJob, ImportState

MAX_BATCH: Final = 1_000
"""Maximum number of rows, or people, in a transaction, which locks them until it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWorker(JobWorker[ImportJob]):
    """Runs imports; without an undo period, it keeps no records."""

    imports: Imports
    people: People
    batch: int = MAX_BATCH

    @property
    def jobs(self) -> Imports:
        """The imports."""
        return self.imports

    @property
    def kind(self) -> str:
        """The name of an import in the log."""
        return "import"

    def run(self, job: ImportJob, lease: Lease) -> bool:
        """Work until nothing is left in this state; False if this worker must stop before."""
        match job.state:
            case ImportState.CHECKING:
                return self._check(job, lease)
            case ImportState.RUNNING:
                return self._import(job, lease)
            case ImportState.UNDOING:
                return self.in_batches(lambda size: self.imports.undo_batch(job, lease, size=size, now=self.clock()))
            case _:
                return self.in_batches(lambda size: self.imports.purge_batch(job, lease, size=size, now=self.clock()))

    def _check(self, job: ImportJob, lease: Lease) -> bool:
        self.imports.restart_check(job, lease, now=self.clock())
        rows = self._rows(job, 1)
        with self.people.dry_run(job.workspace_id) as units:
            number = 1
            while batch := list(islice(rows, self.batch)):
                if self.stopping():
                    return False
                if self.imports.is_stopped(job):
                    break
                numbered = NumberedRows(first=number, rows=batch)
                checked = import_rows(units, job, numbered, now=self.clock().timestamp())
                self.imports.record_checked(job, lease, checked, now=self.clock())
                number += len(batch)
        self.imports.end(job, lease, undo_period=self.undo_period, now=self.clock())
        return True

    def _import(self, job: ImportJob, lease: Lease) -> bool:
        number = job.done + 1
        rows, size = self._rows(job, number), first_size(self.batch)
        while batch := list(islice(rows, size)):
            if self.stopping():
                return False
            if self.imports.is_stopped(job):
                break
            started, now = self.monotonic(), self.clock()
            numbered = NumberedRows(first=number, rows=batch)
            _, written = self.imports.run_batch(
                job,
                lease,
                lambda units, numbered=numbered, now=now: import_rows(units, job, numbered, now=now.timestamp()),  # type: ignore[misc]
                keeps_records=bool(self.undo_period),
                now=now,
            )
            number += len(batch)
            size = self.size_after(written, size, started)
        self.imports.end(job, lease, undo_period=self.undo_period, now=self.clock())
        return True

    def _rows(self, job: ImportJob, number: int) -> Iterator[CsvRow]:
        assert job.facts is not None and job.mapping is not None  # noqa: S101, PT018 - by the state of the import
        return rows_from(self.imports, job, header_of(job.facts, job.mapping), number)
