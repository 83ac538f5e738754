"""Accounts in the database: their rows, their settings and their workspaces."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from workspace_operator.access.model import Member, Role
from workspace_operator.errors import PlanLimitReached
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.reconcile.model.accounts import Account, AccountKey, AccountSettings, Notices
from workspace_operator.reconcile.model.observed import AccountPlaces, Candidate
from workspace_operator.store.schema.mappers import WORKSPACES_WITH_ACCOUNT, Row, workspace_of
from workspace_operator.store.schema.tables import account, account_admin, account_member, workspace
from workspace_operator.workspaces.model import Workspace

IS_ACCOUNT = sa.and_(
    account.c.cluster == sa.bindparam("cluster"),
    account.c.namespace == sa.bindparam("namespace"),
    account.c.name == sa.bindparam("name"),
)
"""Whether a row is that of an account (`account_parameters`)."""

WITH_RESOURCE = (
    sa.select(account)
    .where(account.c.resource_uid.is_not(None))
    .order_by(account.c.cluster, account.c.namespace, account.c.name)
)
"""The rows of accounts with a resource, in order."""

ACCOUNT_ROW = sa.select(account).where(IS_ACCOUNT)

_WORKSPACES = WORKSPACES_WITH_ACCOUNT.where(workspace.c.account_id == sa.bindparam("account_id")).order_by(
    workspace.c.workspace_id
)
_OF_ACCOUNT = account.c.account_id == sa.bindparam("account_id")
_LIMIT_LOCKED = sa.select(account.c.workspace_limit).where(_OF_ACCOUNT).with_for_update()
_TAKEN = sa.select(sa.func.count()).where(workspace.c.account_id == sa.bindparam("account_id"))
_ADMINS = sa.select(account_admin).order_by(account_admin.c.account_id, account_admin.c.email_key)
_MEMBERS = sa.select(account_member).order_by(account_member.c.account_id, account_member.c.email_key)


def account_parameters(key: AccountKey) -> dict[str, str]:
    """Parameters of `IS_ACCOUNT`."""
    return {"cluster": key.cluster, "namespace": key.namespace, "name": key.name}


def key_of(row: Row) -> AccountKey:
    """The key of an account's row."""
    return AccountKey(cluster=row.cluster, namespace=row.namespace, name=row.name)


def workspaces_of(connection: sa.Connection, account_id: int) -> tuple[Workspace, ...]:
    """All workspaces of an account, by number."""
    return tuple(workspace_of(row) for row in connection.execute(_WORKSPACES, {"account_id": account_id}))


def places_of(connection: sa.Connection, key: AccountKey) -> AccountPlaces | None:
    """The places of an account with a limit; None without one."""
    row = connection.execute(ACCOUNT_ROW, account_parameters(key)).one_or_none()
    if row is None or row.workspace_limit is None:
        return None
    taken = workspaces_of(connection, row.account_id)
    return AccountPlaces(
        limit=row.workspace_limit, taken=tuple(Candidate(workspace=item, owner_is_gone=False) for item in taken)
    )


def raise_if_full(connection: sa.Connection, account_id: int) -> None:
    """Raise PlanLimitReached if an account has no place for another workspace.

    It locks the account's row until the end of the transaction, so that two workspaces never take one place.
    """
    limit = connection.execute(_LIMIT_LOCKED, {"account_id": account_id}).scalar_one()
    if limit is None:
        return
    taken = connection.execute(_TAKEN, {"account_id": account_id}).scalar_one()
    if taken >= limit:
        raise PlanLimitReached(
            f"the account has {taken} of at most {limit} workspaces: delete one, or raise spec.plan.workspaceLimit of "
            "its Account"
        )


def account_of(connection: sa.Connection, row: Row) -> Account | None:
    """Read an account with its people; None if no Account resource is in force."""
    if row.resource_uid is None:
        return None
    admins = connection.execute(_ADMINS.where(account_admin.c.account_id == row.account_id)).all()
    members = connection.execute(_MEMBERS.where(account_member.c.account_id == row.account_id)).all()
    return _account(row, admins, members)


def all_accounts(connection: sa.Connection) -> tuple[Account, ...]:
    """All accounts with a resource, by cluster, namespace and name; three statements, however many there are."""
    admins, members = (_by_account(connection.execute(query)) for query in (_ADMINS, _MEMBERS))
    rows = connection.execute(WITH_RESOURCE).all()
    return tuple(_account(row, admins[row.account_id], members[row.account_id]) for row in rows)


def _by_account(rows: Iterable[Row]) -> Mapping[int, list[Row]]:
    found = defaultdict[int, list[Row]](list)
    for row in rows:
        found[row.account_id].append(row)
    return found


def _account(row: Row, admins: Iterable[Row], members: Iterable[Row]) -> Account:
    """The account of a row that has a resource, and of the rows of its people, which are in order."""
    has_notices = row.notice_transport is not None
    settings = AccountSettings(
        display_name=row.display_name,
        workspace_limit=row.workspace_limit,
        admins=tuple(admin.email for admin in admins),
        members=tuple(_member_of(member) for member in members),
        notices=Notices(transport=row.notice_transport, sender=row.notice_sender) if has_notices else None,
    )
    return Account(account_id=row.account_id, key=key_of(row), uid=row.resource_uid, settings=settings)


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
