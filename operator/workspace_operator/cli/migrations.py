"""``workspacectl migrations``: how a change of a workspace's identifiers gets on."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.output import INTERRUPTED, STALLED, json_text, note, table
from workspace_operator.cli.stores import opened_workspace

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.migrations.records import Migration

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
    from workspace_operator.cli.watching import watched
    from workspace_operator.migrations.stages import Stage

    with opened_workspace(database, workspace, cluster_id) as found:
        try:
            change = (
                watched(lambda: found.migrations.newest(found.number), found.clock)
                if watch
                else found.migrations.newest(found.number)
            )
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
    if output is Format.JSON:
        print(json_text(None if change is None else _document(change, found.clock())))
    elif change is None:
        note(f"{workspace} has had no change of identifiers")
    else:
        table(COLUMNS, _rows(change, found.clock()))
    if change is not None and change.stage is Stage.BLOCKED:
        raise typer.Exit(STALLED)


def _rows(change: "Migration", now: datetime) -> Iterator[tuple[str, object]]:
    from workspace_operator.cli.watching import time_left

    yield "CHANGE", change.number
    yield "FROM", change.from_mode
    yield "TO", change.to_mode
    yield "ON CONFLICT", change.on_conflict
    yield "STAGE", f"{change.stage} (paused)" if change.paused else change.stage
    yield "TIME LEFT", time_left(change, now)
    yield "REQUESTED", _time(change.requested_at)
    yield "STARTED", _time(change.started_at)
    yield "ENDED", _time(change.completed_at)
    yield "PEOPLE CHECKED", f"{change.people_checked} of {change.people_total}"
    yield "WITHOUT ID", change.people_without_id
    yield "WITHOUT IDENTIFIER", change.people_without_identifier
    yield "PEOPLE FOLDED", f"{change.people_folded} of {change.people_merged} merged"
    yield "IDS GIVEN UP", change.ids_given_up
    yield "IN THE WAY", change.violations.people_concerned
    counts = change.violations.by_violation()
    yield "VIOLATIONS", ", ".join(f"{violation} {count}" for violation, count in counts.items() if count)
    yield "EXPORT", change.export


def _document(change: "Migration", now: datetime) -> dict[str, object]:
    """As status.migration of the resource, so that scripts read one form, and what that has no place for."""
    from workspace_operator.cli.watching import time_left
    from workspace_operator.reconcile.statuses import status_of_migration

    return {
        "number": change.number,
        **status_of_migration(change).as_document(),
        "requestTime": _time(change.requested_at),
        "paused": change.paused,
        "timeLeft": time_left(change, now) or None,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
