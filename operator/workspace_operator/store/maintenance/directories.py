"""The state of all workspaces, from the directory tables: a constant number of queries, however many there are."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import Directory, FailedNotice, NoticeAccount, NoticeState, Queue
from workspace_operator.migrations.state_machine import TERMINAL
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.sending_tables import mailroom, notice
from workspace_operator.store.schema.tables import account, migration, workspace

KEEP_FAILED_NOTICES: Final = timedelta(days=7)
"""How long a notice that was given up is worth a look, since its creation."""

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
_MAILS_NOTICES = account.c.notice_transport.is_not(None)
_NOTICE_ACCOUNTS = (
    sa.select(
        account.c.namespace,
        account.c.name,
        account.c.notice_transport.label("transport"),
        sa.func.min(notice.c.due_at, type_=notice.c.due_at.type).label("next_due_at"),
    )
    .outerjoin(workspace, workspace.c.account_id == account.c.account_id)
    .outerjoin(notice, sa.and_(notice.c.workspace_id == workspace.c.workspace_id, notice.c.due_at.is_not(None)))
    .where(_MAILS_NOTICES)
    .group_by(account.c.namespace, account.c.name, account.c.notice_transport)
    .order_by(account.c.namespace, account.c.name)
)
_FAILED_NOTICES = (
    sa.select(*_NAMES, notice.c.kind, notice.c.failure)
    .join(workspace, workspace.c.workspace_id == notice.c.workspace_id)
    .join(account, account.c.account_id == workspace.c.account_id)
    .where(
        notice.c.state == NoticeState.FAILED.value,
        notice.c.created_at > sa.bindparam("since", type_=notice.c.created_at.type),
        _MAILS_NOTICES,
    )
    .order_by(notice.c.created_at.desc())
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
            notice_accounts=[NoticeAccount(**row) for row in connection.execute(_NOTICE_ACCOUNTS).mappings()],
            failed_notices=[
                FailedNotice(namespace=row.owner_namespace, name=row.owner_name, kind=row.kind, failure=row.failure)
                for row in connection.execute(_FAILED_NOTICES, {"since": now - KEEP_FAILED_NOTICES})
            ],
        )
