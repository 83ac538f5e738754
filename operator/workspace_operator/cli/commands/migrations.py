"""``workspacectl migrations``: how a change of a workspace's identifiers gets on."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.support.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.support.output import INTERRUPTED, STALLED, info, json_text, print_table
from workspace_operator.cli.support.workspace_context import open_workspace

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.migrations.model import Migration

app = typer.Typer(help="See how a change of identifiers gets on.", no_args_is_help=True)

EXAMPLES = """
Examples:

\b
  workspacectl migrations show -w default/crm
  workspacectl migrations show -w default/crm --watch
"""

COLUMNS = ("FIELD", "VALUE")


class Format(StrEnum):
    """How a change is printed."""

    TABLE = "table"
    JSON = "json"


@app.command(epilog=EXAMPLES)
def show(
    *,
    workspace: WorkspaceName,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show its progress until it has ended or is blocked, then print it.")
    ] = False,
    output: Annotated[Format, typer.Option("--output", "-o", help="How to print it.")] = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print the newest change of a workspace's identifiers.

    It ends with 3 if people stand in the way of the change, else with 0.
    """
    from workspace_operator.cli.support.migration_progress import watch_migration
    from workspace_operator.migrations.state_machine import Stage

    with open_workspace(database, workspace, cluster_id) as context:
        try:
            migration = (
                watch_migration(lambda: context.migrations.newest(context.number), context.clock)
                if watch
                else context.migrations.newest(context.number)
            )
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
    if output is Format.JSON:
        print(json_text(None if migration is None else _migration_document(migration, context.clock())))
    elif migration is None:
        info(f"{workspace} has had no change of identifiers")
    else:
        print_table(COLUMNS, _rows(migration, context.clock()))
    if migration is not None and migration.stage is Stage.BLOCKED:
        raise typer.Exit(STALLED)


def _rows(migration: "Migration", now: datetime) -> Iterator[tuple[str, object]]:
    from workspace_operator.cli.support.migration_progress import time_left

    yield "CHANGE", migration.number
    yield "FROM", migration.from_mode
    yield "TO", migration.to_mode
    yield "ON CONFLICT", migration.on_conflict
    yield "STAGE", f"{migration.stage} (paused)" if migration.paused else migration.stage
    yield "TIME LEFT", time_left(migration, now)
    yield "REQUESTED", _timestamp(migration.requested_at)
    yield "STARTED", _timestamp(migration.started_at)
    yield "ENDED", _timestamp(migration.completed_at)
    yield "PEOPLE CHECKED", f"{migration.people_checked} of {migration.people_total}"
    yield "WITHOUT ID", migration.people_without_id
    yield "WITHOUT IDENTIFIER", migration.people_without_identifier
    yield "PEOPLE FOLDED", f"{migration.people_merged} of {migration.people_to_merge} merged"
    yield "IDS GIVEN UP", migration.ids_given_up
    yield "IN THE WAY", migration.violations.people_concerned
    counts = migration.violations.by_violation()
    yield "VIOLATIONS", ", ".join(f"{violation} {count}" for violation, count in counts.items() if count)
    yield "EXPORT", migration.export


def _migration_document(migration: "Migration", now: datetime) -> dict[str, object]:
    """As status.migration of the resource, so that scripts read one form, and what that has no place for."""
    from workspace_operator.cli.support.migration_progress import time_left
    from workspace_operator.reconcile.status.workspace_status import migration_status

    return {
        "number": migration.number,
        **migration_status(migration).as_document(),
        "requestTime": _timestamp(migration.requested_at),
        "paused": migration.paused,
        "timeLeft": time_left(migration, now) or None,
    }


def _timestamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
