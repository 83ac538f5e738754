"""The state of all workspaces, from the directory tables: a constant number of queries, however many there are."""

from datetime import datetime

import sqlalchemy as sa

from workspace_operator.application.ports import Directory, Queue
from workspace_operator.migrations.state_machine import TERMINAL
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.sending_tables import mailroom
from workspace_operator.store.schema.tables import migration, workspace

_NAMES = (workspace.c.owner_namespace, workspace.c.owner_name)
_CLUSTERS = sa.select(workspace.c.owner_cluster, sa.func.count()).group_by(workspace.c.owner_cluster)
_UNKNOWN_MODES = sa.select(*_NAMES).where(workspace.c.send_mode.not_in(list(SendMode))).order_by(*_NAMES)
_QUEUES = (
    sa.select(*_NAMES, workspace.c.transport, mailroom.c.next_due_at)
    .outerjoin(mailroom, mailroom.c.workspace_id == workspace.c.workspace_id)
    .where(
        workspace.c.send_mode != SendMode.NEVER,
        sa.or_(workspace.c.transport.is_not(None), mailroom.c.next_due_at.is_not(None)),
    )
    .order_by(*_NAMES)
)


def read_directory(database: Database, *, overdue_since: datetime, now: datetime) -> Directory:
    """Read what the directory says, in one snapshot."""
    overdue = sa.select(migration.c.workspace_id).where(
        migration.c.stage.not_in(sorted(TERMINAL)),
        migration.c.due_at < overdue_since,
        sa.or_(migration.c.lease_expires_at.is_(None), migration.c.lease_expires_at < now),
    )
    with database.reading_one_snapshot() as connection:
        return Directory(
            workspaces_by_cluster={row[0]: row[1] for row in connection.execute(_CLUSTERS)},
            queues=[
                Queue(
                    namespace=row.owner_namespace,
                    name=row.owner_name,
                    transport=row.transport,
                    next_due_at=row.next_due_at,
                )
                for row in connection.execute(_QUEUES)
            ],
            unknown_send_modes=[(row.owner_namespace, row.owner_name) for row in connection.execute(_UNKNOWN_MODES)],
            overdue_migrations=frozenset(connection.execute(overdue).scalars()),
        )
