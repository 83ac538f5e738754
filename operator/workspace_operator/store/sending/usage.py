"""Counters of messages sent: one row for each workspace and month (accounts §5).

A transaction of a sender writes its counter last. Of two transactions that end attempts of one workspace, the second
therefore waits for the commit of the first only, and neither holds a counter while it waits for another row.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from workspace_operator.store.engine.sql import CompiledStatement, insert_statement_of
from workspace_operator.store.schema.sending_tables import message_usage
from workspace_operator.workspaces.usage import Month, month_of


def count_sent(connection: sa.Connection, workspace_id: int, number: int, *, now: datetime) -> None:
    """Add to the counter of the month of ``now``; nothing is written for 0."""
    if number:
        _ADD.run(connection, {"of_workspace": workspace_id, "of_month": month_of(now), "number": number})


def messages_sent(connection: sa.Connection, workspace_ids: Collection[int], month: Month) -> Mapping[int, int]:
    """Read the counters of workspaces, with a look-up for each; 0 for a workspace without a row."""
    rows = {
        workspace_id: _SENT.run(connection, {"of_workspace": workspace_id, "of_month": month})
        for workspace_id in workspace_ids
    }
    return {workspace_id: int(found[0][0]) if found else 0 for workspace_id, found in rows.items()}


def _add(dialect: sa.Dialect) -> sa.ClauseElement:
    insert = insert_statement_of(dialect, message_usage).values(
        workspace_id=sa.bindparam("of_workspace", type_=sa.BigInteger),
        month=sa.bindparam("of_month", type_=sa.Text),
        sent=sa.bindparam("number", type_=sa.BigInteger),
    )
    key = [message_usage.c.workspace_id, message_usage.c.month]
    return insert.on_conflict_do_update(index_elements=key, set_={"sent": message_usage.c.sent + insert.excluded.sent})


_ADD = CompiledStatement(_add)
_SENT = CompiledStatement(
    lambda _: sa.select(message_usage.c.sent).where(
        message_usage.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
        message_usage.c.month == sa.bindparam("of_month", type_=sa.Text),
    )
)
