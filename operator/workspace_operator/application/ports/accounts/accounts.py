"""Port of the accounts that have an Account resource: their limits, admins and members."""

from collections.abc import Sequence
from typing import Protocol

from workspace_operator.reconcile.model.accounts import Account, AccountAction, AccountKey, ObservedAccount


class Accounts(Protocol):
    """The accounts, as the operator writes them and the command line reads them."""

    def observe(self, key: AccountKey) -> ObservedAccount:
        """Observe an account and its workspaces in one snapshot of the store."""
        ...

    def apply(self, action: AccountAction) -> None:
        """Apply one action atomically. Raises StaleRevision if the account has changed since it was observed."""
        ...

    def list(self) -> Sequence[Account]:
        """List all accounts with a resource, by cluster, namespace and name."""
        ...
