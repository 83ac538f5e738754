"""Port of the accounts that have an Account resource: their limits, admins and members."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from workspace_operator.reconcile.model.accounts import Account, AccountAction, AccountKey, ObservedAccount


class Accounts(Protocol):
    """The accounts, as the operator writes them and the command line reads them."""

    def observe(self, key: AccountKey, *, now: datetime) -> ObservedAccount:
        """Observe an account, its workspaces and the senders in one snapshot of the store.

        ``now`` is by the clock of the store: it tells which senders are still alive.
        """
        ...

    def apply(self, action: AccountAction) -> None:
        """Apply one action atomically. Raises StaleRevision if the account has changed since it was observed."""
        ...

    def keys(self, cluster: str) -> Sequence[AccountKey]:
        """List the keys of the accounts with a resource in a cluster, by namespace and name."""
        ...

    def get(self, key: AccountKey) -> Account | None:
        """Get an account; None if no Account resource of this name is in force."""
        ...

    def list(self) -> Sequence[Account]:
        """List all accounts with a resource, by cluster, namespace and name."""
        ...
