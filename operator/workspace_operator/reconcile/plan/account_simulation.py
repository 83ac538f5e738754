"""Accounts in memory: applies actions as the store does, without writing anything."""

from collections.abc import Iterable

from workspace_operator.errors import StaleRevision
from workspace_operator.reconcile.model.accounts import Account, AccountAction, AccountKey, RemoveAccount


class InMemoryAccounts:
    """A mutable copy of all accounts with a resource, by key."""

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self.accounts = {account.key: account for account in accounts}
        self._versions: dict[AccountKey, int] = {}
        self._newest_number = max((account.account_id for account in self.accounts.values()), default=0)

    def get(self, key: AccountKey) -> Account | None:
        """The account of a key; None without an Account resource."""
        return self.accounts.get(key)

    def row_version(self, key: AccountKey) -> int:
        """How many actions have been applied to an account."""
        return self._versions.get(key, 0)

    def apply(self, action: AccountAction) -> None:
        """Apply one action, as the port ``Accounts`` does. Raises StaleRevision."""
        key = action.key
        if action.row_version != self.row_version(key):
            raise StaleRevision(f"account {key.namespace}/{key.name} has changed since it was read")
        self._versions[key] = action.row_version + 1
        if isinstance(action, RemoveAccount):
            self.accounts.pop(key, None)
            return
        self._newest_number += 1
        known = self.accounts.get(key)
        number = known.account_id if known else self._newest_number
        self.accounts[key] = Account(account_id=number, key=key, uid=action.uid, settings=action.settings)
