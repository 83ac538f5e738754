"""``workspacectl migrations``: progress of identifier migrations."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from workspace_operator.cli.support.migration_progress import time_left, watch_migration
from workspace_operator.cli.support.options import ClusterID, Database, Format, Output, WorkspaceName
from workspace_operator.cli.support.output import INTERRUPTED, STALLED, info, json_text, print_table, time_text
from workspace_operator.cli.support.workspace_context import open_workspace
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.status.workspace_status import migration_status

app = typer.Typer(name="migrations", help="Show the progress of identifier migrations.", no_args_is_help=True)

EXAMPLES = """
Examples:

\b
  workspacectl migrations show -w default/crm
  workspacectl migrations show -w default/crm --watch
"""

COLUMNS = ("FIELD", "VALUE")


@app.command(epilog=EXAMPLES)
def show(
    *,
    workspace: WorkspaceName,
    watch: Annotated[
        bool, typer.Option("--watch", help="First show its progress until it ends or is blocked.")
    ] = False,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print the newest identifier migration of a workspace.

    Exit codes: 0 the migration is running or has ended; 3 people block it; 1 an error; 64 wrong usage.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        try:
            newest = partial(context.store.migrations.newest, context.workspace_id)
            migration = watch_migration(newest, context.store.clock) if watch else newest()
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
    if output is Format.JSON:
        print(json_text(None if migration is None else _migration_document(migration, context.store.clock())))
    elif migration is None:
        info(f"{workspace} has no identifier migrations")
    else:
        print_table(COLUMNS, _rows(migration, context.store.clock()))
    if migration is not None and migration.stage is Stage.BLOCKED:
        raise typer.Exit(STALLED)


def _rows(migration: Migration, now: datetime) -> Iterator[tuple[str, object]]:
    yield "MIGRATION", migration.number
    yield "FROM", migration.from_mode
    yield "TO", migration.to_mode
    yield "ON CONFLICT", migration.on_conflict
    yield "STAGE", f"{migration.stage} (paused)" if migration.paused else migration.stage
    yield "TIME LEFT", time_left(migration, now)
    yield "REQUESTED", time_text(migration.requested_at)
    yield "STARTED", time_text(migration.started_at)
    yield "ENDED", time_text(migration.completed_at)
    yield "PEOPLE CHECKED", f"{migration.people_checked} of {migration.people_total}"
    yield "WITHOUT ID", migration.people_without_id
    yield "WITHOUT IDENTIFIER", migration.people_without_identifier
    yield "PEOPLE MERGED", f"{migration.people_merged} of {migration.people_to_merge}"
    yield "IDS GIVEN UP", migration.ids_given_up
    yield "BLOCKING", migration.violations.people_concerned
    counts = migration.violations.by_violation()
    yield "VIOLATIONS", ", ".join(f"{violation} {count}" for violation, count in counts.items() if count)
    yield "EXPORT", migration.export


def _migration_document(migration: Migration, now: datetime) -> dict[str, object]:
    """Return status.migration of the resource, and what only the store knows of the migration."""
    return {
        "number": migration.number,
        **migration_status(migration).as_document(),
        "requestTime": time_text(migration.requested_at),
        "paused": migration.paused,
        "timeLeft": time_left(migration, now) or None,
    }
