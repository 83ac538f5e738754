"""The fence around a workspace's rules: calls pass it shared, whoever changes the rules closes it.

A workspace has several fence rows, of which a call locks one. On PostgreSQL a single row would make the one who
closes it wait long, since new sharers overtake (trials §2). On SQLite there is one writer anyway.

The rows carry a version, which grows whenever the fence is closed: with settings, modes, blocked values, and with what
writers have to tell of their changes. So a process may remember all that, and learns in the very statement that locks
the fence that it has moved.
"""

import os
import threading
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from workspace_operator.errors import NotFound
from workspace_operator.identity.rules import IdentityRules
from workspace_operator.store.dialects import Prepared
from workspace_operator.store.engines import StartOver
from workspace_operator.store.failures import QUERY_CANCELED, state_of
from workspace_operator.store.postgresql import STATEMENT_LIMIT
from workspace_operator.store.rows import Row, rules_of
from workspace_operator.store.tables import FENCE_SLOTS, fence, workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds in a workspace as of a version of its fence; ``row`` is the workspace's."""

    version: int
    row: Row
    rules: IdentityRules


def own_slot() -> int:
    """The fence row of this thread."""
    # Numbers of threads are addresses, alike in their last digits; their hash is not.
    return hash((os.getpid(), threading.get_ident())) % FENCE_SLOTS


def standing_of(connection: sa.Connection, workspace_id: int) -> Standing:
    """Read what holds, in one statement, without a lock. Raises NotFound."""
    version = sa.select(sa.func.max(fence.c.version)).where(fence.c.workspace_id == workspace_id)
    query = sa.select(workspace, version.scalar_subquery().label("version"))
    row = connection.execute(query.where(workspace.c.workspace_id == workspace_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no workspace number {workspace_id}")
    return Standing(version=row.version, row=row, rules=rules_of(row))


def pass_known_fence(connection: sa.Connection, standing: Standing) -> None:
    """Lock the rules for the rest of this transaction, if they are still these. Raises StartOver."""
    values = {"workspace_id": standing.row.workspace_id, "slot": own_slot()}
    if _PASS.run(connection, values) != [(standing.version,)]:
        raise StartOver


class NotGranted(Exception):
    """Calls under way kept the fence open for longer than somebody wanted to wait."""


def close_fence(connection: sa.Connection, workspace_id: int, *, patience: timedelta | None = None) -> None:
    """Wait for the calls under way and keep new ones out until this transaction ends; then they look anew.

    Args:
        connection: in a transaction.
        workspace_id: whose fence.
        patience: how long new calls may be kept out while those under way are waited for; None is as long as for any
            lock. On SQLite nobody is under way.

    Raises:
        NotGranted: after that time.
    """
    limit = patience if connection.dialect.name == "postgresql" else None
    if limit is not None:
        # For all slots together: a limit for each lock would keep new calls out for sixteen times as long.
        connection.execute(_TIMEOUT, {"timeout": f"{max(int(limit.total_seconds() * 1000), 1)}ms"})
    query = sa.select(fence.c.slot).where(fence.c.workspace_id == workspace_id).order_by(fence.c.slot)
    try:
        connection.execute(query.with_for_update()).all()
    except OperationalError as error:
        if limit is not None and state_of(error) == QUERY_CANCELED:
            raise NotGranted from error
        raise
    if limit is not None:
        connection.execute(_TIMEOUT, {"timeout": STATEMENT_LIMIT})
    grown = sa.update(fence).where(fence.c.workspace_id == workspace_id).values(version=fence.c.version + 1)
    connection.execute(grown)


def lock_workspace(connection: sa.Connection, workspace_id: int) -> None:
    """Keep others from the workspace's row until this transaction ends; after the fence, before an identifier change.

    In this order writers lock, too, who wake a change that is blocked.
    """
    row = sa.select(workspace.c.workspace_id).where(workspace.c.workspace_id == workspace_id)
    connection.execute(row.with_for_update())


_TIMEOUT = sa.text("SELECT set_config('statement_timeout', :timeout, true)")


def _pass(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - both databases take it
    ours = sa.and_(
        fence.c.workspace_id == sa.bindparam("workspace_id", type_=sa.BigInteger),
        fence.c.slot == sa.bindparam("slot", type_=sa.Integer),
    )
    return sa.select(fence.c.version).where(ours).with_for_update(read=True, key_share=True)


_PASS = Prepared(_pass)
