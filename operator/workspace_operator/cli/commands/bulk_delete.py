"""``workspacectl people dedupe``, and deletion of a segment or an import: select, confirm, back up, delete."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from workspace_operator.application.audit.entries import bulk_deletion_entry
from workspace_operator.application.people.bulk_delete import (
    BulkDelete,
    DeletionCandidate,
    DeletionResult,
    SelectionStats,
    created_by_import,
    duplicates,
    segment_members,
)
from workspace_operator.application.people.csv_files.reader import open_csv
from workspace_operator.application.people.csv_import import batches
from workspace_operator.bootstrap import utc_now
from workspace_operator.cli.support.backup_file import BackupFile, default_backup_path
from workspace_operator.cli.support.buffer import buffered_lines
from workspace_operator.cli.support.csv_file_options import name_file_in_errors
from workspace_operator.cli.support.files import open_input_file
from workspace_operator.cli.support.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.support.output import ERROR, INCOMPLETE, echo, info, people_text, print_table
from workspace_operator.cli.support.terminal import confirm, people_bar
from workspace_operator.cli.support.workspace_context import WorkspaceContext, current_actor, open_workspace
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.identity.values.rules import Mode

DEDUPE_EXAMPLES = """
Examples:

\b
  workspacectl people dedupe -w default/crm --keep oldest --dry-run
  workspacectl people dedupe -w default/crm --keep oldest
"""

MAX_SAMPLES = 10
"""How many duplicates a dry run prints."""

COLUMNS = ("EMAIL", "CIO_ID", "ID", "CREATED", "WOULD BE")

BATCH_SIZE = 1_000

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only report how many people would be deleted.")]
Yes = Annotated[bool, typer.Option("--yes", help="Skip the confirmation prompt.")]
BackupPath = Annotated[
    Path | None,
    typer.Option(
        "--undo-file",
        metavar="FILE",
        help="A new file for a backup of the people. Default: a file in the current folder.",
    ),
]


CREATED_IN_OPTION = "--created-in"
CreatedIn = Annotated[
    Path | None,
    typer.Option(
        CREATED_IN_OPTION, metavar="UNDO", help="All people that an import created, from its undo file (--undo-file)."
    ),
]


class Keep(StrEnum):
    """Which of the people with one address is kept."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """The options that all bulk deletions have."""

    dry_run: bool
    yes: bool
    undo_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A bulk deletion with its confirmation and its backup.

    Attributes:
        mode: the identifier mode that was in force before the candidates were selected.
        description: says in the confirmation prompt which people they are.
        subject: says so in the audit log, without names.
        total: approximately how many they are, if known.
    """

    context: WorkspaceContext
    candidates: Iterator[DeletionCandidate]
    mode: Mode
    description: str
    subject: str
    options: DeleteOptions
    total: int | None = None

    def run(self) -> None:
        """Resolve the candidates, confirm, back them up and delete them. Raises InvalidInput."""
        stats = SelectionStats()
        with buffered_lines(self._resolved_lines(stats)) as lines:  # so that only people who were counted are deleted
            if not stats.people:
                echo("no people to delete")
                return
            path = self.options.undo_file or default_backup_path(self.context.name, utc_now())
            with BackupFile(path, stats.attributes) as backup:
                self._confirm(stats, path)
                self._delete(stats, map(_from_line, lines), backup)

    def _resolved_lines(self, stats: SelectionStats) -> Iterator[str]:
        people, workspace_id = self.context.store.people, self.context.workspace_id
        with people_bar("reading", self.total) as progress:
            for batch in batches(self.candidates, BATCH_SIZE):
                yield from map(_to_line, stats.resolved(people, workspace_id, batch))
                progress(len(batch))

    def _confirm(self, stats: SelectionStats, path: Path) -> None:
        if self.options.yes:
            return
        summary = f"{people_text(stats.people)} {self.description} will be deleted from {self.context.name}"
        question = f"{summary}. They are written to {path} first.\nType {stats.people} to delete them:"
        if not confirm(question, str(stats.people)):
            info("no people were deleted")
            raise typer.Exit(ERROR)

    def _delete(self, stats: SelectionStats, candidates: Iterator[DeletionCandidate], backup: BackupFile) -> None:
        deletion = BulkDelete(
            people=self.context.store.people,
            workspace_id=self.context.workspace_id,
            clock=self.context.store.clock.timestamp,
            mode=self.mode,
            attributes=stats.attributes,
            backup=backup,
        )
        try:
            with people_bar("deleting", stats.people) as progress:
                deletion.run(candidates, progress)
        finally:
            _print_counts(deletion.result, backup.path if backup.count else None)
            self._record(deletion.result)
        if deletion.result.skipped:
            raise typer.Exit(INCOMPLETE if deletion.result.deleted else ERROR)

    def _record(self, result: DeletionResult) -> None:
        """Record in the audit log who was deleted, also if the deletion was interrupted."""
        context = self.context
        entry = bulk_deletion_entry(
            context.workspace_id, result, subject=self.subject, actor=current_actor(), at=context.store.clock()
        )
        if entry is not None:
            context.store.audit_log.record(entry)


def delete_segment(context: WorkspaceContext, segment_selector: str, options: DeleteOptions) -> None:
    """Delete all people in a manual segment, given by number or name. Raises NotFound or InvalidInput."""
    mode = context.store.people.rules(context.workspace_id).mode
    segment = context.segment(segment_selector, field="--segment")
    description = f"of segment {segment.number}"
    if segment.name is not None:
        description += f" ({segment.name})"
    if options.dry_run:
        echo(f"{people_text(segment.people)} {description} would be deleted from {context.name}")
        return
    people = segment_members(context.store.person_records, context.workspace_id, segment.number)
    Deletion(
        context=context,
        candidates=people,
        mode=mode,
        description=description,
        subject=f"segment {segment.number}",
        options=options,
        total=segment.people,
    ).run()


def delete_created(context: WorkspaceContext, file: Path, options: DeleteOptions) -> None:
    """Delete all people that an import created, according to its undo file. Raises InvalidInput."""
    mode = context.store.people.rules(context.workspace_id).mode
    description = f"that the import of {file} created"
    with open_input_file(file) as source, name_file_in_errors(file, CREATED_IN_OPTION), open_csv(source) as backup:
        people = created_by_import(backup.header, backup.rows)
        if not options.dry_run:
            Deletion(
                context=context,
                candidates=people,
                mode=mode,
                description=description,
                subject="people of an import",
                options=options,
            ).run()
            return
        stats = SelectionStats()
        deque(stats.resolved(context.store.people, context.workspace_id, people), maxlen=0)
    echo(f"{people_text(stats.people)} {description} would be deleted from {context.name}")


def dedupe(
    *,
    workspace: WorkspaceName,
    keep: Annotated[Keep, typer.Option("--keep", help="Which duplicate to keep (recommended: oldest).")],
    dry_run: DryRun = False,
    yes: Yes = False,
    undo_file: BackupPath = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Delete duplicates: keep one person of each email address.

    Duplicates exist only where email is not an identifier. Their age is created_at, else the time of their creation.

    The command counts the people, asks for confirmation, and writes them to a file first. Import that file to restore
    them; cio_ids, activities, devices and segments are not restored. If the command is interrupted, run it again.

    Exit codes: 0 all were deleted, or there were none; 3 people were skipped, since they had changed meanwhile; 1 no
    person could be deleted, or an error; 64 wrong usage.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        mode = context.store.people.rules(context.workspace_id).mode
        if mode is not Mode.ID_ONLY:
            echo(f"no people in {context.name} share an address: email is an identifier in mode {mode}")
            return
        people = duplicates(context.store.people, context.workspace_id, keep_newest=keep is Keep.NEWEST)
        if dry_run:
            _print_dry_run(context, people, keep)
            return
        description = f"with the address of {_OTHERS_AGE[keep]} person"
        options = DeleteOptions(dry_run=dry_run, yes=yes, undo_file=undo_file)
        Deletion(
            context=context,
            candidates=people,
            mode=mode,
            description=description,
            subject="duplicates",
            options=options,
        ).run()


_OTHERS_AGE = {Keep.OLDEST: "an older", Keep.NEWEST: "a newer"}


def _print_dry_run(context: WorkspaceContext, candidates: Iterator[DeletionCandidate], keep: Keep) -> None:
    stats = SelectionStats()
    counted = stats.counted(candidates)
    first = list(islice(counted, MAX_SAMPLES))
    deque(counted, maxlen=0)
    if not stats.people:
        echo(f"no people in {context.name} share an address")
        return
    addresses = "1 address" if stats.kept == 1 else f"{stats.kept} addresses"
    shared_text = f"{people_text(stats.people + stats.kept)} of {context.name} share {addresses}"
    echo(f"{shared_text}: {stats.people} would be deleted, the {keep} of each address kept")
    echo("")
    print_table(COLUMNS, _sample_rows(context, first))
    if stats.people > len(first):
        info(f"and {stats.people - len(first)} more")


def _sample_rows(context: WorkspaceContext, candidates: Sequence[DeletionCandidate]) -> Iterator[Sequence[object]]:
    """Yield a row for each candidate, below the person who is kept."""
    labels: dict[str, str] = {}
    for candidate in candidates:
        labels |= {candidate.kept: "kept", candidate.cio_id: "deleted"}
    for person in context.store.people.find_many(context.workspace_id, list(map(reference_to_cio_id, labels))):
        created = datetime.fromtimestamp(person.created_at, UTC).isoformat(timespec="seconds")
        yield person.email, person.cio_id, person.id, created, labels[person.cio_id]


def _to_line(candidate: DeletionCandidate) -> str:
    return f"{candidate.cio_id} {candidate.kept}\n"


def _from_line(line: str) -> DeletionCandidate:
    cio_id, _, kept = line.rstrip("\n").partition(" ")
    return DeletionCandidate(cio_id=cio_id, kept=kept)


def _print_counts(counts: DeletionResult, undo_file: Path | None) -> None:
    echo(f"{people_text(counts.deleted)} deleted")
    if counts.missing:
        echo(f"{people_text(counts.missing)} already deleted")
    if counts.skipped:
        echo(f"{people_text(counts.skipped)} skipped, changed meanwhile: run the command again")
    if undo_file is not None:
        echo(f"backup: {undo_file}")
