"""The accounts with a resource, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fakes.database import InMemoryDatabase
from workspace_operator.reconcile.model.accounts import Account, AccountAction, AccountKey, ObservedAccount


@dataclass(frozen=True, slots=True)
class FakeAccounts:
    """Implements the port ``Accounts``."""

    memory: InMemoryDatabase

    def observe(self, key: AccountKey, *, now: datetime) -> ObservedAccount:
        senders = self.memory.sending.live_senders(now)
        return replace(self.memory.directory.observe_account(key), store_id=self.memory.store_id, senders=senders)

    def apply(self, action: AccountAction) -> None:
        self.memory.directory.accounts.apply(action)

    def keys(self, cluster: str) -> Sequence[AccountKey]:
        return [account.key for account in self.list() if account.key.cluster == cluster]

    def get(self, key: AccountKey) -> Account | None:
        return self.memory.directory.accounts.accounts.get(key)

    def list(self) -> Sequence[Account]:
        accounts = self.memory.directory.accounts.accounts.values()
        return sorted(accounts, key=lambda each: (each.key.cluster, each.key.namespace, each.key.name))
