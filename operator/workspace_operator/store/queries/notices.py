"""Writes notices in the transaction of their event (accounts §6)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from workspace_operator.application.ports.sending.notices import NoticeKey, NoticeKind, NoticeState
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.sql import encode_json, insert_statement
from workspace_operator.store.schema.sending_tables import notice
from workspace_operator.store.schema.tables import account, workspace
from workspace_operator.store.schema.types import to_microseconds

_MIGRATION_KINDS = {
    Stage.BLOCKED: NoticeKind.MIGRATION_BLOCKED,
    Stage.COMPLETED: NoticeKind.MIGRATION_COMPLETED,
}


def write_migration_notice(connection: sa.Connection, migration: Migration, *, now: datetime) -> None:
    """Write the notice of the stage that a migration has entered; a migration that is blocked again has one already."""
    kind = _MIGRATION_KINDS.get(migration.stage)
    if kind is None:
        return
    counts = migration.violations.by_violation() if kind is NoticeKind.MIGRATION_BLOCKED else {}
    details = {
        "from": migration.from_mode.value,
        "to": migration.to_mode.value,
        "people": migration.people_total,
        "blocking": migration.violations.people_concerned,
        "violations": {violation.value: number for violation, number in counts.items()},
        "merged": migration.people_to_merge,
    }
    key = NoticeKey(workspace_id=migration.workspace_id, kind=kind, subject=str(migration.number))
    write_notice(connection, key, details, now=now)


def write_refusal_notices(
    connection: sa.Connection, workspace_id: int, refusals: Mapping[str, int], *, now: datetime
) -> None:
    """Write a notice for each transport that refused messages, given with the server's code: one an account and day."""
    for transport, code in sorted(refusals.items()):
        subject = f"{transport}/{now.astimezone(UTC):%Y-%m-%d}"
        key = NoticeKey(workspace_id=workspace_id, kind=NoticeKind.TRANSPORT_REFUSES, subject=subject)
        if _is_first_of_account(connection, key):
            write_notice(connection, key, {"transport": transport, "code": code}, now=now)


def _is_first_of_account(connection: sa.Connection, key: NoticeKey) -> bool:
    """Whether no workspace of the account, which mails notices, has a notice of this kind and subject.

    If so, the account is locked: of two workspaces one writes. The second read is a statement of its own, since the
    first one sees nothing of what the other transaction wrote while it waited for the lock.
    """
    neighbour = workspace.alias()
    exists = sa.exists().where(
        neighbour.c.account_id == account.c.account_id,
        notice.c.workspace_id == neighbour.c.workspace_id,
        notice.c.kind == key.kind.value,
        notice.c.subject == key.subject,
    )
    missing = (
        sa.select(account.c.account_id)
        .join(workspace, workspace.c.account_id == account.c.account_id)
        .where(workspace.c.workspace_id == key.workspace_id, account.c.notice_transport.is_not(None), ~exists)
    )
    is_locked = connection.execute(missing.with_for_update(of=account)).first() is not None
    return is_locked and connection.execute(missing).first() is not None


def write_notice(connection: sa.Connection, key: NoticeKey, details: Mapping[str, Any], *, now: datetime) -> None:
    """Write a notice that is due now, if the account of the workspace mails notices, and unless there is one."""
    moment = sa.literal(to_microseconds(now), sa.BigInteger)
    document: sa.ColumnElement[Any] = sa.literal(encode_json(details), sa.Text)
    if connection.dialect.name == "postgresql":
        document = sa.cast(document, sa.JSON)  # SQLite would make a number of it
    values: dict[str, sa.ColumnElement[Any]] = {
        "workspace_id": workspace.c.workspace_id,
        "kind": sa.literal(key.kind.value, sa.Text),
        "subject": sa.literal(key.subject, sa.Text),
        "created_at": moment,
        "due_at": moment,
        "state": sa.literal(NoticeState.WAITING.value, sa.Text),
        "details": document,
    }
    mailing = (
        sa.select(*values.values())
        .select_from(workspace.join(account, account.c.account_id == workspace.c.account_id))
        .where(
            workspace.c.workspace_id == key.workspace_id,
            account.c.resource_uid.is_not(None),
            account.c.notice_transport.is_not(None),
        )
    )
    connection.execute(insert_statement(connection, notice).from_select(list(values), mailing).on_conflict_do_nothing())
