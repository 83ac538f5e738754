"""Deleting many people by one command: looked up, confirmed, written down, and then done."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.file_options import naming_file
from workspace_operator.cli.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.output import ERROR, INCOMPLETE, note, people_text, table, tell
from workspace_operator.cli.stores import NamedWorkspace, opened_workspace

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.cleaning import Deleted, Doomed, Survey
    from workspace_operator.cli.undo_files import UndoFile
    from workspace_operator.identity.rules import Mode

DEDUPE_EXAMPLES = """
Examples:

\b
  workspacectl people dedupe -w default/crm --keep oldest --dry-run
  workspacectl people dedupe -w default/crm --keep oldest
"""

SAMPLES = 10
"""How many of those who would be deleted a dry run names."""

COLUMNS = ("EMAIL", "CIO_ID", "ID", "CREATED", "WOULD BE")

STEP = 1_000

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many people would be deleted.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")]
UndoPath = Annotated[
    Path | None,
    typer.Option("--undo-file", metavar="FILE", help="Where they are written first; a new file here if left out."),
]


CREATED_IN = "--created-in"
CreatedIn = Annotated[
    Path | None,
    typer.Option(CREATED_IN, metavar="UNDO", help="Everybody whom an import created: its undo file (--undo-file)."),
]


class Keep(StrEnum):
    """Who of those who share an address stays."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a deletion is wanted."""

    dry_run: bool
    yes: bool
    undo_file: Path | None

    @property
    def says_nothing(self) -> bool:
        """Whether everything was left out."""
        return not self.dry_run and not self.yes and self.undo_file is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """One deletion of many people.

    Attributes:
        doomed: who is to go.
        mode: the identifiers in force before that was looked up.
        whose: ends the sentence that somebody confirms.
        total: about how many they are, if that is known.
    """

    found: NamedWorkspace
    doomed: "Iterator[Doomed]"
    mode: "Mode"
    whose: str
    total: int | None
    wanted: Wanted

    def run(self) -> None:
        """Look them up, ask, write them down and delete them. Raises InvalidInput if it cannot begin or go on."""
        from workspace_operator.application.cleaning import Survey
        from workspace_operator.bootstrap import utc_now
        from workspace_operator.cli.spools import spooled_lines
        from workspace_operator.cli.undo_files import UndoFile, undo_path

        survey = Survey()
        with spooled_lines(self._looked_up(survey)) as lines:  # only who is counted and confirmed may go
            if not survey.people:
                tell("there is nobody to delete")
                return
            path = self.wanted.undo_file or undo_path(self.found.name, utc_now())
            with UndoFile(path, survey.attributes) as undo:
                self._confirm(survey, path)
                self._delete(survey, map(_doomed_of, lines), undo)

    def _looked_up(self, survey: "Survey") -> Iterator[str]:
        from workspace_operator.cli.progress_bars import people_bar

        with people_bar("looking up", self.total) as progress:
            passing = _passing(self.doomed, progress)
            yield from map(_line_of, survey.looking_up(self.found.people, self.found.number, passing))

    def _confirm(self, survey: "Survey", path: Path) -> None:
        from workspace_operator.cli.confirming import is_confirmed

        if self.wanted.yes:
            return
        going = f"{people_text(survey.people)} {self.whose} will be deleted from {self.found.name}"
        question = f"{going}, and written to {path} before.\nType {survey.people} to delete them:"
        if not is_confirmed(question, str(survey.people)):
            note("nobody was deleted")
            raise typer.Exit(ERROR)

    def _delete(self, survey: "Survey", doomed: "Iterator[Doomed]", undo: "UndoFile") -> None:
        from workspace_operator.application.cleaning import Deletion
        from workspace_operator.cli.progress_bars import people_bar

        deletion = Deletion(
            people=self.found.people,
            workspace_id=self.found.number,
            clock=self.found.clock.timestamp,
            mode=self.mode,
            attributes=survey.attributes,
            undo=undo,
        )
        try:
            with people_bar("deleting", survey.people) as progress:
                deletion.run(doomed, progress)
        finally:
            _tell(deletion.counts, undo.path if undo.count else None)
        if deletion.counts.left:
            raise typer.Exit(INCOMPLETE if deletion.counts.deleted else ERROR)


def delete_segment(found: NamedWorkspace, said: str, wanted: Wanted) -> None:
    """Delete everybody in a manual segment, by its number or its name.

    Raises NotFound, and InvalidInput if it cannot begin or go on.
    """
    from workspace_operator.application.cleaning import members

    mode = found.people.rules(found.number).mode
    segment = found.segment(said, field="--segment")
    whose = f"of segment {segment.number}"
    if segment.name is not None:
        whose += f" ({segment.name})"
    if wanted.dry_run:
        tell(f"{people_text(segment.people)} {whose} would be deleted from {found.name}")
        return
    doomed = members(found.belongings, found.number, segment.number)
    Cleaning(found=found, doomed=doomed, mode=mode, whose=whose, total=segment.people, wanted=wanted).run()


def delete_created(found: NamedWorkspace, file: Path, wanted: Wanted) -> None:
    """Delete everybody whom an import created, as its undo file says.

    Raises InvalidInput if it cannot begin or go on.
    """
    from workspace_operator.application.cleaning import Survey, created_by_import
    from workspace_operator.application.csv_reading import opened_csv
    from workspace_operator.cli.files import opened_file

    mode = found.people.rules(found.number).mode
    whose = f"whom the import of {file} created"
    with opened_file(file) as source, naming_file(file, CREATED_IN), opened_csv(source) as undo:
        doomed = created_by_import(undo.header, undo.rows)
        if not wanted.dry_run:
            Cleaning(found=found, doomed=doomed, mode=mode, whose=whose, total=None, wanted=wanted).run()
            return
        survey = Survey()
        deque(survey.looking_up(found.people, found.number, doomed), maxlen=0)
    tell(f"{people_text(survey.people)} {whose} would be deleted from {found.name}")


def dedupe(
    *,
    workspace: WorkspaceName,
    keep: Annotated[Keep, typer.Option("--keep", help="Who of those with one address stays; the oldest is advised.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    undo_file: UndoPath = None,
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
    from workspace_operator.application.cleaning import duplicates
    from workspace_operator.identity.rules import Mode

    with opened_workspace(database, workspace, cluster_id) as found:
        mode = found.people.rules(found.number).mode
        if mode is not Mode.ID_ONLY:
            tell(f"nobody in {found.name} shares an address: email is an identifier in mode {mode}")
            return
        doomed = duplicates(found.people, found.number, keep_newest=keep is Keep.NEWEST)
        if dry_run:
            _dry_run(found, doomed, keep)
            return
        whose = f"sharing an address with somebody {_ELSE[keep]}"
        wanted = Wanted(dry_run=dry_run, yes=yes, undo_file=undo_file)
        Cleaning(found=found, doomed=doomed, mode=mode, whose=whose, total=None, wanted=wanted).run()


_ELSE = {Keep.OLDEST: "older", Keep.NEWEST: "newer"}


def _dry_run(found: NamedWorkspace, doomed: "Iterator[Doomed]", keep: Keep) -> None:
    from workspace_operator.application.cleaning import Survey

    survey = Survey()
    counted = survey.counting(doomed)
    first = list(islice(counted, SAMPLES))
    deque(counted, maxlen=0)
    if not survey.people:
        tell(f"nobody in {found.name} shares an address")
        return
    addresses = "1 address" if survey.kept == 1 else f"{survey.kept} addresses"
    shared = f"{people_text(survey.people + survey.kept)} of {found.name} share {addresses}"
    tell(f"{shared}: {survey.people} would be deleted, the {keep} of each address kept")
    tell("")
    table(COLUMNS, _samples(found, first))
    if survey.people > len(first):
        note(f"and {survey.people - len(first)} more")


def _samples(found: NamedWorkspace, doomed: "Sequence[Doomed]") -> Iterator[Sequence[object]]:
    """Each of them below who is kept."""
    from datetime import UTC, datetime

    from workspace_operator.identity.references import of_cio_id

    verdicts = {name: verdict for each in doomed for name, verdict in ((each.kept, "kept"), (each.cio_id, "deleted"))}
    for person in found.people.find_many(found.number, list(map(of_cio_id, verdicts))):
        created = datetime.fromtimestamp(person.created_at, UTC).isoformat(timespec="seconds")
        yield person.email, person.cio_id, person.id, created, verdicts[person.cio_id]


def _passing(doomed: "Iterator[Doomed]", progress: Callable[[int], None]) -> "Iterator[Doomed]":
    from workspace_operator.application.importing import batches

    for some in batches(doomed, STEP):
        yield from some
        progress(len(some))


def _line_of(doomed: "Doomed") -> str:
    return f"{doomed.cio_id} {doomed.kept}\n"


def _doomed_of(line: str) -> "Doomed":
    from workspace_operator.application.cleaning import Doomed

    cio_id, _, kept = line.rstrip("\n").partition(" ")
    return Doomed(cio_id=cio_id, kept=kept)


def _tell(counts: "Deleted", undo_file: Path | None) -> None:
    tell(f"{people_text(counts.deleted)} deleted")
    if counts.gone:
        tell(f"{people_text(counts.gone)} gone already")
    if counts.left:
        tell(f"{people_text(counts.left)} left, changed meanwhile: run it again")
    if undo_file is not None:
        tell(f"as they were: {undo_file}")
