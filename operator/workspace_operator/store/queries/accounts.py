"""Accounts in the database: their rows, their settings and their workspaces."""

from collections.abc import Mapping

import sqlalchemy as sa

from workspace_operator.access.model import Member, Role
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.reconcile.model.accounts import Account, AccountKey, AccountSettings, Notices
from workspace_operator.store.schema.mappers import WORKSPACES_WITH_ACCOUNT, Row, workspace_of
from workspace_operator.store.schema.tables import account, account_admin, account_member, workspace
from workspace_operator.workspaces.model import Workspace

IS_ACCOUNT = sa.and_(
    account.c.cluster == sa.bindparam("cluster"),
    account.c.namespace == sa.bindparam("namespace"),
    account.c.name == sa.bindparam("name"),
)
"""Whether a row is that of an account (`account_parameters`)."""

ACCOUNT_ROW = sa.select(account).where(IS_ACCOUNT)

_WORKSPACES = WORKSPACES_WITH_ACCOUNT.where(workspace.c.account_id == sa.bindparam("account_id")).order_by(
    workspace.c.workspace_id
)
_ADMINS = sa.select(account_admin.c.email).where(account_admin.c.account_id == sa.bindparam("account_id"))
_MEMBERS = sa.select(account_member).where(account_member.c.account_id == sa.bindparam("account_id"))


def account_parameters(key: AccountKey) -> dict[str, str]:
    """Parameters of `IS_ACCOUNT`."""
    return {"cluster": key.cluster, "namespace": key.namespace, "name": key.name}


def workspaces_of(connection: sa.Connection, account_id: int) -> tuple[Workspace, ...]:
    """All workspaces of an account, by number."""
    return tuple(workspace_of(row) for row in connection.execute(_WORKSPACES, {"account_id": account_id}))


def account_of(connection: sa.Connection, row: Row) -> Account | None:
    """Read an account with its people; None if no Account resource is in force."""
    if row.resource_uid is None:
        return None
    parameters = {"account_id": row.account_id}
    admins = connection.execute(_ADMINS.order_by(account_admin.c.email_key), parameters).scalars()
    members = connection.execute(_MEMBERS.order_by(account_member.c.email_key), parameters)
    has_notices = row.notice_transport is not None
    settings = AccountSettings(
        display_name=row.display_name,
        workspace_limit=row.workspace_limit,
        admins=tuple(admins),
        members=tuple(_member_of(member) for member in members),
        notices=Notices(transport=row.notice_transport, sender=row.notice_sender) if has_notices else None,
    )
    key = AccountKey(cluster=row.cluster, namespace=row.namespace, name=row.name)
    return Account(account_id=row.account_id, key=key, uid=row.resource_uid, settings=settings)


def settings_values(settings: AccountSettings) -> Mapping[str, object]:
    """Column values of an account for settings, without its people."""
    notices = settings.notices
    return {
        "display_name": settings.display_name,
        "workspace_limit": settings.workspace_limit,
        "notice_transport": notices.transport if notices else None,
        "notice_sender": notices.sender if notices else None,
    }


NO_SETTINGS: Mapping[str, object] = dict.fromkeys(
    ("display_name", "workspace_limit", "notice_transport", "notice_sender")
)
"""Column values of an account without a resource."""


def replace_people(connection: sa.Connection, account_id: int, settings: AccountSettings | None) -> None:
    """Replace admins and members by those of the settings; None leaves none."""
    for table in (account_admin, account_member):
        connection.execute(sa.delete(table).where(table.c.account_id == account_id))
    if settings is None:
        return
    admins = [{"account_id": account_id, "email_key": email_key(email), "email": email} for email in settings.admins]
    members = [{"account_id": account_id} | _member_values(member) for member in settings.members]
    for table, rows in ((account_admin, admins), (account_member, members)):
        if rows:
            connection.execute(sa.insert(table), rows)


def _member_of(row: Row) -> Member:
    return Member(email=row.email, workspaces=frozenset(row.workspaces), role=Role(row.role))


def _member_values(member: Member) -> dict[str, object]:
    return {
        "email_key": email_key(member.email),
        "email": member.email,
        "role": member.role.value,
        "workspaces": sorted(member.workspaces),
    }
