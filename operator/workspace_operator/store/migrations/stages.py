"""What the stages of a migration change in the database: their steps, their beginning, and the cut-over.

`backfill`, `cleanup` and `export_writer` have the long-running parts.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.migrations.state_machine import Stage, Step, Trigger
from workspace_operator.store.migrations import backfill
from workspace_operator.store.migrations.leases import LockedMigration
from workspace_operator.store.migrations.unused_rows import delete_unused_rows
from workspace_operator.store.queries.counts import count_merges
from workspace_operator.store.schema.mappers import violation_values
from workspace_operator.store.schema.tables import workspace
from workspace_operator.workspaces.model import PeopleCounts

MAX_CHANGES_UNDER_LOCK = 100
"""Number of change log entries that may be left for the cut-over, which blocks writers."""


def begin_stage(locked: LockedMigration, stage: Stage, people: PeopleCounts) -> dict[str, object]:
    """Prepare the workspace for a stage; return the columns of the migration that the stage begins with."""
    match stage:
        case Stage.CHECKING:
            return {"started_at": locked.migration.started_at or locked.now}
        case Stage.PREPARING:
            enables_email = locked.migration.enables_email
            locked.update_workspace(change_log_enabled=enables_email, blocked_export=None)
            return {
                "people_total": people.total,
                "people_checked": 0 if enables_email else people.total,
                "people_without_id": people.without_id,
                "people_without_identifier": people.without_identifier if enables_email else people.without_id,
                "cursor": "",
            }
        case Stage.MERGING:
            return {"cursor": "", **_merge_values(locked)}
        case Stage.COMPLETED:
            if locked.migration.stage is Stage.MERGING:
                locked.update_workspace(merges_pending=False)
            return {"completed_at": locked.now, "due_at": None, "needs_cleanup": False}
        case _:
            return {}


def cut_over(locked: LockedMigration, clock: Callable[[], datetime]) -> Migration:
    """Put the new mode in force, unless people block the migration."""
    migration = locked.migration
    if migration.enables_email:
        while backfill.apply_change_log(locked.connection, migration, size=10 * MAX_CHANGES_UNDER_LOCK):
            pass
        if backfill.has_violations(locked.connection, migration):
            return migration
    new_mode = {"mode": migration.to_mode.value, "row_version": workspace.c.row_version + 1}
    without_check = {"change_log_enabled": False, "blocked_export": None, "calls_recorded_since": None}
    locked.update_workspace(**new_mode, **without_check, merges_pending=migration.merges)
    no_violations = violation_values(ViolationCounts())
    return locked.transition(
        Trigger.CUT_OVER, switched_at=clock(), export=None, people_checked=locked.row.people_total, **no_violations
    )


def _backfill(locked: LockedMigration, size: int) -> bool:
    row, total = locked.row, locked.row.people_total
    cursor, people = backfill.backfill_range(locked.connection, locked.migration, after=row.cursor, size=size)
    done = cursor == backfill.END_OF_KEYS
    checked = total if done else min(row.people_checked + people, total)
    locked.report_progress(done=checked, total=total, people_checked=checked, cursor=cursor, needs_cleanup=True)
    return done


def _apply_change_log(locked: LockedMigration, size: int) -> bool:
    applied = backfill.apply_change_log(locked.connection, locked.migration, size=size)
    done = applied < min(size, MAX_CHANGES_UNDER_LOCK + 1)
    locked.renew(needs_cleanup=True, **(_merge_values(locked) if done and locked.migration.merges else {}))
    return done


def _purge(locked: LockedMigration, size: int) -> bool:
    done = delete_unused_rows(locked, size=size)
    locked.renew(needs_cleanup=not done)
    return done


def _merge_values(locked: LockedMigration) -> dict[str, object]:
    merges = count_merges(locked.connection, locked.workspace_id)
    return {"people_to_merge": merges.people, "people_merged": merges.merged, "ids_given_up": merges.ids}


STEPS: Mapping[Step, Callable[[LockedMigration, int], bool]] = {
    Step.BACKFILL: _backfill,
    Step.APPLY_CHANGE_LOG: _apply_change_log,
    Step.PURGE: _purge,
}
"""Each runs one batch in one transaction, and returns whether the step is done. A merge has transactions of its own."""
