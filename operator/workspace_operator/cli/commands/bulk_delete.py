"""Deleting many people by one command: looked up, confirmed, written down, and then done."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.support.csv_file_options import name_file_in_errors
from workspace_operator.cli.support.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.support.output import ERROR, INCOMPLETE, echo, info, people_text, print_table
from workspace_operator.cli.support.workspace_context import WorkspaceContext, open_workspace

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.people.bulk_delete import DeletionCandidate, DeletionResult, SelectionStats
    from workspace_operator.cli.support.backup_file import BackupFile
    from workspace_operator.identity.values.rules import Mode

DEDUPE_EXAMPLES = """
Examples:

\b
  workspacectl people dedupe -w default/crm --keep oldest --dry-run
  workspacectl people dedupe -w default/crm --keep oldest
"""

MAX_SAMPLES = 10
"""How many of those who would be deleted a dry run names."""

COLUMNS = ("EMAIL", "CIO_ID", "ID", "CREATED", "WOULD BE")

BATCH_SIZE = 1_000

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many people would be deleted.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")]
BackupPath = Annotated[
    Path | None,
    typer.Option("--undo-file", metavar="FILE", help="Where they are written first; a new file here if left out."),
]


CREATED_IN_OPTION = "--created-in"
CreatedIn = Annotated[
    Path | None,
    typer.Option(
        CREATED_IN_OPTION, metavar="UNDO", help="Everybody whom an import created: its undo file (--undo-file)."
    ),
]


class Keep(StrEnum):
    """Who of those who share an address stays."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """How a deletion is wanted."""

    dry_run: bool
    yes: bool
    undo_file: Path | None

    @property
    def is_empty(self) -> bool:
        """Whether everything was left out."""
        return not self.dry_run and not self.yes and self.undo_file is None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkDelete:
    """One deletion of many people.

    Attributes:
        doomed: who is to go.
        mode: the identifiers in force before that was looked up.
        whose: ends the sentence that somebody confirms.
        total: about how many they are, if that is known.
    """

    context: WorkspaceContext
    candidates: "Iterator[DeletionCandidate]"
    mode: "Mode"
    description: str
    total: int | None
    options: DeleteOptions

    def run(self) -> None:
        """Look them up, ask, write them down and delete them. Raises InvalidInput if it cannot begin or go on."""
        from workspace_operator.application.people.bulk_delete import SelectionStats
        from workspace_operator.bootstrap import utc_now
        from workspace_operator.cli.support.backup_file import BackupFile, default_backup_path
        from workspace_operator.cli.support.buffer import buffered_lines

        stats = SelectionStats()
        with buffered_lines(self._resolved_lines(stats)) as lines:  # only who is counted and confirmed may go
            if not stats.people:
                echo("there is nobody to delete")
                return
            path = self.options.undo_file or default_backup_path(self.context.name, utc_now())
            with BackupFile(path, stats.attributes) as backup:
                self._confirm(stats, path)
                self._delete(stats, map(_from_line, lines), backup)

    def _resolved_lines(self, stats: "SelectionStats") -> Iterator[str]:
        from workspace_operator.cli.support.progress_bars import people_bar

        with people_bar("looking up", self.total) as progress:
            counted_candidates = _with_progress(self.candidates, progress)
            yield from map(_to_line, stats.resolved(self.context.people, self.context.number, counted_candidates))

    def _confirm(self, stats: "SelectionStats", path: Path) -> None:
        from workspace_operator.cli.support.prompt import confirm

        if self.options.yes:
            return
        summary = f"{people_text(stats.people)} {self.description} will be deleted from {self.context.name}"
        question = f"{summary}, and written to {path} before.\nType {stats.people} to delete them:"
        if not confirm(question, str(stats.people)):
            info("nobody was deleted")
            raise typer.Exit(ERROR)

    def _delete(self, stats: "SelectionStats", candidates: "Iterator[DeletionCandidate]", backup: "BackupFile") -> None:
        from workspace_operator.application.people.bulk_delete import BulkDelete
        from workspace_operator.cli.support.progress_bars import people_bar

        deletion = BulkDelete(
            people=self.context.people,
            workspace_id=self.context.number,
            clock=self.context.clock.timestamp,
            mode=self.mode,
            attributes=stats.attributes,
            backup=backup,
        )
        try:
            with people_bar("deleting", stats.people) as progress:
                deletion.run(candidates, progress)
        finally:
            _print_counts(deletion.result, backup.path if backup.count else None)
        if deletion.result.skipped:
            raise typer.Exit(INCOMPLETE if deletion.result.deleted else ERROR)


def delete_segment(context: WorkspaceContext, segment_selector: str, options: DeleteOptions) -> None:
    """Delete everybody in a manual segment, by its number or its name.

    Raises NotFound, and InvalidInput if it cannot begin or go on.
    """
    from workspace_operator.application.people.bulk_delete import segment_members

    mode = context.people.rules(context.number).mode
    segment = context.segment(segment_selector, field="--segment")
    description = f"of segment {segment.number}"
    if segment.name is not None:
        description += f" ({segment.name})"
    if options.dry_run:
        echo(f"{people_text(segment.people)} {description} would be deleted from {context.name}")
        return
    candidates = segment_members(context.person_records, context.number, segment.number)
    BulkDelete(
        context=context,
        candidates=candidates,
        mode=mode,
        description=description,
        total=segment.people,
        options=options,
    ).run()


def delete_created(context: WorkspaceContext, file: Path, options: DeleteOptions) -> None:
    """Delete everybody whom an import created, as its undo file says.

    Raises InvalidInput if it cannot begin or go on.
    """
    from workspace_operator.application.people.bulk_delete import SelectionStats, created_by_import
    from workspace_operator.application.people.csv_files.reader import open_csv
    from workspace_operator.cli.support.files import open_input_file

    mode = context.people.rules(context.number).mode
    description = f"whom the import of {file} created"
    with open_input_file(file) as source, name_file_in_errors(file, CREATED_IN_OPTION), open_csv(source) as backup:
        candidates = created_by_import(backup.header, backup.rows)
        if not options.dry_run:
            BulkDelete(
                context=context, candidates=candidates, mode=mode, description=description, total=None, options=options
            ).run()
            return
        stats = SelectionStats()
        deque(stats.resolved(context.people, context.number, candidates), maxlen=0)
    echo(f"{people_text(stats.people)} {description} would be deleted from {context.name}")


def dedupe(
    *,
    workspace: WorkspaceName,
    keep: Annotated[Keep, typer.Option("--keep", help="Who of those with one address stays; the oldest is advised.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    undo_file: BackupPath = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Keep one of those who share an address.

    The others are deleted. Only where email is no identifier can there be any. Their age is their created_at, else
    since when we have them.

    They are counted, confirmed, and written to a file before. People can be imported from it again; their cio_ids,
    activities, devices and segments do not come back. What was interrupted is simply run again.

    Exit codes: 0 all were deleted, or there was nobody to delete; 3 people were left, since they had changed
    meanwhile; 1 nobody could be deleted, or an error; 64 wrong usage.
    """
    from workspace_operator.application.people.bulk_delete import duplicates
    from workspace_operator.identity.values.rules import Mode

    with open_workspace(database, workspace, cluster_id) as context:
        mode = context.people.rules(context.number).mode
        if mode is not Mode.ID_ONLY:
            echo(f"nobody in {context.name} shares an address: email is an identifier in mode {mode}")
            return
        candidates = duplicates(context.people, context.number, keep_newest=keep is Keep.NEWEST)
        if dry_run:
            _print_dry_run(context, candidates, keep)
            return
        description = f"sharing an address with somebody {_OTHERS_AGE[keep]}"
        options = DeleteOptions(dry_run=dry_run, yes=yes, undo_file=undo_file)
        BulkDelete(
            context=context, candidates=candidates, mode=mode, description=description, total=None, options=options
        ).run()


_OTHERS_AGE = {Keep.OLDEST: "older", Keep.NEWEST: "newer"}


def _print_dry_run(context: WorkspaceContext, candidates: "Iterator[DeletionCandidate]", keep: Keep) -> None:
    from workspace_operator.application.people.bulk_delete import SelectionStats

    stats = SelectionStats()
    counted = stats.counted(candidates)
    first = list(islice(counted, MAX_SAMPLES))
    deque(counted, maxlen=0)
    if not stats.people:
        echo(f"nobody in {context.name} shares an address")
        return
    addresses = "1 address" if stats.kept == 1 else f"{stats.kept} addresses"
    shared_text = f"{people_text(stats.people + stats.kept)} of {context.name} share {addresses}"
    echo(f"{shared_text}: {stats.people} would be deleted, the {keep} of each address kept")
    echo("")
    print_table(COLUMNS, _sample_rows(context, first))
    if stats.people > len(first):
        info(f"and {stats.people - len(first)} more")


def _sample_rows(context: WorkspaceContext, candidates: "Sequence[DeletionCandidate]") -> Iterator[Sequence[object]]:
    """Each of them below who is kept."""
    from datetime import UTC, datetime

    from workspace_operator.identity.values.references import reference_to_cio_id

    labels = {name: label for each in candidates for name, label in ((each.kept, "kept"), (each.cio_id, "deleted"))}
    for person in context.people.find_many(context.number, list(map(reference_to_cio_id, labels))):
        created = datetime.fromtimestamp(person.created_at, UTC).isoformat(timespec="seconds")
        yield person.email, person.cio_id, person.id, created, labels[person.cio_id]


def _with_progress(
    candidates: "Iterator[DeletionCandidate]", progress: Callable[[int], None]
) -> "Iterator[DeletionCandidate]":
    from workspace_operator.application.people.csv_import import batches

    for batch in batches(candidates, BATCH_SIZE):
        yield from batch
        progress(len(batch))


def _to_line(candidates: "DeletionCandidate") -> str:
    return f"{candidates.cio_id} {candidates.kept}\n"


def _from_line(line: str) -> "DeletionCandidate":
    from workspace_operator.application.people.bulk_delete import DeletionCandidate

    cio_id, _, kept = line.rstrip("\n").partition(" ")
    return DeletionCandidate(cio_id=cio_id, kept=kept)


def _print_counts(counts: "DeletionResult", undo_file: Path | None) -> None:
    echo(f"{people_text(counts.deleted)} deleted")
    if counts.missing:
        echo(f"{people_text(counts.missing)} gone already")
    if counts.skipped:
        echo(f"{people_text(counts.skipped)} left, changed meanwhile: run it again")
    if undo_file is not None:
        echo(f"as they were: {undo_file}")
