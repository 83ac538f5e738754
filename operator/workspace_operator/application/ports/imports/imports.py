"""Port of the imports: files of people as jobs, how they are tried, imported and undone."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeAlias

from workspace_operator.application.ports.accounts.audit import Actor
from workspace_operator.application.ports.migrations import Batch, Lease
from workspace_operator.application.ports.people import UnitsOfWork
from workspace_operator.identity.model.person import Person
from workspace_operator.imports.model import (
    AT_WORK,
    FileFacts,
    ImportCounts,
    ImportJob,
    ImportMapping,
    ImportState,
    RowChange,
)


class FileChunk(NamedTuple):
    """Whole rows of a file, in order.

    Attributes:
        first_row: number of the first row, from 1.
        rows: number of rows.
        first_line: number of the line in which the first row begins.
    """

    first_row: int
    rows: int
    first_line: int
    text: str


class ChangedPerson(NamedTuple):
    """A person whom a row changed or made; ``row`` is its number from 1."""

    row: int
    before: Person | None
    after: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRows:
    """What became of a batch of rows.

    Attributes:
        first_row: number of the first row, from 1.
        rejects: the cells of the rejected rows, each after its line, its outcome and the reason.
        changes: the first changes, as examples.
        people: people who were changed or made, in the order of rows.
    """

    first_row: int
    counts: ImportCounts
    rejects: Sequence[Sequence[str]] = ()
    changes: Sequence[RowChange] = ()
    people: Sequence[ChangedPerson] = ()


ProcessRows: TypeAlias = Callable[[UnitsOfWork], ImportedRows]
"""Carries rows out in units of work that share a transaction. It may run several times, and the last run counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoForecast:
    """What an undo could do now, by people; ``examined`` of them were looked at."""

    examined: int
    whole: int
    in_part: int
    not_at_all: int


class Imports(Protocol):
    """The imports of all workspaces. A method that names one raises NotFound if there is none of that number.

    A method of the worker raises StaleRevision if the lease was lost.
    """

    def open(self, workspace_id: int, *, file_name: str, actor: Actor, now: datetime) -> ImportJob:
        """Begin an import, whose file follows. Raises NotFound, and Conflict if another import is under way."""
        ...

    def add_chunk(self, job: ImportJob, chunk: FileChunk, *, now: datetime) -> None:
        """Add rows to the file of an import whose file arrives. Raises StaleRevision if it does not any more."""
        ...

    def finish_upload(self, job: ImportJob, facts: FileFacts, *, now: datetime) -> ImportJob:
        """The file is complete. Raises as `add_chunk`."""
        ...

    def abandon_upload(self, job: ImportJob) -> None:
        """Forget an import whose file did not arrive; no other."""
        ...

    def recent(self, workspace_id: int, *, limit: int) -> Sequence[ImportJob]:
        """The newest imports of a workspace, newest first."""
        ...

    def get(self, workspace_id: int, number: int) -> ImportJob:
        """An import."""
        ...

    def rejects(self, workspace_id: int, number: int) -> Iterator[Sequence[str]]:
        """Stream the rejected rows of the dry run, or of the import since it began, as in `ImportedRows`."""
        ...

    def set_mapping(self, workspace_id: int, number: int, mapping: ImportMapping, *, now: datetime) -> ImportJob:
        """Choose the columns. Raises Conflict unless the import is prepared."""
        ...

    def check(self, workspace_id: int, number: int, *, now: datetime) -> ImportJob:
        """Have the worker try the rows. Raises Conflict unless the columns are chosen."""
        ...

    def run(self, workspace_id: int, number: int, *, seen: str | None = None, actor: Actor, now: datetime) -> ImportJob:
        """Have the worker import the rows.

        Raises Conflict unless they were tried, and StaleRevision if they were tried with other choices than those
        whose version the caller has ``seen``; None for any.
        """
        ...

    def stop(
        self,
        workspace_id: int,
        number: int,
        *,
        among: Collection[ImportState] = AT_WORK,
        actor: Actor,
        now: datetime,
    ) -> ImportJob:
        """Have the worker stop; what was done stays done.

        Raises Conflict if it is not at work, or in a state that is not among those in which the caller may stop it.
        """
        ...

    def undo(self, workspace_id: int, number: int, *, actor: Actor, now: datetime) -> ImportJob:
        """Have the worker undo an import. Raises Conflict if that is not possible."""
        ...

    def discard(self, workspace_id: int, number: int, *, actor: Actor, now: datetime) -> ImportJob:
        """End an import before it runs. Raises Conflict unless it is prepared."""
        ...

    def forecast(self, workspace_id: int, number: int, *, limit: int, now: datetime) -> UndoForecast:
        """What an undo could do now, by looking at up to ``limit`` people. Writes nothing."""
        ...

    def claim(self, lease: Lease, *, now: datetime, workspace_id: int | None = None) -> ImportJob | None:
        """Lease an import, of one workspace if given, that is due and not leased by another worker; None: no such."""
        ...

    def chunk(self, job: ImportJob, row: int) -> FileChunk | None:
        """The rows of the file among which a row is, by its number; None behind the last one."""
        ...

    def restart_check(self, job: ImportJob, lease: Lease, *, now: datetime) -> None:
        """Forget what an earlier dry run found, whose effects are lost."""
        ...

    def record_checked(self, job: ImportJob, lease: Lease, checked: ImportedRows, *, now: datetime) -> None:
        """Record what a dry run found about rows."""
        ...

    def run_batch(
        self,
        job: ImportJob,
        lease: Lease,
        process: ProcessRows,
        *,
        keeps_records: bool,
        now: datetime,
    ) -> tuple[ImportedRows, Batch]:
        """Import rows in a transaction, with what undoes them."""
        ...

    def end(self, job: ImportJob, lease: Lease, *, undo_period: timedelta, now: datetime) -> None:
        """All rows were tried, or imported, or the worker was told to stop. What is imported can be undone a while."""
        ...

    def is_stopped(self, job: ImportJob) -> bool:
        """Whether the worker is to stop."""
        ...

    def undo_batch(self, job: ImportJob, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Undo the changes of up to ``size`` people, last ones first; done when nothing is left."""
        ...

    def purge_batch(self, job: ImportJob, lease: Lease, *, size: int, now: datetime) -> Batch:
        """Delete up to ``size`` rows of what is not kept any longer, or end what nobody takes up any more."""
        ...

    def release_lease(self, job: ImportJob, lease: Lease, *, due_at: datetime) -> None:
        """Release the lease of an import that has work left."""
        ...
