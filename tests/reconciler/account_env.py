"""An Account, its reconciler and its controller on fakes."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.controller.fixtures import NOW
from tests.fakes.cluster.resources import FakeResources
from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.people import FakePeople
from tests.fakes.sending.usage import FakeMessageCounters
from tests.fakes.workspaces.accounts import FakeAccounts
from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.application.operator.account_reconciler import AccountReconciler
from workspace_operator.application.operator.controller import Controller, resource_key
from workspace_operator.errors import StaleRevision, StoreUnavailable
from workspace_operator.reconcile.model.accounts import Account, AccountAction, AccountKey, ObservedAccount
from workspace_operator.resources.workspaces import API_VERSION
from workspace_operator.workspaces.usage import Month

KEY = AccountKey(cluster="cluster-1", namespace="team-a", name="acme")
OLD, YOUNG = "2026-05-01T11:00:00Z", "2026-05-01T11:59:00Z"


@dataclass(slots=True)
class FakeFirstWorkspaces:
    """Implements the port ``FirstWorkspaces``.

    Attributes:
        accounts: the accountName of each Workspace, by namespace and name.
        created: the manifests of those that were created, in order.
        tries: how often a creation was tried.
        before_create: done before each, as another writer would.
        error: raised by a creation.
    """

    accounts: dict[tuple[str, str], str] = field(default_factory=dict)
    created: list[Mapping[str, Any]] = field(default_factory=list)
    tries: int = 0
    before_create: list[Callable[[], None]] = field(default_factory=list)
    error: Exception | None = None

    def names_account(self, namespace: str, account: str) -> bool:
        return any(place == namespace and named == account for (place, _), named in self.accounts.items())

    def create(self, namespace: str, manifest: Mapping[str, Any]) -> None:
        self.tries += 1
        for interruption in self.before_create:
            interruption()
        if self.error is not None:
            raise self.error
        key = namespace, manifest["metadata"]["name"]
        if key in self.accounts:
            raise StaleRevision("the Kubernetes API answers 409 Conflict")
        self.created.append(manifest)
        self.accounts[key] = manifest["spec"]["accountName"]


@dataclass(frozen=True, slots=True)
class RecordingCounters(FakeMessageCounters):
    """Counters that do something before each read, and record it."""

    before_read: list[Callable[[], None]] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)

    def messages_sent(self, workspace_ids: Collection[int], month: Month) -> Mapping[int, int]:
        for interruption in self.before_read:
            interruption()
        self.reads.append(len(workspace_ids))
        return FakeMessageCounters.messages_sent(self, workspace_ids, month)


@dataclass(frozen=True, slots=True)
class FailingAccounts(FakeAccounts):
    """A store whose next write fails with an error, or whose reads do."""

    errors: list[Exception] = field(default_factory=list)
    away: list[bool] = field(default_factory=list)

    def observe(self, key: AccountKey, *, now: Any) -> ObservedAccount:
        if self.away:
            raise StoreUnavailable("the database does not answer")
        return FakeAccounts.observe(self, key, now=now)

    def apply(self, action: AccountAction) -> None:
        if self.errors:
            raise self.errors.pop()
        FakeAccounts.apply(self, action)


class AccountEnv:
    """An Account, its reconciler and its controller on fakes."""

    def __init__(self) -> None:
        self.resources = FakeResources()
        self.first = FakeFirstWorkspaces()
        self.reads: list[int] = []
        self.changes: list[str] = []
        self.time = 1000.0
        self.use(InMemoryDatabase())

    def use(self, memory: InMemoryDatabase) -> None:
        """Start the operator on a database."""
        self.memory = memory
        self.accounts = FailingAccounts(memory)
        self.counters = RecordingCounters(memory, reads=self.reads)
        self.reconciler = AccountReconciler(
            accounts=self.accounts,
            resources=self.resources,
            workspaces=self.first,
            read_latest=lambda document: self.resources.get(*resource_key(document)),
            cluster_id="cluster-1",
            clock=lambda: NOW + timedelta(seconds=self.time - 1000),
            usage=UsageReader(people=FakePeople(self.memory), counters=self.counters),
            on_change=self.changes.append,
        )
        self.controller = Controller(
            reconciler=self.reconciler,
            workspaces=None,
            read=self.reconciler.read,
            monotonic=lambda: self.time,
            jitter=lambda: 0.5,
        )

    def apply(self, created: str = OLD, **spec: object) -> dict[str, Any]:
        metadata = {"namespace": "team-a", "name": "acme", "creationTimestamp": created}
        wanted = {"displayName": "Acme", "firstWorkspace": "None"} | spec
        return self.resources.apply(
            {"apiVersion": API_VERSION, "kind": "Account", "metadata": metadata, "spec": wanted}
        )

    def reconcile(self, document: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Reconcile the newest document, or another; the status afterwards."""
        self.reconciler.reconcile(document or self.resources.get("team-a", "acme"))
        status: Mapping[str, Any] = self.resources.get("team-a", "acme")["status"]
        return status

    def stored(self) -> Account | None:
        return FakeAccounts(self.memory).observe(KEY, now=NOW).account

    def reason(self) -> str:
        return str(self.resources.get("team-a", "acme")["status"]["conditions"][0]["reason"])

    def drain(self) -> None:
        while self.controller.work():
            pass
