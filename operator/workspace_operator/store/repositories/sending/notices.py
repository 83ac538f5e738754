"""The outbox of notices to the admins of accounts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports.sending.notices import Notice, NoticeKey, NoticeKind, NoticeUpdate
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.queries.accounts import account_of
from workspace_operator.store.queries.sending_state import FINGERPRINT
from workspace_operator.store.schema.mappers import WORKSPACES_WITH_ACCOUNT, Row, workspace_of
from workspace_operator.store.schema.sending_tables import notice
from workspace_operator.store.schema.tables import account, workspace

KEEP_ENDED: Final = timedelta(days=30)

_IS_DUE = notice.c.due_at <= sa.bindparam("now", type_=notice.c.due_at.type)

_DUE = (
    sa.select(notice)
    .join(workspace, workspace.c.workspace_id == notice.c.workspace_id)
    .join(account, account.c.account_id == workspace.c.account_id)
    .where(
        _IS_DUE,
        sa.or_(
            account.c.notice_transport.in_(sa.bindparam("transports", expanding=True)),
            account.c.notice_transport.is_(None),
            notice.c.created_at < sa.bindparam("too_old", type_=notice.c.created_at.type),
        ),
    )
    .order_by(notice.c.due_at)
    .limit(sa.bindparam("limit"))
)
_WORKSPACE = WORKSPACES_WITH_ACCOUNT.where(workspace.c.workspace_id == sa.bindparam("workspace_id"))
_ACCOUNT = sa.select(account).where(account.c.account_id == sa.bindparam("account_id"))


@dataclass(frozen=True, slots=True)
class SQLNotices:
    """Implements the port ``Notices``."""

    database: Database

    def due(self, transports: Collection[str], *, too_old: datetime, limit: int, now: datetime) -> Sequence[Notice]:
        """Read notices that are due, oldest first; usually none, by one index probe."""
        parameters = {"transports": sorted(transports), "too_old": too_old, "limit": limit, "now": now}
        with self.database.reading_one_snapshot() as connection:
            return [_notice(connection, row) for row in connection.execute(_DUE, parameters).all()]

    def claim(self, notice_: Notice, *, key_fingerprint: str, until: datetime) -> Notice | None:
        """Begin an attempt, which counts as unknown; None if another sender did, or with another root key."""
        claimed = replace(notice_, due_at=until, attempts=notice_.attempts + 1, unknowns=notice_.unknowns + 1)
        values = {"due_at": claimed.due_at, "attempts": claimed.attempts, "unknowns": claimed.unknowns}

        def work(connection: sa.Connection) -> bool:
            if connection.execute(FINGERPRINT).scalar_one_or_none() != key_fingerprint:
                return False
            return connection.execute(sa.update(notice).where(_is_unchanged(notice_)).values(values)).rowcount == 1

        return claimed if self.database.writing(work) else None

    def update(self, notice_: Notice, update: NoticeUpdate, *, now: datetime) -> bool:
        """Write what follows, and delete notices of the workspace that are over and a month old.

        False, and nothing is written, if another sender has changed the notice since it was read or claimed.
        """
        values = {
            "state": update.state.value,
            "due_at": update.due_at,
            "failure": update.failure,
            "tries": update.tries,
            "unknowns": update.unknowns,
        }

        def work(connection: sa.Connection) -> bool:
            changed = connection.execute(sa.update(notice).where(_is_unchanged(notice_)).values(values)).rowcount
            ended = sa.and_(notice.c.due_at.is_(None), notice.c.created_at < now - KEEP_ENDED)
            of_workspace = notice.c.workspace_id == notice_.key.workspace_id
            connection.execute(sa.delete(notice).where(of_workspace, ended))
            return changed == 1

        return self.database.writing(work)


def _is_unchanged(notice_: Notice) -> sa.ColumnElement[bool]:
    """The row of a notice, if no sender has written it since: each write changes at least one of the two columns."""
    key = notice_.key
    return sa.and_(
        notice.c.workspace_id == key.workspace_id,
        notice.c.kind == key.kind.value,
        notice.c.subject == key.subject,
        notice.c.due_at == notice_.due_at,
        notice.c.attempts == notice_.attempts,
    )


def _notice(connection: sa.Connection, row: Row) -> Notice:
    of_workspace = connection.execute(_WORKSPACE, {"workspace_id": row.workspace_id}).one()
    of_account = connection.execute(_ACCOUNT, {"account_id": of_workspace.account_id}).one()
    return Notice(
        key=NoticeKey(workspace_id=row.workspace_id, kind=NoticeKind(row.kind), subject=row.subject),
        workspace=workspace_of(of_workspace),
        account=account_of(connection, of_account),
        created_at=row.created_at,
        due_at=row.due_at,
        attempts=row.attempts,
        tries=row.tries,
        unknowns=row.unknowns,
        details=row.details,
    )
