"""``workspacectl cleanups``: decisions about people who block a migration, applied at once, and undone."""

import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from workspace_operator.application.cleanups.csv_decisions import (
    DecisionImport,
    DecisionImportResult,
    check_decisions_file,
)
from workspace_operator.application.ports import ApplyRequest, ListQuery
from workspace_operator.bootstrap import make_cleanup_worker, make_migration_worker
from workspace_operator.cleanups.model import OPEN, Cleanup, CleanupState
from workspace_operator.cleanups.undo import UndoPreview
from workspace_operator.cli.commands.cleanups import rules
from workspace_operator.cli.commands.cleanups.drafts import counted, find_cleanup
from workspace_operator.cli.commands.cleanups.output import (
    COLUMNS,
    DECISION_COLUMNS,
    FIELDS,
    cleanup_document,
    cleanup_row,
    count_text,
    decision_document,
    decision_row,
    fields_of,
)
from workspace_operator.cli.support.csv_file_options import RejectsPath, default_rejects_path, name_file_in_errors
from workspace_operator.cli.support.files import open_input_file
from workspace_operator.cli.support.options import (
    MAX_NUMBER,
    ClusterID,
    Database,
    ForExcel,
    Format,
    Output,
    WorkspaceName,
    text_option,
)
from workspace_operator.cli.support.output import (
    ERROR,
    INCOMPLETE,
    INTERRUPTED,
    echo,
    info,
    json_text,
    people_text,
    print_table,
)
from workspace_operator.cli.support.rejects_file import RejectsFile
from workspace_operator.cli.support.run.options import UndoDays
from workspace_operator.cli.support.terminal import confirm, people_bar
from workspace_operator.cli.support.workspace_context import WorkspaceContext, current_actor, open_workspace
from workspace_operator.errors import Conflict
from workspace_operator.identity.values.references import bare_cio_id

app = typer.Typer(name="cleanups", help="Clean up people who block a migration, with undo.", no_args_is_help=True)
app.add_typer(rules.app)

DECIDE_EXAMPLES = """
Examples:

\b
  workspacectl exports get -w default/crm -o people.csv
  workspacectl cleanups decide -w default/crm --from-csv people.csv
  workspacectl cleanups apply -w default/crm
"""
UNDO_EXAMPLES = """
Examples:

\b
  workspacectl cleanups undo 3 -w default/crm --dry-run
  workspacectl cleanups undo 3 -w default/crm
"""
POLL_SECONDS: Final = 0.5

Number = Annotated[
    int, typer.Argument(metavar="NUMBER", min=1, max=MAX_NUMBER, help="The cleanup, as in cleanups list.")
]
OptionalNumber = Annotated[
    int | None,
    typer.Argument(
        metavar="NUMBER", min=1, max=MAX_NUMBER, help="The cleanup, as in cleanups list.", show_default="the newest one"
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Skip the confirmation prompt.")]


@app.command("list")
def list_cleanups(
    *, workspace: WorkspaceName, output: Output = Format.TABLE, cluster_id: ClusterID = None, database: Database
) -> None:
    """List the cleanups of a workspace, newest first."""
    with open_workspace(database, workspace, cluster_id) as context:
        cleanups = context.store.cleanups.cleanups(context.workspace_id)
    if output is Format.JSON:
        print(json_text([cleanup_document(cleanup) for cleanup in cleanups]))
    else:
        print_table(COLUMNS, [cleanup_row(cleanup) for cleanup in cleanups])


@app.command()
def show(
    number: OptionalNumber = None,
    *,
    workspace: WorkspaceName,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print a cleanup and what it settles.

    Without a number, the newest one is printed.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        cleanup = counted(context, find_cleanup(context, number))
    if output is Format.JSON:
        print(json_text(cleanup_document(cleanup)))
    else:
        print_table(FIELDS, fields_of(cleanup))


@app.command(epilog=DECIDE_EXAMPLES)
def decide(
    *,
    workspace: WorkspaceName,
    from_csv: Annotated[
        Path,
        typer.Option("--from-csv", metavar="FILE", help="An export with a column _decision.", show_default=False),
    ],
    rejects: RejectsPath = None,
    for_excel: ForExcel = False,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Make the decisions of a CSV file.

    The file is an export of the people who block the migration, with a column _decision: keep, merge, correct, clear,
    delete, or none to remove a decision. A row without a decision changes nothing. The new address of correct is in
    a column _email. A merge goes into the person of the same address whom the file keeps, else into the oldest one; a
    column _into names the cio_id of another one.

    Nothing happens to the people until `workspacectl cleanups apply`. Decisions that cannot be made are written to
    NAME.rejects.csv beside FILE, with their line and the reason.

    Exit codes: 0 all decisions were made; 3 some were rejected; 1 all were rejected, or an error; 64 wrong usage.
    """
    rejects = rejects or default_rejects_path(from_csv)
    with (
        open_workspace(database, workspace, cluster_id) as context,
        RejectsFile(rejects, source_file=from_csv, with_bom=for_excel) as rejects_file,
    ):
        store, actor = context.store, current_actor()
        with name_file_in_errors(from_csv, "--from-csv"):
            check_decisions_file(partial(open_input_file, from_csv))  # a wrong file opens no draft
        cleanup, _ = store.cleanups.open(context.workspace_id, actor=actor, now=store.clock())
        importer = DecisionImport(
            cleanups=store.cleanups,
            listings=store.listings,
            workspace_id=context.workspace_id,
            number=cleanup.number,
            query=ListQuery(export_number=_newest_export(context), cleanup_number=cleanup.number),
            rejects=rejects_file,
            actor=actor,
            clock=store.clock,
        )
        try:
            with name_file_in_errors(from_csv, "--from-csv"):
                importer.run(partial(open_input_file, from_csv))
            rejects_file.finish()
        finally:
            _print_decisions(importer.result, rejects)
        echo(count_text(counted(context, cleanup)))
    if importer.result.rejected:
        raise typer.Exit(INCOMPLETE if importer.result.made + importer.result.removed else ERROR)


@app.command()
def apply(
    number: OptionalNumber = None,
    *,
    workspace: WorkspaceName,
    yes: Yes = False,
    undo_days: UndoDays = 30,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Apply the decisions, and try the migration again.

    API requests continue meanwhile. A person who has changed since the decision is left alone. If people are to be
    deleted, the command asks for their number first. An interrupted command leaves the rest to the installation's
    worker, or to the next apply. After `workspacectl cleanups stop`, apply with the number of the cleanup goes on.

    Exit codes: 0 all decisions were applied; 3 some people were left alone, or it was stopped; 1 an error; 64 wrong
    usage.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        cleanup = counted(context, find_cleanup(context, number))
        if cleanup.state is not CleanupState.APPLYING:
            cleanup = _request_apply(context, cleanup, yes=yes)
        cleanup = _work(context, cleanup, timedelta(days=undo_days), cleanup.total)
        migration_worker = make_migration_worker(context.store, workspace_id=context.workspace_id)
        while migration_worker.work_once():  # the blocked migration is due now
            pass
        _print_applied(context, cleanup)
    if cleanup.skipped or cleanup.left:
        raise typer.Exit(INCOMPLETE)


def _request_apply(context: WorkspaceContext, cleanup: Cleanup, *, yes: bool) -> Cleanup:
    if cleanup.deletions and not yes:
        people = f"{people_text(cleanup.deletions)} of {context.name}"
        question = f"Type {cleanup.deletions} to delete {people}:"
        if cleanup.state is CleanupState.APPLIED:
            question = (
                f"Type {cleanup.deletions} to go on with cleanup {cleanup.number}, which deletes {people} in all:"
            )
        if not confirm(question, str(cleanup.deletions)):
            info("nothing was applied")
            raise typer.Exit(ERROR)
    store = context.store
    request = ApplyRequest(version=cleanup.version, deletions=cleanup.deletions)
    return store.cleanups.apply(context.workspace_id, cleanup.number, request, actor=current_actor(), now=store.clock())


@app.command(epilog=UNDO_EXAMPLES)
def undo(
    number: Number,
    *,
    workspace: WorkspaceName,
    cio_ids: Annotated[
        list[str] | None,
        typer.Option("--cio-id", metavar="CIO_ID", help="Only this person. Can be given several times."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be restored; undo nothing.")] = False,
    undo_days: UndoDays = 30,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Undo a cleanup, or decisions about some people.

    Exit codes: 0 everything is as before; 3 some people were restored partly or not at all, or it was stopped; 1 an
    error; 64 wrong usage. With --dry-run the same, for what would be restored; 3 also if not all decisions were
    examined.
    """
    chosen = None if not cio_ids else list(dict.fromkeys(map(bare_cio_id, cio_ids)))
    with open_workspace(database, workspace, cluster_id) as context:
        if dry_run:
            _print_preview(context, number, chosen)
            return
        cleanup = context.store.cleanups.get(context.workspace_id, number)
        if cleanup.state is not CleanupState.UNDOING:
            cleanup = context.store.cleanups.undo(
                context.workspace_id, number, chosen, actor=current_actor(), now=context.store.clock()
            )
        total = cleanup.tried_to_undo + len(chosen) if chosen else cleanup.applied
        cleanup = _work(context, cleanup, timedelta(days=undo_days), total)
    echo(
        f"cleanup {number}: {cleanup.undone} undone completely, {cleanup.undone_in_part} partly, "
        f"{cleanup.not_undone} not at all"
    )
    if cleanup.undone_in_part or cleanup.not_undone:
        info(f"why: workspacectl cleanups decisions {number} -w {workspace}")
    is_stopped = cleanup.tried_to_undo < total
    if is_stopped:
        left = total - cleanup.tried_to_undo
        info(f"stopped before {left} of them: to go on, undo again")
    if cleanup.undone_in_part or cleanup.not_undone or is_stopped:
        raise typer.Exit(INCOMPLETE)


@app.command()
def decisions(
    number: OptionalNumber = None,
    *,
    workspace: WorkspaceName,
    after: Annotated[
        str, text_option("--after", metavar="CIO_ID", help_text="Only people after this one.", show_default=False)
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of decisions to print.")
    ] = 100,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """List the decisions of a cleanup."""
    with open_workspace(database, workspace, cluster_id) as context:
        found = context.store.cleanups.decisions(
            context.workspace_id, find_cleanup(context, number).number, after=bare_cio_id(after), limit=limit
        )
    if output is Format.JSON:
        print(json_text([decision_document(stored) for stored in found]))
    else:
        print_table(DECISION_COLUMNS, [decision_row(stored) for stored in found])
    if len(found) == limit:
        info(f"there may be more decisions: add --after {found[-1].cio_id}")


@app.command()
def stop(number: Number, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database) -> None:
    """Stop a cleanup that is being applied or undone.

    What was done stays done, and can be undone.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        context.store.cleanups.stop(context.workspace_id, number, actor=current_actor(), now=context.store.clock())
    echo(f"cleanup {number} stops after the people that it works on")


@app.command()
def discard(number: Number, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database) -> None:
    """Discard a draft."""
    with open_workspace(database, workspace, cluster_id) as context:
        context.store.cleanups.discard(context.workspace_id, number, actor=current_actor(), now=context.store.clock())
    echo(f"cleanup {number} is discarded")


def _newest_export(context: WorkspaceContext) -> int:
    migration = context.store.migrations.newest(context.workspace_id)
    if migration is None or migration.export is None:
        raise Conflict(f"no migration of {context.name} is blocked by people")
    return migration.export


def _work(context: WorkspaceContext, cleanup: Cleanup, undo_period: timedelta, total: int) -> Cleanup:
    """Carry out what was requested, unless another worker does; returns the cleanup as it is then."""
    worker = make_cleanup_worker(context.store, undo_period=undo_period, workspace_id=context.workspace_id)
    is_undo, done = cleanup.state is CleanupState.UNDOING, 0
    try:
        with people_bar("undoing" if is_undo else "applying", total) as progress:
            while cleanup.state in OPEN:
                if not worker.work_once():
                    time.sleep(POLL_SECONDS)
                cleanup = context.store.cleanups.get(context.workspace_id, cleanup.number)
                now_done = cleanup.tried_to_undo if is_undo else cleanup.total - cleanup.left
                progress(now_done - done)
                done = now_done
    except KeyboardInterrupt:
        info("interrupted: a running worker continues, or run the same command again")
        raise typer.Exit(INTERRUPTED) from None
    return cleanup


def _print_preview(context: WorkspaceContext, number: int, cio_ids: list[str] | None) -> None:
    store = context.store
    preview: UndoPreview = store.undo_previews.preview(context.workspace_id, number, cio_ids, now=store.clock())
    examined = len(preview.examined)
    if examined < preview.decisions:
        info(f"only the first {examined} of {preview.decisions} decisions were examined")
    echo(
        f"{preview.whole} of {examined} decisions would be restored completely, {preview.in_part} partly, "
        f"{preview.not_undone} not at all"
    )
    if preview.reasons:
        echo("reasons: " + ", ".join(f"{reason} {count}" for reason, count in preview.reasons.items()))
    if preview.reasons or examined < preview.decisions:
        raise typer.Exit(INCOMPLETE)


def _print_decisions(result: DecisionImportResult, rejects: Path) -> None:
    removed = f", {result.removed} removed" if result.removed else ""
    echo(
        f"{result.rows} rows: {result.made} decisions made{removed}, {result.undecided} without a decision, "
        f"{result.rejected} rejected"
    )
    if result.rejected:
        echo(f"rejected rows, with reasons: {rejects}")


def _print_applied(context: WorkspaceContext, cleanup: Cleanup) -> None:
    echo(f"cleanup {cleanup.number}: {cleanup.applied} applied, {cleanup.skipped} left alone")
    if cleanup.skipped:
        info(f"why: workspacectl cleanups decisions {cleanup.number} -w {context.name}")
    if cleanup.left:
        info(f"stopped before {cleanup.left} of {cleanup.total} decisions")
    if cleanup.can_be_continued(context.store.clock()):
        info(f"to go on: workspacectl cleanups apply {cleanup.number} -w {context.name}")
    migration = context.store.migrations.newest(context.workspace_id)
    if migration is not None:
        blocking = migration.violations.people_concerned
        is_blocked = migration.export is not None and blocking
        echo(f"the migration is {migration.stage}" + (f": {people_text(blocking)} block it" if is_blocked else ""))
