"""``workspacectl people import``."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from workspace_operator.cli.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.output import tell
from workspace_operator.cli.progress_bars import file_bar
from workspace_operator.cli.stores import opened_workspace
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.rules import Kind

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.importing import PeopleImport, Summary

EXAMPLES = """
Examples:

\b
  workspacectl people import people.csv -w default/crm
  workspacectl people import corrected.csv -w default/crm --by cio_id --update
"""


def import_people(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file in UTF-8.")],
    *,
    workspace: WorkspaceName,
    by: Annotated[
        Kind | None,
        typer.Option("--by", help="The column that people are named by; the first with a value if left out."),
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Change people who are there; make none.")] = False,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", metavar="REJECTS", help="Where rows go that are not taken.")
    ] = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Import people from a CSV file.

    The header names the columns: id, email, cio_id, created_at (Unix or ISO time), and attributes by any other name.
    Commas, semicolons and tabs are recognised. An empty cell removes the attribute.

    A row that is not taken, in whole or in part, goes with its line and the reason to a file beside FILE,
    NAME.rejects.csv. Correct it, and import it as it is.

    An import that was interrupted is simply run again.
    """
    from workspace_operator.application.importing import ImportOptions, PeopleImport
    from workspace_operator.cli.files import RejectsFile, opened_file

    with (
        opened_file(file) as source,
        RejectsFile(rejects or file.with_name(f"{file.stem}.rejects.csv"), of=file) as not_taken,
        opened_workspace(database, workspace, cluster_id) as found,
    ):
        options = ImportOptions(by=by, update_only=update)
        run = PeopleImport(
            people=found.people,
            workspace_id=found.number,
            options=options,
            rejects=not_taken,
            clock=found.clock.timestamp,
        )
        try:
            _run(run, source, file)
            not_taken.finish()
        finally:
            if run.has_begun:
                _tell(run.summary, not_taken.path)


def _run(run: "PeopleImport", source: BinaryIO, file: Path) -> None:
    # Nothing here makes cycles; looking for them costs a fifth of the time.
    gc.disable()
    try:
        with file_bar("importing", source, file) as progress:
            run.run(source, progress)
    except InvalidInput as error:
        if error.field != "file":
            raise
        raise InvalidInput(f"{file}, {error}", field="FILE") from error
    finally:
        gc.enable()


def _tell(summary: "Summary", rejects: Path) -> None:
    unchanged = f" ({summary.unchanged} of them unchanged)" if summary.unchanged else ""
    tell(
        f"{summary.rows} rows: {summary.created} created, {summary.updated} updated{unchanged}, "
        f"{summary.skipped} skipped, {summary.rejected} rejected"
    )
    if summary.in_part:
        tell(f"{summary.in_part} of those created or updated were taken in part")
    if summary.skipped or summary.rejected or summary.in_part:
        tell(f"what was not taken, and why: {rejects}")
