"""Deliveries of people that are deleted or merged: they are deleted, or move, with their owners.

Both lock the deliveries first, in the order of their ids, like a sender and an open or click: so those wait, and then
find no delivery, or its new owner.
"""

from collections.abc import Collection

import sqlalchemy as sa

from workspace_operator.store.engine.sql import CompiledStatement, delete_any_of, encode_json, workspace_any_of
from workspace_operator.store.schema.sending_tables import attachment, attempt, delivery, delivery_content


def delete_deliveries(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> None:
    """Delete the deliveries of people with all that belongs to them, also those that are being handed over.

    Attempts without an end stay until then, since their messages can still leave: the barrier of sending §3.4 counts
    them. They name nobody.
    """
    ids = lock_deliveries(connection, workspace_id, cio_ids)
    if ids:
        delete_ended_attempts(connection, workspace_id, ids)
        for table in (attachment, delivery_content, delivery):
            delete_any_of(connection, workspace_id, table.c.delivery_id, ids)


def delete_ended_attempts(connection: sa.Connection, workspace_id: int, delivery_ids: Collection[str]) -> None:
    """Delete the attempts of deliveries that have ended."""
    _DELETE_ENDED.run(connection, {"of_workspace": workspace_id, "ids": encode_json(list(delivery_ids))})


def lock_deliveries(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Collection[str]:
    """Lock the deliveries of people, in the order of their ids; usually there are none."""
    values = {"of_workspace": workspace_id, "cio_ids": encode_json(list(cio_ids))}
    return [delivery_id for (delivery_id,) in _LOCK.run(connection, values)]


_DELETE_ENDED = CompiledStatement(
    lambda _: sa.delete(attempt).where(workspace_any_of(attempt.c.delivery_id, "ids"), attempt.c.ended_at.is_not(None))
)
_LOCK = CompiledStatement(
    lambda _: (
        sa.select(delivery.c.delivery_id)
        .where(workspace_any_of(delivery.c.cio_id, "cio_ids"))
        .order_by(delivery.c.delivery_id)
        .with_for_update()
    )
)
