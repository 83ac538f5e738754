"""Rows of cleanups and decisions as values, and the lock of a draft.

A transaction that changes a cleanup locks its row last, after people and the workspace, so that it waits for no one
who waits for it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.cleanups.decisions import Decision, DecisionKind
from workspace_operator.cleanups.model import DRAFTS, Cleanup, CleanupState, Outcome, StoredDecision
from workspace_operator.errors import Conflict, NotFound, StaleRevision
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.migrations.model import OnConflict
from workspace_operator.store.engine.sql import any_of, encode_json, insert_rows
from workspace_operator.store.schema.cleanup_tables import cleanup, cleanup_decision
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import export, migration
from workspace_operator.store.schema.types import to_microseconds

KIND_COLUMNS: Final[Mapping[DecisionKind, sa.Column[int]]] = {
    DecisionKind.KEEP: cleanup.c.keeps,
    DecisionKind.MERGE: cleanup.c.merges,
    DecisionKind.CORRECT: cleanup.c.corrections,
    DecisionKind.CLEAR: cleanup.c.clears,
    DecisionKind.DELETE: cleanup.c.deletions,
}
"""The number of decisions of each kind."""

_EXPORT_OF_CLEANUP = sa.and_(
    export.c.workspace_id == cleanup.c.workspace_id, export.c.number == cleanup.c.export_number
)
CLEANUPS = sa.select(cleanup, export.c.total.label("people_blocking")).select_from(
    cleanup.outerjoin(export, _EXPORT_OF_CLEANUP)
)
"""Cleanups with the number of people that block the migration, as `cleanup_of` reads them."""


def cleanup_of(row: Row) -> Cleanup:
    """Read a cleanup from a row of `CLEANUPS`."""
    state = CleanupState(row.state)
    blocking = row.people_blocking if state in DRAFTS else None
    is_counted = blocking is not None and state is CleanupState.DRAFT
    return Cleanup(
        workspace_id=row.workspace_id,
        number=row.number,
        migration_number=row.migration_number,
        state=state,
        version=row.version,
        decisions={kind: row._mapping[column.name] for kind, column in KIND_COLUMNS.items()},  # noqa: SLF001 - public
        refused=row.refused,
        deletions=row.deletions - row.refused_deletions,
        people_blocking=blocking,
        people_blocking_after=blocking + row.blocking_change if is_counted else None,
        applied=row.applied,
        skipped=row.skipped,
        undone=row.undone,
        undone_in_part=row.undone_in_part,
        not_undone=row.not_undone,
        created_at=row.created_at,
        created_by=row.created_by,
        applied_at=row.applied_at,
        applied_by=row.applied_by,
        ended_at=row.ended_at,
        undo_until=row.undo_until,
        undoes_all=row.undoes_all,
    )


def decision_of(row: Row) -> StoredDecision:
    """Read a decision from its row."""
    return StoredDecision(
        cio_id=row.cio_id,
        decision=Decision(kind=DecisionKind(row.kind), email=row.email, survivor=row.survivor or None),
        seen_email_key=row.seen_email_key,
        seen_survivor_key=row.email_key if row.survivor else None,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        rule_position=row.rule_position,
        refusal=row.refusal,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        reason=row.reason,
        merge_id=row.merge_id,
    )


def is_of_cleanup(table: sa.Table) -> sa.ColumnElement[bool]:
    """Condition that a row of a table belongs to the cleanup that the parameters of_workspace and of_number name."""
    number = table.c.number if table is cleanup else table.c.cleanup_number
    return sa.and_(table.c.workspace_id == sa.bindparam("of_workspace"), number == sa.bindparam("of_number"))


# These statements run for each decision. They are made once, which saves a third of the processor time of a decision.
_ON_CONFLICT = (
    sa.select(migration.c.on_conflict)
    .where(migration.c.workspace_id == cleanup.c.workspace_id, migration.c.number == cleanup.c.migration_number)
    .scalar_subquery()
)
_READ = sa.select(cleanup, _ON_CONFLICT.label("on_conflict")).where(is_of_cleanup(cleanup))
_LOCK = _READ.with_for_update()
_DECISIONS = sa.select(cleanup_decision).where(
    is_of_cleanup(cleanup_decision), any_of(cleanup_decision.c.cio_id, sa.bindparam("cio_ids", type_=sa.Text))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedCleanup:
    """A cleanup whose row this transaction has locked.

    Attributes:
        merges: whether the migration merges people who share an address, so that they do not block it.
    """

    connection: sa.Connection
    row: Row
    merges: bool

    @property
    def workspace_id(self) -> int:
        """The workspace of the cleanup."""
        number: int = self.row.workspace_id
        return number

    @property
    def state(self) -> CleanupState:
        """The state, as it was locked."""
        return CleanupState(self.row.state)

    @property
    def is_draft(self) -> bool:
        """Whether decisions can be made."""
        return self.state in DRAFTS

    @property
    def key(self) -> Mapping[str, int]:
        """The parameters of `is_of_cleanup`."""
        return {"of_workspace": self.workspace_id, "of_number": self.row.number}

    def of_cleanup(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Condition that a row of a table belongs to this cleanup."""
        return sa.and_(table.c.workspace_id == self.workspace_id, table.c.cleanup_number == self.row.number)

    def update(self, **values: object) -> None:
        """Write columns of the cleanup."""
        update = sa.update(cleanup).filter_by(workspace_id=self.workspace_id, number=self.row.number)
        self.connection.execute(update.values(values))

    def decisions(self, cio_ids: Collection[str]) -> Mapping[str, StoredDecision]:
        """The decisions about people, by cio_id."""
        if not cio_ids:
            return {}
        values = {**self.key, "cio_ids": encode_json(list(cio_ids))}
        return {row.cio_id: decision_of(row) for row in self.connection.execute(_DECISIONS, values)}

    def raise_if_changed(self, seen: Mapping[str, Decision | None]) -> None:
        """Raise StaleRevision if another decision is stored about a person, by cio_id, than was seen, or none."""
        stored = self.decisions(seen)
        if any((stored[cio_id].decision if cio_id in stored else None) != seen[cio_id] for cio_id in seen):
            raise StaleRevision(f"decisions of cleanup {self.row.number} were changed meanwhile: look at them again")

    def delete_decisions(self, cio_ids: Collection[str]) -> None:
        """Delete the decisions about people."""
        if cio_ids:
            of_people = any_of(cleanup_decision.c.cio_id, cio_ids)
            self.connection.execute(sa.delete(cleanup_decision).where(self.of_cleanup(cleanup_decision), of_people))

    def insert_decisions(self, decisions: Sequence[StoredDecision]) -> None:
        """Insert new decisions."""
        key = (self.workspace_id, self.row.number)
        insert_rows(self.connection, cleanup_decision, [(*key, *_values_of(each)) for each in decisions])


def _values_of(stored: StoredDecision) -> tuple[object, ...]:
    """A new decision in the order of the table's columns, after those of the cleanup."""
    made = stored.decision
    key = stored.seen_survivor_key if made.email is None else email_key(made.email)
    what = (stored.cio_id, made.kind.value, made.email, key, made.survivor or "")
    when = (stored.seen_email_key, stored.rule_position, to_microseconds(stored.decided_at), stored.decided_by)
    return (*what, *when, stored.refusal, None, None, None)


def no_such_cleanup(number: int) -> NotFound:
    """The error that the workspace has no cleanup of a number."""
    return NotFound(f"there is no cleanup {number}: `workspacectl cleanups list` lists them")


def lock_cleanup(connection: sa.Connection, workspace_id: int, number: int) -> LockedCleanup:
    """Lock a cleanup. Raises NotFound."""
    return _found(connection, _LOCK, workspace_id, number)


def read_cleanup(connection: sa.Connection, workspace_id: int, number: int) -> LockedCleanup:
    """Read a cleanup in a snapshot, in which nothing changes it either. Raises NotFound."""
    return _found(connection, _READ, workspace_id, number)


def _found(connection: sa.Connection, query: sa.Select[Any], workspace_id: int, number: int) -> LockedCleanup:
    row = connection.execute(query, {"of_workspace": workspace_id, "of_number": number}).one_or_none()
    if row is None:
        raise no_such_cleanup(number)
    return LockedCleanup(connection=connection, row=row, merges=row.on_conflict == OnConflict.MERGE.value)


def lock_draft(connection: sa.Connection, workspace_id: int, number: int) -> LockedCleanup:
    """Lock a cleanup in which decisions can be made. Raises NotFound and Conflict."""
    locked = lock_cleanup(connection, workspace_id, number)
    raise_if_no_draft(locked)
    return locked


def raise_if_no_draft(locked: LockedCleanup) -> None:
    """Raise Conflict if decisions of a cleanup cannot be made any more."""
    if not locked.is_draft:
        raise Conflict(f"cleanup {locked.row.number} is {locked.row.state}: its decisions cannot be changed any more")


def merges_people(connection: sa.Connection, row: Row) -> bool:
    """Whether the migration of a cleanup merges people who share an address, so that they do not block it."""
    query = sa.select(migration.c.on_conflict).filter_by(workspace_id=row.workspace_id, number=row.migration_number)
    return bool(connection.execute(query).scalar_one_or_none() == OnConflict.MERGE.value)
