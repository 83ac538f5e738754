"""Transitions of a cleanup that somebody asks for: it is opened, discarded, applied, stopped, undone.

The lock order is that of migrations, with the cleanup last: workspace lock, people, workspace row, migration, cleanup.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa

from workspace_operator.application.ports import ApplyRequest, Detail
from workspace_operator.cleanups.model import AT_WORK, OPEN, Cleanup, CleanupState, Outcome
from workspace_operator.cleanups.rules import RuleState
from workspace_operator.errors import Conflict, InvalidInput, StaleRevision
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.cleanups.order import can_be_undone
from workspace_operator.store.cleanups.rows import (
    KIND_COLUMNS,
    LockedCleanup,
    cleanup_of,
    lock_cleanup,
    lock_draft,
    raise_if_no_draft,
)
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.schema.cleanup_tables import cleanup, cleanup_decision, cleanup_rule
from workspace_operator.store.schema.mappers import Row, newest_migration
from workspace_operator.store.schema.tables import workspace
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive, read_settings

MAX_NAMED: Final = 3
"""People that an error names; of the others it says how many they are."""
_NOT_BLOCKED: Final = "no identifier change of this workspace is blocked by people, so there is nothing to clean up"


class Changed(NamedTuple):
    """A cleanup as it was before a change, and what the audit log tells about the change."""

    locked: LockedCleanup
    detail: Detail


def open_cleanup(
    connection: sa.Connection, workspace_id: int, migration_number: int | None, *, actor: str, now: datetime
) -> tuple[int, bool]:
    """The number of the cleanup that has not ended, or of a new one, and whether it is new. Raises Conflict."""
    if (number := _open_number(connection, workspace_id, migration_number)) is not None:
        return number, False
    # The exclusive lock lets no one else open a cleanup, and makes every process read the workspace's settings again.
    lock_exclusive(connection, workspace_id)
    read_settings(connection, workspace_id)  # raises NotFound
    if (number := _open_number(connection, workspace_id, migration_number)) is not None:
        return number, False
    blocked = blocked_migration(connection, workspace_id)
    if blocked is None:
        raise Conflict(_NOT_BLOCKED)
    if migration_number not in (None, blocked.number):
        raise Conflict(f"people block identifier change {blocked.number}, not {migration_number}")
    newest = sa.select(sa.func.max(cleanup.c.number)).where(cleanup.c.workspace_id == workspace_id)
    number = (connection.execute(newest).scalar_one() or 0) + 1
    connection.execute(sa.insert(cleanup).values(_new_values(blocked, number, actor, now)))
    update = sa.update(workspace).where(workspace.c.workspace_id == workspace_id)
    connection.execute(update.values(keeps_cleanups=True))
    return number, True


def blocked_migration(connection: sa.Connection, workspace_id: int) -> Row | None:
    """The migration that people block, with an export of them; None if there is none."""
    newest = newest_migration(connection, workspace_id)
    is_blocked = newest is not None and newest.stage == Stage.BLOCKED.value and newest.export is not None
    return newest if is_blocked else None


def _open_number(connection: sa.Connection, workspace_id: int, migration_number: int | None) -> int | None:
    """The number of the newest cleanup that has not ended. Raises Conflict if it is about another migration."""
    is_open = cleanup.c.state.in_(sorted(state.value for state in OPEN))
    query = (
        sa.select(cleanup.c.number, cleanup.c.state, cleanup.c.migration_number)
        .where(cleanup.c.workspace_id == workspace_id, is_open)
        .order_by(cleanup.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if migration_number not in (None, row.migration_number):
        raise Conflict(f"cleanup {row.number}, about identifier change {row.migration_number}, is {row.state}")
    return int(row.number)


def _new_values(blocked: Row, number: int, actor: str, now: datetime) -> dict[str, object]:
    counters = ("refused", "refused_deletions", "blocking_change", "applied", "skipped")
    undone = ("undone", "undone_in_part", "not_undone")
    return {
        "workspace_id": blocked.workspace_id,
        "number": number,
        "migration_number": blocked.number,
        "state": CleanupState.DRAFT.value,
        "version": 1,
        **dict.fromkeys((column.name for column in KIND_COLUMNS.values()), 0),
        **dict.fromkeys((*counters, *undone), 0),
        "export_number": blocked.export,
        "round": 1,
        "cursor": "",
        "stop_requested": False,
        "undoes_all": False,
        "created_at": now,
        "created_by": actor,
        "lease_owner": "",
    }


def discard(
    connection: sa.Connection, workspace_id: int, number: int, *, version: int | None, now: datetime
) -> Changed:
    """End a draft; the worker deletes its decisions. Raises NotFound, Conflict and StaleRevision."""
    locked = lock_draft(connection, workspace_id, number)
    if version is not None:
        _raise_if_changed(locked, version)
    end_draft(locked, now)
    return Changed(locked, _numbers_of_decisions(locked))


def end_draft(locked: LockedCleanup, now: datetime) -> None:
    """Discard a locked draft."""
    locked.update(state=CleanupState.DISCARDED.value, ended_at=now, due_at=now, cursor="")


def request_apply(
    connection: sa.Connection, workspace_id: int, number: int, *, request: ApplyRequest, actor: str, now: datetime
) -> Changed:
    """Have the worker apply a draft, or go on with a cleanup that was stopped. Raises as `Cleanups.apply`."""
    blocked = blocked_migration(connection, workspace_id)
    locked = lock_cleanup(connection, workspace_id, number)
    if locked.state is CleanupState.APPLIED:
        _raise_if_not_continuable(locked, blocked, now)
        detail: Detail = {"decisions": cleanup_of(locked.row).left}
    else:
        raise_if_no_draft(locked)
        detail = _numbers_of_decisions(locked)
    _raise_if_not_applicable(locked, blocked, request)
    locked.update(
        state=CleanupState.APPLYING.value,
        version=locked.row.version + 1,
        cursor="",
        applied_at=now,
        applied_by=actor,
        ended_at=None,
        due_at=now,
        stop_requested=False,
        undoes_all=False,
        lease_owner="",
        lease_expires_at=None,
    )
    return Changed(locked, detail)


def _numbers_of_decisions(locked: LockedCleanup) -> Detail:
    return {column.name: locked.row._mapping[column.name] for column in KIND_COLUMNS.values()}  # noqa: SLF001 - public


def _raise_if_not_continuable(locked: LockedCleanup, blocked: Row | None, now: datetime) -> None:
    """Raise Conflict if a cleanup that was applied has nothing left to carry out."""
    row, found = locked.row, cleanup_of(locked.row)
    if not found.left:
        raise Conflict(f"cleanup {row.number} is {row.state}: none of its decisions is left")
    if not found.can_be_continued(now):
        raise Conflict(
            f"cleanup {row.number} cannot be continued, since decisions of it were undone, or it cannot be undone any "
            f"more: make the {found.left} decisions that are left in another cleanup"
        )
    if blocked is not None and blocked.number != row.migration_number:
        raise Conflict(f"people block identifier change {blocked.number}, not {row.migration_number}")


def _raise_if_not_applicable(locked: LockedCleanup, blocked: Row | None, request: ApplyRequest) -> None:
    row = locked.row
    if blocked is None:
        raise Conflict(_NOT_BLOCKED)
    if blocked.paused:
        raise Conflict("this workspace is suspended (spec.suspend): decisions can be prepared, but not applied")
    is_current = locked.state is CleanupState.DRAFT and row.export_number == blocked.export
    if locked.is_draft and not is_current:
        raise StaleRevision("the list of people has changed, and the decisions are being counted again: try again soon")
    _raise_if_changed(locked, request.version)
    deletions = row.deletions - row.refused_deletions
    if deletions != request.deletions:
        raise InvalidInput(
            f"{request.deletions} is not the number of people that would be deleted, which is {deletions}",
            field="delete_people",
        )
    if not any(_numbers_of_decisions(locked).values()):
        raise InvalidInput("there are no decisions to apply")
    if has_unfinished_rules(locked):
        raise StaleRevision("the decisions of a rule are being made or removed: try again soon")
    _raise_if_another_is_at_work(locked)


def has_unfinished_rules(locked: LockedCleanup) -> bool:
    """Whether the worker makes decisions of a rule, or removes them."""
    changing = cleanup_rule.c.state.in_([RuleState.DECIDING.value, RuleState.REMOVING.value])
    query = sa.select(cleanup_rule.c.position).where(locked.of_cleanup(cleanup_rule), changing)
    return locked.connection.execute(query.limit(1)).first() is not None


def _raise_if_changed(locked: LockedCleanup, version: int) -> None:
    if locked.row.version != version:
        raise StaleRevision(f"the draft has version {locked.row.version} by now, not {version}: look at it again")


def _raise_if_another_is_at_work(locked: LockedCleanup) -> None:
    at_work = cleanup.c.state.in_(sorted(state.value for state in AT_WORK))
    query = sa.select(cleanup.c.number, cleanup.c.state).where(cleanup.c.workspace_id == locked.workspace_id, at_work)
    other = locked.connection.execute(query.where(cleanup.c.number != locked.row.number).limit(1)).one_or_none()
    if other is not None:
        raise Conflict(f"cleanup {other.number} is {other.state}: wait until it is done, or stop it")


def request_stop(connection: sa.Connection, workspace_id: int, number: int, *, now: datetime) -> Changed:
    """Have the worker stop after the present batch. Raises NotFound and Conflict."""
    locked = lock_cleanup(connection, workspace_id, number)
    if locked.state not in AT_WORK:
        raise Conflict(f"cleanup {number} is {locked.state.value}: there is nothing to stop")
    locked.update(stop_requested=True, due_at=now)
    return Changed(locked, {"state": locked.state.value})


def request_undo(
    connection: sa.Connection, workspace_id: int, number: int, *, cio_ids: Collection[str] | None, now: datetime
) -> Changed:
    """Have the worker undo a cleanup, or decisions about some people. Raises NotFound, Conflict and InvalidInput."""
    locked = lock_cleanup(connection, workspace_id, number)
    row = locked.row
    raise_if_not_undoable(row, now)
    _raise_if_another_is_at_work(locked)
    retried = 0 if cio_ids is None else _request_rows(locked, cio_ids)
    locked.update(
        state=CleanupState.UNDOING.value,
        undoes_all=cio_ids is None,
        not_undone=row.not_undone - retried,
        cursor="",
        due_at=now,
        stop_requested=False,
        lease_owner="",
        lease_expires_at=None,
    )
    left = row.applied - row.undone - row.undone_in_part
    return Changed(locked, {"decisions": left if cio_ids is None else len(set(cio_ids))})


def raise_if_not_undoable(row: Row, now: datetime) -> None:
    """Raise Conflict if a cleanup cannot be undone."""
    if row.state != CleanupState.APPLIED.value:
        raise Conflict(f"cleanup {row.number} is {row.state}: only one that was applied can be undone")
    if row.undo_until is None or row.undo_until <= now:
        raise Conflict(f"cleanup {row.number} cannot be undone any more")


def raise_if_people_not_undoable(connection: sa.Connection, row: Row, cio_ids: Collection[str]) -> None:
    """Raise InvalidInput, which names the people, if a cleanup has no decision about some that can be undone."""
    of_cleanup = {"workspace_id": row.workspace_id, "cleanup_number": row.number}
    query = sa.select(cleanup_decision.c.cio_id).filter_by(**of_cleanup).where(can_be_undone(cio_ids))
    found = set(connection.execute(query).scalars())
    missing = [cio_id for cio_id in dict.fromkeys(cio_ids) if cio_id not in found]
    if missing:
        names = ", ".join(quoted(cio_id) for cio_id in missing[:MAX_NAMED])
        more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
        raise InvalidInput(
            f"cleanup {row.number} has no decision that can be undone about {names}{more}: look at what became of its "
            "decisions, and leave these people out",
            field="cio_ids",
        )


def _request_rows(locked: LockedCleanup, cio_ids: Collection[str]) -> int:
    """Mark the decisions to undo; returns how many of them could not be undone before. Raises InvalidInput."""
    raise_if_people_not_undoable(locked.connection, locked.row, cio_ids)
    about = sa.and_(locked.of_cleanup(cleanup_decision), any_of(cleanup_decision.c.cio_id, cio_ids))
    numbers = {}
    for outcome in (Outcome.APPLIED, Outcome.NOT_UNDONE):
        update = sa.update(cleanup_decision).where(about, cleanup_decision.c.outcome == outcome.value)
        values = {"outcome": Outcome.UNDO_REQUESTED.value, "reason": None}
        numbers[outcome] = locked.connection.execute(update.values(values)).rowcount
    return numbers[Outcome.NOT_UNDONE]


def withdraw_undo_requests(locked: LockedCleanup) -> None:
    """Have the decisions that an undo was requested for count as applied again, since the undo was stopped."""
    is_requested = cleanup_decision.c.outcome == Outcome.UNDO_REQUESTED.value
    update = sa.update(cleanup_decision).where(locked.of_cleanup(cleanup_decision), is_requested)
    locked.connection.execute(update.values(outcome=Outcome.APPLIED.value))


def release(connection: sa.Connection, released: Cleanup, worker: str, due_at: datetime) -> None:
    """Release a worker's lease on a cleanup, if it still has it."""
    key = {"workspace_id": released.workspace_id, "number": released.number, "lease_owner": worker}
    values = {"lease_owner": "", "lease_expires_at": None, "due_at": due_at}
    connection.execute(sa.update(cleanup).filter_by(**key).values(values))
