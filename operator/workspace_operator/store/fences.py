"""The fence around a workspace's rules: calls pass it shared, whoever changes the rules closes it.

A workspace has several fence rows, of which a call locks one. On PostgreSQL a single row would make the one who
closes it wait long, since new sharers overtake (measured; trials.md). On SQLite there is one writer anyway.
"""

import os
import threading

import sqlalchemy as sa

from workspace_operator.errors import NotFound, WritersHeld
from workspace_operator.store.rows import Row
from workspace_operator.store.tables import FENCE_SLOTS, fence, workspace


def pass_fence(connection: sa.Connection, workspace_id: int) -> Row:
    """Lock the rules for the rest of this transaction and return the workspace's row.

    Raises:
        NotFound: there is no such workspace.
        WritersHeld: an identifier change is preparing its rows.
    """
    # Numbers of threads are addresses, alike in their last digits; their hash is not.
    slot = hash((os.getpid(), threading.get_ident())) % FENCE_SLOTS
    ours = sa.and_(fence.c.workspace_id == workspace_id, fence.c.slot == slot)
    connection.execute(sa.select(fence.c.slot).where(ours).with_for_update(read=True, key_share=True))
    row = connection.execute(sa.select(workspace).where(workspace.c.workspace_id == workspace_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no workspace number {workspace_id}")
    if row.writers_held:
        raise WritersHeld(
            f"workspace {row.owner_namespace}/{row.owner_name} is changing its identifiers just now, which keeps "
            "changes of people out: try again in a moment, or set spec.suspend to let them go first"
        )
    return row


def close_fence(connection: sa.Connection, workspace_id: int) -> None:
    """Wait for the calls under way and keep new ones out until this transaction ends."""
    query = sa.select(fence.c.slot).where(fence.c.workspace_id == workspace_id).order_by(fence.c.slot)
    connection.execute(query.with_for_update()).all()
