"""Decisions are carried out, a batch in a transaction, beside all other writers."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from workspace_operator.application.ports import ExecutedDecision, ExecuteDecisions
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Outcome
from workspace_operator.store.cleanups.order import decisions_to_apply
from workspace_operator.store.cleanups.records import DeletedRecords, write_records
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.schema.cleanup_tables import cleanup, cleanup_decision
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import merge
from workspace_operator.store.unit_of_work.sql_unit_of_work import SQLUnitOfWork


def apply_batch(
    unit: SQLUnitOfWork, row: Row, execute: ExecuteDecisions, *, size: int, keeps_records: bool
) -> dict[str, object]:
    """Carry out up to ``size`` decisions; returns the columns of the cleanup that change, none if all are done."""
    connection = unit.connection
    stored, position = decisions_to_apply(connection, row, size=size)
    if not stored:
        return {}
    deletions = [each.cio_id for each in stored if each.decision.kind is DecisionKind.DELETE]
    deleted = DeletedRecords.read(connection, row.workspace_id, deletions if keeps_records else ())
    executed = execute(unit, stored)
    if keeps_records:
        write_records(connection, row, executed, deleted)
    _write_outcomes(connection, row, executed)
    skipped = sum(each.skipped is not None for each in executed)
    return {
        "cursor": position.text(),
        "applied": cleanup.c.applied + len(executed) - skipped,
        "skipped": cleanup.c.skipped + skipped,
    }


def _write_outcomes(connection: sa.Connection, row: Row, executed: Sequence[ExecutedDecision]) -> None:
    merged = [
        each.stored.cio_id
        for each in executed
        if each.skipped is None and each.stored.decision.kind is DecisionKind.MERGE
    ]
    merge_ids = _merge_ids(connection, row.workspace_id, merged) if merged else {}
    values = [
        {
            "of_workspace": row.workspace_id,
            "of_cleanup": row.number,
            "of_person": each.stored.cio_id,
            "new_outcome": (Outcome.APPLIED if each.skipped is None else Outcome.SKIPPED).value,
            "new_reason": None if each.skipped is None else each.skipped.value,
            "new_merge_id": merge_ids.get(each.stored.cio_id),
        }
        for each in executed
    ]
    connection.execute(OUTCOME, values)


def _merge_ids(connection: sa.Connection, workspace_id: int, secondaries: Sequence[str]) -> Mapping[str, str]:
    """The entries of the merge journal of people that were merged in this transaction."""
    query = sa.select(merge.c.secondary_cio_id, merge.c.merge_id).where(
        merge.c.workspace_id == workspace_id, any_of(merge.c.secondary_cio_id, secondaries), merge.c.undone_at.is_(None)
    )
    return {row.secondary_cio_id: row.merge_id for row in connection.execute(query)}


OUTCOME = (
    sa.update(cleanup_decision)
    .where(
        cleanup_decision.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
        cleanup_decision.c.cleanup_number == sa.bindparam("of_cleanup", type_=sa.BigInteger),
        cleanup_decision.c.cio_id == sa.bindparam("of_person", type_=sa.Text),
    )
    .values(
        outcome=sa.bindparam("new_outcome", type_=sa.Text),
        reason=sa.bindparam("new_reason", type_=sa.Text),
        merge_id=sa.bindparam("new_merge_id", type_=sa.Text),
    )
)
"""Writes what became of a decision."""
