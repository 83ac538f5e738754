"""The workspace lock: shared for commands, exclusive for changes of settings or mode.

A workspace has several lock rows (slots), of which a command locks one. On PostgreSQL, an exclusive lock on a single
row would wait long, since new shared locks overtake it (trials §2). On SQLite there is only one writer anyway.

The rows have a version, which grows with every exclusive lock: when settings, the mode, suppressions, or the duties of
writers change. So a process can cache all of these, and the statement that locks also shows whether they are stale.
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
    """The settings of a workspace at a version of its lock; ``row`` is the workspace's row."""

    version: int
    row: Row
    rules: IdentityRules


def lock_slot() -> int:
    """The lock slot of this thread."""
    # Thread identifiers are addresses with equal low bits; their hash is distributed evenly.
    return hash((os.getpid(), threading.get_ident())) % LOCK_SLOTS


def read_settings(connection: sa.Connection, workspace_id: int) -> SettingsSnapshot:
    """Read the settings, in one statement, without a lock. Raises NotFound."""
    version = sa.select(sa.func.max(workspace_lock.c.version)).where(workspace_lock.c.workspace_id == workspace_id)
    query = sa.select(workspace, version.scalar_subquery().label("version"))
    row = connection.execute(query.where(workspace.c.workspace_id == workspace_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no workspace number {workspace_id}")
    return SettingsSnapshot(version=row.version, row=row, rules=rules_of(row))


def lock_shared(connection: sa.Connection, settings: SettingsSnapshot) -> None:
    """Lock the settings for this transaction. Raises RetryTransaction if they have changed."""
    values = {"workspace_id": settings.row.workspace_id, "slot": lock_slot()}
    if _LOCK_SHARED.run(connection, values) != [(settings.version,)]:
        raise RetryTransaction


def lock_and_read_settings(connection: sa.Connection, workspace_id: int) -> SettingsSnapshot:
    """Lock the settings for this transaction, then read them. Raises NotFound.

    The read is a statement of its own: one that waits for the lock would return a row from before the wait.
    """
    _LOCK_SHARED.run(connection, {"workspace_id": workspace_id, "slot": lock_slot()})
    return read_settings(connection, workspace_id)


class WorkspaceLockTimeout(Exception):
    """The exclusive lock was not granted within the timeout."""


def lock_exclusive(connection: sa.Connection, workspace_id: int, *, lock_timeout: timedelta | None = None) -> None:
    """Wait for running commands, and block new ones until this transaction ends.

    ``lock_timeout`` limits how long new commands may be blocked while this waits for running ones; None is the limit of
    every lock. It is ignored on SQLite, where no other command runs.

    Raises:
        WorkspaceLockTimeout: the lock was not granted within ``lock_timeout``.
    """
    limit = lock_timeout if connection.dialect.name == "postgresql" else None
    if limit is not None:
        # One limit for all slots: a limit per lock would block new commands for up to sixteen times as long.
        connection.execute(_TIMEOUT, {"timeout": f"{max(int(limit.total_seconds() * 1000), 1)}ms"})
    query = sa.select(workspace_lock.c.slot).filter_by(workspace_id=workspace_id).order_by(workspace_lock.c.slot)
    try:
        connection.execute(query.with_for_update()).all()
    except OperationalError as error:
        if limit is not None and error_code(error) == QUERY_CANCELED:
            raise WorkspaceLockTimeout from error
        raise
    if limit is not None:
        connection.execute(_TIMEOUT, {"timeout": STATEMENT_TIMEOUT})
    bump = sa.update(workspace_lock).where(workspace_lock.c.workspace_id == workspace_id)
    connection.execute(bump.values(version=workspace_lock.c.version + 1))


def lock_workspace_row(connection: sa.Connection, workspace_id: int) -> None:
    """Lock the workspace's row: after the workspace lock, before a migration's row.

    A writer that wakes a blocked migration locks in the same order.
    """
    connection.execute(sa.select(workspace.c.workspace_id).filter_by(workspace_id=workspace_id).with_for_update())


_TIMEOUT = sa.text("SELECT set_config('statement_timeout', :timeout, true)")

IS_SLOT = sa.and_(
    workspace_lock.c.workspace_id == sa.bindparam("workspace_id", type_=sa.BigInteger),
    workspace_lock.c.slot == sa.bindparam("slot", type_=sa.Integer),
)
"""Whether a lock row is the one of the parameters ``workspace_id`` and ``slot``."""

SLOT_VERSION = sa.select(workspace_lock.c.version).where(IS_SLOT)

_LOCK_SHARED = CompiledStatement(lambda _: SLOT_VERSION.with_for_update(read=True, key_share=True))
