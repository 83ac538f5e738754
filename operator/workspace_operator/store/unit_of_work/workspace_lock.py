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
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.engine.error_translation import QUERY_CANCELED, error_code
from workspace_operator.store.engine.postgresql import STATEMENT_TIMEOUT
from workspace_operator.store.engine.sql import CompiledStatement
from workspace_operator.store.schema.mappers import Row, rules_of
from workspace_operator.store.schema.tables import LOCK_SLOTS, workspace, workspace_lock


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsSnapshot:
    """What holds in a workspace as of a version of its fence; ``row`` is the workspace's."""

    version: int
    row: Row
    rules: IdentityRules


def lock_slot() -> int:
    """The fence row of this thread."""
    # Numbers of threads are addresses, alike in their last digits; their hash is not.
    return hash((os.getpid(), threading.get_ident())) % LOCK_SLOTS


def read_settings(connection: sa.Connection, workspace_id: int) -> SettingsSnapshot:
    """Read what holds, in one statement, without a lock. Raises NotFound."""
    version = sa.select(sa.func.max(workspace_lock.c.version)).where(workspace_lock.c.workspace_id == workspace_id)
    query = sa.select(workspace, version.scalar_subquery().label("version"))
    row = connection.execute(query.where(workspace.c.workspace_id == workspace_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no workspace number {workspace_id}")
    return SettingsSnapshot(version=row.version, row=row, rules=rules_of(row))


def lock_shared(connection: sa.Connection, settings: SettingsSnapshot) -> None:
    """Lock the rules for the rest of this transaction, if they are still these. Raises RetryTransaction."""
    values = {"workspace_id": settings.row.workspace_id, "slot": lock_slot()}
    if _LOCK_SHARED.run(connection, values) != [(settings.version,)]:
        raise RetryTransaction


class WorkspaceLockTimeout(Exception):
    """Calls under way kept the fence open for longer than somebody wanted to wait."""


def lock_exclusive(connection: sa.Connection, workspace_id: int, *, lock_timeout: timedelta | None = None) -> None:
    """Wait for the calls under way and keep new ones out until this transaction ends; then they look anew.

    Args:
        connection: in a transaction.
        workspace_id: whose fence.
        lock_timeout: how long new calls may be kept out while those under way are waited for; None is as long as for
        any
            lock. On SQLite nobody is under way.

    Raises:
        WorkspaceLockTimeout: after that time.
    """
    limit = lock_timeout if connection.dialect.name == "postgresql" else None
    if limit is not None:
        # For all slots together: a limit for each lock would keep new calls out for sixteen times as long.
        connection.execute(_TIMEOUT, {"timeout": f"{max(int(limit.total_seconds() * 1000), 1)}ms"})
    query = (
        sa.select(workspace_lock.c.slot)
        .where(workspace_lock.c.workspace_id == workspace_id)
        .order_by(workspace_lock.c.slot)
    )
    try:
        connection.execute(query.with_for_update()).all()
    except OperationalError as error:
        if limit is not None and error_code(error) == QUERY_CANCELED:
            raise WorkspaceLockTimeout from error
        raise
    if limit is not None:
        connection.execute(_TIMEOUT, {"timeout": STATEMENT_TIMEOUT})
    bump = (
        sa.update(workspace_lock)
        .where(workspace_lock.c.workspace_id == workspace_id)
        .values(version=workspace_lock.c.version + 1)
    )
    connection.execute(bump)


def lock_workspace_row(connection: sa.Connection, workspace_id: int) -> None:
    """Keep others from the workspace's row until this transaction ends; after the fence, before an identifier change.

    In this order writers lock, too, who wake a change that is blocked.
    """
    row = sa.select(workspace.c.workspace_id).where(workspace.c.workspace_id == workspace_id)
    connection.execute(row.with_for_update())


_TIMEOUT = sa.text("SELECT set_config('statement_timeout', :timeout, true)")


def _lock_shared_statement(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - both databases take it
    ours = sa.and_(
        workspace_lock.c.workspace_id == sa.bindparam("workspace_id", type_=sa.BigInteger),
        workspace_lock.c.slot == sa.bindparam("slot", type_=sa.Integer),
    )
    return sa.select(workspace_lock.c.version).where(ours).with_for_update(read=True, key_share=True)


_LOCK_SHARED = CompiledStatement(_lock_shared_statement)
