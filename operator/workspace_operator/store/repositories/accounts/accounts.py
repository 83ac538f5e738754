"""The accounts with an Account resource."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from workspace_operator.errors import StaleRevision
from workspace_operator.reconcile.model.accounts import (
    Account,
    AccountAction,
    AccountKey,
    AccountSettings,
    ObservedAccount,
    SetAccount,
)
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.queries.accounts import (
    ACCOUNT_ROW,
    NO_SETTINGS,
    WITH_RESOURCE,
    account_of,
    account_parameters,
    all_accounts,
    key_of,
    replace_people,
    settings_values,
    workspaces_of,
)
from workspace_operator.store.queries.sending_state import live_senders
from workspace_operator.store.repositories.heartbeats import STORE_ID, require_store_id
from workspace_operator.store.schema.tables import account


@dataclass(frozen=True, slots=True)
class SQLAccounts:
    """Implements the port ``Accounts``."""

    database: Database

    def observe(self, key: AccountKey, *, now: datetime) -> ObservedAccount:
        """Observe one snapshot of an account, its workspaces and the senders."""
        with self.database.reading_one_snapshot() as connection:
            store_id = require_store_id(connection.execute(STORE_ID).scalar_one_or_none())
            row = connection.execute(ACCOUNT_ROW, account_parameters(key)).one_or_none()
            senders = live_senders(connection, now)
            if row is None:
                return ObservedAccount(store_id=store_id, senders=senders)
            return ObservedAccount(
                store_id=store_id,
                account=account_of(connection, row),
                row_version=row.row_version,
                workspaces=workspaces_of(connection, row.account_id),
                senders=senders,
            )

    def apply(self, action: AccountAction) -> None:
        """Execute one action atomically. Raises StaleRevision."""
        self.database.writing(lambda connection: _apply(connection, action))

    def keys(self, cluster: str) -> Sequence[AccountKey]:
        """The keys of the accounts with a resource in a cluster."""
        query = WITH_RESOURCE.where(account.c.cluster == cluster)
        with self.database.reading() as connection:
            return [key_of(row) for row in connection.execute(query)]

    def get(self, key: AccountKey) -> Account | None:
        """An account with a resource, with its people."""
        with self.database.reading_one_snapshot() as connection:
            row = connection.execute(ACCOUNT_ROW, account_parameters(key)).one_or_none()
            return None if row is None else account_of(connection, row)

    def list(self) -> Sequence[Account]:
        """All accounts with a resource, by cluster, namespace and name."""
        with self.database.reading_one_snapshot() as connection:
            return list(all_accounts(connection))


def _apply(connection: sa.Connection, action: AccountAction) -> None:
    account_id = _locked(connection, action)
    settings: AccountSettings | None = None
    values = {**NO_SETTINGS, "resource_uid": None}
    if isinstance(action, SetAccount):
        settings = action.settings
        values = {**settings_values(settings), "resource_uid": action.uid}
    values["row_version"] = action.row_version + 1
    connection.execute(sa.update(account).where(account.c.account_id == account_id).values(values))
    replace_people(connection, account_id, settings)


def _locked(connection: sa.Connection, action: AccountAction) -> int:
    """Lock the row of an account, or make it. Raises StaleRevision if it has another version."""
    parameters = account_parameters(action.key)
    row = connection.execute(ACCOUNT_ROW.with_for_update(), parameters).one_or_none()
    if row is None and action.row_version == 0:
        return int(connection.execute(sa.insert(account).returning(account.c.account_id), parameters).scalar_one())
    if row is None or row.row_version != action.row_version:
        raise StaleRevision(f"account {action.key.namespace}/{action.key.name} has changed since it was read")
    return int(row.account_id)
